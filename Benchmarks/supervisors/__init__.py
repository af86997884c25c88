"""Who takes part."""

from supervisors.emperor import Emperor
from supervisors.runit import Runit
from supervisors.s6 import S6
from supervisors.steward import Steward
from supervisors.supervisor import Supervisor

EVERYONE: list[type[Supervisor]] = [Steward, Runit, S6, Emperor]
