"""Many records matched at once without a journal: normal forms in, groups out. What a full run and an evaluation have in common."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from app.errors import Text
from app.matching.cluster import Clusters, Constraints, Pair, cluster
from app.matching.collecting import seldom_collected
from app.matching.engine import engine
from app.matching.features import Features
from app.matching.linking import components
from app.matching.score import MATCH, Subject, score
from app.matching.scratch import Note, Scratch
from app.matching.statistics import Counting, Statistics
from app.matching.weights import Weights

TOGETHER: Final = 5000
"""Records that are clustered together at least, where there are as many that something links."""

Known = dict[tuple[int, int], float]


class Pairs(Collection[tuple[int, int]]):
    """Very many pairs of record ids below 2**31, left < right, each packed in eight bytes: ``left << 32 | right``."""

    def __init__(self, packed: "array[int]") -> None:
        self._packed = array("q", sorted(packed))

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((packed >> 32, packed & 0xFFFFFFFF) for packed in self._packed)

    def __contains__(self, pair: object) -> bool:
        match pair:
            case (int(left), int(right)):
                place = bisect_left(self._packed, left << 32 | right)
                return place < len(self._packed) and self._packed[place] == left << 32 | right
        return False


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found: `clusters` of record ids, the `scores` of the pairs (left < right) that reach REVIEW, those `refused` and why.

    `candidates` are all pairs that were compared, under the frozen `statistics`.
    """

    statistics: Statistics
    candidates: Collection[tuple[int, int]]
    scores: Mapping[tuple[int, int], float]
    refused: Mapping[tuple[int, int], Text]
    clusters: tuple[frozenset[int], ...]


def match(
    forms: Iterable[tuple[int, str, Features]],
    constraints: Constraints = Constraints(),  # noqa: B008 - frozen
    weights: Weights = Weights(),  # noqa: B008 - frozen
    processes: int = 1,
) -> Matched:
    """Match records, each an id, its reference ``source/key`` and its normal form; `processes` work for it."""
    with seldom_collected(), closing(Scratch(processes)) as scratch:
        counting = Counting()
        scratch.add(_notes(forms, counting))
        scores: Known = {}
        candidates = array("q")
        with engine(scratch, replace(counting.counted(), weights=weights), processes) as run:
            for nearby, found in run.totals():
                scores.update(found)
                candidates.extend(min(one, other) << 32 | max(one, other) for one, others in nearby.items() for other in others)
        clusters: list[frozenset[int]] = []
        refused: dict[tuple[int, int], Text] = {}
        for result in _clustered(scratch, scores, constraints, run.statistics):
            clusters += result.groups
            refused.update(result.refused)
    return Matched(run.statistics, Pairs(candidates), scores, refused, tuple(clusters))


def grouped(forms: Mapping[int, tuple[str, Features]], scores: Known, constraints: Constraints, statistics: Statistics) -> Clusters:
    """Group the records of one part, each a reference and its normal form, of which these pairs are known."""

    @cache
    def ready(one: int) -> Subject:
        reference, form = forms[one]
        return Subject(form, statistics, reference)

    return cluster(
        {one: reference for one, (reference, _) in forms.items()},
        {one: form.registers() for one, (_, form) in forms.items()},
        [Pair(*pair, summed) for pair, summed in scores.items()],
        constraints,
        lambda left, right: score(ready(left), ready(right), statistics).total,
        statistics.singles(),
    )


def _notes(forms: Iterable[tuple[int, str, Features]], counting: Counting) -> Iterator[Note]:
    """Yield what is to be noted of every record, and count it."""
    for record_id, reference, form in forms:
        counting.add(form, reference)
        yield Note(record_id, reference, (0, None), None, form)


def _clustered(scratch: Scratch, scores: Known, constraints: Constraints, statistics: Statistics) -> Iterator[Clusters]:
    """Yield the groups of each part that something links; the forms of a few parts are in memory at once."""
    parts = components(scratch.ids(), [*(pair for pair, total in scores.items() if total >= MATCH), *constraints.same])
    part_of = {one: number for number, part in enumerate(parts) if len(part) > 1 for one in part}
    within: dict[int, Known] = {}
    for pair, total in scores.items():
        number = part_of.get(pair[0])
        if number is not None and number == part_of.get(pair[1]):
            within.setdefault(number, {})[pair] = total
    for numbers in _together(parts):
        wanted = [one for number in numbers for one in parts[number] if len(parts[number]) > 1]
        forms = {record_id: (reference, form) for record_id, reference, form in scratch.some(wanted)}
        for number in numbers:
            part = parts[number]
            if len(part) == 1:
                yield Clusters((frozenset(part),), {})
            else:
                yield grouped({one: forms[one] for one in part}, within.get(number, {}), constraints.among(part), statistics)


def _together(parts: list[list[int]]) -> Iterator[list[int]]:
    """Yield the numbers of parts, some thousands of records at a time."""
    numbers: list[int] = []
    records = 0
    for number, part in enumerate(parts):
        numbers.append(number)
        records += len(part)
        if records >= TOGETHER:
            yield numbers
            numbers, records = [], 0
    yield numbers
