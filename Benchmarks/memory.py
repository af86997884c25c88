#!/usr/bin/env python3
"""What limits of memory cost: master's CPU while nothing happens, with N do-nothing workers, without a limit and with one.

A limit of master's own idle work is its wake-ups: they are counted, too.
"""

import argparse
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
from harness.trouble import Trouble
from supervisors import Steward


def wakeups(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise Trouble(f"{pid} tells no wake-ups")


def idle(folder: Path, count: int, text: str, seconds: int) -> str:
    """A row of the table: CPU and wake-ups in each second."""
    folder.mkdir()
    births = Births(str(folder / "births"))
    supervisor = Steward(folder / "steward", compile_worker(folder), births.path)
    users = [f"user-{number:05}" for number in range(count)]
    for user in users:
        supervisor.add(user)
        (supervisor.users_folder / user / "user.yaml").write_text(text)
    births.is_hopeful = supervisor.is_running
    try:
        begin = time.monotonic_ns()
        supervisor.start(count)
        births.wait_for(users, begin, limit=300)
        births.drain(15)
        cpu, turns = processes.cpu_nanoseconds(supervisor.pid), wakeups(supervisor.pid)
        births.drain(seconds)
        cpu, turns = processes.cpu_nanoseconds(supervisor.pid) - cpu, wakeups(supervisor.pid) - turns
    except Trouble as trouble:
        raise Trouble(f"{trouble}\n{supervisor.last_words()}") from None
    finally:
        supervisor.stop()
        births.close()
    return f"| {count} | {text.strip() or 'none'} | {cpu / 1e6 / seconds:.2f} | {turns / seconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=HERE.parent / ".build/release", help="folder of Steward's programs")
    parser.add_argument("--users", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--seconds", type=int, default=30, help="of each phase")
    parser.add_argument("--folder", type=Path, default=quick_folder(), help="where all is laid out (%(default)s)")
    given = parser.parse_args()
    Steward.bin = given.bin.resolve()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        processes.adopt_orphans()
        with tempfile.TemporaryDirectory(prefix="m-", dir=given.folder) as folder:
            print("| workers | limits | CPU of master, ms a second | wake-ups a second |\n| ---: | --- | ---: | ---: |")
            for count in given.users:
                for number, text in enumerate(("", "limits: {memory: 1G}\n")):
                    print(idle(Path(folder) / f"{count}-{number}", count, text, given.seconds), flush=True)
    except (Trouble, subprocess.CalledProcessError) as trouble:
        sys.exit(f"memory: {trouble}")


if __name__ == "__main__":
    main()
