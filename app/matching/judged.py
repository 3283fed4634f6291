"""What people judged, as constraints on groups; a judgement goes on holding through a record that is gone, and through one whose source was removed.

A record is its id here, or its reference while there is no such record: a = x and x = b unite a and b all the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, or_, select

from app.journal.judgements import Verdict
from app.journal.tables import judgement, record, source
from app.matching.cluster import Constraints
from app.matching.filing import among, chunks

Node: TypeAlias = int | str
Judged: TypeAlias = tuple[Node, Node, str]

_ACTIVE: Final = select(judgement.c.left, judgement.c.right, judgement.c.verdict).where(judgement.c.revoked_at.is_(None))
_OF: Final = _ACTIVE.where(or_(judgement.c.left.in_(among()), judgement.c.right.in_(among())))
_ANY: Final = select(judgement.c.id).limit(1)
_REFERENCES: Final = select(source.c.name, record.c.key).join(source, source.c.id == record.c.source_id).where(record.c.id.in_(among()))
_IDS: Final = (
    select(record.c.key, record.c.id)
    .join(source, source.c.id == record.c.source_id)
    .where(source.c.name == bindparam("name"), record.c.key.in_(among()))
)


def same_pairs(c: Connection, record_ids: Collection[int] | None) -> Iterator[tuple[int, int]]:
    """Yield the records that were judged the same, directly or through absent ones: those that name one of `record_ids`, or all."""
    judged = [*_judged(c, record_ids)]
    for known in {id(found): found for found in _together(judged).values()}.values():
        here = sorted(one for one in known if isinstance(one, int))
        yield from ((here[0], other) for other in here[1:])


def apart_pairs(c: Connection) -> Iterator[tuple[int, int]]:
    """Yield the records that were judged different, or of which nobody could be sure."""
    for left, right, verdict in _judged(c, None):
        if verdict != Verdict.SAME and isinstance(left, int) and isinstance(right, int):
            yield left, right


def constraints(c: Connection, live: Collection[int], record_ids: Collection[int]) -> Constraints:
    """Return what was judged of `record_ids`, said of those of them that are `live`."""
    judged = [*_judged(c, record_ids)]
    if not judged:
        return Constraints()
    standing = _standing(judged, live)
    same = {(standing[record_id], record_id) for record_id in live if record_id in standing and standing[record_id] != record_id}
    apart = {
        (min(standing[left], standing[right]), max(standing[left], standing[right]))
        for left, right, verdict in judged
        if verdict != Verdict.SAME and left in standing and right in standing and standing[left] != standing[right]
    }
    return Constraints(tuple(sorted(same)), frozenset(apart))


def _standing(judged: Iterable[Judged], live: Collection[int]) -> dict[Node, int]:
    """Return for each judged record a live one that stands for all that were judged the same."""
    present = {*live}
    found = {one: [other for other in known if isinstance(other, int) and other in present] for one, known in _together(judged).items()}
    return {one: min(standing) for one, standing in found.items() if standing}


def _together(judged: Iterable[Judged]) -> dict[Node, set[Node]]:
    """Return for each judged record all that were judged the same, itself included."""
    together: dict[Node, set[Node]] = {}
    for left, right, verdict in judged:
        mine, theirs = together.setdefault(left, {left}), together.setdefault(right, {right})
        if verdict == Verdict.SAME and mine is not theirs:
            mine |= theirs
            together.update(dict.fromkeys(theirs, mine))
    return together


def _judged(c: Connection, record_ids: Collection[int] | None) -> Iterator[Judged]:
    """Yield pairs of records with the verdict on them, those reached through absent records included."""
    if record_ids is not None and c.execute(_ANY).first() is None:
        return
    rows: set[tuple[str, str, str]] = set()
    ids: dict[str, int] = {}
    asked: set[str] = set()
    wanted = None if record_ids is None else {*_references(c, record_ids)}
    while wanted is None or wanted:
        found = {(str(left), str(right), str(verdict)) for left, right, verdict in _rows(c, wanted)} - rows
        rows |= found
        named = {reference for row in found for reference in row[:2]}
        ids.update(_ids(c, named - ids.keys()))
        asked |= wanted or named
        wanted = named - ids.keys() - asked
    yield from ((ids.get(left, left), ids.get(right, right), verdict) for left, right, verdict in sorted(rows))


def _rows(c: Connection, references: Collection[str] | None) -> Iterator[Any]:
    """Yield the judgements that hold of these references, or of all."""
    if references is None:
        yield from c.execute(_ACTIVE)
    else:
        for chunk in chunks(references):
            yield from c.execute(_OF, {"ids": chunk})


def _references(c: Connection, record_ids: Collection[int]) -> Iterator[str]:
    """Yield the references of records."""
    for chunk in chunks(record_ids):
        yield from (f"{name}/{key}" for name, key in c.execute(_REFERENCES, {"ids": chunk}))


def _ids(c: Connection, references: Iterable[str]) -> Mapping[str, int]:
    """Return the ids of referenced records, whatever their state."""
    keys: dict[str, set[str]] = {}
    for reference in references:
        name, _, key = reference.partition("/")
        keys.setdefault(name, set()).add(key)
    found: dict[str, int] = {}
    for name, wanted in keys.items():
        for chunk in chunks(wanted):
            found.update((f"{name}/{key}", record_id) for key, record_id in c.execute(_IDS, {"name": name, "ids": chunk}))
    return found
