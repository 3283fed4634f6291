"""What people judged, as constraints on groups; a judgement goes on holding through a record that is gone for now."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, or_, select

from app.journal.judgements import Verdict
from app.journal.tables import judgement, record, source
from app.matching.cluster import Constraints
from app.matching.filing import among, chunks

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
    """Yield the records that were judged the same, those that name one of `record_ids` or all."""
    yield from ((left, right) for left, right, verdict in _judged(c, record_ids) if verdict == Verdict.SAME)


def apart_pairs(c: Connection) -> Iterator[tuple[int, int]]:
    """Yield the records that were judged different, or of which nobody could be sure."""
    yield from ((left, right) for left, right, verdict in _judged(c, None) if verdict != Verdict.SAME)


def constraints(c: Connection, live: Collection[int], record_ids: Collection[int]) -> Constraints:
    """Return what was judged of `record_ids`, said of those of them that are `live`."""
    judged = [*_judged(c, record_ids)]
    if not judged:
        return Constraints()
    standing = _standing(judged, live)
    same = {(standing[record_id], record_id) for record_id in standing.keys() & {*live} if standing[record_id] != record_id}
    apart = {
        (min(standing[left], standing[right]), max(standing[left], standing[right]))
        for left, right, verdict in judged
        if verdict != Verdict.SAME and left in standing and right in standing and standing[left] != standing[right]
    }
    return Constraints(tuple(sorted(same)), frozenset(apart))


def _standing(judged: Iterable[tuple[int, int, str]], live: Collection[int]) -> dict[int, int]:
    """Return for each judged record a live one that stands for all that were judged the same."""
    together: dict[int, set[int]] = {}
    for left, right, verdict in judged:
        mine, theirs = together.setdefault(left, {left}), together.setdefault(right, {right})
        if verdict == Verdict.SAME and mine is not theirs:
            mine |= theirs
            together.update(dict.fromkeys(theirs, mine))
    present = {*live}
    return {record_id: min(known & present) for record_id, known in together.items() if known & present}


def _judged(c: Connection, record_ids: Collection[int] | None) -> Iterator[tuple[int, int, str]]:
    """Yield pairs of record ids with the verdict on them."""
    rows = {(str(left), str(right), str(verdict)) for left, right, verdict in _rows(c, record_ids)}
    ids = _ids(c, {reference for row in rows for reference in (row[0], row[1])})
    for left, right, verdict in sorted(rows):
        if left in ids and right in ids:
            yield ids[left], ids[right], verdict


def _rows(c: Connection, record_ids: Collection[int] | None) -> Iterator[Any]:
    """Yield the judgements of these records; nothing is asked when nobody ever judged."""
    if record_ids is None:
        yield from c.execute(_ACTIVE)
    elif c.execute(_ANY).first() is not None:
        for references in chunks(_references(c, record_ids)):
            yield from c.execute(_OF, {"ids": references})


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
