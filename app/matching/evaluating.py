"""How true the groups are on records whose truth is known, how fast they were found, and which errors are the worst.

Truth is used for counting only: what is matched are the same documents that a node would have received.
"""

import hashlib
import os
import resource
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, islice
from typing import Any, Final

from app.errors import Text
from app.matching.bulk import Matched, match
from app.matching.features import Features
from app.matching.learning import counts, learn
from app.matching.normalise import features
from app.matching.normalising import normal_forms
from app.matching.reading import Row
from app.matching.score import MATCH, Reason, Subject, found, score
from app.matching.weights import BUILT_IN, Weights

LOOKED_AT: Final = 200_000
"""Wrong and missed pairs among which the worst are looked for, of each."""

LEARNT_AT_ONCE: Final = 20_000
"""A set of at most this many records is also measured with weights learnt from half of it, without being asked."""

_SECRET: Final = b"evaluation"


@dataclass(frozen=True, slots=True)
class Quality:
    """Of the pairs that were merged, how many are right; of the right ones, how many were merged; and both in one figure."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """A pair that was merged and should not have been, or the other way round; `compared` is false when nothing brought it together."""

    left: Row
    right: Row
    score: float
    reasons: tuple[Reason, ...]
    compared: bool
    refusal: Text | None

    def as_json(self) -> dict[str, Any]:
        """Return it for other programs."""
        sides = [{"id": one.id, "source": one.source, "name": one.name} for one in (self.left, self.right)]
        return {
            "left": sides[0],
            "right": sides[1],
            "score": self.score,
            "reasons": [one._asdict() for one in self.reasons],
            "compared": self.compared,
            "refusal": None if self.refusal is None else self.refusal.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Grouping:
    """The group of each row, by its place in the list, with what led there and the seconds of processor that it took."""

    rows: Sequence[Row]
    matched: Matched
    groups: Sequence[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The figures; `one_to_one` only where there are two sources, `learnt` one for each half that was measured with the other's weights."""

    records: int
    pairs: int
    candidates: int
    block_recall: float
    quality: Quality
    one_to_one: Quality | None
    biggest_wrong: int
    records_per_second: float
    peak_mb: float
    learnt: tuple[Quality, ...]
    wrong_pairs: int
    missed_pairs: int
    wrong: tuple[Mistake, ...]
    missed: tuple[Mistake, ...]

    def as_json(self) -> dict[str, Any]:
        """Return all of it for other programs."""
        flat = {key: value for key, value in asdict(self).items() if key not in ("wrong", "missed")}
        return flat | {"wrong": [one.as_json() for one in self.wrong], "missed": [one.as_json() for one in self.missed]}


def grouped(rows: Sequence[Row], weights: Weights | None = None, processes: int = 1) -> Grouping:
    """Match rows as a directory of their own."""
    begun = sum(os.times()[:4])
    told = ((f"{row.source}/{row.id}", row.document) for row in rows)
    forms = ((number, *form) for number, form in enumerate(normal_forms(told, _form, processes)))
    matched = match(forms, weights=weights or Weights(), processes=processes)
    groups = [0] * len(rows)
    for group, cluster in enumerate(matched.clusters):
        for number in cluster:
            groups[number] = group
    return Grouping(rows, matched, groups, sum(os.times()[:4]) - begun)


def _form(told: tuple[str, Mapping[str, Any]]) -> tuple[str, Features]:
    """Return a row's reference and normal form."""
    return told[0], features(told[1], None, _SECRET)


def report(grouping: Grouping, errors: int, learnt: bool) -> Report:
    """Compare groups with the truth; `errors` of each kind are explained, `learnt` asks for the figures with weights learnt from half."""
    rows, matched = grouping.rows, grouping.matched
    truth = [row.entity for row in rows]
    pairs = _pairs(Counter(truth))
    right = sum(truth[one] == truth[other] for one, other in matched.candidates)
    together = _pairs(Counter(zip(grouping.groups, truth, strict=True)))
    merged = _pairs(Counter(grouping.groups))
    judge = _Judge(grouping)
    return Report(
        records=len(rows),
        pairs=pairs,
        candidates=len(matched.candidates),
        block_recall=round(right / pairs, 4) if pairs else 1.0,
        quality=_quality(together, merged, pairs),
        one_to_one=_one_to_one(grouping),
        biggest_wrong=max((len(one) for one in matched.clusters if len({truth[number] for number in one}) > 1), default=0),
        records_per_second=round(len(rows) / max(grouping.seconds, 0.001), 1),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024), 1),
        learnt=tuple(_learnt(rows)) if learnt else (),
        wrong_pairs=merged - together,
        missed_pairs=pairs - together,
        wrong=judge.worst(_across(matched.clusters, truth), errors, -1.0),
        missed=judge.worst(_across(_lists(truth), grouping.groups), errors, 1.0),
    )


class _Judge:
    """Scores pairs again, each record made ready once."""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._subjects: dict[int, Subject] = {}

    def worst(self, pairs: Iterable[tuple[int, int]], errors: int, sign: float) -> tuple[Mistake, ...]:
        """Return the errors that lie the farthest on the wrong side: lowest scores first when `sign` is 1, highest when it is -1."""
        statistics = self._grouping.matched.statistics
        looked_at = islice(pairs, LOOKED_AT if errors else 0)
        ordered = sorted((sign * score(self.subject(one), self.subject(other), statistics).total, one, other) for one, other in looked_at)
        return tuple(self._mistake(one, other) for _, one, other in ordered[:errors])

    def _mistake(self, one: int, other: int) -> Mistake:
        """Return what is to be said of an error."""
        rows, matched = self._grouping.rows, self._grouping.matched
        scored = score(self.subject(one), self.subject(other), matched.statistics)
        return Mistake(rows[one], rows[other], scored.total, scored.reasons, (one, other) in matched.candidates, matched.refused.get((one, other)))

    def subject(self, number: int) -> Subject:
        """Return a row ready for comparison."""
        known = self._subjects.get(number)
        if known is None:
            row = self._grouping.rows[number]
            known = Subject(features(row.document, None, _SECRET), self._grouping.matched.statistics, f"{row.source}/{row.id}")
            self._subjects[number] = known
        return known


def half(entity: str) -> int:
    """Return in which half a group is, 0 or 1: the same on every machine, and all its records together."""
    return hashlib.sha256(entity.encode()).digest()[0] & 1


def examples(rows: Sequence[Row]) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the pairs that blocking brings together, each as its counts and whether both are one group."""
    grouping = grouped(rows)
    judge = _Judge(grouping)
    for one, other in sorted(grouping.matched.candidates):
        reasons = found(judge.subject(one), judge.subject(other), grouping.matched.statistics)
        yield counts(reasons), rows[one].entity == rows[other].entity


def _learnt(rows: Sequence[Row]) -> Iterator[Quality]:
    """Yield for each half how true its groups are with weights learnt from the other; no group is in both."""
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        parts[half(row.entity)].append(row)
    for learning, measured in (parts, parts[::-1]):
        weights = Weights("learnt", learn(examples(learning), BUILT_IN))
        grouping = grouped(measured, weights)
        truth = [row.entity for row in measured]
        together = _pairs(Counter(zip(grouping.groups, truth, strict=True)))
        yield _quality(together, _pairs(Counter(grouping.groups)), _pairs(Counter(truth)))


def _one_to_one(grouping: Grouping) -> Quality | None:
    """Return the quality of linking two sources, each record to at most one of the other's, the best pairs first."""
    rows = grouping.rows
    if len({row.source for row in rows}) != 2:
        return None
    taken: set[int] = set()
    linked = right = 0
    for total, one, other in sorted((-total, *pair) for pair, total in grouping.matched.scores.items()):
        if -total >= MATCH and rows[one].source != rows[other].source and taken.isdisjoint((one, other)):
            taken |= {one, other}
            linked += 1
            right += rows[one].entity == rows[other].entity
    first = rows[0].source
    sides = [Counter(row.entity for row in rows if (row.source == first) is side) for side in (True, False)]
    return _quality(right, linked, sum(count * sides[1][entity] for entity, count in sides[0].items()))


def _quality(right: int, merged: int, pairs: int) -> Quality:
    """Return precision, recall and F1 of so many right pairs; where there is nothing to find or nothing was merged, none is wrong."""
    precision = right / merged if merged else 1.0
    recall = right / pairs if pairs else 1.0
    return Quality(round(precision, 4), round(recall, 4), round(2 * right / (merged + pairs), 4) if merged + pairs else 1.0)


def _pairs(sizes: Mapping[Any, int]) -> int:
    """Return how many pairs are in groups of these sizes."""
    return sum(size * (size - 1) // 2 for size in sizes.values())


def _lists(truth: Sequence[str]) -> list[list[int]]:
    """Return the rows of each real group."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, entity in enumerate(truth):
        found[entity].append(number)
    return [*found.values()]


def _across(groups: Iterable[Iterable[int]], labels: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of one group whose labels differ."""
    for group in groups:
        members = sorted(group)
        if len({labels[number] for number in members}) > 1:
            yield from ((one, other) for one, other in combinations(members, 2) if labels[one] != labels[other])
