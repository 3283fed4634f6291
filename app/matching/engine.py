"""The road that every run over all records takes: file them under keys, split the full ones, hand out who is near whom, score."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from app.matching.crew import Crew, Scores, Totals
from app.matching.keys import FULL
from app.matching.scratch import Scratch
from app.matching.statistics import Statistics

PART: Final = 5000
"""Records whose keys are made together."""


Nearby: TypeAlias = dict[int, list[int]]
Found = TypeVar("Found")


class Engine:
    """One run over the records that `scratch` knows, under these statistics; `processes` work for it."""

    def __init__(self, scratch: Scratch, statistics: Statistics, crew: Crew) -> None:
        self._scratch = scratch
        self._crew = crew
        self._order = scratch.ids()
        self.statistics = self._filled(statistics)

    def scores(self) -> Iterator[tuple[Nearby, Scores]]:
        """Yield who was compared with whom, place by place, and the pairs that reach REVIEW or are related."""
        return self._found(self._crew.compared)

    def totals(self) -> Iterator[tuple[Nearby, Totals]]:
        """Yield who was compared with whom, place by place, and the sums of the pairs that reach REVIEW."""
        return self._found(self._crew.totalled)

    def _found(self, compare: Callable[[Iterable[Nearby]], Iterator[Found]]) -> Iterator[tuple[Nearby, Found]]:
        """Yield who was compared with whom, place by place, and what that gave."""
        asked: list[Nearby] = []

        def parts() -> Iterator[Nearby]:
            for nearby in self._scratch.blocks.neighbours(self._order):
                asked.append(nearby)
                yield nearby

        for found in compare(parts()):
            yield asked.pop(0), found

    def _filled(self, statistics: Statistics) -> Statistics:
        """File all records under their keys, splitting those that are full; return the statistics with the latter."""
        blocks, wanted = self._scratch.blocks, self._order
        while True:
            self._crew.hold(statistics)
            blocks.read(self._crew.keyed(wanted[start : start + PART] for start in range(0, len(wanted), PART)))
            full = blocks.shared_by_more_than(FULL)
            if not full:
                return statistics
            statistics = replace(statistics, full=statistics.full | full)
            wanted = blocks.under(full)
            blocks.unfile(wanted)


@contextmanager
def engine(scratch: Scratch, statistics: Statistics, processes: int = 1) -> Iterator[Engine]:
    """Open an engine whose processes end with the block."""
    crew = Crew(scratch.folder, processes)
    try:
        yield Engine(scratch, statistics, crew)
    finally:
        crew.close()
