"""What was erased here and must not come back: keyed hashes only, so that the list itself gives nothing of it away.

Two things are known of an erased record. That it was erased, by whomever: a restored copy of the journal, which still holds it, must erase it again.
And, when it was erased here on request, what would be the same record again: its IRI in any spelling, its place in its source whatever the
source's name, its very words under another address. A visit takes none of them.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from app.journal import meta
from app.journal.moments import now
from app.journal.tables import suppression as table
from app.journal.text import Document, as_text
from app.names import place_of, without_secrets

PAST: Final = "past"
IRI, RECORD, PLACE, WORDS, SLUG = "iri", "record", "place", "words", "slug"
LIFTED: Final = "lifted"
"""A record of this IRI may come back although it was erased: an operator took the request back."""

CHUNK: Final = 500
DATES: Final = frozenset({"id", "type", "created", "modified", "license"})
FEWEST: Final = 3
"""How many things a record must say for its words to be known again: too many groups share a name and a topic."""


@dataclass(frozen=True, slots=True)
class Trace:
    """By what a record of a peer would be known again; `url` is the peer's."""

    source: str
    url: str | None
    key: str
    iri: str
    document: Mapping[str, Any]

    def marks(self, secret: bytes) -> Iterator[str]:
        """Yield the hashes."""
        yield digest(secret, RECORD, f"{self.source}/{self.key}")
        yield digest(secret, IRI, place_of(self.iri))
        if self.url:
            yield digest(secret, PLACE, f"{place_of(without_secrets(self.url))} {self.key}")
        said = {key: value for key, value in self.document.items() if key not in DATES}
        if len(said) >= FEWEST:
            yield digest(secret, WORDS, as_text(dict(sorted(said.items()))).replace(self.iri.partition("#")[0], ""))


def digest(secret: bytes, kind: str, text: str) -> str:
    """Return the keyed hash of a text of one kind."""
    return hmac.new(secret, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()


def note(c: Connection, digests: Iterable[str], author: str, at: str | None = None) -> None:
    """Put hashes on the list, erased now or `at` another moment; what is noted last counts."""
    rows = [{"digest": one, "at": at or now(), "author": author} for one in set(digests)]
    if rows:
        new = upsert(table)
        c.execute(new.on_conflict_do_update(index_elements=["digest"], set_={"at": new.excluded.at, "author": new.excluded.author}), rows)


def is_empty(c: Connection) -> bool:
    """Tell whether nothing is on the list."""
    return c.execute(select(table.c.digest).limit(1)).first() is None


def among(c: Connection, digests: Collection[str]) -> dict[str, str]:
    """Return those of these hashes that are on the list, each with the moment of its erasure."""
    ordered = sorted(digests)
    found: dict[str, str] = {}
    for at in range(0, len(ordered), CHUNK):
        rows = c.execute(select(table.c.digest, table.c.at).where(table.c.digest.in_(ordered[at : at + CHUNK])))
        found.update((row.digest, row.at) for row in rows)
    return found


def suppressed(c: Connection, traces: Mapping[str, Trace]) -> set[str]:
    """Return those of `traces` (by any name) that were erased here on request."""
    if is_empty(c):
        return set()
    secret = meta.secret(c)
    marks = {name: set(trace.marks(secret)) for name, trace in traces.items()}
    lifted = {name: digest(secret, LIFTED, place_of(trace.iri)) for name, trace in traces.items()}
    found = among(c, {mark for those in marks.values() for mark in those} | {*lifted.values()}).keys()
    return {name for name, those in marks.items() if those & found and lifted[name] not in found}


def lift(c: Connection, iri: str, author: str) -> bool:
    """Let visits take what has this IRI again; return False when it is not kept out. Whatever else was erased stays so."""
    secret = meta.secret(c)
    kept_out, lifted = digest(secret, IRI, place_of(iri)), digest(secret, LIFTED, place_of(iri))
    found = among(c, {kept_out, lifted})
    if kept_out not in found or lifted in found:
        return False
    note(c, [lifted], author)
    return True


def drop_again(c: Connection, iri: str) -> None:
    """Forget that what has this IRI was let in again: it is erased anew."""
    c.execute(delete(table).where(table.c.digest == digest(meta.secret(c), LIFTED, place_of(iri))))


def erased_slugs(c: Connection, slugs: Collection[str]) -> set[str]:
    """Return those of these slugs that were a group's until its name was erased: they are never given again."""
    if is_empty(c):
        return set()
    secret = meta.secret(c)
    found = among(c, {digest(secret, SLUG, slug) for slug in slugs})
    return {slug for slug in slugs if digest(secret, SLUG, slug) in found}


def document_words(documents: Iterable[Document]) -> set[str]:
    """Return every name and other name that documents give."""
    found: set[str] = set()
    for document in documents:
        for key in ("name", "alternateName"):
            waiting = [document.get(key)]
            while waiting:
                value = waiting.pop()
                if isinstance(value, str):
                    found.add(value)
                waiting += list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return found
