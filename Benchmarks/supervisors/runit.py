"""runit: runsvdir, and a runsv for each user."""

import signal
from pathlib import Path

from supervisors.supervisor import Supervisor


class Runit(Supervisor):
    name = "runit"
    programs = ["runsvdir", "runsv"]
    package = "runit"
    # HUP, not TERM: it passes the end on to every runsv.
    ending = signal.SIGHUP

    def write(self, entry: Path) -> None:
        # No shell between: run is the worker's program itself.
        entry.mkdir()
        (entry / "run").symlink_to(self.worker)

    def command(self) -> list[str]:
        return ["runsvdir", "-P", str(self.users_folder)]
