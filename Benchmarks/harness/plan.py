"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Counts, and times in seconds. The limits keep a slow supervisor from taking the whole day."""

    users: int = 500
    rounds: int = 3
    kills: int = 200
    drops: int = 20
    idle: float = 60
    #: No more kills, or drops, of one life are begun after so long.
    patience: float = 60
    #: After a boot or a start, before anything is measured: runit and s6 hold back a service that ran for less than a
    #: second, and runsvdir waits while its folder was changed in the same second.
    settling: float = 2
