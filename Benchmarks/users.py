#!/usr/bin/env python3
"""How soon pathwatch reports what happens in a users' folder, and what that costs: run by hand, with its lines as clock.

One user added, changed and deleted beside N others; a batch of N; the start with N; a minute without any event.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from bench import HERE
from harness.report import percentile


class Pathwatch:
    """A running pathwatch, whose lines are read at once."""

    def __init__(self, binaries: Path, configuration: Path) -> None:
        self.process = subprocess.Popen(
            [binaries / "pathwatch", "--config", configuration], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.rest = b""

    def wait(self, word: str, count: int = 1) -> int:
        """Reads until so many lines hold the word; answers when the last one was read, in nanoseconds."""
        mark = f" {word}".encode()
        while count > 0:
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            now = time.monotonic_ns()
            if not data:
                raise SystemExit("pathwatch has ended")
            *lines, self.rest = (self.rest + data).split(b"\n")
            count -= sum(mark in line for line in lines)
        return now

    def status(self, key: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
        raise KeyError(key)

    def cpu(self) -> float:
        """Milliseconds of the processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def add(users: Path, name: str, text: str = "") -> None:
    (users / name).mkdir()
    (users / name / "user.yaml").write_text(text)


def delete(users: Path, name: str) -> None:
    (users / name / "user.yaml").unlink()
    (users / name).rmdir()


def row(what: str, nanoseconds: list[int]) -> None:
    values = [percentile(nanoseconds, share) / 1e6 for share in (0.5, 0.99, 1)]
    print(f"| {what} | " + " | ".join(f"{value:.2f}" for value in values) + " |")


def singles(pathwatch: Pathwatch, users: Path, rounds: int) -> None:
    adds, changes, ends = [], [], []
    for index in range(rounds):
        name = f"single-{index}"
        begin = time.monotonic_ns()
        add(users, name, "plan: paid\n")
        adds.append(pathwatch.wait(f"adduser {name}") - begin)
        begin = time.monotonic_ns()
        (users / name / "user.yaml").write_text("plan: free\n")
        changes.append(pathwatch.wait(f"moduser {name}") - begin)
        begin = time.monotonic_ns()
        delete(users, name)
        ends.append(pathwatch.wait(f"deluser {name}") - begin)
    print("| ms | p50 | p99 | max |\n| --- | --- | --- | --- |")
    row("adduser", adds)
    row("moduser", changes)
    row("deluser", ends)


def batches(pathwatch: Pathwatch, users: Path, names: list[str]) -> None:
    for word, change in (
        ("moduser", lambda name: (users / name / "user.yaml").write_text("plan: paid\n")),
        ("deluser", lambda name: delete(users, name)),
        ("adduser", lambda name: add(users, name)),
    ):
        begin = time.monotonic_ns()
        for name in names:
            change(name)
        end = time.monotonic_ns()
        last = pathwatch.wait(word, len(names))
        print(f"{len(names)} {word}: made in {(end - begin) / 1e6:.0f} ms, reported {(last - end) / 1e6:.0f} ms later")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=HERE.parent / ".build/release")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--idle", type=int, default=20, help="seconds without an event")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steward-users-") as root:
        users = Path(root) / "users"
        users.mkdir()
        configuration = Path(root) / "steward.yaml"
        configuration.write_text("users: ./users\n")
        names = [f"user-{index}" for index in range(arguments.users)]
        for name in names:
            add(users, name)
        begin = time.monotonic_ns()
        pathwatch = Pathwatch(arguments.bin, configuration)
        try:
            started = pathwatch.wait("complete")
            print(f"start with {len(names)}: {(started - begin) / 1e6:.0f} ms, {pathwatch.cpu():.0f} ms of CPU, "
                  f"{pathwatch.status('VmRSS') / 1024:.1f} MiB")
            before = pathwatch.cpu()
            singles(pathwatch, users, arguments.rounds)
            print(f"CPU for one add, change and end: {(pathwatch.cpu() - before) / arguments.rounds:.2f} ms")
            batches(pathwatch, users, names)
            before = pathwatch.status("voluntary_ctxt_switches")
            time.sleep(arguments.idle)
            print(f"idle for {arguments.idle} s: {pathwatch.status('voluntary_ctxt_switches') - before} wake-ups")
        finally:
            pathwatch.process.send_signal(signal.SIGTERM)
            pathwatch.process.wait()


if __name__ == "__main__":
    main()
