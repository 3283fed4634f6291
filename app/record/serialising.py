"""Statements as files: Turtle, N-Triples, TriG, N-Quads. JSON-LD is the document itself with the address of our context."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, RdfFormat, parse
from pyoxigraph import serialize as write

from app.errors import Malformed, Text
from app.record.compact import Document
from app.record.statements import triples
from app.vocabulary import PREFIXES, load

_TRIPLES = {"text/turtle": RdfFormat.TURTLE, "application/n-triples": RdfFormat.N_TRIPLES, "application/rdf+xml": RdfFormat.RDF_XML}
_QUADS = {"application/trig": RdfFormat.TRIG, "application/n-quads": RdfFormat.N_QUADS}

TRIPLE_TYPES: tuple[str, ...] = tuple(_TRIPLES)
"""Media types that hold one graph."""

QUAD_TYPES: tuple[str, ...] = tuple(_QUADS)
"""Media types that hold named graphs."""


def with_context(document: Document, context_iri: str) -> Document:
    """Return the document as JSON-LD for others: with the address of the context first."""
    return {"@context": context_iri, **document}


def serialise(graphs: Sequence[tuple[str | None, Document]], media_type: str, prefixes: Mapping[str, str] = PREFIXES) -> bytes:
    """Write documents, each in its graph (None: the default one). A format of one graph gets all statements in it."""
    return _write(chain.from_iterable(_quads(name, document) for name, document in graphs), media_type, prefixes)


def serialise_ntriples(text: str, media_type: str, prefixes: Mapping[str, str] = PREFIXES) -> bytes:
    """Write N-Triples or N-Quads of ours in another format."""
    return _write(parse(text, format=RdfFormat.N_QUADS), media_type, prefixes)


def dataset(document: Document) -> str:
    """Return any JSON-LD document of ours (a feed's root or page, with its records as named graphs) as N-Quads lines."""
    body = json.dumps({**document, "@context": load().context}, ensure_ascii=False)
    try:
        quads = list(parse(body, format=RdfFormat.JSON_LD))
    except SyntaxError as error:
        raise Malformed(Text(f"Ce document n'est pas du JSON-LD ({error}).", f"This document is not JSON-LD ({error}).")) from error
    return (write(_numbered(quads), format=RdfFormat.N_QUADS) or b"").decode()


def _numbered(quads: Iterable[Quad]) -> list[Quad]:
    """Number blank nodes as they come: the parser names them by chance, and the same document must give the same bytes."""
    names: dict[BlankNode, BlankNode] = {}

    def known(node: Any) -> Any:
        return names.setdefault(node, BlankNode(f"b{len(names) + 1}")) if isinstance(node, BlankNode) else node

    return [Quad(known(quad.subject), quad.predicate, known(quad.object), quad.graph_name) for quad in quads]


def _quads(name: str | None, document: Document) -> Iterable[Quad]:
    graph = NamedNode(name) if name is not None else DefaultGraph()
    return (Quad(t.subject, t.predicate, t.object, graph) for t in triples(document))


def _write(quads: Iterable[Quad], media_type: str, prefixes: Mapping[str, str]) -> bytes:
    one_graph = _TRIPLES.get(media_type)
    if one_graph is not None:
        seen = dict.fromkeys(quad.triple for quad in quads)
        return write(seen, format=one_graph, prefixes=dict(prefixes)) or b""
    return write(quads, format=_QUADS[media_type], prefixes=dict(prefixes)) or b""
