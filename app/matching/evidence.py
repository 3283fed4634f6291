"""What people at other nodes judged, as reasons: added to the score of a pair, never deciding alone, and never before a judgement made here.

A peer's word weighs as much as the peer is trusted; what several say adds up within a bound, and what contradicts stands side by side.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, select

from app.journal.judgements import Verdict
from app.journal.records import LIVE
from app.journal.sources import Trust
from app.journal.tables import evidence, record, source
from app.matching.filing import among, chunks
from app.matching.score import MATCH, REVIEW, Reason, Score, Subject, score
from app.matching.statistics import Statistics

WEIGHTS: Final[Mapping[str, float]] = {Trust.AUTO: 4.0, Trust.REVIEW: 2.0}
"""What one peer's word weighs; one that is kept apart is not heard."""

MOST: Final = 6.0
"""What the words of all peers weigh together, at most."""

SAME, DIFFERENT = "judged the same", "judged different"


class Voice(NamedTuple):
    """How much a peer is trusted, what it said of a pair last, and who there."""

    trust: str
    verdict: str
    author: str


Words = tuple[Reason, ...]
Pair = tuple[int, int]

_LEFT, _RIGHT = record.alias(), record.alias()
_HEARD: Final = (
    select(_LEFT.c.id, _RIGHT.c.id, source.c.name, source.c.trust, evidence.c.verdict, evidence.c.author)
    .select_from(
        evidence.join(source, source.c.id == evidence.c.source_id)
        .join(_LEFT, _LEFT.c.iri == evidence.c.left)
        .join(_RIGHT, _RIGHT.c.iri == evidence.c.right)
    )
    .where(evidence.c.revoked_at.is_(None), _LEFT.c.state == LIVE, _RIGHT.c.state == LIVE, _LEFT.c.id != _RIGHT.c.id)
    .where(source.c.trust.in_(WEIGHTS))
    .order_by(evidence.c.at, evidence.c.id)
)
_HEARD_OF: Final = tuple(_HEARD.where(side.c.id.in_(among())) for side in (_LEFT, _RIGHT))
_ANY: Final = select(evidence.c.id).limit(1)


def heard(c: Connection, record_ids: Collection[int] | None) -> dict[Pair, Words]:
    """Return what peers say of the pairs that name one of these records, or of all; of what one peer says, the newest."""
    if c.execute(_ANY).first() is None:
        return {}
    said: dict[Pair, dict[str, Voice]] = {}
    for left, right, name, trust, verdict, author in _rows(c, record_ids):
        said.setdefault((min(left, right), max(left, right)), {})[name] = Voice(trust, verdict, author)
    return {pair: _words(voices) for pair, voices in said.items()}


def weighed(scored: Score, words: Words) -> Score:
    """Return a score with what peers say beside it; what is one group then is in no relation with itself."""
    if not words:
        return scored
    total = round(scored.total + sum(word.weight for word in words), 3)
    ordered = tuple(sorted((*scored.reasons, *words), key=lambda reason: (-abs(reason.weight), reason.name)))
    return Score(total, ordered, scored.relation if total < MATCH else None)


def worth(pairs: Iterable[Pair], subjects: Mapping[int, Subject], said: Mapping[Pair, Words], statistics: Statistics) -> dict[Pair, Score]:
    """Score pairs of records that are at hand, with what peers say of them; return those that reach REVIEW or are related."""
    found = {}
    for left, right in pairs:
        if left in subjects and right in subjects:
            scored = weighed(score(subjects[left], subjects[right], statistics), said.get((left, right), ()))
            if scored.total >= REVIEW or scored.relation:
                found[left, right] = scored
    return found


def _rows(c: Connection, record_ids: Collection[int] | None) -> Iterator[Any]:
    """Yield what was judged and holds, the oldest first."""
    if record_ids is None:
        yield from c.execute(_HEARD)
        return
    for question in _HEARD_OF:
        yield from _chunked(c, question, record_ids)


def _chunked(c: Connection, question: Select[Any], record_ids: Collection[int]) -> Iterator[Any]:
    for chunk in chunks(record_ids):
        yield from c.execute(question, {"ids": chunk})


def _words(voices: Mapping[str, Voice]) -> Words:
    """Return what peers say as reasons, the most trusted first; beyond the bound a further voice weighs nothing."""
    words, total = [], 0.0
    for name, voice in sorted(voices.items(), key=lambda one: (-WEIGHTS[one[1].trust], one[0])):
        same = voice.verdict == Verdict.SAME
        bounded = max(-MOST, min(MOST, total + (WEIGHTS[voice.trust] if same else -WEIGHTS[voice.trust]))) - total
        words.append(Reason(SAME if same else DIFFERENT, f"{name}, {voice.author}" if voice.author else name, round(bounded, 3)))
        total += bounded
    return tuple(words)
