"""How long something takes: wall clock, processor time of this process or of a whole tree of them, medians, and tables of both."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Spent:
    """Seconds by the clock and of the processor."""

    wall: float = 0.0
    cpu: float = 0.0

    def rate(self, count: int) -> str:
        """Return how many a second of the clock, and of the processor."""
        return f"{count / self.wall:,.0f}/s ({count / self.cpu:,.0f}/s of processor)" if self.wall and self.cpu else "-"


@dataclass(slots=True)
class Stopwatch:
    """Adds up what named parts of a run take; `pid` is whose processor time counts, this process's when it is None."""

    pid: int | None = None
    parts: dict[str, Spent] = field(default_factory=dict)

    @contextmanager
    def measured(self, name: str) -> Iterator[Spent]:
        """Add the block to a part."""
        spent = self.parts.setdefault(name, Spent())
        wall, cpu = time.perf_counter(), self._cpu()
        try:
            yield spent
        finally:
            spent.wall += time.perf_counter() - wall
            spent.cpu += self._cpu() - cpu

    def _cpu(self) -> float:
        return time.process_time() if self.pid is None else cpu_of(self.pid)


def cpu_of(pid: int) -> float:
    """Return the processor seconds that a process and all that it started have used, those that ended included."""
    fields = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        fields[int(path.parent.name)] = int(stat[1]), sum(map(int, stat[11:15]))
    tree = {pid}
    while more := {child for child, (parent, _) in fields.items() if parent in tree} - tree:
        tree |= more
    return sum(fields[one][1] for one in tree if one in fields) / _TICKS


def median_ms(ask: Callable[[], object], times: int, slow_s: float = 2.0) -> float:
    """Return the median of several calls, in milliseconds; what takes longer than `slow_s` is asked once."""
    taken: list[float] = []
    while len(taken) < times and sum(taken) < slow_s * 1000:
        begun = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean."""
    return statistics.geometric_mean(values)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as a Markdown table under a title."""
    lines = [head, *(tuple(map(_cell, row)) for row in rows)]
    body = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([f"### {title}", "", body[0], "|" + "---|" * len(head), *body[1:], ""])


def _cell(value: object) -> str:
    """Write a number with three digits that count."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
