"""The groups that a group names, found in the directory: an address becomes a name wherever this node knows whose it is."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.journal import identities, records
from app.journal.identities import Identity
from app.journal.tables import group, member
from app.names import Names

Document = dict[str, Any]

NAMED_BY = ("memberOf", "cooperatesWith", "suggestedBy")
"""Keys of a record or of its parts whose values are addresses of groups."""

MOST = 200
"""Addresses of one page that are looked up."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A group of this node: the last part of its address, and its name in each language."""

    slug: str
    name: Mapping[str, Any]


def of(c: Connection, names: Names, documents: Iterable[Document]) -> dict[str, Neighbour]:
    """Return the neighbours that documents name, by the address they are named by."""
    wanted = sorted({iri for document in documents for iri in named(document)})[:MOST]
    return {iri: found for iri in wanted if (found := find(c, names, iri))}


def named(document: Document) -> Iterator[str]:
    """Yield the addresses of groups in a document."""
    for key in NAMED_BY:
        yield from (value for value in several(document.get(key)) if isinstance(value, str))
    for part in (*several(document.get("cooperations")), *several(document.get("participations"))):
        if isinstance(part, dict):
            yield from named(part)
            yield from (value for value in several(part.get("partner")) if isinstance(value, str))


def find(c: Connection, names: Names, iri: str) -> Neighbour | None:
    """Return the group that an address names: one of ours, or one that a record of a source is about."""
    slug = names.slug_of(iri)
    if slug is not None:
        return _shown(c, identities.get(c, slug))
    for record in records.by_iri(c, iri):
        if record.state == records.LIVE and (found := of_record(c, record.id)):
            return found
    return None


def of_record(c: Connection, record_id: int) -> Neighbour | None:
    """Return the group that a record is part of."""
    identity_id = c.execute(select(member.c.identity_id).where(member.c.record_id == record_id)).scalar()
    return _shown(c, identities.by_id(c, identity_id)) if identity_id is not None else None


def _shown(c: Connection, identity: Identity | None) -> Neighbour | None:
    """Return the group of an identity if the directory shows it."""
    text = c.execute(select(group.c.document).where(group.c.identity_id == identity.id)).scalar() if identity else None
    return Neighbour(identity.slug, json.loads(text).get("name") or {}) if identity and text else None


def several(value: Any) -> list[Any]:
    """Return what a key holds as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
