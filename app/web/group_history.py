"""What each source said of a group over time."""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.errors import Gone
from app.journal import records
from app.journal.records import Version
from app.names import OWN
from app.web import group_reading
from app.web.group_reading import Shown


@dataclass(frozen=True, slots=True)
class Past:
    """What one source said of the group over time; `authors` is shown to those who signed in."""

    reference: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class History:
    """All that was said of a group, source by source."""

    slug: str
    pasts: tuple[Past, ...]
    signed_in: bool


def read(c: Connection, slug: str, signed_in: bool) -> History | str:
    """Gather the versions of each record of the group; return the slug of the group that it was merged into."""
    group = _present(c, slug, signed_in)
    if isinstance(group, str):
        return group
    references = [(said.source, said.key) for said in group.statements] if group else []
    if signed_in and (OWN, slug) not in references:
        references.append((OWN, slug))
    known = [found for source, key in references if (found := records.get(c, source, key))]
    return History(slug, tuple(Past(found.reference, tuple(records.history(c, found.id))) for found in known), signed_in)


def _present(c: Connection, slug: str, signed_in: bool) -> Shown | str | None:
    """Return the group as it stands; None when it was withdrawn and the asker may look back. Raises NotFound and Gone."""
    try:
        return group_reading.read(c, slug)
    except Gone:
        if signed_in:
            return None
        raise
