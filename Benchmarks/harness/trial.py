"""One round of one supervisor: two lives, because kills in one would count as earlier deaths in the other."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness import processes
from harness.births import Births
from harness.plan import Plan
from harness.trouble import Trouble
from supervisors import Supervisor


@dataclass
class Figures:
    """What one round found. Times in nanoseconds."""

    boots: list[int] = field(default_factory=list)
    crashes: list[int] = field(default_factory=list)
    burst: int = 0
    drops: list[int] = field(default_factory=list)
    #: CPU time of all supervising processes in a minute.
    idle: float = 0
    memory_kib: int = 0
    processes: int = 0


class Trial:
    def __init__(self, kind: type[Supervisor], folder: Path, worker: Path, births: Births, plan: Plan):
        self.kind = kind
        self.folder = folder
        self.worker = worker
        self.births = births
        self.plan = plan
        self.users = [f"user-{number:04}" for number in range(plan.users)]
        self.figures = Figures()

    def run(self) -> Figures:
        self._live("1", [self._weigh, self._idle, self._drop, self._crash])
        self._live("2", [self._burst])
        return self.figures

    def _live(self, name: str, measures: list[Callable[[Supervisor], None]]) -> None:
        supervisor = self.kind(self.folder / name, self.worker, self.births.path)
        self.births.forget()
        self.births.is_hopeful = supervisor.is_running
        try:
            self._boot(supervisor)
            for measure in measures:
                measure(supervisor)
                self._check()
        except Trouble as trouble:
            raise Trouble(f"{self.kind.name}: {trouble}\n{supervisor.last_words()}") from None
        finally:
            supervisor.stop()

    def _check(self) -> None:
        """Only the expected workers have started."""
        self.births.drain(self.plan.settling)
        if self.births.count != self.expected:
            raise Trouble(f"{self.births.count} starts where {self.expected} were expected")

    # MARK: the measures

    def _boot(self, supervisor: Supervisor) -> None:
        for user in self.users:
            supervisor.add(user)
        self.births.drain(self.plan.settling)
        begin = time.monotonic_ns()
        supervisor.start(len(self.users))
        births = self.births.wait_for(self.users, begin, limit=120)
        self.figures.boots.append(max(birth.at for birth in births) - begin)
        self.expected = len(self.users)
        self._check()

    def _weigh(self, supervisor: Supervisor) -> None:
        pids = self._supervising(supervisor)
        self.figures.processes = len(pids)
        self.figures.memory_kib = sum(processes.pss_kib(pid) for pid in pids)

    def _idle(self, supervisor: Supervisor) -> None:
        pids = self._supervising(supervisor)
        begin, before = time.monotonic(), {pid: processes.cpu_nanoseconds(pid) for pid in pids}
        self.births.drain(self.plan.idle)
        spent = sum(processes.cpu_nanoseconds(pid) - before[pid] for pid in pids)
        self.figures.idle = spent * 60 / (time.monotonic() - begin)

    def _drop(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + self.plan.patience
        for number in range(self.plan.drops):
            if time.monotonic() > deadline:
                break
            user = f"late-{number:03}"
            draft = supervisor.draft(user)
            # Whoever looks at intervals is met at any moment of them.
            self.births.drain(random.uniform(0.2, 1.2))
            begin = time.monotonic_ns()
            supervisor.drop(user, draft)
            [birth] = self.births.wait_for([user], begin)
            self.figures.drops.append(birth.at - begin)
            self.expected += 1

    def _crash(self, supervisor: Supervisor) -> None:
        deadline = time.monotonic() + self.plan.patience
        for user in random.sample(self.users, min(self.plan.kills, len(self.users))):
            if time.monotonic() > deadline:
                break
            begin = self._kill([user])
            [birth] = self.births.wait_for([user], begin)
            self.figures.crashes.append(birth.at - begin)
            self.expected += 1
            self.births.drain(0.02)

    def _burst(self, supervisor: Supervisor) -> None:
        begin = self._kill(self.users)
        births = self.births.wait_for(self.users, begin, limit=120)
        self.figures.burst = max(birth.at for birth in births) - begin
        self.expected += len(self.users)

    # MARK: parts

    def _kill(self, users: list[str]) -> int:
        """Kills these users' workers; answers the time before the first of them."""
        pids = [self.births.latest[user].pid for user in users]
        begin = time.monotonic_ns()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return begin

    def _supervising(self, supervisor: Supervisor) -> list[int]:
        return supervisor.supervising({birth.pid for birth in self.births.latest.values()})
