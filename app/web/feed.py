"""The log of our own records: root, pages and single events, for those who read JSON and for LDES clients; and Atom for people."""

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import BadRequest, Gone, NotFound, Text
from app.feed import atom, graph, pages
from app.feed.compaction import Retention
from app.record import serialise_ntriples
from app.web import documents
from app.web.asking import Asking, Here
from app.web.documents import Document
from app.web.negotiation import JSON, JSONLD, TRIG, TURTLE
from app.web.problems import refusals
from app.web.replies import IMMUTABLE, REVALIDATE, Place, Stamp, Variant, described, held, link, reply

router = APIRouter(tags=["feed"])

ATOM = "application/atom+xml"
CONTEXT = "http://www.w3.org/ns/json-ld#context"


def _jsonld(here: Asking, document: Document) -> bytes:
    return documents.jsonld(here.node.names, document)


def _trig(_here: Asking, document: Document) -> bytes:
    return serialise_ntriples(graph.quads(document), TRIG)


def _turtle(_here: Asking, document: Document) -> bytes:
    return serialise_ntriples(graph.quads(document, records=False), TURTLE)


FEED: tuple[Variant[Document], ...] = (
    Variant(JSONLD, "jsonld", _jsonld),
    Variant(TRIG, "trig", _trig),
    Variant(TURTLE, "ttl", _turtle),
    Variant(JSON, "json", _jsonld),
)

LOST = refusals(BadRequest, NotFound, Gone)


@router.get("/feed", responses=described(FEED, "The root of the log"))
def root(here: Here) -> Response:
    """The log of our own records: an LDES of ActivityStreams events, in pages."""
    names = here.node.names
    with here.node.journal.read() as connection:
        state = pages.state(connection)
        stamp = Stamp(_version(here, state), state.written_at, REVALIDATE)
        unmoved = held(here, FEED, stamp)
        here.node.readership.note(here.header("user-agent"), state.sequence if unmoved else None)
        if unmoved is not None:
            return unmoved
        settings = here.node.settings
        document = pages.root(connection, names, Retention(settings.feed_log_days, settings.feed_tombstone_days), relays=settings.relay)
    calls = link(names.hub, "hub"), link(names.feed, "self")
    place = Place(names.feed, None, (link(f"{names.feed}.atom", "alternate", ATOM), link(names.context, CONTEXT), *calls))
    return reply(here, FEED, document, stamp, place)


@router.get("/feed/pages/{number}", responses={**described(FEED, "One page of the log"), **LOST})
def page(here: Here, number: str) -> Response:
    """One page of the log; a closed one never changes."""
    names = here.node.names
    wanted = _number(number)
    with here.node.journal.read() as connection:
        state = pages.state(connection)
        found = pages.page(connection, names, wanted)
    items = found.document["orderedItems"]
    here.node.readership.note(here.header("user-agent"), items[-1]["sequence"] if items else None)
    version = f"p{wanted}-closed" if found.closed else f"p{wanted}-{state.epoch}-{state.sequence}"
    stamp = Stamp(version, found.modified_at, IMMUTABLE if found.closed else REVALIDATE)
    return reply(here, FEED, found.document, stamp, Place(names.page(wanted), None, (link(names.feed, "collection"), link(names.context, CONTEXT))))


@router.get("/feed/events/{epoch}/{sequence}", responses={**described(FEED, "One event"), **LOST})
def event(here: Here, epoch: str, sequence: str) -> Response:
    """One event: the exact statement that the node made at that moment."""
    names = here.node.names
    number, place = _number(epoch), _number(sequence)
    with here.node.journal.read() as connection:
        document = pages.event(connection, names, number, place)
    stamp = Stamp(f"e{number}-{place}", document["published"], IMMUTABLE)
    return reply(here, FEED, document, stamp, Place(names.event(number, place), None, (link(names.feed, "collection"), link(names.context, CONTEXT))))


def _atom(here: Asking, _state: pages.State) -> bytes:
    with here.node.journal.read() as connection:
        return atom.feed(connection, here.node.names, here.node.settings.node_name, here.language)


ATOM_FEED: tuple[Variant[pages.State], ...] = (Variant(ATOM, "atom", _atom, spoken=True),)


@router.get("/feed.atom", responses=described(ATOM_FEED, "What changed last"))
def atom_feed(here: Here) -> Response:
    """What changed last, for feed readers."""
    with here.node.journal.read() as connection:
        state = pages.state(connection)
    stamp = Stamp(_version(here, state), state.modified_at, REVALIDATE)
    return reply(here, ATOM_FEED, state, stamp, Place(f"{here.node.names.feed}.atom", ATOM))


def _version(here: Asking, state: pages.State) -> str:
    """Name the state of the log, and what the settings say of it."""
    settings = here.node.settings
    kept = f"{settings.feed_log_days}-{settings.feed_tombstone_days}-{int(settings.relay)}"
    decided = (state.decided_at or "").translate({ord(mark): None for mark in "-:."})
    return f"{state.epoch}-{state.sequence}-{state.first}-{state.last}-{kept}" + (f"-{decided}" if decided else "")


def _number(text: str) -> int:
    """Read a number of the address. Raises BadRequest."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest(Text("L'adresse devrait finir par un nombre.", "The address should end with a number."))
    return int(text)
