"""What the benchmark needs of a supervisor."""

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from harness import processes


class Supervisor:
    """A supervisor with a folder of its own. Subclasses say how it is configured and started."""

    #: As in the table, and in --only.
    name = ""
    #: The programs that have to be there.
    programs: list[str] = []
    #: Debian's package, for the version.
    package = ""
    #: The signal that asks for an orderly end; None where the workers would not follow.
    ending: signal.Signals | None = signal.SIGTERM

    def __init__(self, folder: Path, worker: Path, socket: str):
        self.folder = folder
        self.worker = worker
        self.socket = socket
        self.users_folder = folder / "users"
        self.log = folder / "log"
        self.pid = 0
        self.users_folder.mkdir(parents=True)

    # What subclasses answer.

    def entry(self, user: str) -> str:
        """The name of the file or folder that makes a user, in the users' folder."""
        return user

    def write(self, entry: Path) -> None:
        """Writes the file or folder that makes a user to this path."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def announce(self) -> None:
        """What an operator has to do when a user's files have been put in place."""

    def open_files(self, users: int) -> int:
        """The limit it is started with: the usual one unless it needs more."""
        return 1024

    @classmethod
    def version(cls) -> str:
        query = ["dpkg-query", "-W", "-f", "${Version}", cls.package]
        found = subprocess.run(query, capture_output=True, text=True, check=False)
        return found.stdout if found.returncode == 0 else "unknown version"

    # What is the same for all.

    @classmethod
    def missing(cls) -> list[str]:
        return [program for program in cls.programs if not shutil.which(program)]

    def add(self, user: str) -> None:
        self.write(self.users_folder / self.entry(user))

    def draft(self, user: str) -> Path:
        """Writes a user's files beside the users' folder."""
        path = self.folder / f"draft-{self.entry(user)}"
        self.write(path)
        return path

    def drop(self, user: str, draft: Path) -> None:
        """The user's files appear in one step, and what else an operator has to do is done."""
        draft.rename(self.users_folder / self.entry(user))
        self.announce()

    def start(self, users: int) -> None:
        """Starts it with its output in `log`. It is this process's child."""
        usual = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(self.open_files(users), usual[1]), usual[1]))
        try:
            with open(self.log, "ab") as log:
                self.pid = subprocess.Popen(
                    self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                    env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "BENCH_SOCKET": self.socket},
                    start_new_session=True).pid
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)

    def is_running(self) -> bool:
        return self.pid in processes.descendants(os.getpid())

    def supervising(self, workers: set[int]) -> list[int]:
        """All of its processes but the workers."""
        return [self.pid, *(pid for pid in processes.descendants(self.pid) if pid not in workers)]

    def stop(self) -> None:
        """Ends it and everything that it started."""
        if self.pid and self.ending is not None:
            tree = [self.pid, *processes.descendants(self.pid)]
            if self.is_running():
                os.kill(self.pid, self.ending)
            processes.await_end(tree, 20)
        processes.end_descendants()
        self.pid = 0

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-10:])
