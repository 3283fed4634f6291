"""What people at other nodes judged of two records: evidence for matching, never a rule; kept by the IRIs that the records are about.

Only what is about two records known here is kept, so that nothing stays of what others erase; once more records are known, logs are read again.
What a peer took back stays, marked as such. Whatever changes here leaves the pairs that it is about to be scored anew: their edges are stale.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.journal import meta, pending, suppression
from app.journal.judgements import Verdict
from app.journal.tables import edge, evidence_read, record
from app.journal.tables import evidence as table
from app.names import place_of

MOST: Final = 10_000
"""Judgements that are kept of one peer; what comes after them is left where it is."""

CHUNK: Final = 500
Value = TypeVar("Value", int, str)

STALE: Final = "[ ]"
"""The reasons of an edge that is to be scored anew: a list as nothing else writes it."""

UNSCORED: Final = -99.0


@dataclass(frozen=True, slots=True)
class Said:
    """One judgement of a peer: its own address, two records' IRIs in either order, who judged and when."""

    iri: str
    left: str
    right: str
    verdict: Verdict
    author: str
    at: str


class Revoked(NamedTuple):
    """A peer took the judgement of this address back, then."""

    iri: str
    at: str


class Place(NamedTuple):
    """Which log was read, and the moment of its last entry that was."""

    url: str
    after: str


def read_to(c: Connection, source_id: int) -> Place | None:
    """Return how far a peer's log was read, None when it never was."""
    row = c.execute(select(evidence_read.c.url, evidence_read.c.after).where(evidence_read.c.source_id == source_id)).first()
    return None if row is None else Place(row.url, row.after)


def take(c: Connection, source_id: int, entries: Collection[Said | Revoked], place: Place) -> int:
    """Keep what a peer's people judged and took back, in the order of its log; return how many judgements that changed.

    What is of no use is passed over: a judgement on what is not known here or was erased, or above the number that is kept of one peer.
    """
    room = MOST - c.execute(select(func.count()).select_from(table).where(table.c.source_id == source_id)).scalar_one()
    iris = {iri for entry in entries if isinstance(entry, Said) for iri in (entry.left, entry.right)}
    known, erased = _known(c, iris), _erased(c, iris)
    kept, changed, passed_over = set[int](), set[int](), False
    for entry in entries:
        if isinstance(entry, Revoked):
            changed |= _revoke(c, source_id, entry)
        elif not known.issuperset((entry.left, entry.right)):
            passed_over = True
        elif len(kept) < room and erased.isdisjoint((entry.left, entry.right)):
            kept |= _keep(c, source_id, entry)
    values = {"url": place.url, "after": place.after, "passed_over": passed_over}
    new = upsert(evidence_read).values(source_id=source_id, **values)
    c.execute(new.on_conflict_do_update(index_elements=["source_id"], set_=values | {"passed_over": evidence_read.c.passed_over | passed_over}))
    _outdate(c, kept | changed)
    return len(kept | changed)


def read_again(c: Connection) -> None:
    """Have the logs read from the beginning that spoke of records that were not known: now more are."""
    c.execute(update(evidence_read).where(evidence_read.c.passed_over).values(after="", passed_over=False))


def count(c: Connection, source_id: int) -> int:
    """Return how many judgements of a peer hold."""
    mine = (table.c.source_id == source_id) & table.c.revoked_at.is_(None)
    return int(c.execute(select(func.count()).select_from(table).where(mine)).scalar_one())


def reweigh(c: Connection, source_id: int) -> None:
    """Have all that a peer's people judged weighed anew: it is trusted more, or less."""
    _outdate(c, set(c.execute(select(table.c.id).where(table.c.source_id == source_id)).scalars()))


def forget(c: Connection, source_id: int) -> None:
    """Forget what a peer's people judged."""
    reweigh(c, source_id)
    c.execute(delete(table).where(table.c.source_id == source_id))
    c.execute(delete(evidence_read).where(evidence_read.c.source_id == source_id))


def forget_unknown(c: Connection) -> None:
    """Forget what was judged of records that are not known here any more."""
    for side in (table.c.left, table.c.right):
        c.execute(delete(table).where(side.not_in(select(record.c.iri))))


def outdate(c: Connection, pairs: Collection[tuple[int, int]]) -> None:
    """Have pairs of records scored anew, kept or not, when their groups are next rebuilt: those wait for it from now on."""
    rows = [{"left_id": left, "right_id": right, "score": UNSCORED, "reasons": STALE, "state": "stale"} for left, right in sorted(pairs)]
    if rows:
        c.execute(upsert(edge).on_conflict_do_update(index_elements=["left_id", "right_id"], set_={"reasons": STALE}), rows)
    pending.add(c, {one for pair in pairs for one in pair})


def erase(c: Connection, iri: str) -> None:
    """Forget what anybody judged of a record that is erased."""
    c.execute(delete(table).where(or_(table.c.left == iri, table.c.right == iri)))


def _keep(c: Connection, source_id: int, said: Said) -> set[int]:
    """Keep one judgement, unless it is known; return its number."""
    left, right = sorted((said.left, said.right))
    values = {"iri": said.iri, "left": left, "right": right, "verdict": said.verdict.value, "author": said.author, "at": said.at}
    added = c.execute(upsert(table).values(source_id=source_id, **values).on_conflict_do_nothing().returning(table.c.id)).scalars()
    return set(added)


def _revoke(c: Connection, source_id: int, taken_back: Revoked) -> set[int]:
    """Mark a judgement as taken back; return its number."""
    which = (table.c.source_id == source_id) & (table.c.iri == taken_back.iri) & table.c.revoked_at.is_(None)
    return set(c.execute(update(table).where(which).values(revoked_at=taken_back.at).returning(table.c.id)).scalars())


def _known(c: Connection, iris: Collection[str]) -> set[str]:
    """Return those of these that records here are about."""
    return {iri for chunk in _chunks(iris) for iri in c.execute(select(record.c.iri).where(record.c.iri.in_(chunk))).scalars()}


def _erased(c: Connection, iris: Collection[str]) -> set[str]:
    """Return those of these that were erased here."""
    if suppression.is_empty(c):
        return set()
    secret = meta.secret(c)
    marks = {iri: {suppression.digest(secret, kind, place_of(iri)) for kind in (suppression.IRI, suppression.PAST)} for iri in iris}
    found = suppression.among(c, {mark for those in marks.values() for mark in those}).keys()
    return {iri for iri, those in marks.items() if those & found}


def _chunks(values: Collection[Value]) -> Iterator[list[Value]]:
    """Cut values into sorted chunks that a question takes."""
    ordered = sorted(values)
    yield from (ordered[at : at + CHUNK] for at in range(0, len(ordered), CHUNK))


def _outdate(c: Connection, numbers: Collection[int]) -> None:
    """Have the pairs of records that these judgements are about scored anew."""
    for chunk in _chunks(numbers):
        found = c.execute(_PAIRS.where(table.c.id.in_(chunk)))
        outdate(c, {(min(left, right), max(left, right)) for left, right in found})


_LEFT, _RIGHT = record.alias(), record.alias()
_PAIRS: Final = (
    select(_LEFT.c.id, _RIGHT.c.id)
    .select_from(table.join(_LEFT, _LEFT.c.iri == table.c.left).join(_RIGHT, _RIGHT.c.iri == table.c.right))
    .where(_LEFT.c.state == "live", _RIGHT.c.state == "live", _LEFT.c.id != _RIGHT.c.id)
)
