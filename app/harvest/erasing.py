"""Erasing what peers said, on request: which records an address means, and keeping them from coming back at the next visit."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from app.errors import Conflict, Gone, NotFound, Text
from app.journal import erasure, identities, records, sources, suppression
from app.journal.records import Record
from app.journal.sources import Source
from app.journal.suppression import Trace
from app.journal.visits import Item as Line
from app.names import OWN, Names

NOT_TAKEN = Text(
    "Cette fiche a été effacée ici sur demande : elle n'est pas reprise.", "This record was erased here on request: it is not taken again."
)
_UNKNOWN = Text(
    "Aucune fiche n'est connue ici sous cette adresse : donnez l'adresse de la fiche à sa source, de la fiche ici, ou du groupe ici.",
    "No record is known here under this address: give the address of the record at its source, of the record here, or of the group here.",
)
_NOT_KEPT_OUT = Text("Cette fiche n'est pas refusée ici : il n'y a rien à lever.", "This record is not kept out here: there is nothing to lift.")
READ_SO_FAR = ("stream", "epoch", "sequence")
"""What a cursor keeps when everything is to be read again: how far its log had got, so that an older copy of it is still refused."""

_ERASED = Text("Cette fiche est déjà effacée.", "This record is erased already.")


def meant(c: Connection, names: Names, iri: str) -> list[Record]:
    """Return the records that an address means, ours among them: one of them here, all of a group, or whatever sources say of an IRI.

    Raises NotFound, Gone when all of it is erased already.
    """
    found = _under(c, names, iri)
    if not found:
        raise NotFound(_UNKNOWN)
    standing = [held for held in found if held.document]
    if not standing:
        raise Gone(_ERASED)
    return standing


def _under(c: Connection, names: Names, iri: str) -> list[Record]:
    """Return the records under an address, erased or not."""
    reference, slug = names.reference_of(iri.partition("#")[0]), names.slug_of(iri)
    found = {held.id: held for held in records.by_iri(c, iri)}
    if reference is not None:
        held = records.get(c, *reference.split("/", 1))
        found |= {held.id: held} if held else {}
    group = identities.get(c, slug) if slug else None
    members = (records.by_id(c, member) for member in identities.members(c, group.id)) if group else ()
    return [*(found | {held.id: held for held in members if held}).values()]


def erase(c: Connection, source: str, key: str, author: str) -> None:
    """Erase one record of a peer, for good. Raises NotFound, Gone when it is erased already."""
    held = records.get(c, source, key)
    if held is None:
        raise NotFound(_UNKNOWN)
    if not held.document:
        raise Gone(_ERASED)
    erasure.erase_on_request(c, held.id, author)


def lift(c: Connection, source: str, key: str, author: str) -> None:
    """Let visits take an erased record of a peer again; the peer is read anew as a whole at its next one. Raises NotFound, Conflict."""
    held = records.get(c, source, key)
    if held is None:
        raise NotFound(_UNKNOWN)
    if not suppression.lift(c, held.iri, author):
        raise Conflict(_NOT_KEPT_OUT)
    known = sources.get(c, source).cursor
    of = {name: value for name, value in (known.get("of") or {}).items() if name in READ_SO_FAR}
    sources.update(c, source, cursor={**known, "of": of})


def kept_out(c: Connection, names: Names, iri: str) -> list[Record]:
    """Return the erased records of peers that an address means. Raises NotFound."""
    found = [held for held in _under(c, names, iri) if not held.document and held.source != OWN]
    if not found:
        raise NotFound(_UNKNOWN)
    return found


def refused(c: Connection, source: Source, lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a visit, those of records that were erased here as refused ones."""
    traces = {
        line.key: Trace(source.name, source.url, line.key, line.iri, line.document)
        for line in lines
        if line.document is not None and line.iri and line.outcome in {"added", "changed"}
    }
    kept_out = suppression.suppressed(c, traces) if traces else set()
    return [_refused(line) if line.key in kept_out and line.key in traces else line for line in lines]


def _refused(line: Line) -> Line:
    """The line without what the record says."""
    return replace(line, outcome="refused", message=NOT_TAKEN, document=None, content_hash=None, raw_digest=None, contacts=None)
