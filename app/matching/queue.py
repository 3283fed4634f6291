"""Which questions wait for a person, and which of them first: one for every two groups between which a likeness was left open.

A pair of records is open when the machine doubts (state review) or was kept from merging (state refused), as long as both records are
live, in two groups, and nobody judged a pair across these two groups. Whatever the answer, it settles all open pairs between both groups:
`same` makes them one, `different` or `unsure` keeps them apart. So only the most alike of them is asked, and says how many others wait with it.

First comes what settles most: the pairs of records across both groups (a mistake about them would be one for each of these pairs), times
the doubt, which is 1 at the threshold and for refused matches, where one piece of evidence contradicts another, and falls with the distance.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from app.errors import BadRequest, Text
from app.journal.tables import edge, member, record, source
from app.journal.text import sentence_from
from app.matching.filing import LIVE, REFUSED, REVIEW, among, chunks, reasons_of
from app.matching.identity import held
from app.matching.judged import apart_pairs
from app.matching.score import MATCH, Reason
from app.matching.score import REVIEW as LEAST
from app.names import Names, slugify

RELATIONS: Final = frozenset({"umbrella", "branch"})
"""Reasons which say that two groups may be related rather than one."""

DOUBT, RELATION = "doubt", "relation"

BANDS: Final = {"far": (-math.inf, (LEAST + MATCH) / 2), "near": ((LEAST + MATCH) / 2, MATCH), "above": (MATCH, math.inf)}
"""Scores by their distance from the threshold: from, and below."""

CANDIDATES: Final = {"one": (1, 1), "few": (2, 3), "many": (4, math.inf)}
"""With how many groups there is an open question: from, and to."""


@dataclass(frozen=True, slots=True)
class Found:
    """One open pair as the journal has it, and the identities of the groups that its records are part of."""

    left: str
    right: str
    ids: tuple[int, int]
    groups: tuple[int, int]
    score: float
    state: str
    message: Text | None
    kept: str

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return the reasons of the score, read from how they are kept."""
        return reasons_of(self.kept)

    @property
    def related(self) -> bool:
        """Tell whether a reason says that both may be related rather than one; thousands are asked, so nothing is parsed."""
        return any(f'"{name}"' in self.kept for name in RELATIONS)


@dataclass(frozen=True)
class Question:
    """One question: the most alike pair between two groups of `sizes` records, one of `open` such pairs.

    `candidates` says with how many other groups there is a question, for the one of both that has more.
    """

    pair: Found
    sizes: tuple[int, int]
    open: int
    candidates: int

    @property
    def settles(self) -> int:
        """How many pairs of records the answer brings together or keeps apart."""
        return self.sizes[0] * self.sizes[1]

    @property
    def doubt(self) -> float:
        """How unsure the machine is, from 0 to 1."""
        return 1.0 if self.pair.state == REFUSED else 1 / (1 + abs(self.pair.score - MATCH))

    @property
    def band(self) -> str:
        """Where its score stands."""
        return next(name for name, (least, below) in BANDS.items() if least <= self.pair.score < below)

    @property
    def sources(self) -> str:
        """The two directories that speak of it."""
        return "+".join(sorted(reference.partition("/")[0] for reference in (self.pair.left, self.pair.right)))

    @property
    def crowd(self) -> str:
        """Whether there are other candidates."""
        return next(name for name, (least, most) in CANDIDATES.items() if least <= self.candidates <= most)

    @cached_property
    def why(self) -> str:
        """Why it is asked: the machine doubts, there may be a relation, or the slug of the sentence that refused the merge."""
        if self.pair.message is not None:
            return slugify(self.pair.message.en)
        return RELATION if self.pair.related else DOUBT

    def as_json(self, names: Names, language: str) -> dict[str, Any]:
        """Return all of it for programs, both records as addresses."""
        pair = self.pair
        left, right = (names.record(*reference.split("/", 1)) for reference in (pair.left, pair.right))
        message = pair.message and pair.message.in_language(language)
        said = {"left": left, "right": right, "score": pair.score, "reasons": [list(one) for one in pair.reasons], "state": pair.state}
        facets = {"band": self.band, "sources": self.sources, "candidates": self.candidates, "why": self.why}
        return {**said, "message": message, "settles": self.settles, "open": self.open, **facets}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which questions are wanted; an empty text wants all."""

    band: str = ""
    sources: str = ""
    candidates: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        """Raises BadRequest for a band or a number that does not exist."""
        for name, known in (("band", BANDS), ("candidates", CANDIDATES)):
            if (given := getattr(self, name)) and given not in known:
                listed = ", ".join(known)
                raise BadRequest(Text(f"« {name} » est l'un de : {listed} ; pas « {given} ».", f"'{name}' is one of: {listed}; not '{given}'."))

    def pairs(self) -> list[tuple[str, str]]:
        """Return what is chosen, as the parameters of an address."""
        return [(one.name, value) for one in fields(self) if (value := getattr(self, one.name))]

    def among(self, questions: Sequence[Question], without: str = "") -> Sequence[Question]:
        """Return those of these questions that are wanted, one of the choices left aside."""
        for name, value in self.pairs():
            if name != without:
                questions = [one for one in questions if _OF[name](one) == value]
        return questions


_OF: Final[Mapping[str, Callable[[Question], str]]] = {
    "band": lambda question: question.band,
    "sources": lambda question: question.sources,
    "candidates": lambda question: question.crowd,
    "why": lambda question: question.why,
}
"""The value of each facet."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The chosen questions in their order, and for each facet how many there are of each value, whatever is chosen of that facet."""

    questions: Sequence[Question]
    facets: Mapping[str, Mapping[str, int]]
    sentences: Mapping[str, Text] = field(default_factory=dict)  # the refusals among the values of `why`


def waiting(c: Connection, choice: Choice = Choice()) -> Queue:
    """Return the questions that wait for a person."""
    everything = sorted(_questions(c), key=lambda one: (-one.settles * one.doubt, -one.pair.score, one.pair.left, one.pair.right))
    facets = {name: dict(Counter(map(of, choice.among(everything, without=name))).most_common()) for name, of in _OF.items()}
    sentences = {one.why: one.pair.message for one in everything if one.pair.message is not None}
    return Queue(choice.among(everything), facets, sentences)


def _questions(c: Connection) -> Iterator[Question]:
    """Yield one question for every two groups between which there is an open pair."""
    pairs: dict[tuple[int, int], list[Found]] = {}
    for found in _open(c):
        pairs.setdefault((min(found.groups), max(found.groups)), []).append(found)
    candidates = Counter(group for groups in pairs for group in groups)
    sizes = _sizes(c, candidates)
    for found_ones in pairs.values():
        best = max(found_ones, key=lambda one: (one.score, one.left, one.right))
        mine, theirs = best.groups
        yield Question(best, (sizes[mine], sizes[theirs]), len(found_ones), max(candidates[mine], candidates[theirs]))


def _open(c: Connection) -> Iterator[Found]:
    """Yield the pairs that nobody settled, each with the smaller reference on its left."""
    found = [_found(row) for row in c.execute(_PAIRS)]
    apart = [*apart_pairs(c)] if found else []
    groups = held(c, {record_id for pair in apart for record_id in pair})
    settled = {frozenset((groups.get(left), groups.get(right))) for left, right in apart}
    yield from (one for one in found if frozenset(one.groups) not in settled)


def _found(row: Row[*tuple[Any, ...]]) -> Found:
    """Read one row."""
    left_id, right_id, score, state, message, kept, left_source, left_key, left_group, right_source, right_key, right_group = row
    left, right = f"{left_source}/{left_key}", f"{right_source}/{right_key}"
    said = _sentence(message)
    if left < right:
        return Found(left, right, (left_id, right_id), (left_group, right_group), score, state, said, kept)
    return Found(right, left, (right_id, left_id), (right_group, left_group), score, state, said, kept)


@lru_cache(maxsize=64)
def _sentence(text: str | None) -> Text | None:
    """Read why a match was refused; there are few such sentences."""
    return sentence_from(text)


def _sizes(c: Connection, groups: Iterable[int]) -> dict[int, int]:
    """Return how many live records each of these groups has."""
    found: dict[int, int] = {}
    for chunk in chunks(groups):
        found.update((row[0], row[1]) for row in c.execute(_SIZES, {"ids": chunk}))
    return found


_SIZES: Final = (
    select(member.c.identity_id, func.count())
    .join(record, record.c.id == member.c.record_id)
    .where(record.c.state == LIVE, member.c.identity_id.in_(among()))
    .group_by(member.c.identity_id)
)
_LEFT, _RIGHT = record.alias("left_record"), record.alias("right_record")
_LEFT_SOURCE, _RIGHT_SOURCE = source.alias("left_source"), source.alias("right_source")
_LEFT_GROUP, _RIGHT_GROUP = member.alias("left_member"), member.alias("right_member")
_PAIRS: Final = (
    select(
        *(edge.c.left_id, edge.c.right_id, edge.c.score, edge.c.state, edge.c.message, edge.c.reasons),
        *(_LEFT_SOURCE.c.name.label("left_source"), _LEFT.c.key.label("left_key"), _LEFT_GROUP.c.identity_id.label("left_group")),
        *(_RIGHT_SOURCE.c.name.label("right_source"), _RIGHT.c.key.label("right_key"), _RIGHT_GROUP.c.identity_id.label("right_group")),
    )
    .select_from(
        edge.join(_LEFT, _LEFT.c.id == edge.c.left_id)
        .join(_RIGHT, _RIGHT.c.id == edge.c.right_id)
        .join(_LEFT_SOURCE, _LEFT_SOURCE.c.id == _LEFT.c.source_id)
        .join(_RIGHT_SOURCE, _RIGHT_SOURCE.c.id == _RIGHT.c.source_id)
        .join(_LEFT_GROUP, _LEFT_GROUP.c.record_id == edge.c.left_id)
        .join(_RIGHT_GROUP, _RIGHT_GROUP.c.record_id == edge.c.right_id)
    )
    .where(
        edge.c.state.in_((REVIEW, REFUSED)),
        _LEFT.c.state == LIVE,
        _RIGHT.c.state == LIVE,
        _LEFT_GROUP.c.identity_id != _RIGHT_GROUP.c.identity_id,
    )
)
