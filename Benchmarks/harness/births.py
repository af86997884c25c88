"""The socket on which every worker reports its start."""

import os
import socket
import time
from dataclasses import dataclass

from harness.trouble import Trouble


@dataclass(frozen=True)
class Birth:
    """One start of a user's worker; `at` is CLOCK_MONOTONIC in nanoseconds, read by the worker itself."""

    user: str
    pid: int
    at: int


class Births:
    """Who runs. A worker is known from its first instruction on; nothing is ever polled."""

    def __init__(self, path: str):
        self.path = path
        self.latest: dict[str, Birth] = {}
        self.count = 0
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
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                birth = self._receive()
            except TimeoutError:
                names = ", ".join(sorted(missing)[:5])
                raise Trouble(f"after {limit:.0f} s {len(missing)} of {len(users)} do not run: {names} …") from None
            if birth.at > after:
                missing.discard(birth.user)
        return [self.latest[user] for user in users]

    def drain(self, seconds: float) -> None:
        """Lets time pass, hearing who starts meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                self._receive()
            except TimeoutError:
                return

    def _is_later(self, user: str, after: int) -> bool:
        birth = self.latest.get(user)
        return birth is not None and birth.at > after

    def _receive(self) -> Birth:
        user, pid, at = self._socket.recv(256).decode().split()
        birth = Birth(user, int(pid), int(at))
        self.latest[user] = birth
        self.count += 1
        return birth
