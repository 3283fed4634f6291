"""Many records matched at once without a journal: normal forms in, groups out. What a full run and an evaluation have in common."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from app.errors import Text
from app.matching.cluster import Constraints, Pair, cluster
from app.matching.features import Features
from app.matching.keys import filled
from app.matching.linking import components
from app.matching.renewal import compared
from app.matching.score import MATCH, Subject, score
from app.matching.scratch import Note, Scratch
from app.matching.statistics import Counting, Statistics
from app.matching.weights import Weights


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found: `clusters` of record ids, the `scores` of the pairs (left < right) that reach REVIEW, those `refused` and why.

    `candidates` are all pairs that were compared, under the frozen `statistics`.
    """

    statistics: Statistics
    candidates: frozenset[tuple[int, int]]
    scores: Mapping[tuple[int, int], float]
    refused: Mapping[tuple[int, int], Text]
    clusters: tuple[frozenset[int], ...]


def match(
    forms: Iterable[tuple[int, str, Features]],
    constraints: Constraints = Constraints(),  # noqa: B008 - frozen
    weights: Weights = Weights(),  # noqa: B008 - frozen
) -> Matched:
    """Match records, each an id, its reference ``source/key`` and its normal form."""
    with closing(Scratch()) as scratch:
        counting = Counting()
        scratch.add(_notes(forms, counting))
        statistics = replace(filled(scratch, counting.counted()), weights=weights)
        subjects = {record_id: Subject(form, statistics, reference) for record_id, reference, form in scratch.forms()}
        nearby = {record_id: others for part in scratch.neighbours() for record_id, others in part.items()}
    scores = {pair: found.total for pair, found in compared(subjects, nearby, statistics).items()}
    clusters: list[frozenset[int]] = []
    refused: dict[tuple[int, int], Text] = {}
    for part in components(subjects, [*(pair for pair, total in scores.items() if total >= MATCH), *constraints.same]):
        result = cluster(
            {one: subjects[one].reference for one in part},
            {one: subjects[one].registers for one in part},
            [Pair(*pair, total) for pair, total in _within(part, nearby, scores)],
            constraints.among(part),
            lambda left, right: score(subjects[left], subjects[right], statistics).total,
            statistics.singles(),
        )
        clusters += result.groups
        refused.update(result.refused)
    candidates = frozenset((min(one, other), max(one, other)) for one, others in nearby.items() for other in others)
    return Matched(statistics, candidates, scores, refused, tuple(clusters))


def _notes(forms: Iterable[tuple[int, str, Features]], counting: Counting) -> Iterator[Note]:
    """Yield what is to be noted of every record, and count it."""
    for record_id, reference, form in forms:
        counting.add(form, reference)
        yield Note(record_id, reference, (0, None), None, form)


def _within(part: Iterable[int], nearby: Mapping[int, list[int]], scores: Mapping[tuple[int, int], float]) -> Iterator[tuple[tuple[int, int], float]]:
    """Yield the scored pairs of records of one part; each record's neighbours are those before it."""
    for one in part:
        for other in nearby.get(one, ()):
            pair = min(one, other), max(one, other)
            if pair in scores:
                yield pair, scores[pair]
