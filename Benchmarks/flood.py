#!/usr/bin/env python3
"""What a worker that writes without end costs its neighbours: crash to restarted, and keeper's CPU, with and without it.

One Steward, quiet phases and phases with a flooding user in turn. The flood is yes(1): beside /dev/null it writes
gigabytes a second.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from bench import HERE, compile_worker, quick_folder
from harness import processes
from harness.births import Births
from harness.report import percentile
from harness.trouble import Trouble
from supervisors import Steward

LINE = "x" * 63


class Phase:
    """The figures of all phases of one kind."""

    def __init__(self) -> None:
        self.crashes: list[int] = []
        self.cpu: dict[str, int] = {"master": 0, "keeper": 0}
        self.time = 0

    def row(self, name: str) -> str:
        shares = " | ".join(f"{self.cpu[program] / self.time:.2%}" for program in self.cpu)
        p50, p99 = (percentile(self.crashes, share) / 1e6 for share in (0.5, 0.99))
        return f"| {name} | {p50:.2f} | {p99:.2f} | {shares} |"


def named(supervisor: Steward, program: str) -> int:
    pids = [supervisor.pid, *processes.descendants(supervisor.pid)]
    return next(pid for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() == program)


def measure(supervisor: Steward, births: Births, users: list[str], phase: Phase) -> None:
    pids = {program: named(supervisor, program) for program in phase.cpu}
    before = {program: processes.cpu_nanoseconds(pid) for program, pid in pids.items()}
    begin = time.monotonic_ns()
    births.drain(2)
    for user in users:
        killed = time.monotonic_ns()
        os.kill(births.latest[user].pid, signal.SIGKILL)
        [birth] = births.wait_for([user], killed)
        phase.crashes.append(birth.at - killed)
        births.drain(0.05)
    phase.time += time.monotonic_ns() - begin
    for program, pid in pids.items():
        phase.cpu[program] += processes.cpu_nanoseconds(pid) - before[program]


def flood(supervisor: Steward, name: str) -> Path:
    """Adds a flooding user, and waits until its file is as long as it may be at once."""
    draft = supervisor.folder / f"draft-{name}"
    draft.mkdir()
    (draft / "user.yaml").write_text(f"command: [/usr/bin/yes, {LINE}]\n")
    folder = supervisor.users_folder / name
    draft.rename(folder)
    log = supervisor.folder / "logs" / f"{name}.log"
    deadline = time.monotonic() + 30
    while not log.exists() or log.stat().st_size < 4_000_000:
        if time.monotonic() > deadline:
            raise Trouble(f"{name} does not flood")
        time.sleep(0.02)
    return folder


def run(folder: Path, rounds: int, kills: int) -> list[str]:
    births = Births(str(folder / "births"))
    supervisor = Steward(folder / "steward", compile_worker(folder), births.path)
    users = [f"user-{number:04}" for number in range(2 * rounds * kills)]
    for user in users:
        supervisor.add(user)
    births.is_hopeful = supervisor.is_running
    quiet, flooded = Phase(), Phase()
    try:
        begin = time.monotonic_ns()
        supervisor.start(len(users) + rounds)
        births.wait_for(users, begin, limit=120)
        random.shuffle(users)
        for number in range(rounds):
            first, second = (users[(2 * number + part) * kills:][:kills] for part in (0, 1))
            measure(supervisor, births, first, quiet)
            place = flood(supervisor, f"flood-{number}")
            measure(supervisor, births, second, flooded)
            shutil.rmtree(place)
            births.drain(1)
        if births.count != len(users) + 2 * rounds * kills:
            raise Trouble(f"{births.count} starts")
    except Trouble as trouble:
        raise Trouble(f"{trouble}\n{supervisor.last_words()}") from None
    finally:
        supervisor.stop()
        births.close()
    ratio = percentile(flooded.crashes, 0.5) / percentile(quiet.crashes, 0.5)
    return [
        f"{len(users)} users, {rounds} rounds of {kills} kills each, {time.strftime('%Y-%m-%d %H:%M')}", "",
        "| | crash to restarted, p50, ms | p99 | CPU of master | of keeper |", "| --- | ---: | ---: | ---: | ---: |",
        quiet.row("quiet"), flooded.row("with a flooding neighbour"), "",
        f"p50 with and without: {ratio:.2f} (mark: at most 1.20)",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=HERE.parent / ".build/release", help="folder of Steward's programs")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kills", type=int, default=25, help="in each phase of a round, each of another user")
    parser.add_argument("--folder", type=Path, default=quick_folder(), help="where all is laid out (%(default)s)")
    given = parser.parse_args()
    Steward.bin = given.bin.resolve()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        processes.adopt_orphans()
        with tempfile.TemporaryDirectory(prefix="f-", dir=given.folder) as folder:
            print("\n".join(run(Path(folder), given.rounds, given.kills)))
    except (Trouble, subprocess.CalledProcessError) as trouble:
        sys.exit(f"flood: {trouble}")


if __name__ == "__main__":
    main()
