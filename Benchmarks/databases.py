#!/usr/bin/env python3
"""What watching databases costs, and how soon a dead server is noticed.

One dbwatch, run by hand with its default settings, watches many databases of one PostgreSQL server. First its CPU time
is measured while nothing happens; then the server is ended: killed, by an immediate and by a fast shutdown. Each of its databases counts.
"""

import argparse
import datetime
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

from bench import HERE, quick_folder
from harness import processes
from harness.report import percentile
from harness.trouble import Trouble

PORT = 9543


class Server:
    """A PostgreSQL server that has nothing to lose."""

    def __init__(self, folder: Path, connections: int) -> None:
        self.folder = folder
        self.connections = connections
        self.programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.account = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        folder.mkdir()
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
            folder.parent.chmod(0o755)
        made = self.spawn("initdb", "-D", str(folder / "data"), "-U", "steward", "-A", "trust", "--no-sync")
        if made.wait() != 0:
            raise Trouble("initdb failed")

    def spawn(self, program: str, *arguments: str) -> subprocess.Popen:
        identity = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []} if self.account else {}
        with open(self.folder.parent / "server.log", "ab") as log:
            return subprocess.Popen(
                [self.programs / program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity)

    def start(self) -> None:
        settings = {
            "port": PORT, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "fsync": "off",
            "max_connections": self.connections, "autovacuum": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = self.spawn("postgres", "-D", str(self.folder / "data"), *options)

    def stop(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        # What a killed postmaster leaves ends by itself, and keeps the next one from starting until then.
        deadline = time.monotonic() + 30
        while any(self.owns(entry) for entry in Path("/proc").glob("[0-9]*")):
            if time.monotonic() > deadline:
                raise Trouble("processes of the server stay behind")
            time.sleep(0.02)

    def owns(self, entry: Path) -> bool:
        try:
            return (entry / "cwd").readlink() == self.folder / "data"
        except OSError:
            return False


class Watcher:
    """dbwatch, and what it has printed: one line for each change."""

    def __init__(self, program: Path, folder: Path, databases: int) -> None:
        names = [f"db-{number:03}" for number in range(databases)]
        lines = [f'  {name}: {{conninfo: "host=127.0.0.1 port={PORT} user=steward dbname=postgres"}}' for name in names]
        (folder / "steward.yaml").write_text("\n".join(["users: ./users", "databases:", *lines, ""]))
        self.output = folder / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([program, "--config", folder / "steward.yaml"], stdout=output)
        self.names = set(names)
        self.read = 0

    def wait_for(self, state: str, limit: float = 60) -> list[int]:
        """When each database has come to be in this state, by the wall clock in nanoseconds."""
        times: dict[str, int] = {}
        deadline = time.monotonic() + limit
        while times.keys() != self.names:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Trouble(f"{len(times)} of {len(self.names)} databases are {state}")
            time.sleep(0.05)
            text = self.output.read_bytes()
            end = text.rfind(b"\n") + 1
            for line in text[self.read:end].decode().splitlines():
                at, name, what = line.split(" ", 2)
                if what.startswith(state):
                    moment = datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))
                    times.setdefault(name, round(moment.timestamp() * 1000) * 1_000_000)
            self.read = end
        return list(times.values())


def measure(given: argparse.Namespace, folder: Path) -> list[str]:
    server = Server(folder / "server", 2 * given.databases + 20)
    server.start()
    watcher = Watcher(given.bin.resolve() / "dbwatch", folder, given.databases)
    try:
        watcher.wait_for("available")
        time.sleep(5)
        before, begin = processes.cpu_nanoseconds(watcher.process.pid), time.monotonic_ns()
        time.sleep(given.idle)
        share = (processes.cpu_nanoseconds(watcher.process.pid) - before) / (time.monotonic_ns() - begin)
        delays: dict[str, list[int]] = {}
        for number in (signal.SIGKILL, signal.SIGQUIT, signal.SIGINT) * given.rounds:
            killed = time.time_ns()
            server.stop(number)
            delays.setdefault(number.name, []).extend(at - killed for at in watcher.wait_for("unavailable"))
            server.start()
            watcher.wait_for("available")
    finally:
        watcher.process.terminate()
        watcher.process.wait()
        server.stop(signal.SIGQUIT)
    return [
        f"{given.databases} databases, {given.idle} s idle, {time.strftime('%Y-%m-%d %H:%M')}", "",
        f"CPU of dbwatch: {share:.2%} of a core (mark: under 2 %)", "",
        "| server ended by | noticed, p50, ms | p99 |", "| --- | ---: | ---: |",
        *(f"| {name} | {percentile(times, 0.5) / 1e6:.0f} | {percentile(times, 0.99) / 1e6:.0f} |"
          for name, times in delays.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=HERE.parent / ".build/release", help="folder of Steward's programs")
    parser.add_argument("--databases", type=int, default=200)
    parser.add_argument("--idle", type=int, default=60, help="seconds over which the CPU time is measured")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        processes.adopt_orphans()
        with tempfile.TemporaryDirectory(prefix="d-", dir=quick_folder()) as folder:
            print("\n".join(measure(given, Path(folder))))
    except (Trouble, subprocess.SubprocessError) as trouble:
        sys.exit(f"databases: {trouble}")


if __name__ == "__main__":
    main()
