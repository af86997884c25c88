"""The socket on which every worker reports its start."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.trouble import Trouble


@dataclass(frozen=True)
class Birth:
    """One start of a user's worker; `at` is CLOCK_MONOTONIC in nanoseconds, read by the worker itself."""

    user: str
    pid: int
    at: int


class Births:
    """The workers that run. A worker is known from its first instruction on; nothing is ever polled."""

    def __init__(self, path: str):
        self.path = path
        self.latest: dict[str, Birth] = {}
        self.count = 0
        #: Whether a worker can still be started; asked while none is.
        self.is_hopeful: Callable[[], bool] = lambda: True
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)

    def close(self) -> None:
        self._socket.close()
        os.unlink(self.path)

    def forget(self) -> None:
        """Between two lives of supervisors, when no worker is left."""
        self.latest.clear()
        self.count = 0

    def wait_for(self, users: list[str], after: int, limit: float = 60) -> list[Birth]:
        """Waits until each of these users has a worker that was started later than `after`."""
        missing = {user for user in users if not self._is_later(user, after)}
        deadline = time.monotonic() + limit
        while missing:
            birth = self._receive(1)
            if birth and birth.at > after:
                missing.discard(birth.user)
            if not birth and (time.monotonic() > deadline or not self.is_hopeful()):
                names = ", ".join(sorted(missing)[:5])
                raise Trouble(f"{len(missing)} of {len(users)} do not run: {names} …")
        return [self.latest[user] for user in users]

    def drain(self, seconds: float) -> None:
        """Lets time pass, and notes the workers that start meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)

    def _is_later(self, user: str, after: int) -> bool:
        birth = self.latest.get(user)
        return birth is not None and birth.at > after

    def _receive(self, seconds: float) -> Birth | None:
        self._socket.settimeout(seconds)
        try:
            user, pid, at = self._socket.recv(256).decode().split()
        except TimeoutError:
            return None
        birth = Birth(user, int(pid), int(at))
        self.latest[user] = birth
        self.count += 1
        return birth
