"""Keys and scores of many records, made by one process or by several: each reads normal forms from the notes of the run.

What a process makes depends on the notes, the statistics and what it is asked only: the same however many there are.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from app.matching.blocking import written
from app.matching.keys import keys
from app.matching.score import REVIEW, Score, Subject, promising, total
from app.matching.scratch import Forms
from app.matching.statistics import Statistics
from app.matching.workers import hired, in_order

AT_HAND: Final = 10_000
"""Records that a process holds in memory, ready to be compared."""

Found = TypeVar("Found")
Scores = dict[tuple[int, int], Score]
Totals = dict[tuple[int, int], float]


class Desk:
    """Where one process works: the notes, the statistics that hold, and the records at hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._forms = Forms(folder)
        self._statistics = Statistics()
        self._round = -1
        self._subjects: dict[int, Subject] = {}

    def close(self) -> None:
        """Let go of the notes."""
        self._forms.close()

    def keyed(self, number: int, ids: list[int]) -> Path:
        """File records under their keys, in a file of that number."""
        current = self._current()
        filed = ((record_id, key) for record_id, reference, form in self._forms.some(ids) for key in keys(form, reference, current))
        return written(self._folder / f"keys-{number}.csv", filed)

    def compared(self, nearby: Mapping[int, list[int]]) -> Scores:
        """Score pairs, and return those that reach REVIEW or are related."""
        current = self._current()
        return compared(self._at_hand(nearby, current), nearby, current)

    def totalled(self, nearby: Mapping[int, list[int]]) -> Totals:
        """Score pairs, and return the sums of those that reach REVIEW."""
        current = self._current()
        return totalled(self._at_hand(nearby, current), nearby, current)

    def _at_hand(self, nearby: Mapping[int, list[int]], current: Statistics) -> Mapping[int, Subject]:
        """Return these records, ready to be compared."""
        wanted = {*nearby}.union(*nearby.values())
        if len(self._subjects) > AT_HAND:
            for record_id in self._subjects.keys() - wanted:
                del self._subjects[record_id]
        for record_id, reference, form in self._forms.some(wanted - self._subjects.keys()):
            self._subjects[record_id] = Subject(form, current, reference)
        return self._subjects

    def _current(self) -> Statistics:
        """Return the statistics that hold, read again only when others were handed out."""
        file = max(self._folder.glob("statistics-*"), key=_number)
        if self._round != _number(file):
            self._statistics, self._round = pickle.loads(file.read_bytes()), _number(file)  # noqa: S301 - written by this very run
            self._subjects.clear()
        return self._statistics


class Crew:
    """The processes of one run, `processes` of them; a single one is the one we are in. To be closed."""

    def __init__(self, folder: Path, processes: int = 1) -> None:
        self._folder = folder
        self._rounds = 0
        self._processes = processes
        self._own: Desk | None = Desk(folder) if processes == 1 else None
        self._pool = hired(processes, _sit_down, folder) if processes > 1 else None

    def close(self) -> None:
        """Send the processes home."""
        if self._own:
            self._own.close()
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def hold(self, statistics: Statistics) -> None:
        """Have these statistics hold from now on."""
        self._rounds += 1
        fresh = self._folder / "fresh"
        fresh.write_bytes(pickle.dumps(statistics, pickle.HIGHEST_PROTOCOL))
        fresh.rename(self._folder / f"statistics-{self._rounds}")
        (self._folder / f"statistics-{self._rounds - 1}").unlink(missing_ok=True)

    def keyed(self, parts: Iterable[list[int]]) -> Iterator[Path]:
        """Yield files with the keys of records, some at a time."""
        return self._each(_keyed, Desk.keyed, enumerate(parts))

    def compared(self, parts: Iterable[Mapping[int, list[int]]]) -> Iterator[Scores]:
        """Yield the scored pairs of each part that reach REVIEW or are related, in the parts' order."""
        return self._each(_compared, Desk.compared, ((part,) for part in parts))

    def totalled(self, parts: Iterable[Mapping[int, list[int]]]) -> Iterator[Totals]:
        """Yield the sums of the pairs of each part that reach REVIEW, in the parts' order."""
        return self._each(_totalled, Desk.totalled, ((part,) for part in parts))

    def _each(self, there: Callable[..., Found], here: Callable[..., Found], tasks: Iterable[tuple[object, ...]]) -> Iterator[Found]:
        """Yield what each task gives, in order."""
        if self._pool is None:
            yield from (here(self._own, *task) for task in tasks)
        else:
            yield from in_order(self._pool, self._processes, there, tasks)


def compared(subjects: Mapping[int, Subject], nearby: Mapping[int, list[int]], current: Statistics) -> Scores:
    """Score pairs, and return those that reach REVIEW or are related."""
    scored = ((pair, promising(mine, theirs, current)) for pair, mine, theirs in _pairs(subjects, nearby))
    return {pair: found for pair, found in scored if found is not None}


def totalled(subjects: Mapping[int, Subject], nearby: Mapping[int, list[int]], current: Statistics) -> Totals:
    """Score pairs, and return the sums of those that reach REVIEW."""
    summed = ((pair, total(mine, theirs, current)) for pair, mine, theirs in _pairs(subjects, nearby))
    return {pair: found for pair, found in summed if found >= REVIEW}


def _pairs(subjects: Mapping[int, Subject], nearby: Mapping[int, list[int]]) -> Iterator[tuple[tuple[int, int], Subject, Subject]]:
    """Yield each pair, the lesser number first, with its two records."""
    for left, others in nearby.items():
        mine = subjects[left]
        for right in others:
            yield (min(left, right), max(left, right)), mine, subjects[right]


_desk: list[Desk] = []
"""The desk of a process that is one of several."""


def _sit_down(folder: Path) -> None:
    """Make the desk of this process ready."""
    _desk.append(Desk(folder))


def _keyed(number: int, ids: list[int]) -> Path:
    return _desk[0].keyed(number, ids)


def _compared(nearby: Mapping[int, list[int]]) -> Scores:
    return _desk[0].compared(nearby)


def _totalled(nearby: Mapping[int, list[int]]) -> Totals:
    return _desk[0].totalled(nearby)


def _number(file: Path) -> int:
    """Return which statistics a file holds."""
    return int(file.name.rpartition("-")[2])
