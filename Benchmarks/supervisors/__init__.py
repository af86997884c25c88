"""Who takes part."""

from supervisors.emperor import Emperor
from supervisors.runit import Runit
from supervisors.s6 import S6
from supervisors.steward import OldSteward, Steward
from supervisors.supervisor import Supervisor

EVERYONE: list[type[Supervisor]] = [Steward, Runit, S6, Emperor]

__all__ = ["EVERYONE", "Emperor", "OldSteward", "Runit", "S6", "Steward", "Supervisor"]
