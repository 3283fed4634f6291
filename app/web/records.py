"""One source's record: what it says, as everybody may see it; our own in full for those who edit it."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import BadRequest, Conflict, Forbidden, Gone, NotFound, NotSignedIn, Text
from app.journal import records, sources
from app.journal.records import Record
from app.journal.sources import Trust
from app.journal.tokens import Role, Token
from app.names import OWN
from app.record import public_view
from app.web import documents, group_reading
from app.web.access import Admin, Visitor
from app.web.asking import Asking, Here
from app.web.documents import Document
from app.web.negotiation import HTML, JSONLD, NTRIPLES, TRIG, TURTLE
from app.web.pages import layout
from app.web.pages import record as record_page
from app.web.problems import refusals
from app.web.replies import PRIVATE, REVALIDATE, Place, Stamp, Variant, described, link, reply

router = APIRouter(tags=["records"])

NO_SUCH = Text("Il n'y a pas de fiche à cette adresse.", "There is no record at this address.")
ONLY_PURGE = Text(
    "Une fiche moissonnée ne peut qu'être effacée avec toute son histoire : ajoutez ?purge=true.",
    "A harvested record can only be erased with all its history: add ?purge=true.",
)
WITHDRAWN = Text("Cette fiche a été retirée par sa source.", "This record was withdrawn by its source.")


@dataclass(frozen=True, slots=True)
class Said:
    """A record as this asker may see it, and the named graph that it is."""

    graph: str
    document: Document


def _jsonld(here: Asking, said: Said) -> bytes:
    return documents.jsonld(here.node.names, said.document)


def _turtle(_here: Asking, said: Said) -> bytes:
    return documents.turtle(said.document)


def _ntriples(_here: Asking, said: Said) -> bytes:
    return documents.ntriples(said.document)


def _trig(_here: Asking, said: Said) -> bytes:
    return documents.trig([(said.graph, said.document)])


def _page(here: Asking, said: Said) -> bytes:
    return record_page.page(here, said.graph, said.document)


RECORD: tuple[Variant[Said], ...] = (
    Variant(JSONLD, "jsonld", _jsonld),
    Variant(TURTLE, "ttl", _turtle),
    Variant(NTRIPLES, "nt", _ntriples),
    Variant(TRIG, "trig", _trig),
    Variant(HTML, "html", _page, spoken=True, mark=layout.mark),
)

ABSENT = refusals(NotFound, Gone)
ERASING = refusals(BadRequest, NotSignedIn, Forbidden, NotFound, Gone, Conflict)


@router.get("/records/{source}/{key}", responses={**described(RECORD, "What this source says of this group"), **ABSENT})
def show(here: Here, source: str, key: str, visitor: Visitor) -> Response:
    """What one source says of one group. Editors see our own records in full, contacts included."""
    return answer(here, source, key, visitor)


@router.delete("/records/{source}/{key}", status_code=204, responses=ERASING)
def erase(here: Here, source: str, key: str, token: Admin, purge: bool = False) -> Response:
    """Erase what a peer says of one group, with its history: `purge=true`. No visit takes it again, wherever it comes from."""
    if not purge:
        raise BadRequest(ONLY_PURGE)
    if source == OWN:
        here.node.directory.withdraw(key, token.label, purge=True)
    else:
        here.node.harvester.erase(source, key, token.label)
    return Response(status_code=204)


@router.delete("/records/{source}/{key}/erasure", status_code=204, responses=ERASING)
def lift(here: Here, source: str, key: str, token: Admin) -> Response:
    """Take an erasure back: the next visit to the peer takes the record again, as the peer says it then."""
    here.node.harvester.lift(source, key, token.label)
    return Response(status_code=204)


def answer(here: Asking, source: str, key: str, visitor: Token | None) -> Response:
    """Answer with one record as this asker may see it."""
    found = _visible(here, source, key, visitor)
    full = source == OWN and visitor is not None and visitor.role >= Role.EDITOR
    document = found.document if full else public_view(found.document)
    mark = f"{group_reading.own_mark(found.content_hash)}-{'full' if full else 'open'}"
    names = here.node.names
    graph = names.record(source, key)
    links = (link(names.group(key), "about"),) if source == OWN else ()
    stamp = Stamp(mark, found.modified_at, PRIVATE if visitor else REVALIDATE, ("Authorization",))
    return reply(here, RECORD, Said(graph, document), stamp, Place(graph, None, links))


def _visible(here: Asking, source: str, key: str, visitor: Token | None) -> Record:
    """Return the record if this asker may see it. Raises NotFound and Gone.

    What a source in quarantine says, or what has been silently absent for long, is nobody's business without a token.
    """
    with here.node.journal.read() as connection:
        found = records.get(connection, source, key)
        apart = found is not None and sources.get(connection, source).trust == Trust.QUARANTINE
    if found is None or (visitor is None and (apart or found.state == records.HIDDEN)):
        raise NotFound(NO_SUCH)
    if found.state == records.GONE:
        raise Gone(WITHDRAWN)
    return found
