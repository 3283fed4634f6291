"""The log over HTTP, as programs follow it."""

import gzip
import json

import httpx
import pyoxigraph
import pytest

from tests.web.conftest import Site


@pytest.fixture(scope="module", autouse=True)
def some(site: Site) -> None:
    """A few events."""
    for number in range(3):
        site.publish(f"fed-{number}")


def test_a_client_of_a_few_lines_reads_the_whole_log_in_order(site: Site) -> None:
    """Plain JSON: from the root to the first page, then from page to page; the numbers grow."""
    numbers, url = [], httpx.get(f"{site.url}/feed").json()["first"]
    while url:
        page = httpx.get(url).raise_for_status().json()
        numbers += [event["sequence"] for event in page["orderedItems"]]
        url = page.get("next")
    assert numbers == sorted(set(numbers))
    assert len(numbers) == site.get("/feed").json()["totalItems"]


def test_an_event_is_the_statement_of_its_moment(site: Site) -> None:
    """Each event of a page has an address of its own, which never changes."""
    page = site.get("/feed").json()["last"].removeprefix(site.url)
    event = site.get(page).json()["orderedItems"][-1]
    alone = site.get(event["id"].removeprefix(site.url))
    assert {key: value for key, value in alone.json().items() if key != "@context"} == event
    assert "immutable" in alone.headers["cache-control"]


@pytest.mark.parametrize(("accept", "form"), [("application/trig", pyoxigraph.RdfFormat.TRIG), ("text/turtle", pyoxigraph.RdfFormat.TURTLE)])
def test_root_and_pages_are_linked_data_too(site: Site, accept: str, form: pyoxigraph.RdfFormat) -> None:
    """Turtle and TriG parse, name the stream and its members, and are the same bytes each time."""
    page = site.get("/feed").json()["last"].removeprefix(site.url)
    for path in ("/feed", page):
        first, second = site.get(path, Accept=accept), site.get(path, Accept=accept)
        assert first.content == second.content
        quads = list(pyoxigraph.parse(first.content, format=form))
        said = {quad.predicate.value for quad in quads}
        assert "https://w3id.org/tree#view" in said
        assert ("https://w3id.org/tree#member" in said) == (path == page)


def test_json_is_json_ld(site: Site) -> None:
    """Those who ask for plain JSON get the same document, and the link to its context."""
    plain = site.get("/feed", Accept="application/json")
    assert plain.headers["content-type"] == "application/json"
    assert plain.json() == site.get("/feed").json()
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in plain.headers["link"]


def test_pages_that_never_were_are_not_found(site: Site) -> None:
    """404 for what never was, 400 for what is no number."""
    assert site.get("/feed/pages/999").status_code == 404
    assert site.get("/feed/events/1/999999").status_code == 404
    assert site.get("/feed/pages/one").status_code == 400


def test_atom_is_for_people(site: Site) -> None:
    """The Atom feed names the newest groups, whatever the reader accepts."""
    answer = site.get("/feed.atom", Accept="text/html")
    assert answer.headers["content-type"] == "application/atom+xml"
    assert f"{site.url}/groups/fed-2" in answer.text


def test_dumps_say_where_they_stand(site: Site) -> None:
    """Every dump has the feed's sequence, so that a peer goes on from there; a second reading costs a 304."""
    sequence = httpx.get(site.get("/feed").json()["last"]).json()["orderedItems"][-1]["sequence"]
    for path in ("/dump.nq.gz", "/dump.ndjson.gz", "/dump.csv", "/dump.geojson", "/dump.nq.gz?source=own"):
        answer = site.get(path)
        assert (answer.headers["maillage-epoch"], int(answer.headers["maillage-sequence"])) == ("1", sequence)
        again = site.get(path, If_None_Match=answer.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
    assert site.get("/dump.csv?source=someone").status_code == 400


def test_dumps_hold_the_groups_and_what_each_source_says(site: Site) -> None:
    """N-Quads: the default graph and the named graphs; ndjson: one JSON-LD record a line."""
    quads = list(pyoxigraph.parse(gzip.decompress(site.get("/dump.nq.gz").content), format=pyoxigraph.RdfFormat.N_QUADS))
    graphs = {getattr(quad.graph_name, "value", None) for quad in quads}
    assert {None, f"{site.url}/records/own/fed-1"} <= graphs
    own = gzip.decompress(site.get("/dump.nq.gz?source=own").content).decode()
    assert all(f"<{site.url}/records/own/" in line for line in own.splitlines())
    lines = [json.loads(line) for line in gzip.decompress(site.get("/dump.ndjson.gz").content).splitlines()]
    assert all(line["@context"] == f"{site.url}/vocab/context/v1.jsonld" for line in lines)
    assert f"{site.url}/groups/fed-1" in {line["id"] for line in lines}
