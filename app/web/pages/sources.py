"""The sources of the directory as pages show them: how each is doing, in a word and a sign, never by colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from app.errors import NotFound, Text
from app.journal import records, sources, visits
from app.journal.sources import Source, Trust
from app.journal.visits import Visit
from app.names import OWN, without_secrets
from app.web.pages.addresses import safe_url
from app.web.pages.layout import Page


@dataclass(frozen=True, slots=True)
class Sign:
    """A word with its sign; `tone` is ok, wait, bad or calm, for the style sheet."""

    mark: str
    tone: str
    text: Text


STATES: Final[Mapping[str, Sign]] = {
    "ok": Sign("✓", "ok", Text("À jour", "Up to date")),
    "new": Sign("○", "calm", Text("Pas encore lu", "Not read yet")),
    "failing": Sign("✕", "bad", Text("N'a pas pu être lu", "Could not be read")),
    "held": Sign("‖", "wait", Text("En attente d'une décision", "Waiting for a decision")),
    "off": Sign("–", "calm", Text("Mis de côté", "Set aside")),
    "own": Sign("●", "ok", Text("Tenu ici", "Kept here")),
}
"""How a source is doing."""

OUTCOMES: Final[Mapping[str | None, Sign]] = {
    "applied": Sign("✓", "ok", Text("Prise en compte", "Taken in")),
    "unchanged": Sign("=", "ok", Text("Rien de nouveau", "Nothing new")),
    "held": Sign("‖", "wait", Text("En attente d'une décision", "Waiting for a decision")),
    "failed": Sign("✕", "bad", Text("N'a pas abouti", "Failed")),
    "discarded": Sign("–", "calm", Text("Écartée par une personne", "Dropped by a person")),
    "dry-run": Sign("?", "calm", Text("Essai, sans effet", "Trial, without effect")),
    None: Sign("…", "calm", Text("En cours", "Running")),
}
"""How a visit ended."""

LINES: Final[Mapping[str, Sign]] = {
    "added": Sign("+", "ok", Text("Nouvelles", "New")),
    "changed": Sign("~", "ok", Text("Modifiées", "Changed")),
    "gone": Sign("−", "wait", Text("Retirées ou absentes", "Withdrawn or absent")),
    "refused": Sign("✕", "bad", Text("Refusées", "Refused")),
    "unmapped": Sign("½", "calm", Text("Prises en partie", "Taken in part")),
    "unchanged": Sign("=", "calm", Text("Inchangées", "Unchanged")),
}
"""What became of records, the most telling first."""

ONE_LINE: Final[Mapping[str, Text]] = {
    "added": Text("Nouvelle", "New"),
    "changed": Text("Modifiée", "Changed"),
    "gone": Text("Retirée ou absente", "Withdrawn or absent"),
    "refused": Text("Refusée", "Refused"),
    "unmapped": Text("Champs non repris", "Fields not taken"),
    "unchanged": Text("Inchangée", "Unchanged"),
}
"""The same, of one record."""

FORMATS: Final[Mapping[str, Text]] = {
    "maillage": Text("un nœud Maillage, comme ici", "a Maillage node, like this one"),
    "gogocarto": Text("une carte GoGoCarto", "a GoGoCarto map"),
    "geojson": Text("un fichier de lieux (GeoJSON)", "a file of places (GeoJSON)"),
    "csv": Text("un tableau (CSV)", "a table (CSV)"),
    "jsonlist": Text("une liste (JSON)", "a list (JSON)"),
    "kumu": Text("une carte Kumu", "a Kumu map"),
    "jsonld": Text("des fiches (JSON-LD)", "records (JSON-LD)"),
}
"""What a source is, by the format that it is read in."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One source as a page shows it; `url` is where people find it, without what only its operator should know."""

    source: Source
    name: str
    href: str
    url: str | None
    sign: Sign
    kind: Text | None
    records: int
    last: Visit | None

    @property
    def own(self) -> bool:
        """Tell whether it is the node's own."""
        return self.source.name == OWN


def listed(c: Connection, page: Page) -> list[Shown]:
    """Return every source that anybody may know of, the node's own first."""
    return [shown(c, page, source) for source in sources.list_(c) if source.trust != Trust.QUARANTINE]


def get(c: Connection, page: Page, name: str) -> Shown:
    """Return one source. Raises NotFound, also for one in quarantine."""
    found = sources.get(c, name)
    if found.trust == Trust.QUARANTINE:
        raise NotFound(Text(f"Il n'y a pas de source nommée « {name} ».", f"There is no source named '{name}'."))
    return shown(c, page, found)


def shown(c: Connection, page: Page, source: Source) -> Shown:
    """Return one source with what a page says of it."""
    state = "own" if source.name == OWN else source.state if source.enabled else "off"
    return Shown(
        source=source,
        name=page.name if source.name == OWN else source.name,
        href=page.to(f"/peers/{source.name}"),
        url=safe_url(without_secrets(source.url)) if source.url else None,
        sign=STATES[state],
        kind=FORMATS.get(source.format or ""),
        records=records.count(c, source.name),
        last=next(iter(recent(c, source, 1)), None),
    )


def recent(c: Connection, source: Source, limit: int) -> list[Visit]:
    """Return the newest visits that were not mere trials."""
    return [visit for visit in visits.list_(c, source.id, None, limit * 3) if not visit.dry_run][:limit]
