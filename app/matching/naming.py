"""From an address that a person gives to the record it means: a record's graph, a record's own IRI, or a group."""

from sqlalchemy import Connection, select

from app.errors import NotFound, Text
from app.journal import identities, records
from app.journal.tables import member, record, source
from app.names import OWN, Names


def references(c: Connection, names: Names, iri: str) -> list[str]:
    """Return the references that `iri` may mean, the most telling first. Raises NotFound when it means nothing here."""
    found = _of_graph(c, names, iri) or _of_group(c, names, iri) or _of_subject(c, iri)
    if not found:
        raise NotFound(Text(f"Il n'y a ici ni fiche ni groupe à l'adresse « {iri} ».", f"There is neither a record nor a group here at '{iri}'."))
    return found


def pair(c: Connection, names: Names, left: str, right: str) -> tuple[str, str] | None:
    """Return two different records meant by two addresses; None when both mean one record."""
    mine, theirs = references(c, names, left), references(c, names, right)
    return next(((one, other) for one in mine for other in theirs if one != other), None)


def _of_graph(c: Connection, names: Names, iri: str) -> list[str]:
    """Return the reference of a record's graph, if there is such a record."""
    reference = names.reference_of(iri)
    if reference is None:
        return []
    name, _, key = reference.partition("/")
    return [reference] if records.get(c, name, key) is not None else []


def _of_group(c: Connection, names: Names, iri: str) -> list[str]:
    """Return the records of a group, its own record first, then the oldest."""
    slug = names.slug_of(iri)
    line = identities.get(c, slug) if slug else None
    if line is None:
        return []
    question = (
        select(source.c.name, record.c.key)
        .select_from(member.join(record, record.c.id == member.c.record_id).join(source, source.c.id == record.c.source_id))
        .where(member.c.identity_id == line.id)
        .order_by(record.c.created_at, record.c.id)
    )
    found = [f"{name}/{key}" for name, key in c.execute(question)]
    return sorted(found, key=lambda reference: (reference != f"{OWN}/{slug}", not reference.startswith(f"{OWN}/")))


def _of_subject(c: Connection, iri: str) -> list[str]:
    """Return the records whose statements are about `iri`, the live ones first."""
    found = sorted(records.by_iri(c, iri), key=lambda one: one.state != records.LIVE)
    return [one.reference for one in found]
