"""The node about itself: a catalogue (DCAT) that is a data set (VoID), with its feed, dumps, endpoint, licence, peers and figures."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from app.feed import dump, pages
from app.graph.counting import Figures as Counted
from app.journal import meta, sources
from app.journal.sources import Source, Trust
from app.names import OWN, Names, without_secrets
from app.settings import Settings
from app.terms import DCAT, DCTERMS, FOAF, FORMATS, LDES, MLG, RDF, SCHEMA, SKOS, TREE, VOID, XSD
from app.vocabulary import PREFIXES
from app.web import group_reading, statements
from app.web.asking import Asking, Here
from app.web.negotiation import HTML, JSONLD, NTRIPLES, TURTLE
from app.web.pages import home as home_page
from app.web.pages import layout
from app.web.replies import REVALIDATE, Place, Stamp, Variant, described, link, reply
from app.web.statements import Iri, Literal, Statement

router = APIRouter(tags=["node"])

WELL_KNOWN = "/.well-known/void"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
FEED_FORMATS = (FORMATS.JSON_LD, FORMATS.Turtle, FORMATS.TriG, FORMATS.N_Triples)
DUMPS = (
    ("nq", "application/n-quads", True),
    ("ndjson", "application/x-ndjson", True),
    ("csv", "text/csv", False),
    ("geojson", "application/geo+json", False),
)
NATIVE = "maillage"
MOST_PEERS = 1000

_PLAIN_IRI = re.compile(r"https?://[^\s<>\"{}|\\^`\x00-\x1f]{1,2000}\Z")
_SHOWN = ("mlg", "dcat", "dcterms", "void", "ldes", "tree", "foaf", "xsd")


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted, and when the directory last changed."""

    groups: int
    records: Mapping[str, int]
    peers: tuple[Source, ...]
    sequence: int
    epoch: int
    modified_at: str


def figures(c: Connection, counted: Counted) -> Figures:
    """Put together what was `counted`, the peers, and where the log is."""
    state = pages.state(c)
    shown = tuple(found for found in sources.list_(c) if found.trust != Trust.QUARANTINE)
    records = {name: found.records for name, found in counted.sources.items()}
    return Figures(counted.groups, records, shown, state.sequence, meta.epoch(c), dump.state(c)[1])


def statements_of(names: Names, settings: Settings, known: Figures) -> Iterator[Statement]:
    """Yield all that the node says of itself."""
    yield from _node(names, settings, known)
    yield from _feed(names, known)
    if settings.relay:
        yield names.node, MLG.relay, Iri(names.relay)
    yield from _mappings(names)
    yield from _service(names)
    for ending, media_type, packed in DUMPS:
        yield from _dump(names, ending, media_type, packed)
    for peer in known.peers[:MOST_PEERS]:
        yield from _source(names, peer, known.records.get(peer.name, 0))


def _node(names: Names, settings: Settings, known: Figures) -> Iterator[Statement]:
    """Yield the catalogue itself."""
    node = names.node
    yield from _said(node, RDF.type, (Iri(kind) for kind in (MLG.Node, DCAT.Catalog, VOID.Dataset)))
    yield from _said(node, DCTERMS.title, (Literal(settings.node_name, language=settings.languages[0]),))
    yield from _said(node, DCTERMS.license, _iris(settings.licence))
    yield from _said(node, DCTERMS.language, (Literal(tag) for tag in settings.languages))
    yield from _said(node, DCTERMS.modified, (Literal(known.modified_at, XSD.dateTime),))
    yield from _said(node, FOAF.homepage, (Iri(f"{names.base}/"),))
    yield from _said(node, VOID.uriSpace, (Literal(f"{names.groups}/"),))
    yield from _said(node, VOID.rootResource, (Iri(names.groups),))
    yield from _said(node, VOID.entities, (Literal(str(known.groups), XSD.integer),))
    yield from _said(node, VOID.documents, (Literal(str(sum(known.records.values())), XSD.integer),))
    yield from _said(node, VOID.vocabulary, (Iri(space) for space in (MLG.NAMESPACE, SCHEMA.NAMESPACE, SKOS.NAMESPACE)))
    yield from _said(node, VOID.feature, (Iri(found) for found in FEED_FORMATS))
    yield from _said(node, VOID.sparqlEndpoint, (Iri(f"{names.base}/sparql"),))
    yield from _said(node, VOID.dataDump, (Iri(f"{names.base}/dump.nq.gz"), Iri(f"{names.base}/dump.ndjson.gz")))


def _feed(names: Names, known: Figures) -> Iterator[Statement]:
    """Yield the log of our own records, as a data set of the catalogue."""
    stream = names.stream(known.epoch)
    yield names.node, DCAT.dataset, Iri(stream)
    yield from _said(stream, RDF.type, (Iri(LDES.EventStream), Iri(DCAT.Dataset)))
    yield stream, TREE.view, Iri(names.feed)
    yield stream, DCAT.landingPage, Iri(names.feed)
    yield stream, MLG.origin, Iri(names.node)
    yield stream, MLG.epoch, Literal(str(known.epoch), XSD.integer)
    yield stream, MLG.sequence, Literal(str(known.sequence), XSD.integer)


def _mappings(names: Names) -> Iterator[Statement]:
    """Yield what is held to be one group, and the log of what people decided of it."""
    links = names.mappings
    yield names.node, VOID.subset, Iri(links)
    yield from _said(links, RDF.type, (Iri(VOID.Linkset), Iri(DCAT.Dataset)))
    yield links, VOID.linkPredicate, Iri(f"{SKOS.NAMESPACE}exactMatch")
    yield from _said(links, VOID.dataDump, (Iri(f"{links}.sssom.tsv"), Iri(f"{links}.jsonld")))
    yield links, DCAT.landingPage, Iri(f"{links}/decisions")


def _service(names: Names) -> Iterator[Statement]:
    """Yield the SPARQL endpoint."""
    endpoint = f"{names.base}/sparql"
    service = f"{endpoint}#service"
    yield names.node, DCAT.service, Iri(service)
    yield service, RDF.type, Iri(DCAT.DataService)
    yield service, DCAT.endpointURL, Iri(endpoint)
    yield service, DCAT.endpointDescription, Iri(endpoint)
    yield service, DCAT.servesDataset, Iri(names.node)


def _dump(names: Names, ending: str, media_type: str, packed: bool) -> Iterator[Statement]:
    """Yield one dump, as a distribution."""
    distribution = f"{names.node}#{ending}"
    yield names.node, DCAT.distribution, Iri(distribution)
    yield distribution, RDF.type, Iri(DCAT.Distribution)
    yield distribution, DCAT.downloadURL, Iri(f"{names.base}/dump.{ending}{'.gz' if packed else ''}")
    yield distribution, DCAT.mediaType, Iri(MEDIA_TYPES + media_type)
    if packed:
        yield distribution, DCAT.compressFormat, Iri(f"{MEDIA_TYPES}application/gzip")


def _source(names: Names, peer: Source, records: int) -> Iterator[Statement]:
    """Yield one source: a part of the data, and, when it is a node too, a peer."""
    part = names.source(peer.name)
    yield names.node, VOID.subset, Iri(part)
    yield part, RDF.type, Iri(VOID.Dataset)
    yield part, DCTERMS.title, Literal(peer.name)
    yield part, VOID.documents, Literal(str(records), XSD.integer)
    yield from _said(part, DCTERMS.source, _iris(without_secrets(peer.url or "")))
    yield from _said(part, DCTERMS.license, _iris(peer.licence))
    if peer.last_visit_at:
        yield part, DCTERMS.modified, Literal(peer.last_visit_at, XSD.dateTime)
    if peer.name != OWN and peer.format == NATIVE and peer.url:
        yield from _said(names.node, MLG.peer, _iris(f"{without_secrets(peer.url).removesuffix('/feed')}/node"))


def _said(subject: str, predicate: str, values: Iterable[Iri | Literal]) -> Iterator[Statement]:
    """Yield one statement a value."""
    return ((subject, predicate, value) for value in values)


def _iris(value: str | None) -> Iterator[Iri]:
    """Yield an address that people gave, when it can be an IRI."""
    if value and _PLAIN_IRI.match(value):
        yield Iri(value)


def _prefixes() -> dict[str, str]:
    return {name: PREFIXES[name] for name in _SHOWN}


def _jsonld(_here: Asking, said: tuple[Statement, ...]) -> bytes:
    return statements.jsonld(said, _prefixes())


def _turtle(_here: Asking, said: tuple[Statement, ...]) -> bytes:
    return statements.rdf(said, TURTLE, _prefixes())


def _ntriples(_here: Asking, said: tuple[Statement, ...]) -> bytes:
    return statements.rdf(said, NTRIPLES, _prefixes())


DESCRIPTION: tuple[Variant[tuple[Statement, ...]], ...] = (
    Variant(TURTLE, "ttl", _turtle),
    Variant(JSONLD, "jsonld", _jsonld),
    Variant(NTRIPLES, "nt", _ntriples),
)

HOME: tuple[Variant[tuple[Statement, ...]], ...] = (
    Variant(JSONLD, "jsonld", _jsonld),
    Variant(TURTLE, "ttl", _turtle),
    Variant(HTML, "html", home_page.page, spoken=True, mark=layout.mark),
)


def _describe(here: Asking) -> tuple[tuple[Statement, ...], Stamp]:
    """Put the description together, and stamp it with its own digest."""
    with here.node.journal.read() as connection:
        known = figures(connection, here.node.projector.figures(connection))
    said = tuple(statements_of(here.node.names, here.node.settings, known))
    return said, Stamp(group_reading.digest(statements.lines(said)), known.modified_at, REVALIDATE)


@router.get("/", responses=described(HOME, "The node as a catalogue"))
def home(here: Here) -> Response:
    """The node as a catalogue; the home page for people."""
    said, stamp = _describe(here)
    links = (link(here.node.names.base + WELL_KNOWN, "describedby"), link(f"{here.node.names.base}/openapi.json", "service-desc"))
    return reply(here, HOME, said, stamp, Place(f"{here.node.names.base}/", None, links))


@router.get(WELL_KNOWN, responses=described(DESCRIPTION, "The node's description"))
def description(here: Here) -> Response:
    """The node's description in VoID and DCAT."""
    said, stamp = _describe(here)
    return reply(here, DESCRIPTION, said, stamp, Place(here.node.names.base + WELL_KNOWN))


@router.get("/node", status_code=303, responses={303: {"description": "Described at /.well-known/void"}})
def node(here: Here) -> Response:
    """The node itself is not a document: its description is elsewhere."""
    return RedirectResponse(here.node.names.base + WELL_KNOWN, 303)
