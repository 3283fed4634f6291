"""The SPARQL protocol, graphs, and what the endpoint says of itself."""

import subprocess
import sys
from urllib.parse import quote, urlencode

import pyoxigraph
import pytest

from tests.shared import SHARED, need
from tests.web.conftest import Site, eventually

ASK = "ASK {}"
RESULTS = "application/sparql-results+json"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"


def test_a_query_is_asked_in_three_ways(site: Site) -> None:
    """GET, POST as a form, POST as the body: the same answer."""
    answers = [
        site.get(f"/sparql?query={quote(ASK)}", Accept=RESULTS),
        site.ask("POST", "/sparql", urlencode({"query": ASK}).encode(), Content_Type=FORM, Accept=RESULTS),
        site.ask("POST", "/sparql", ASK.encode(), Content_Type=f"{QUERY}; charset=utf-8", Accept=RESULTS),
    ]
    assert [(answer.status_code, answer.json()["boolean"]) for answer in answers] == [(200, True)] * 3


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        ("text/csv", "SELECT (1 AS ?x) {}", "text/csv; charset=utf-8"),
        ("text/tab-separated-values", "SELECT (1 AS ?x) {}", "text/tab-separated-values; charset=utf-8"),
        ("application/sparql-results+xml", ASK, "application/sparql-results+xml"),
        ("*/*", ASK, RESULTS),
        ("application/rdf+xml", "CONSTRUCT {?s ?p ?o} {?s ?p ?o}", "application/rdf+xml"),
        ("application/ld+json", "DESCRIBE <https://node.example/x>", "application/ld+json"),
    ],
)
def test_answers_come_in_the_format_asked_for(site: Site, accept: str, query: str, expected: str) -> None:
    """Rows and graphs have their own formats."""
    answer = site.get(f"/sparql?query={quote(query)}", Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, expected)


def test_a_link_can_name_the_format(site: Site) -> None:
    """`format` is for links and wins over the Accept header; an unknown one is named."""
    answer = site.get(f"/sparql?query={quote('SELECT (1 AS ?x) {}')}&format=csv", Accept="text/html")
    assert (answer.headers["content-type"], answer.text) == ("text/csv; charset=utf-8", "x\r\n1\r\n")
    assert site.get(f"/sparql?query={quote(ASK)}&format=pdf").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "content", "kind", "status"),
    [
        ("GET", "/sparql?update=CLEAR%20ALL", None, None, 400),
        ("GET", f"/sparql?query={quote('INSERT DATA {<a:a> <a:a> 1}')}", None, None, 400),
        ("POST", "/sparql", b"CLEAR ALL", "application/sparql-update", 400),
        ("POST", "/sparql", b"update=CLEAR%20ALL", FORM, 400),
        ("GET", "/sparql?query=ASK%20%7B", None, None, 400),
        ("GET", "/sparql?query=", None, None, 400),
        ("GET", f"/sparql?query={quote(ASK)}&query={quote(ASK)}", None, None, 400),
        ("GET", f"/sparql?query={quote('SELECT * { SERVICE <http://127.0.0.1:1/> {?s ?p ?o} }')}", None, None, 400),
        ("POST", "/sparql", b"", FORM, 400),
        ("POST", "/sparql", ASK.encode("utf-16"), QUERY, 400),
        ("POST", "/sparql", b"query=%ff%fe", FORM, 400),
        ("POST", "/sparql", ASK.encode(), "text/plain", 415),
        ("POST", "/sparql", ASK.encode(), None, 415),
        ("POST", "/sparql", b"#" * 300_000, QUERY, 413),
        ("GET", f"/sparql?query={quote('ASK {}' + ' ' * 17_000)}", None, None, 400),
    ],
)
def test_what_is_no_query_is_refused_and_changes_nothing(
    site: Site, method: str, path: str, content: bytes | None, kind: str | None, status: int
) -> None:
    """Updates, faulty or double queries, other encodings and types: 4xx with a problem, and the endpoint goes on."""
    answer = site.ask(method, path, content, **({"Content_Type": kind} if kind else {}))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["detail"]
    assert site.get(f"/sparql?query={quote(ASK)}").status_code == 200


def test_the_endpoint_describes_itself(site: Site) -> None:
    """GET without a query is the service description, in RDF."""
    for accept, form in (("text/turtle", pyoxigraph.RdfFormat.TURTLE), ("application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML)):
        answer = site.get("/sparql", Accept=accept)
        said = {(triple.predicate.value, getattr(triple.object, "value", "")) for triple in pyoxigraph.parse(answer.content, format=form)}
        assert ("http://www.w3.org/ns/sparql-service-description#endpoint", f"{site.url}/sparql") in said


@pytest.mark.parametrize("only", ["sd"])
def test_the_protocol_judge_finds_nothing_to_say(site: Site, only: str) -> None:
    """The W3C tests that need no data of their own pass."""
    judge = need(SHARED / "tools" / "run_sparql_protocol.py")
    result = subprocess.run([sys.executable, judge, f"{site.url}/sparql", "--only", only], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_graph_is_read_under_its_name(site: Site) -> None:
    """Graph Store Protocol: a record's graph, the catalogue, the default graph; each is what SPARQL has in it."""
    site.publish("graphed")
    record = f"{site.url}/records/own/graphed"
    graph = site.get(f"/graphs?graph={quote(record, safe='')}", Accept="application/n-triples")
    assert graph.status_code == 200
    assert graph.text == site.get("/records/own/graphed", Accept="application/n-triples").text
    default = site.get("/graphs?default", Accept="application/n-triples")
    assert site.get("/groups/graphed.nt").text in default.text
    count = f"/sparql?query={quote('SELECT (COUNT(*) AS ?n) { ?s ?p ?o }')}"
    triples = len(default.text.splitlines())
    assert eventually(lambda: int(site.get(count, Accept=RESULTS).json()["results"]["bindings"][0]["n"]["value"]) == triples)
    assert eventually(lambda: record in site.get(f"/graphs?graph={quote(site.url + '/catalogue', safe='')}").text)
    assert site.get("/graphs?default", If_None_Match=site.get("/graphs?default").headers["etag"]).status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [("/graphs", 400), ("/graphs?default&graph=x", 400), ("/graphs?graph=https%3A%2F%2Felsewhere.example%2Fg", 404), ("/graphs?graph=x", 404)],
)
def test_a_graph_must_be_named_and_known(site: Site, path: str, status: int) -> None:
    """One graph, and one of ours: nothing is fetched."""
    assert site.get(path).status_code == status


def test_the_catalogue_leads_to_its_graph(site: Site) -> None:
    """The name of the graph about graphs is an address."""
    assert site.get("/catalogue").status_code == 303
