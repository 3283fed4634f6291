"""How statements get into the journal: many at a time, because a first visit brings a hundred thousand.

Each chunk is compared with what is held by one question, then written by a few statements for all its rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.journal import changes, pending
from app.journal.moments import now
from app.journal.tables import feature, source, version
from app.journal.tables import record as table
from app.journal.text import Document, as_text, maybe_text

Outcome: TypeAlias = Literal["added", "changed", "unchanged"]
Origin: TypeAlias = tuple[int, int]

ADDED: Outcome = "added"
CHANGED: Outcome = "changed"
UNCHANGED: Outcome = "unchanged"
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Statement:
    """What a source says of one of its records; `contacts` are the keyed hashes of what was dropped at the door."""

    key: str
    iri: str
    document: Document
    content_hash: str
    raw_digest: str | None = None
    origin: Origin | None = None
    contacts: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Batch:
    """The rows that one chunk writes, table by table."""

    at: str
    author: str
    visit_id: int | None
    outcomes: list[tuple[int, Outcome]] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    replaced: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)


def put_many(c: Connection, source_id: int, statements: Iterable[Statement], author: str, visit_id: int | None = None) -> list[tuple[int, Outcome]]:
    """Keep the statements of a source, and return for each the record's id and what it changed.

    ``unchanged`` (the same content, live): it is only marked as seen. ``added``: new, or withdrawn before.
    ``changed``: other content, or the same after it had been hidden. Each statement that says something new becomes a version,
    of the visit that said it where one did.
    """
    (name,) = c.execute(select(source.c.name).where(source.c.id == source_id)).one()
    outcomes: list[tuple[int, Outcome]] = []
    for chunk in _chunks(statements):
        outcomes += _put_chunk(c, source_id, name, chunk, _Batch(now(), author, visit_id))
    return outcomes


def add_delete_version(c: Connection, record_id: int, number: int, author: str, visit_id: int | None = None) -> None:
    """Add the version that says that the record was taken back."""
    c.execute(insert(version).values(record_id=record_id, version=number, kind="delete", author=author, at=now(), visit_id=visit_id))


def _chunks(statements: Iterable[Statement]) -> Iterator[dict[str, Statement]]:
    """Cut into chunks in which no key comes twice, so that a second statement meets the first one written."""
    chunk: dict[str, Statement] = {}
    for statement in statements:
        if len(chunk) >= CHUNK or statement.key in chunk:
            yield chunk
            chunk = {}
        chunk[statement.key] = statement
    if chunk:
        yield chunk


def _put_chunk(c: Connection, source_id: int, name: str, chunk: Mapping[str, Statement], batch: _Batch) -> list[tuple[int, Outcome]]:
    """Compare one chunk with what is held, and write the difference."""
    held = {row.key: row for row in c.execute(_HELD, {"source": source_id, "keys": list(chunk)})}
    following = (c.execute(select(func.max(table.c.id))).scalar() or 0) + 1
    for statement in chunk.values():
        row = held.get(statement.key)
        if row is None:
            _add(batch, following + len(batch.added), source_id, statement)
        elif row.state == "live" and row.content_hash == statement.content_hash and row.iri == statement.iri:
            _see(batch, row, statement)
        else:
            _replace(batch, row, statement)
        record_id, outcome = batch.outcomes[-1]
        if outcome != UNCHANGED:
            batch.noted.append(f"{name}/{statement.key}")
            batch.touched.append(record_id)
        _keep_contacts(batch, record_id, row, statement)
    _write(c, batch)
    return batch.outcomes


def _add(batch: _Batch, record_id: int, source_id: int, statement: Statement) -> None:
    """A record that the source never sent before."""
    row = _values(batch.at, statement) | {"id": record_id, "source_id": source_id, "key": statement.key, "version": 1, "created_at": batch.at}
    batch.added.append(row)
    batch.versions.append(_version(batch, row, "create"))
    batch.outcomes.append((record_id, ADDED))


def _see(batch: _Batch, row: Row[*tuple[Any, ...]], statement: Statement) -> None:
    """The statement that is held already."""
    epoch, sequence = statement.origin or (row.origin_epoch, row.origin_sequence)
    batch.seen.append({"held": row.id, "at": batch.at, "raw": statement.raw_digest, "epoch": epoch, "sequence": sequence})
    batch.outcomes.append((row.id, UNCHANGED))


def _replace(batch: _Batch, row: Row[*tuple[Any, ...]], statement: Statement) -> None:
    """Another statement than the one held, or one that comes back."""
    values = _values(batch.at, statement)
    if statement.origin is None:
        values |= {"origin_epoch": row.origin_epoch, "origin_sequence": row.origin_sequence}
    came_back = row.state == "hidden" and row.content_hash == statement.content_hash
    new = values | {"id": row.id, "version": row.version + 1}
    batch.replaced.append({f"new_{column}": value for column, value in new.items()})
    batch.versions.append(_version(batch, new, "show" if came_back else "create" if row.state == "gone" else "update"))
    batch.outcomes.append((row.id, ADDED if row.state == "gone" else CHANGED))


def _keep_contacts(batch: _Batch, record_id: int, row: Row[*tuple[Any, ...]] | None, statement: Statement) -> None:
    """Evidence for matching that is not part of the document; new evidence alone rebuilds the group too."""
    text = maybe_text(statement.contacts)
    if text is not None and (row is None or row.contacts != text):
        batch.contacts.append({"record_id": record_id, "document": "", "contacts": text})
        batch.touched.append(record_id)


def _values(at: str, statement: Statement) -> dict[str, Any]:
    """Return the columns that a statement sets."""
    epoch, sequence = statement.origin or (None, None)
    return {
        "iri": statement.iri,
        "document": as_text(statement.document),
        "content_hash": statement.content_hash,
        "raw_digest": statement.raw_digest,
        "state": "live",
        "origin_epoch": epoch,
        "origin_sequence": sequence,
        "modified_at": at,
        "seen_at": at,
        "missed": 0,
        "missing_since": None,
    }


def _version(batch: _Batch, row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the version that goes with a row."""
    kept = {column: row[column] for column in ("version", "document", "content_hash")}
    return kept | {"record_id": row["id"], "kind": kind, "author": batch.author, "at": batch.at, "visit_id": batch.visit_id}


def _write(c: Connection, batch: _Batch) -> None:
    """Write a chunk: one statement a table, whatever the number of rows."""
    for statement, rows in (
        (_ADD, batch.added),
        (_REPLACE, batch.replaced),
        (_SEE, batch.seen),
        (_ADD_VERSION, batch.versions),
        (_CONTACTS, batch.contacts),
    ):
        if rows:
            c.execute(statement, rows)
    changes.note(c, "record", batch.noted)
    pending.add(c, batch.touched)


_HELD = (
    select(
        table.c.id,
        table.c.key,
        table.c.iri,
        table.c.state,
        table.c.version,
        table.c.content_hash,
        table.c.origin_epoch,
        table.c.origin_sequence,
        feature.c.contacts,
    )
    .join(feature, feature.c.record_id == table.c.id, isouter=True)
    .where(table.c.source_id == bindparam("source"), table.c.key.in_(bindparam("keys", expanding=True)))
)
_SET = (
    "iri",
    "document",
    "content_hash",
    "raw_digest",
    "state",
    "origin_epoch",
    "origin_sequence",
    "modified_at",
    "seen_at",
    "missed",
    "missing_since",
    "version",
)
_ADD = insert(table)
_REPLACE = update(table).where(table.c.id == bindparam("new_id")).values({column: bindparam(f"new_{column}") for column in _SET})
_SEE = (
    update(table)
    .where(table.c.id == bindparam("held"))
    .values(
        seen_at=bindparam("at"),
        missed=0,
        missing_since=None,
        raw_digest=bindparam("raw"),
        origin_epoch=bindparam("epoch"),
        origin_sequence=bindparam("sequence"),
    )
)
_ADD_VERSION = insert(version)
_FEATURE = upsert(feature)
_CONTACTS = _FEATURE.on_conflict_do_update(index_elements=[feature.c.record_id], set_={"contacts": _FEATURE.excluded.contacts})
