"""How a document, or several as named graphs, is written in each RDF format; the one place where our JSON-LD gets its context."""

import json
from collections.abc import Sequence
from typing import Any

from app import record
from app.names import Names
from app.web.negotiation import TRIG, TURTLE

Document = dict[str, Any]
Graphs = Sequence[tuple[str | None, Document]]


def dumps(value: Any) -> bytes:
    """Write JSON as people and programs both like it."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def jsonld(names: Names, document: Document) -> bytes:
    """Write a document with the context as this node serves it."""
    return dumps(record.with_context(document, names.context))


def turtle(document: Document) -> bytes:
    """Write a document as Turtle."""
    return record.serialise([(None, document)], TURTLE)


def ntriples(document: Document) -> bytes:
    """Write a document as canonical N-Triples: sorted lines, those that its hash is made of."""
    return record.n_triples(document).encode()


def trig(graphs: Graphs) -> bytes:
    """Write documents as named graphs (None: the default graph)."""
    return record.serialise(graphs, TRIG)
