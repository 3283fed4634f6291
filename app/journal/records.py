"""What each source says: the newest statement about each of its records, and every statement before it.

Whatever changes a record here also notes it for the projector (`changes`) and for the rebuilding of its group (`pending`),
so that no caller can forget one of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from app.journal import changes, pending
from app.journal.moments import now
from app.journal.tables import record as table
from app.journal.tables import source
from app.journal.tables import version as version_table
from app.journal.text import Document, as_text, from_text
from app.journal.writing import ADDED, CHANGED, UNCHANGED, Outcome, Statement, add_delete_version, put_many

__all__ = ["ADDED", "CHANGED", "UNCHANGED", "Document", "Outcome", "Statement", "put_many"]

LIVE, HIDDEN, GONE = "live", "hidden", "gone"


@dataclass(frozen=True, slots=True)
class Record:
    """The newest statement of one source about one group; `document` is empty once it was erased."""

    id: int
    source_id: int
    source: str
    key: str
    iri: str
    document: Document
    content_hash: str
    raw_digest: str | None
    state: str
    version: int
    origin: tuple[int, int] | None
    created_at: str
    modified_at: str
    seen_at: str
    missed: int
    missing_since: str | None

    @property
    def reference(self) -> str:
        """``source/key``: what names the record for ever."""
        return f"{self.source}/{self.key}"


@dataclass(frozen=True, slots=True)
class Head:
    """A record without its document: enough to tell whether what a source sends is new."""

    id: int
    key: str
    iri: str
    content_hash: str
    raw_digest: str | None
    state: str
    origin: tuple[int, int] | None
    missed: int
    missing_since: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """One statement a record once was: create, update, delete (without document), hide, or show once it was hidden."""

    version: int
    kind: str
    document: Document | None
    content_hash: str | None
    author: str
    at: str


def get(c: Connection, source_name: str, key: str) -> Record | None:
    """Return the record of that source, whatever its state."""
    return _first(c, _chosen().where(source.c.name == source_name, table.c.key == key))


def under(c: Connection, source_name: str, keys: Iterable[str]) -> dict[str, Record]:
    """Return the records of that source under a few hundred keys, whatever their state."""
    return {row.key: _record(row) for row in c.execute(_UNDER, {"source": source_name, "keys": list(keys)})}


def by_id(c: Connection, record_id: int) -> Record | None:
    """Return the record of that id, whatever its state."""
    return _first(c, _chosen().where(table.c.id == record_id))


def by_iri(c: Connection, iri: str) -> list[Record]:
    """Return the records whose subject is `iri`, whatever their state: several sources may speak of one IRI."""
    return [_record(row) for row in c.execute(_chosen().where(table.c.iri == iri).order_by(table.c.id))]


def live(c: Connection, source_name: str | None = None) -> Iterator[Record]:
    """Yield the live records, of one source or of all, in the order of their ids; memory stays flat."""
    question = _chosen().where(table.c.state == LIVE).order_by(table.c.id)
    if source_name is not None:
        question = question.where(source.c.name == source_name)
    for row in c.execution_options(yield_per=500).execute(question):
        yield _record(row)


def count(c: Connection, source_name: str) -> int:
    """Return how many live records a source has."""
    question = select(func.count()).select_from(table.join(source)).where(source.c.name == source_name, table.c.state == LIVE)
    return c.execute(question).scalar_one()


def heads(c: Connection, source_id: int) -> Iterator[Head]:
    """Yield all records of a source without their documents, in the order of their keys."""
    for row in c.execute(select(*_HEAD).where(table.c.source_id == source_id).order_by(table.c.key)):
        yield _head(row)


def head(c: Connection, source_id: int, key: str) -> Head | None:
    """Return one record of a source without its document."""
    row = c.execute(select(*_HEAD).where(table.c.source_id == source_id, table.c.key == key)).first()
    return None if row is None else _head(row)


def put(
    c: Connection,
    source_id: int,
    key: str,
    iri: str,
    document: Document,
    content_hash: str,
    author: str,
    raw_digest: str | None = None,
    origin: tuple[int, int] | None = None,
    contacts: Mapping[str, Any] | None = None,
) -> tuple[int, Outcome]:
    """Keep one statement of a source and return the record's id and what it changed; see `put_many`."""
    statement = Statement(key, iri, document, content_hash, raw_digest, origin, contacts)
    return put_many(c, source_id, [statement], author)[0]


def withdraw(c: Connection, record_id: int, author: str, origin: tuple[int, int] | None = None, visit_id: int | None = None) -> bool:
    """The source takes its record back; its versions stay. Return False when it had done so before: then only the `origin` is noted."""
    held = by_id(c, record_id)
    if held is None:
        return False
    epoch, sequence = origin or held.origin or (None, None)
    values: dict[str, Any] = {"origin_epoch": epoch, "origin_sequence": sequence}
    if held.state != GONE:
        values |= {"state": GONE, "version": held.version + 1, "modified_at": now()}
    c.execute(update(table).where(table.c.id == record_id).values(values))
    if held.state == GONE:
        return False
    add_delete_version(c, record_id, held.version + 1, author, visit_id)
    _noted(c, held)
    return True


def hide(c: Connection, record_id: int, author: str, visit_id: int | None = None) -> bool:
    """The record was silently absent for long: nobody sees it until its source sends it again. Return False when it was not live."""
    held = by_id(c, record_id)
    if held is None or held.state != LIVE:
        return False
    at, following = now(), held.version + 1
    c.execute(update(table).where(table.c.id == record_id).values(state=HIDDEN, version=following, modified_at=at))
    said = {"kind": "hide", "document": as_text(held.document), "content_hash": held.content_hash, "author": author, "at": at, "visit_id": visit_id}
    c.execute(insert(version_table).values(record_id=record_id, version=following, **said))
    _noted(c, held)
    return True


def mark_seen(c: Connection, record_ids: Iterable[int]) -> None:
    """A visit met these records unchanged."""
    rows = [{"met": record_id, "at": now()} for record_id in record_ids]
    if rows:
        c.execute(_SEEN, rows)


def mark_missed(c: Connection, record_ids: Iterable[int]) -> None:
    """A visit that was complete did not meet these records."""
    rows = [{"met": record_id, "at": now()} for record_id in record_ids]
    if rows:
        c.execute(_MISSED, rows)


def history(c: Connection, record_id: int) -> list[Version]:
    """Return every statement the record was, the oldest first; nothing before an erasure is left."""
    question = select(version_table).where(version_table.c.record_id == record_id).order_by(version_table.c.version)
    return [_version(row) for row in c.execute(question)]


_HEAD = (
    table.c.id,
    table.c.key,
    table.c.iri,
    table.c.content_hash,
    table.c.raw_digest,
    table.c.state,
    table.c.origin_epoch,
    table.c.origin_sequence,
    table.c.missed,
    table.c.missing_since,
)
_SEEN = update(table).where(table.c.id == bindparam("met")).values(seen_at=bindparam("at"), missed=0, missing_since=None)
_MISSED = (
    update(table)
    .where(table.c.id == bindparam("met"))
    .values(missed=table.c.missed + 1, missing_since=func.coalesce(table.c.missing_since, bindparam("at")))
)


def _chosen() -> Select[Any]:
    """Records with the name of their source."""
    return select(table, source.c.name.label("source")).join(source, source.c.id == table.c.source_id)


_UNDER = _chosen().where(source.c.name == bindparam("source"), table.c.key.in_(bindparam("keys", expanding=True)))


def _first(c: Connection, question: Select[Any]) -> Record | None:
    """Return the first record of an answer."""
    row = c.execute(question).first()
    return None if row is None else _record(row)


def _noted(c: Connection, held: Record) -> None:
    """Note a change for the projector and for the group."""
    changes.note(c, "record", [held.reference])
    pending.add(c, [held.id])


def _origin(row: Row[*tuple[Any, ...]]) -> tuple[int, int] | None:
    """Read the epoch and the sequence of the event that a record came with."""
    return None if row.origin_epoch is None else (row.origin_epoch, row.origin_sequence)


def _head(row: Row[*tuple[Any, ...]]) -> Head:
    """Read one row."""
    return Head(row.id, row.key, row.iri, row.content_hash, row.raw_digest, row.state, _origin(row), row.missed, row.missing_since)


def _version(row: Row[*tuple[Any, ...]]) -> Version:
    """Read one row."""
    document = None if row.document is None else from_text(row.document)
    return Version(row.version, row.kind, document, row.content_hash, row.author, row.at)


def _record(row: Row[*tuple[Any, ...]]) -> Record:
    """Read one row."""
    return Record(
        id=row.id,
        source_id=row.source_id,
        source=row.source,
        key=row.key,
        iri=row.iri,
        document=from_text(row.document),
        content_hash=row.content_hash,
        raw_digest=row.raw_digest,
        state=row.state,
        version=row.version,
        origin=_origin(row),
        created_at=row.created_at,
        modified_at=row.modified_at,
        seen_at=row.seen_at,
        missed=row.missed,
        missing_since=row.missing_since,
    )
