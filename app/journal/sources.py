"""Who says something: the node itself (the source named ``own``) and its peers, with what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, or_, select

from app.errors import BadRequest, Conflict, NotFound, Text
from app.journal import changes, evidence, releasing
from app.journal.moments import now
from app.journal.tables import record
from app.journal.tables import source as table
from app.journal.text import as_text, maybe_from, maybe_text, sentence_from, sentence_text
from app.names import OWN, SLUG


class Trust(StrEnum):
    """What becomes of what a peer sends: applied, held for a person, or kept apart."""

    AUTO = "auto"
    REVIEW = "review"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Source:
    """All that is known of a source; `cursor` is what its format needs to resume, `every_s` seconds between visits."""

    id: int
    name: str
    url: str | None
    format: str | None
    trust: Trust
    every_s: int
    mapping: Mapping[str, Any] | None
    enabled: bool
    keep_contacts: bool
    licence: str | None
    base: str | None
    state: str
    message: Text | None
    cursor: Mapping[str, Any]
    failures: int
    created_at: str
    last_visit_at: str | None
    next_visit_at: str | None
    pace_s: int | None


def add(
    c: Connection,
    name: str,
    url: str,
    format: str,  # noqa: A002 - the word of the API
    trust: Trust | str = Trust.AUTO,
    every_s: int = 21_600,
    mapping: Mapping[str, Any] | None = None,
    *,
    keep_contacts: bool = False,
    licence: str | None = None,
    base: str | None = None,
    enabled: bool = True,
) -> Source:
    """Add a peer. Raises BadRequest when the name cannot be one, Conflict when it is taken."""
    require_free(c, name)
    values = {
        "url": url,
        "format": format,
        "trust": trust,
        "every_s": every_s,
        "mapping": mapping,
        "keep_contacts": keep_contacts,
        "licence": licence,
        "base": base,
        "enabled": enabled,
    }
    c.execute(insert(table).values(_columns(values) | {"name": name, "state": "new", "failures": 0, "created_at": now()}))
    changes.note(c, "source", [name])
    return get(c, name)


def require_free(c: Connection, name: str) -> None:
    """Refuse what `add` would refuse as a name. Raises BadRequest when it cannot be one, Conflict when it is taken."""
    if not SLUG.match(name):
        raise BadRequest(
            Text(
                "Le nom d'un pair est fait de lettres minuscules, de chiffres et de tirets.",
                "A peer's name is made of lower-case letters, digits and hyphens.",
            )
        )
    if c.execute(select(table.c.id).where(table.c.name == name)).first() is not None:
        raise Conflict(Text(f"Il y a déjà une source nommée « {name} ».", f"There is already a source named '{name}'."))


def get(c: Connection, name: str) -> Source:
    """Return a source by its name. Raises NotFound."""
    row = c.execute(select(table).where(table.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas de source nommée « {name} ».", f"There is no source named '{name}'."))
    return _source(row)


def by_id(c: Connection, source_id: int) -> Source:
    """Return a source by its id. Raises NotFound."""
    row = c.execute(select(table).where(table.c.id == source_id)).mappings().first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas de source numéro {source_id}.", f"There is no source number {source_id}."))
    return _source(row)


def own(c: Connection) -> Source:
    """Return the node's own source."""
    return get(c, OWN)


def list_(c: Connection) -> list[Source]:
    """Return every source, the node's own first, then by name."""
    return [_source(row) for row in c.execute(select(table).order_by(table.c.name != OWN, table.c.name)).mappings()]


def due(c: Connection, at: str) -> list[Source]:
    """Return the enabled peers whose next visit is at `at` or before, the longest overdue first."""
    ready = or_(table.c.next_visit_at.is_(None), table.c.next_visit_at <= at)
    question = select(table).where(table.c.name != OWN, table.c.enabled, ready).order_by(table.c.next_visit_at, table.c.id)
    return [_source(row) for row in c.execute(question).mappings()]


def update(c: Connection, name: str, **values: Any) -> Source:
    """Set columns of a source, given as the fields of `Source`, and return it. Raises NotFound."""
    found = get(c, name)
    c.execute(table.update().where(table.c.id == found.id).values(_columns(values)))
    if values.get("trust", found.trust) != found.trust:
        evidence.reweigh(c, found.id)
    if any(getattr(found, field) != values[field] for field in _DESCRIBED & values.keys()):
        changes.note(c, "source", [name])
    return get(c, name)


def remove(c: Connection, name: str) -> None:
    """Remove a peer with its records, versions and visits; what others say of the same groups stays, and waits to be settled.

    Raises NotFound, and Conflict for the node's own source.
    """
    if name == OWN:
        raise Conflict(Text("La source du nœud lui-même ne peut pas être retirée.", "The node's own source cannot be removed."))
    found = get(c, name)
    evidence.forget(c, found.id)
    releasing.release(c, found.id, name)
    c.execute(delete(record).where(record.c.source_id == found.id))
    evidence.forget_unknown(c)
    c.execute(delete(table).where(table.c.id == found.id))
    changes.note(c, "source", [name])


_DESCRIBED = {"url", "licence", "trust"}
"""What decides of what the catalogue graph says of a source, besides the visits that changed something."""

_JSON = {"mapping": maybe_text, "cursor": as_text, "message": sentence_text}


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of `Source` as columns."""
    return {key: _JSON[key](value) if key in _JSON else value for key, value in values.items()}


def _source(row: RowMapping) -> Source:
    """Read one row."""
    read = {
        "trust": Trust(row["trust"]),
        "mapping": maybe_from(row["mapping"]),
        "message": sentence_from(row["message"]),
        "cursor": maybe_from(row["cursor"]) or {},
    }
    return Source(**dict(row) | read)
