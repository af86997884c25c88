"""s6: s6-svscan, and an s6-supervise for each user."""

import subprocess
from pathlib import Path

from supervisors.supervisor import Supervisor


class S6(Supervisor):
    name = "s6"
    programs = ["s6-svscan", "s6-supervise", "s6-svscanctl"]
    package = "s6"

    def write(self, entry: Path) -> None:
        # No shell between: run is the worker's program itself.
        entry.mkdir()
        (entry / "run").symlink_to(self.worker)

    def command(self) -> list[str]:
        # 500 services are its default limit.
        return ["s6-svscan", "-c", "4096", str(self.users_folder)]

    def announce(self) -> None:
        subprocess.run(["s6-svscanctl", "-a", self.users_folder], check=True)
