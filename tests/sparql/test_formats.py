"""Which format a client gets, and how many rows an answer has."""

import json
import xml.etree.ElementTree as ET

import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotAcceptable
from app.sparql.formats import CSV, GRAPHS, JSON, RESULTS, TSV, TURTLE, XML, Form, choose, count_rows, without_controls


@pytest.mark.parametrize(
    ("accept", "form", "expected"),
    [
        ("", Form.ROWS, JSON),
        ("*/*", Form.ROWS, JSON),
        ("*/*", Form.GRAPH, TURTLE),
        ("text/csv", Form.ROWS, CSV),
        ("TEXT/CSV;charset=utf-8", Form.ROWS, CSV),
        ("text/*", Form.ROWS, CSV),
        ("text/tab-separated-values, text/csv;q=0.9", Form.ROWS, TSV),
        ("application/json", Form.ROWS, JSON),
        ("application/json", Form.GRAPH, "application/ld+json"),
        ("application/xml", Form.BOOLEAN, XML),
        ("application/xml", Form.GRAPH, "application/rdf+xml"),
        ("application/sparql-results+json, text/turtle;q=0.5", Form.GRAPH, TURTLE),
        ("application/sparql-results+json;q=0, */*;q=0.1", Form.ROWS, XML),
        ("text/html, application/xhtml+xml, */*;q=0.8", Form.ROWS, JSON),
        ("text/turtle;q=0.2, application/n-triples;q=0.7", Form.GRAPH, "application/n-triples"),
        ("nonsense;q=high, text/csv", Form.ROWS, CSV),
    ],
)
def test_the_client_gets_what_it_prefers(accept: str, form: Form, expected: str) -> None:
    """The most precise range decides for each format, then the highest quality, then our own order."""
    assert choose(accept, form) == expected


@pytest.mark.parametrize(
    ("accept", "form"), [("text/turtle", Form.ROWS), ("text/csv", Form.GRAPH), ("image/png", Form.BOOLEAN), ("*/*;q=0", Form.ROWS)]
)
def test_a_client_that_takes_none_is_told_which_there_are(accept: str, form: Form) -> None:
    """The sentence lists the formats of that kind of query."""
    with pytest.raises(NotAcceptable) as error:
        choose(accept, form)
    assert all(media_type in error.value.text.en for media_type in (GRAPHS if form is Form.GRAPH else RESULTS))


@given(st.text())
def test_any_accept_header_is_read(accept: str) -> None:
    """Whatever the header, there is a format or NotAcceptable."""
    try:
        assert choose(accept, Form.ROWS) in RESULTS
    except NotAcceptable:
        return


def written(store: pyoxigraph.Store, query: str, media_type: str) -> bytes:
    """What the engine writes of an answer with rows or a boolean."""
    result = store.query(query)
    assert not isinstance(result, pyoxigraph.QueryTriples)
    body = result.serialize(format=pyoxigraph.QueryResultsFormat.from_media_type(media_type))
    assert body is not None
    return body


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_rows_are_counted_whatever_they_hold(rows: list[tuple[str, str]]) -> None:
    """In each format, values with quotes, tabs, line ends and brackets change nothing of the count."""
    store = pyoxigraph.Store()
    for number, values in enumerate(rows):
        for name, value in zip(("a", "b"), values, strict=True):
            store.add(pyoxigraph.Quad(pyoxigraph.NamedNode(f"urn:{number}"), pyoxigraph.NamedNode(f"urn:{name}"), pyoxigraph.Literal(value)))
    for media_type in RESULTS:
        body = written(store, "SELECT ?a ?b { ?s <urn:a> ?a ; <urn:b> ?b }", media_type)
        assert count_rows(media_type, body) == len(rows)


@pytest.mark.parametrize("media_type", RESULTS)
def test_rows_without_values_are_counted(media_type: str) -> None:
    """A row may hold nothing."""
    for text, rows in (("SELECT * {}", 1), ("SELECT ?x { VALUES ?x { UNDEF UNDEF } }", 2), ("SELECT ?x { FILTER(false) }", 0)):
        assert count_rows(media_type, written(pyoxigraph.Store(), text, media_type)) == rows


def test_xml_stays_well_formed_with_any_characters() -> None:
    """Control characters, which XML cannot hold in any way, become the replacement character."""
    body = written(pyoxigraph.Store(), r'SELECT ("a\u0000\u0001\tb" AS ?x) {}', XML)
    assert "".join(ET.fromstring(without_controls(body)).itertext()) == "a\ufffd\ufffd\tb"


def test_json_is_json() -> None:
    """A media type for JSON is answered by JSON."""
    assert json.loads(written(pyoxigraph.Store(), "ASK {}", JSON))["boolean"] is True
