"""Processes as /proc shows them, and how those are ended that this benchmark started."""

import ctypes
import os
import signal
import time
from pathlib import Path

from harness.trouble import Trouble

PR_SET_CHILD_SUBREAPER = 36
TICK_NANOSECONDS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def adopt_orphans() -> None:
    """Whatever a supervisor leaves behind becomes a child of this process, and can be found and ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Trouble(f"prctl: {os.strerror(ctypes.get_errno())}")


def descendants(root: int) -> list[int]:
    """The living processes below `root`, zombies not counted."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, parent = _stat(folder)[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(folder.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def cpu_nanoseconds(pid: int) -> int:
    """CPU time of a process: exact where the kernel keeps schedstat, else utime + stime in ticks of 10 ms."""
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    try:
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)
    except FileNotFoundError:
        utime, stime = _stat(Path(f"/proc/{pid}"))[11:13]
        return (int(utime) + int(stime)) * TICK_NANOSECONDS


def pss_kib(pid: int) -> int:
    """Proportional set size: its own memory and its share of what it shares with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Trouble(f"no Pss in /proc/{pid}/smaps_rollup")


def reap() -> None:
    """Takes away the children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def await_end(pids: list[int], seconds: float) -> list[int]:
    """Waits until these processes, ours by birth or adoption, have ended; answers those that have not."""
    deadline = time.monotonic() + seconds
    while True:
        reap()
        left = set(descendants(os.getpid())).intersection(pids)
        if not left or time.monotonic() > deadline:
            return sorted(left)
        time.sleep(0.02)


def end_descendants() -> None:
    """Kills what is left below this process, until nothing is."""
    deadline = time.monotonic() + 30
    while left := descendants(os.getpid()):
        if time.monotonic() > deadline:
            raise Trouble(f"processes do not end: {left}")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        await_end(left, 5)


def _stat(folder: Path) -> list[str]:
    """The fields of stat(5) behind the name: [0] is the state, [1] the parent."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
