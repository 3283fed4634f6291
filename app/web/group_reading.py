"""One real group as the journal knows it at one moment: the fused document, and each source record that is part of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.directory import version_of
from app.errors import Gone, NotFound, Text
from app.journal import identities, records
from app.journal.records import Record
from app.journal.suppression import erased_slugs
from app.journal.tables import group as table
from app.names import OWN
from app.record import public_view

Document = dict[str, Any]

NO_SUCH = Text("Il n'y a pas de groupe à cette adresse.", "There is no group at this address.")
WITHDRAWN = Text("Ce groupe a été retiré de l'annuaire.", "This group was withdrawn from the directory.")


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says, as everybody may see it; `hash` is that of all it says."""

    source: str
    key: str
    document: Document
    hash: str
    modified_at: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A group with its sources; `origins` says per property and value which references say it."""

    slug: str
    document: Document
    origins: Mapping[str, Any]
    hash: str
    modified_at: str
    statements: tuple[Statement, ...]

    @property
    def own(self) -> Statement | None:
        """Our own record of the group, which is what a revision compares with."""
        return next((said for said in self.statements if said.source == OWN and said.key == self.slug), None)

    @property
    def version(self) -> str:
        """What the ETag is made of: the own part, then the whole."""
        return f"{own_mark(self.own.hash if self.own else None)}-{digest(self.hash, *(said.hash for said in self.statements))}"

    @property
    def modified(self) -> str:
        """When the group or one of its sources last changed."""
        return max(self.modified_at, *(said.modified_at for said in self.statements))


def own_mark(content_hash: str | None) -> str:
    """Return the part of an ETag that a revision is compared with: 16 hexadecimal digits of the hash, or ``none``."""
    return version_of(content_hash) if content_hash else "none"


def digest(*parts: str) -> str:
    """Return 16 hexadecimal digits that change when a part does."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def read(c: Connection, slug: str) -> "Shown | str":
    """Return the group, or the slug of the one that it was merged into. Raises NotFound and Gone."""
    found = identities.get(c, slug)
    if found is None:
        raise Gone(WITHDRAWN) if erased_slugs(c, [slug]) else NotFound(NO_SUCH)
    if found.state == identities.GONE:
        raise Gone(WITHDRAWN)
    if found.slug != slug:
        return found.slug
    row = c.execute(select(table).where(table.c.identity_id == found.id)).first()
    if row is None:
        raise NotFound(NO_SUCH)
    members = (records.by_id(c, record_id) for record_id in identities.members(c, found.id))
    statements = tuple(said(record) for record in members if record is not None and record.state == records.LIVE)
    return Shown(slug, json.loads(row.document), json.loads(row.origins), row.content_hash, row.modified_at, statements)


def said(record: Record) -> Statement:
    """Return the public view of one record."""
    return Statement(record.source, record.key, public_view(record.document), record.content_hash, record.modified_at)
