"""The vocabulary, its context and its shapes, as files and as linked data; each node serves them, since w3id does not yet."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter
from starlette.responses import Response

from app import vocabulary
from app.errors import NotFound, Text
from app.terms import OWL, RDF, RDFS, SKOS
from app.vocabulary import PREFIXES, Term, Vocabulary, data_path
from app.web import group_reading, statements
from app.web.asking import Asking, Here
from app.web.negotiation import HTML, JSON, JSONLD, NTRIPLES, TURTLE
from app.web.pages import layout
from app.web.pages import vocabulary as pages
from app.web.replies import HOUR, Place, Stamp, Variant, described, link, reply
from app.web.statements import Iri, Literal, Statement

router = APIRouter(tags=["vocabulary"])

FILES = ("maillage.ttl", "concepts.ttl")
SHAPES = ("group.ttl", "feed.ttl")
_SHOWN = ("mlg", "mc", "skos", "rdf", "rdfs", "schema", "org", "dcterms", "prov", "dcat")


def _files() -> bytes:
    """Return the vocabulary as it was written; Turtle files one after the other are a Turtle file."""
    return b"\n".join(data_path("vocab", name).read_bytes() for name in FILES)


def _prefixes() -> dict[str, str]:
    return {name: PREFIXES[name] for name in _SHOWN} | {"owl": OWL.NAMESPACE}


def statements_of(known: Vocabulary) -> Iterator[Statement]:
    """Yield classes, properties, schemes and concepts with their names and definitions."""
    for kind, parent, terms in (
        (OWL.Class, RDFS.subClassOf, known.classes),
        (RDF.Property, RDFS.subPropertyOf, known.relations),
        (SKOS.ConceptScheme, None, known.scheme_terms),
    ):
        for term in terms:
            yield from _term(term, kind, parent)
    schemes = {term.name: term.iri for term in known.scheme_terms}
    for concept in known.concepts.values():
        yield concept.iri, RDF.type, Iri(SKOS.Concept)
        yield concept.iri, SKOS.notation, Literal(concept.notation)
        yield concept.iri, SKOS.inScheme, Iri(schemes[concept.scheme])
        yield from _texts(concept.iri, SKOS.prefLabel, concept.labels)
        yield from _texts(concept.iri, SKOS.definition, concept.definitions)


def _term(term: Term, kind: str, parent: str | None) -> Iterator[Statement]:
    """Yield a class, a property or a scheme."""
    yield term.iri, RDF.type, Iri(kind)
    yield from _texts(term.iri, RDFS.label, term.labels)
    yield from _texts(term.iri, SKOS.definition, term.definitions)
    if parent:
        yield from ((term.iri, parent, Iri(iri)) for iri in term.parents)


def _texts(subject: str, predicate: str, texts: Mapping[str, str]) -> Iterator[Statement]:
    """Yield one statement a language."""
    return ((subject, predicate, Literal(text, language=language)) for language, text in texts.items())


def _turtle(_here: Asking, _known: Vocabulary) -> bytes:
    return _files()


def _jsonld(_here: Asking, known: Vocabulary) -> bytes:
    return statements.jsonld(statements_of(known), _prefixes())


def _ntriples(_here: Asking, known: Vocabulary) -> bytes:
    return statements.rdf(statements_of(known), NTRIPLES, _prefixes())


VOCABULARY: tuple[Variant[Vocabulary], ...] = (
    Variant(TURTLE, "ttl", _turtle, ".ttl"),
    Variant(JSONLD, "jsonld", _jsonld, ".jsonld"),
    Variant(NTRIPLES, "nt", _ntriples, ".nt"),
    Variant(HTML, "html", pages.page, spoken=True, mark=layout.mark),
)


def _as_is(_here: Asking, content: bytes) -> bytes:
    return content


CONTEXT: tuple[Variant[bytes], ...] = (Variant(JSONLD, "jsonld", _as_is), Variant(JSON, "json", _as_is))
SHAPE: tuple[Variant[bytes], ...] = (
    Variant(TURTLE, "ttl", _as_is),
    Variant(HTML, "html", pages.shapes, spoken=True, mark=layout.mark),
)


@router.get("/vocab", responses=described(VOCABULARY, "The vocabulary"))
def show(here: Here) -> Response:
    """Classes, properties, schemes and concepts, in French and English."""
    return _show(here, None)


@router.get("/vocab.ttl", include_in_schema=False)
def show_turtle(here: Here) -> Response:
    """The same as Turtle."""
    return _show(here, TURTLE)


@router.get("/vocab.jsonld", include_in_schema=False)
def show_jsonld(here: Here) -> Response:
    """The same as JSON-LD."""
    return _show(here, JSONLD)


@router.get("/vocab.nt", include_in_schema=False)
def show_ntriples(here: Here) -> Response:
    """The same as N-Triples."""
    return _show(here, NTRIPLES)


def _show(here: Asking, asked: str | None) -> Response:
    """Answer with the vocabulary."""
    base = here.node.names.base
    stamp = Stamp(group_reading.digest(_files().decode()), None, HOUR)
    return reply(here, VOCABULARY, vocabulary.load(), stamp, Place(f"{base}/vocab", asked, (link(here.node.names.context, "describedby", JSONLD),)))


@router.get("/vocab/context/v1.jsonld", responses=described(CONTEXT, "The JSON-LD context"))
def context(here: Here) -> Response:
    """The JSON-LD context of every document that the node sends."""
    content = vocabulary.load().context_bytes
    return reply(here, CONTEXT, content, Stamp(group_reading.digest(content.decode()), None, HOUR), Place(here.node.names.context))


@router.get("/shapes/{name}", responses=described(SHAPE, "The shapes, in SHACL"))
def shapes(here: Here, name: str) -> Response:
    """The rules that every record is checked against: `group.ttl`; those of feeds: `feed.ttl`."""
    if name not in SHAPES:
        raise NotFound(Text("Les formes sont à /shapes/group.ttl et /shapes/feed.ttl.", "The shapes are at /shapes/group.ttl and /shapes/feed.ttl."))
    content = data_path("shapes", name).read_bytes()
    return reply(here, SHAPE, content, Stamp(group_reading.digest(content.decode()), None, HOUR), Place(f"{here.node.names.base}/shapes/{name}"))
