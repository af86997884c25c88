"""Steward: one master, and its watchers as far as they have something to do."""

import json
import os
import subprocess
from pathlib import Path

from supervisors.supervisor import Supervisor


class Steward(Supervisor):
    name = "Steward"
    #: The folder of its programs.
    bin = Path(".")

    def __init__(self, folder: Path, worker: Path, socket: str):
        super().__init__(folder, worker, socket)
        # A worker's environment is what the configuration says, nothing of master's own. JSON is YAML.
        lines = [
            "users: ./users",
            "worker:",
            f"  command: [{json.dumps(str(worker))}]",
            "  heartbeat: 0s",
            '  check: {path: ""}',
            f"  env: {json.dumps({'BENCH_SOCKET': socket})}",
        ]
        (folder / "steward.yaml").write_text("\n".join(lines) + "\n")

    def write(self, entry: Path) -> None:
        entry.mkdir()
        (entry / "user.yaml").touch()

    def command(self) -> list[str]:
        return [str(self.bin / "master"), "--config", str(self.folder / "steward.yaml")]

    def open_files(self, users: int) -> int:
        # Listening socket, output and pidfd of each worker; twice as many leave room for swaps.
        return 1024 + 6 * users

    @classmethod
    def missing(cls) -> list[str]:
        programs = ["master", "keeper", "pathwatch", "launch"]
        return [str(cls.bin / program) for program in programs if not os.access(cls.bin / program, os.X_OK)]

    @classmethod
    def version(cls) -> str:
        asked = subprocess.run([cls.bin / "master", "--version"], capture_output=True, text=True, check=True)
        return asked.stdout.strip()


class OldSteward(Steward):
    """Another build of Steward, for a comparison in one run. It is no peer."""

    name = "old Steward"
