"""The uWSGI Emperor. --emperor-wrapper executes the worker in place of a uWSGI for each vassal, so that the worker is
the vassal and the Emperor's own process is all that supervises."""

from pathlib import Path

from supervisors.supervisor import Supervisor


class Emperor(Supervisor):
    name = "uWSGI Emperor"
    programs = ["uwsgi-core"]
    package = "uwsgi-core"
    # A do-nothing worker does not read the Emperor's word on its pipe: both are killed.
    ending = None

    def entry(self, user: str) -> str:
        return f"{user}.ini"

    def write(self, entry: Path) -> None:
        entry.write_text("[uwsgi]\n")

    def command(self) -> list[str]:
        # A vassal that is no uWSGI never declares itself loyal and would be blacklisted for its first crash. The
        # folder is looked at each second, not each third one.
        return [
            "uwsgi-core", "--emperor", str(self.users_folder), "--emperor-wrapper", str(self.worker),
            "--emperor-no-blacklist", "--emperor-freq", "1",
        ]

    def open_files(self, users: int) -> int:
        # A pipe to each vassal. No more than it needs: it tries to close every number up to the limit for each start.
        return max(1024, 2 * users)
