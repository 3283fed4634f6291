"""What a document says is what every JSON-LD processor reads in it, and nothing is lost on the way in or out."""

import hashlib
import json
import random

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld

from app.record import content_hash, n_quads, n_triples, parse_json, read, serialise, triples, with_context
from app.vocabulary import load
from tests.record.documents import IRI, documents, ordered
from tests.shared import SHARED, need

SOME = settings(max_examples=80, deadline=None)


def full(document):
    return {"@context": load().context, **document}


def refuse(url, _options):
    raise AssertionError(f"{url} would have been fetched")


def oxigraph_lines(document):
    quads = pyoxigraph.parse(json.dumps(full(document)), format=pyoxigraph.RdfFormat.JSON_LD)
    return {f"{q.triple} ." for q in quads}


def pyld_lines(document):
    text = jsonld.to_rdf(full(document), {"format": "application/n-quads", "documentLoader": refuse})
    return {f"{q.triple} ." for q in pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_QUADS)}


@SOME
@given(documents())
def test_statements_are_those_of_the_json_ld(document):
    """The table-driven statements equal what pyoxigraph and PyLD make of the same document with its context."""
    ours = set(n_triples(document).splitlines())
    assert ours == oxigraph_lines(document)
    assert ours == pyld_lines(document)


@SOME
@given(documents())
def test_reading_our_own_form_changes_nothing(document):
    """A document is a fixed point of `read`, nothing in it is unknown, and keys in another order make no difference."""
    reading = read(document)
    assert reading.document == document
    assert list(reading.document) == list(ordered(document))
    assert reading.unknown == ()
    assert reading.content_hash == content_hash(document)
    items = list(document.items())
    random.Random(1).shuffle(items)
    assert read(dict(items)) == reading


@SOME
@given(documents())
def test_expanded_and_flattened_forms_are_the_same_record(document):
    """What PyLD expands or flattens comes back as the same document with the same hash."""
    expanded = jsonld.expand(full(document), {"documentLoader": refuse})
    assert read(expanded) == read(document)
    flattened = jsonld.flatten(full(document), None, {"documentLoader": refuse})
    again = read(flattened, iri=IRI)
    assert again.content_hash == content_hash(document)
    assert again.document == document


@SOME
@given(documents())
def test_json_text_keeps_the_record(document):
    """Written with the address of the context, encoded, parsed and read again, it is the same record."""
    body = json.dumps(with_context(document, "https://other.example/vocab/context/v1.jsonld")).encode()
    assert read(parse_json(body)).document == document


@SOME
@given(documents())
def test_the_hash_is_that_of_the_canonical_dataset(document):
    """The contentHash is the SHA-256 of RDFC-1.0's canonical N-Quads, as pyoxigraph computes them."""
    dataset = pyoxigraph.Dataset(pyoxigraph.Quad(t.subject, t.predicate, t.object) for t in triples(document))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(f"{q.triple} .\n" for q in dataset)
    assert content_hash(document) == "sha-256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


@SOME
@given(documents(), st.sampled_from(["text/turtle", "application/n-triples", "application/trig", "application/n-quads"]))
def test_every_format_carries_every_statement(document, media_type):
    """What is written in any format is read back as the same statements."""
    written = serialise([(None, document)], media_type)
    read_back = pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.from_media_type(media_type))
    assert {f"{q.triple} ." for q in read_back} == set(n_triples(document).splitlines())


@SOME
@given(documents())
def test_named_graphs_hold_the_same_statements(document):
    """The N-Quads of a graph are the N-Triples with the graph's name before the final dot."""
    graph = "https://n.example/records/own/g1"
    lines = n_triples(document).splitlines()
    assert n_quads(document, graph) == "".join(sorted(f"{line.removesuffix(' .')} <{graph}> .\n" for line in lines))


@pytest.mark.parametrize(
    ("place", "moved"),
    [
        ({"latitude": "48.900000", "longitude": "2.0"}, {"latitude": "48.9", "longitude": "2"}),
        ({"latitude": "01", "longitude": "-0.0"}, {"latitude": "1", "longitude": "0"}),
    ],
)
def test_the_hash_is_that_of_the_letters_received(place, moved):
    """Decimals and times keep their lexical form, though a store would rewrite them: the store's form has another hash."""

    def record(where, modified):
        return read({"id": IRI, "name": {"fr": "x"}, "location": [{"id": f"{IRI}#l", **where}], "modified": modified})

    received = record(place, "2026-10-02T09:00:00.000Z")
    assert received.document["location"][0]["latitude"] == place["latitude"]
    assert f'"{place["latitude"]}"^^' in n_triples(received.document)
    assert '"2026-10-02T09:00:00.000Z"' in n_triples(received.document)
    assert received.content_hash != record(moved, "2026-10-02T09:00:00Z").content_hash
    assert received.content_hash == read(jsonld.expand(full(received.document))).content_hash

    store = pyoxigraph.Store()
    store.bulk_extend(pyoxigraph.Quad(t.subject, t.predicate, t.object) for t in triples(received.document))
    assert {f"{q.triple} .\n" for q in store} != set(n_triples(received.document).splitlines(keepends=True)), "the store keeps lexical forms now"


def test_the_example_feed_has_the_hashes_it_announces():
    """The records of the published example pages have the hashes that the protocol's draft printed."""
    found = 0
    for page in sorted(need(SHARED / "vocab-draft" / "examples" / "feed").glob("page-*.jsonld")):
        for event in json.loads(page.read_text())["orderedItems"]:
            if "record" in event:
                assert read(event["record"]).content_hash == event["contentHash"]
                found += 1
    assert found == 4
