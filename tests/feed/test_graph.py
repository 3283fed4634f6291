"""The log in Turtle and TriG holds the quads of its JSON-LD, and each record's hash can be computed from them."""

import hashlib
import json
from typing import Any

import pytest
from pyld import jsonld
from pyoxigraph import CanonicalizationAlgorithm, Dataset, NamedNode, RdfFormat, parse, serialize

from app import vocabulary
from app.feed import graph
from app.record import serialise_ntriples


def canonical(quads: Any) -> str:
    """Return a dataset with its blank nodes named by its content."""
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0_SHA_256)
    return "".join(sorted(f"{quad} .\n" for quad in dataset))


def as_json_ld(document: Any) -> str:
    return json.dumps({"@context": vocabulary.load().context, **document})


@pytest.fixture
def documents(feed: Any) -> dict[str, Any]:
    """A root, a closed page, the open page and single events of a log with every kind of event."""
    feed.publish_many(249)
    feed.publish("a", 'dit "bonjour" \\ à tous\net à toutes')
    feed.withdraw("a")
    feed.publish("a", "revenu")
    feed.withdraw("g3", purge=True)
    first, last = feed.chain()
    return {"root": feed.root(), "closed": first, "open": last, "event": feed.event(1, 250), "delete": feed.event(1, 251)}


@pytest.mark.parametrize("which", ["root", "closed", "open", "event", "delete"])
def test_every_format_holds_the_same_quads(documents: dict[str, Any], which: str) -> None:
    """JSON-LD read by pyoxigraph and by PyLD, and our N-Quads and TriG, are one dataset; Turtle is its default graph."""
    document = documents[which]
    told = list(parse(as_json_ld(document), format=RdfFormat.JSON_LD))
    by_pyld = jsonld.to_rdf({"@context": vocabulary.load().context, **document}, {"format": "application/n-quads"})
    trig = serialise_ntriples(graph.quads(document), "application/trig")
    expected = canonical(told)
    assert canonical(parse(graph.quads(document), format=RdfFormat.N_QUADS)) == expected
    assert canonical(parse(trig, format=RdfFormat.TRIG)) == expected
    assert canonical(parse(by_pyld, format=RdfFormat.N_QUADS)) == expected
    turtle = serialise_ntriples(graph.quads(document, records=False), "text/turtle")
    default = [quad for quad in told if str(quad.graph_name) == "DEFAULT"]
    assert canonical(parse(turtle, format=RdfFormat.TURTLE)) == canonical(default)


def test_an_empty_log_is_rdf_too(feed: Any) -> None:
    """The root and the page of a log without events parse."""
    for document in (feed.root(), feed.page(1).document):
        assert canonical(parse(graph.quads(document), format=RdfFormat.N_QUADS)) == canonical(parse(as_json_ld(document), format=RdfFormat.JSON_LD))


def test_the_hash_of_an_event_is_that_of_its_graph(documents: dict[str, Any]) -> None:
    """Anyone can compute contentHash from the triples in the event's graph: sorted canonical N-Quads, SHA-256."""
    item = documents["event"]
    quads = parse(graph.quads(item), format=RdfFormat.N_QUADS)
    lines = sorted(
        (serialize([quad.triple], format=RdfFormat.N_TRIPLES) or b"").decode() for quad in quads if quad.graph_name == NamedNode(item["id"])
    )
    assert "sha-256:" + hashlib.sha256("".join(lines).encode()).hexdigest() == item["contentHash"]
