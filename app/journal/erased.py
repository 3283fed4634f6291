"""What was erased from a journal that is about to be replaced by an older copy: the copy must not bring it back."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select

from app.journal import meta
from app.journal.suppression import IRI, PAST, RECORD, digest
from app.journal.tables import record, source, suppression
from app.names import place_of

_TOMBSTONES = (
    "SELECT source.name, record.key, record.iri, record.modified_at FROM record JOIN source ON source.id = record.source_id "
    "WHERE record.state = 'gone' AND record.document = '{}'"
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What a journal knows of its erasures: the key of its hashes, the list with moments and authors, and by reference what erased records were.

    A tombstone is an IRI and a moment.
    """

    secret: bytes
    listed: Mapping[str, tuple[str, str]]
    tombstones: Mapping[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Returning:
    """A record of a copy that was erased since; `at`: when, `requested`: on request, here."""

    id: int
    source: str
    key: str
    iri: str
    at: str
    requested: bool


def erased_in(path: Path) -> Erased | None:
    """Read the erasures of the journal in a file, of whichever version; None when it cannot be read."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            (secret,) = connection.execute("SELECT value FROM meta WHERE key = ?", [meta.SECRET]).fetchone()
            tombstones = {(name, key): (iri, at) for name, key, iri, at in connection.execute(_TOMBSTONES)}
            listed: dict[str, tuple[str, str]] = {}
            with suppress(sqlite3.OperationalError):  # a version that had no list yet
                listed = {one: (at, author) for one, at, author in connection.execute("SELECT digest, at, author FROM suppression")}
            return Erased(bytes.fromhex(secret), listed, tombstones)
    except (sqlite3.Error, ValueError, TypeError):
        return None


def take_over(c: Connection, found: Erased) -> None:
    """Put the list of another journal of this node on the list of this one; hashes under another key mean nothing here."""
    held = set(c.execute(select(suppression.c.digest)).scalars())
    rows = [{"digest": one, "at": at, "author": author} for one, (at, author) in found.listed.items() if one not in held]
    if rows and meta.secret(c) == found.secret:
        c.execute(insert(suppression), rows)


def returning(c: Connection, found: Erased) -> Iterator[Returning]:
    """Yield the records of this journal that were erased from the other one after this one was copied.

    What was published anew since it was erased is kept: the other one may come from an older copy, made in between.
    """
    question = select(record.c.id, source.c.name, record.c.key, record.c.iri, record.c.modified_at).join(source, source.c.id == record.c.source_id)
    for number, name, key, iri, modified_at in c.execute(question.where(record.c.document != "{}")).all():
        place = place_of(iri)
        at, _ = found.listed.get(digest(found.secret, PAST, place), ("", ""))
        tombstone, buried = found.tombstones.get((name, key), ("", ""))
        if not at and place_of(tombstone) == place:  # of a version that had no list yet
            at = buried
        if modified_at <= at:
            marks = {digest(found.secret, RECORD, f"{name}/{key}"), digest(found.secret, IRI, place)}
            yield Returning(number, name, key, iri, at, bool(marks & found.listed.keys()))
