"""The table: one row a measure, with Steward's ratio to the best of its peers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from harness.plan import Plan
from harness.trial import Figures

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
OWN = "Steward"

Results = dict[str, list[Figures]]


@dataclass(frozen=True)
class Mark:
    """What Steward has to reach with 500 users: at most `most`, in the row's unit or times the best peer's figure."""

    most: float
    of_best: bool = False

    def __str__(self) -> str:
        return f"≤ {self.most:g} × best" if self.of_best else f"≤ {self.most:g}"

    def is_met(self, own: float, best: float | None) -> bool | None:
        """None where there is no peer to compare with."""
        if self.of_best:
            return None if best is None else own <= self.most * best
        return own <= self.most


@dataclass(frozen=True)
class Row:
    title: str
    #: Its figure, in the unit of the title.
    value: Callable[[list[Figures]], float]
    mark: Mark | None = None


def percentile(values: list[int], share: float) -> float:
    """The nearest rank: the smallest value that is not exceeded by this share of all."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


def pooled(pick: Callable[[Figures], list[int]], share: float, unit: int) -> Callable[[list[Figures]], float]:
    """A percentile of the single values of all rounds together."""
    return lambda rounds: percentile([value for figures in rounds for value in pick(figures)], share) / unit


def middle(pick: Callable[[Figures], float], unit: float) -> Callable[[list[Figures]], float]:
    """The median of the rounds."""
    return lambda rounds: median(pick(figures) for figures in rounds) / unit


def rows(users: int) -> list[Row]:
    return [
        Row("crash to restarted, p50, ms", pooled(lambda f: f.crashes, 0.5, MILLISECOND), Mark(0.8, of_best=True)),
        Row("crash to restarted, p99, ms", pooled(lambda f: f.crashes, 0.99, MILLISECOND)),
        Row(f"all {users} killed until all run, s", middle(lambda f: f.burst, SECOND), Mark(1, of_best=True)),
        Row(f"boot of {users} until all run, s", middle(lambda f: median(f.boots), SECOND), Mark(1, of_best=True)),
        Row("user's file until its worker runs, p50, ms", pooled(lambda f: f.drops, 0.5, MILLISECOND), Mark(20)),
        Row("idle CPU in a minute, ms", middle(lambda f: f.idle, MILLISECOND), Mark(60)),
        Row("memory of all supervising processes (PSS), MiB", middle(lambda f: f.memory_kib, 1024), Mark(30)),
        Row("supervising processes", middle(lambda f: f.processes, 1)),
    ]


def document(results: Results, plan: Plan, about: list[str]) -> str:
    """Everything that is printed at the end, in Markdown."""
    lines = [f"# {plan.users} do-nothing workers", ""]
    lines += [f"- {line}" for line in [*about, _counts(results)]]
    lines += ["", *_table(results, plan), "", "The rounds one by one:", "", *_rounds(results, plan)]
    return "\n".join(lines) + "\n"


def _counts(results: Results) -> str:
    counts = [
        f"{name} {sum(len(f.crashes) for f in rounds)} and {sum(len(f.drops) for f in rounds)}"
        for name, rounds in results.items()
    ]
    return "single crashes and new users measured: " + ", ".join(counts)


def _table(results: Results, plan: Plan) -> list[str]:
    lines = _head(["", *results, f"{OWN} / best peer", "mark at 500", "met"])
    for row in rows(plan.users):
        values = {name: row.value(rounds) for name, rounds in results.items()}
        lines.append(_line([row.title, *map(_figure, values.values()), *_verdict(row, values)]))
    return lines


def _verdict(row: Row, values: dict[str, float]) -> list[str]:
    """Ratio, mark, and whether it is met."""
    own = values.get(OWN)
    best = min((value for name, value in values.items() if OWN not in name), default=None)
    ratio = f"{own / best:.2f}" if own is not None and best else ""
    if row.mark is None or own is None:
        return [ratio, "", ""]
    met = row.mark.is_met(own, best)
    return [ratio, str(row.mark), "" if met is None else "yes" if met else "no"]


def _rounds(results: Results, plan: Plan) -> list[str]:
    lines = _head(["", *results])
    for row in rows(plan.users):
        cells = [" · ".join(_figure(row.value([figures])) for figures in rounds) for rounds in results.values()]
        lines.append(_line([row.title, *cells]))
    return lines


def _figure(value: float) -> str:
    """Three digits that matter; counts whole."""
    if value == int(value) or value >= 100:
        return f"{value:.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _head(cells: list[str]) -> list[str]:
    return [_line(cells), _line(["---", *["---:"] * (len(cells) - 1)])]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
