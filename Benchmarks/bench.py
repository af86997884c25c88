#!/usr/bin/env python3
"""Compares Steward with runit, s6 and the uWSGI Emperor, with the same do-nothing worker. README.md says how."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

from harness import processes, report
from harness.births import Births
from harness.machine import about
from harness.plan import Plan
from harness.trial import Trial
from harness.trouble import Trouble
from supervisors import EVERYONE, OldSteward, Steward, Supervisor

HERE = Path(__file__).resolve().parent


def quick_folder() -> Path:
    """A folder in memory (like /run) where there is one, so that a disk's file system is not measured."""
    memory = Path("/dev/shm")
    usable = memory.is_mount() and os.access(memory, os.W_OK) and not os.statvfs(memory).f_flag & os.ST_NOEXEC
    return memory if usable else Path(tempfile.gettempdir())


def arguments() -> argparse.Namespace:
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=Path, default=HERE.parent / ".build/release", help="folder of Steward's programs")
    parser.add_argument("--old", type=Path, metavar="DIR", help="another build of Steward, measured beside this one")
    parser.add_argument("--users", type=int, default=plan.users)
    parser.add_argument("--rounds", type=int, default=plan.rounds)
    parser.add_argument("--kills", type=int, default=plan.kills, help="single crashes a round, each of another user")
    parser.add_argument("--drops", type=int, default=plan.drops, help="users added in a round")
    parser.add_argument("--idle", type=float, default=plan.idle, metavar="SECONDS", help="how long idle CPU is watched")
    parser.add_argument("--folder", type=Path, default=quick_folder(), help="where all is laid out (%(default)s)")
    parser.add_argument("--only", action="append", metavar="NAME", help="measure only this supervisor; may be repeated")
    parser.add_argument("--output", type=Path, default=HERE / "results.md", help="a copy of the table (%(default)s)")
    return parser.parse_args()


def contestants(only: list[str] | None) -> list[type[Supervisor]]:
    """The supervisors to measure; all have to be installed before anything is started."""
    chosen = [kind for kind in EVERYONE if only is None or kind.name in only]
    unknown = set(only or []).difference(kind.name for kind in EVERYONE)
    if unknown:
        raise Trouble(f"unknown: {', '.join(unknown)}; known are {', '.join(kind.name for kind in EVERYONE)}")
    for kind in chosen:
        if missing := kind.missing():
            raise Trouble(f"{kind.name}: {', '.join(missing)} not found: deploy/install-deps bench, make build")
    return chosen


def compile_worker(folder: Path) -> Path:
    """Static, so that as little as possible of what is measured is the worker's own start."""
    worker = folder / "worker"
    subprocess.run(["cc", "-O2", "-Wall", "-static", "-o", worker, HERE / "worker.c"], check=True)
    return worker


def run(chosen: list[type[Supervisor]], plan: Plan, folder: Path) -> report.Results:
    worker = compile_worker(folder)
    births = Births(str(folder / "births"))
    results: report.Results = {kind.name: [] for kind in chosen}
    for number in range(plan.rounds):
        # Each round begins with another one, so that none always follows the same neighbour.
        for kind in chosen[number % len(chosen):] + chosen[:number % len(chosen)]:
            print(f"round {number + 1} of {plan.rounds}: {kind.name}", file=sys.stderr, flush=True)
            trial = Trial(kind, folder / f"{number}-{chosen.index(kind)}", worker, births, plan)
            results[kind.name].append(trial.run())
    births.close()
    return results


def main() -> None:
    given = arguments()
    plan = Plan(users=given.users, rounds=given.rounds, kills=given.kills, drops=given.drops, idle=given.idle)
    Steward.bin = given.bin.resolve()
    os.umask(0o022)
    # Whoever ends the benchmark ends what it has started.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        chosen = contestants(given.only)
        if given.old:
            OldSteward.bin = given.old.resolve()
            chosen.insert(1, OldSteward)
        lines = about(chosen, plan, given.folder)
        processes.adopt_orphans()
        with tempfile.TemporaryDirectory(prefix="b-", dir=given.folder) as folder:
            results = run(chosen, plan, Path(folder))
    except (Trouble, subprocess.CalledProcessError) as trouble:
        sys.exit(f"bench: {trouble}")
    text = report.document(results, plan, lines)
    given.output.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
