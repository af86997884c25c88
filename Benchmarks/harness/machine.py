"""What the figures were taken on."""

import os
import platform
import time
from pathlib import Path

from harness.plan import Plan
from supervisors import Supervisor


def about(contestants: list[type[Supervisor]], plan: Plan, folder: Path) -> list[str]:
    """Lines for the report; to be asked before the first round, for the load that others cause."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = os.getloadavg()
    return [
        f"{time.strftime('%Y-%m-%d %H:%M')}; {os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, everything in {folder}; load before the first round {load[0]:.1f}",
        ", ".join(f"{kind.name} {kind.version()}" for kind in contestants),
        f"rounds: {plan.rounds}, in turns; crashes and new users of all rounds together, else medians of the rounds",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
