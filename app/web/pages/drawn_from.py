"""The sources that an answer drew on: the directories behind the groups and records that it names, asked of the journal."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select

from app.journal import sources
from app.journal.records import LIVE
from app.journal.sources import Source, Trust
from app.journal.tables import identity, member, record
from app.journal.tables import source as table
from app.journal.text import from_text
from app.names import OWN, Names
from app.web.pages.layout import Page

MOST: Final = 1000
"""Addresses of an answer that are followed."""

_ADDRESS = re.compile(r"<(https?://[^<>\s\"{}|^`\\]{1,2000})>")


@dataclass(frozen=True, slots=True)
class Origin:
    """One directory: how many of its records are behind the answer, under which licences, and when it was last read."""

    name: str
    href: str
    own: bool
    records: int
    licences: tuple[str, ...]
    visited: str | None


@dataclass(frozen=True, slots=True)
class DrawnFrom:
    """The directories behind an answer, the one with most records first; `cut` when not every address was followed."""

    origins: tuple[Origin, ...]
    cut: bool


def rows(bindings: Iterable[Mapping[str, Mapping[str, str]]]) -> Iterator[str]:
    """Yield the addresses that stand in rows."""
    for binding in bindings:
        yield from (value["value"] for value in binding.values() if value["type"] == "uri")


def graph(text: str) -> Iterator[str]:
    """Yield the addresses that stand in a graph."""
    return (found[1] for found in _ADDRESS.finditer(text))


def origins(c: Connection, frame: Page, addresses: Iterable[str]) -> DrawnFrom:
    """Return the directories behind these addresses: groups, their parts, records, and the addresses of groups elsewhere."""
    known: dict[str, None] = {}
    for address in addresses:
        known.setdefault(address.partition("#")[0])
        if len(known) > MOST:
            break
    followed = list(known)[:MOST]
    found: dict[int, tuple[str, str | None]] = {}
    for question in _questions(frame.here.node.names, followed):
        found |= {row.id: (row.name, _licence(row.document)) for row in c.execute(question)}
    return DrawnFrom(tuple(_origins(c, frame, found.values())), len(known) > MOST)


def _questions(names: Names, addresses: Sequence[str]) -> Iterator[Select[Any]]:
    """Yield what to ask the journal for: the records of the groups, the records themselves, and those that speak of an address elsewhere."""
    slugs = [slug for address in addresses if (slug := names.slug_of(address))]
    references = [reference.partition("/") for address in addresses if (reference := names.reference_of(address))]
    yield _records(identity.c.slug.in_(slugs)).join(member, member.c.record_id == record.c.id).join(identity, identity.c.id == member.c.identity_id)
    for name in {source for source, _, _ in references}:
        yield _records(table.c.name == name, record.c.key.in_([key for source, _, key in references if source == name]))
    yield _records(record.c.iri.in_([address for address in addresses if not address.startswith(f"{names.base}/")]))


def _records(*chosen: ColumnElement[bool]) -> Select[Any]:
    """Ask for live records that anybody may see."""
    question = select(record.c.id, record.c.document, table.c.name).join(table, table.c.id == record.c.source_id)
    return question.where(record.c.state == LIVE, table.c.trust != Trust.QUARANTINE, *chosen)


def _licence(document: str) -> str | None:
    """Return the licence that a record itself names."""
    said = from_text(document).get("license")
    return said if isinstance(said, str) else None


def _origins(c: Connection, frame: Page, found: Iterable[tuple[str, str | None]]) -> Iterator[Origin]:
    """Count by directory."""
    licences: dict[str, list[str | None]] = {}
    for name, licence in found:
        licences.setdefault(name, []).append(licence)
    for name, said in sorted(licences.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        yield _origin(frame, sources.get(c, name), said)


def _origin(frame: Page, source: Source, said: Sequence[str | None]) -> Origin:
    """Tell one directory; a record without a licence of its own is under its directory's."""
    licences = tuple(sorted({licence for one in said if (licence := one or source.licence)}))
    href = frame.to(f"/peers/{source.name}")
    return Origin(frame.source_name(source.name), href, source.name == OWN, len(said), licences, source.last_visit_at)
