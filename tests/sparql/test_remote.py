"""Strangers' questions when a server holds the graph: the same answers, the same refusals, the same limits, on each real server."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.errors import BadQuery, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable
from app.graph import Change
from app.graph.remote_store import RemoteStore
from app.sparql.answers import Question
from app.sparql.formats import CSV, JSON, TSV, XML
from app.sparql.pool import Limits, Pool
from app.sparql.remote import RemotePool
from tests.servers import SERVERS, SparqlServer, emptied
from tests.sparql.conftest import NAMES, group, record

LIMITS = Limits(timeout_s=5, memory_mb=256, max_rows=50, max_bytes=2_000_000, workers=1)
CONTENT = [*(group(f"g{number}") for number in range(10)), *(record(f"g{number}") for number in range(10))]
CATALOGUE = Change(NAMES.catalogue, "<urn:a> <urn:b> <urn:c> .\n")
P = "PREFIX schema: <https://schema.org/> PREFIX mlg: <https://w3id.org/maillage/ns#> "


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[SparqlServer]:
    """Each kind of server in turn."""
    with SERVERS[request.param]() as started:
        yield started


@pytest.fixture(scope="module")
def remote(server: SparqlServer) -> Iterator[RemoteStore]:
    """Ten groups, each with a record, on the server."""
    with emptied(server, NAMES) as store:
        store.apply([*CONTENT, CATALOGUE], 1)
        yield store


@pytest.fixture(scope="module")
def asked(remote: RemoteStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemotePool]:
    """One query process with small limits before the server."""
    pool = RemotePool(remote, NAMES, tmp_path_factory.mktemp("remote"), LIMITS)
    yield pool
    pool.close()


def rows(answer: bytes) -> list[list[str]]:
    """The lines of a CSV answer, sorted, without their names."""
    return sorted(line.split(",") for line in answer.decode().splitlines()[1:])


SAMPLE = [
    "SELECT ?g ?n { ?g schema:name ?n }",
    "SELECT (COUNT(*) AS ?n) { ?g a mlg:Group }",
    "SELECT (COUNT(DISTINCT ?g) AS ?n) { GRAPH ?g { ?s ?p ?o } }",
    "SELECT ?g ?n ?m { ?s schema:name ?n . GRAPH ?g { ?s schema:name ?m } }",
    "SELECT ?n { GRAPH <http://node.example/records/carte/g1> { ?s schema:name ?n } }",
    "SELECT ?s ?n { ?s a mlg:Group OPTIONAL { GRAPH ?g { ?s schema:name ?n FILTER(STRENDS(?n, '1')) } } }",
    "SELECT ?s { ?s a mlg:Group FILTER NOT EXISTS { GRAPH ?g { ?s schema:name 'g3' } } }",
    "SELECT ?s { { ?s schema:name 'Le g1'@fr } UNION { GRAPH ?where { ?s schema:name 'g2' } } }",
    "SELECT ?s (COUNT(?g) AS ?n) { { SELECT ?s { ?s a mlg:Group } } GRAPH ?g { ?s schema:name ?m } } GROUP BY ?s HAVING(COUNT(?g) = 1)",
    "SELECT ?n { ?s schema:name ?n } ORDER BY DESC(?n) LIMIT 3 OFFSET 2",
    "SELECT ?n FROM <http://node.example/records/carte/g1> { ?s schema:name ?n }",
    "SELECT ?n FROM NAMED <http://node.example/records/carte/g1> { ?s schema:name ?n }",
    "SELECT ?g ?n FROM NAMED <http://node.example/records/carte/g1> { GRAPH ?g { ?s schema:name ?n } }",
    "SELECT ?g ?n FROM <http://node.example/records/carte/g1> { GRAPH ?g { ?s schema:name ?n } }",
    "SELECT ?g ?n FROM <http://node.example/records/carte/g2> FROM NAMED <http://node.example/records/carte/g1> { ?s ?p ?n GRAPH ?g { ?t ?q ?m } }",
    "SELECT ?x ?s { VALUES (?x) { (1) (UNDEF) } OPTIONAL { ?s schema:name 'Le g1'@fr } }",
    "SELECT ?n { <http://node.example/groups/g1> schema:name ?n } VALUES ?n { 'Le g1'@fr }",
    "ASK { ?s schema:name 'Le g1'@fr }",
    "ASK { ?s schema:name 'Le g11'@fr }",
    "ASK { GRAPH ?g { ?s schema:name 'g1' } }",
]


@pytest.mark.parametrize("query", SAMPLE)
def test_a_server_answers_what_the_embedded_store_answers(asked: RemotePool, pool: Pool, query: str) -> None:
    """Rows, counts, graphs, datasets: the same, whatever the server takes for its default graph."""
    expected, found = (asking.ask(Question(P + query, CSV)).read() for asking in (pool, asked))
    if query.startswith("ASK"):
        assert found == expected
    else:
        assert rows(found) == rows(expected)
        assert rows(expected) or "FROM" in query


@pytest.mark.parametrize(
    "query",
    [
        "CONSTRUCT { ?s schema:name ?n } { ?s schema:name ?n }",
        "CONSTRUCT { ?s schema:name ?n } { GRAPH ?g { ?s schema:name ?n } }",
        "CONSTRUCT WHERE { ?s schema:name ?n }",
        "DESCRIBE <http://node.example/groups/g1>",
    ],
)
def test_a_server_builds_what_the_embedded_store_builds(asked: RemotePool, pool: Pool, query: str) -> None:
    """Graphs too: a description holds what the directory says, and not what the sources say."""
    question = Question(P + query, "application/n-triples")
    assert sorted(asked.ask(question).read().splitlines()) == sorted(pool.ask(question).read().splitlines()) != []


@pytest.mark.parametrize("media_type", [JSON, XML, CSV, TSV])
def test_every_format_is_ours(asked: RemotePool, pool: Pool, media_type: str) -> None:
    """The bytes are those that the embedded store's processes write."""
    question = Question(P + "SELECT ?s ?n (STRLEN(?n) AS ?l) { ?s schema:name ?n } ORDER BY ?n", media_type)
    answer = asked.ask(question)
    assert (answer.media_type, answer.read()) == (media_type, pool.ask(question).read())


def test_the_protocols_dataset_is_sent_on(asked: RemotePool) -> None:
    """Graphs that the client names are the ones asked; one that is not held here is refused."""
    one = NAMES.record("carte", "g1")
    found = asked.ask(Question(P + "SELECT ?n { ?s schema:name ?n }", CSV, default_graphs=(one,))).read()
    assert rows(found) == [["g1"]]
    found = asked.ask(Question("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?n } }", CSV, named_graphs=(one, NAMES.catalogue))).read()
    assert rows(found) == [[NAMES.catalogue], [one]]
    for graph in (NAMES.record("carte", "g99"), NAMES.directory, "http://other.example/x", "not an address"):
        with pytest.raises(QueryRefused, match="no graph"):
            asked.ask(Question("ASK { ?s ?p ?o }", default_graphs=(graph,)))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT ?s { ?s ?p", BadQuery),
        ("SELECT ?s { ?s ?p ?o . ?s } ", BadQuery),
        ("SELECT ?s { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", QueryRefused),
        ("INSERT DATA { <urn:a> <urn:b> <urn:c> }", QueryRefused),
        ("SELECT ?s FROM <http://127.0.0.1:9/> { ?s ?p ?o }", QueryRefused),
        ("SELECT (<bif:user_name>(1) AS ?x) {}", QueryRefused),
        ("PREFIX x: <sql:> SELECT * { ?s x:any ?o }", QueryRefused),
        ("PREFIX x: <bi> SELECT * { ?s x:f\\:contains 'a' }", BadQuery),
        ("PREFIX : <> SELECT * { ?s :bif 'a' }", QueryRefused),
        ("BASE <bif:> SELECT * { ?s <contains> 'a' }", QueryRefused),
        ("SELECT * { ?s <\\u0062if:contains> 'a' }", QueryRefused),
        ("SELECT * { ?s <BIF:contains> 'a' }", QueryRefused),
        ("SELECT (<http://example.org/f>(1) AS ?x) {}", QueryRefused),
    ],
)
def test_what_is_refused_never_reaches_the_server(asked: RemotePool, remote: RemoteStore, query: str, error: type[Exception]) -> None:
    """The sentence is ours, and the server holds what it held."""
    with pytest.raises(error):
        asked.ask(Question(query))
    assert remote.position() == 1


def test_limits_stay_in_front(asked: RemotePool) -> None:
    """Too many rows are refused, or cut when a part is wanted, and said to be; the same for triples; a format that is not there is refused."""
    many = "SELECT ?a ?b { ?a ?p ?x . ?b ?q ?y }"
    with pytest.raises(QueryStopped, match="50 rows"):
        asked.ask(Question(many, CSV))
    part = asked.ask(Question(many, CSV, partial=True))
    assert (part.truncated, len(rows(part.read()))) == (True, 50)
    with pytest.raises(QueryStopped, match="50 rows"):
        asked.ask(Question("CONSTRUCT { ?a ?p ?b } { ?a ?p ?x . ?b ?q ?y }"))
    with pytest.raises(NotAcceptable):
        asked.ask(Question("ASK {}", "image/png"))


def test_a_long_query_is_stopped(remote: RemoteStore, tmp_path: Path) -> None:
    """The client has its answer at the deadline, and the next question is answered."""
    pool = RemotePool(remote, NAMES, tmp_path / "spool", Limits(timeout_s=1, memory_mb=256, workers=1))
    try:
        joins = " ".join(f"?s{number} ?p{number} ?o{number} ." for number in range(8))
        began = time.monotonic()
        with pytest.raises(QueryStopped, match="too long"):
            pool.ask(Question(f"SELECT (COUNT(*) AS ?n) {{ {joins} FILTER(?o0 != ?o7) }}"))
        assert time.monotonic() - began < 60, "it waited for the server instead"
    finally:
        pool.close()


def test_an_answer_is_given_again_until_the_graph_moves(remote: RemoteStore, tmp_path: Path) -> None:
    """Nobody is asked for what was answered at this position; what was erased is forgotten."""
    pool = RemotePool(remote, NAMES, tmp_path / "spool", LIMITS)
    try:
        question = Question(P + "SELECT (COUNT(*) AS ?n) { ?s a mlg:Group }", JSON)
        first = pool.ask(question)
        assert pool.held(question) is first
        assert first.position == 1
        remote.apply([group("g10")], 2)
        assert pool.held(question) is None
        second = pool.ask(question)
        assert json.loads(second.read())["results"]["bindings"][0]["n"]["value"] == "11"
        pool.forget()
        assert pool.held(question) is None
        assert len(pool.processes()) == 1
    finally:
        remote.apply([Change(None, "", NAMES.group("g10"))], 1)
        pool.close()
    assert list((tmp_path / "spool").rglob("*.received")) == []


def test_a_server_that_is_away_is_said(tmp_path: Path) -> None:
    """With the address and what to do, and without a password."""
    with ExitStack() as stack:
        server = stack.enter_context(SERVERS["oxigraph serve"]())
        store = stack.enter_context(emptied(server, NAMES))
        pool = RemotePool(store, NAMES, tmp_path / "spool", LIMITS)
        stack.callback(pool.close)
        pool.ask(Question("ASK {}"))
        server.stop()
        store.forget()
        with pytest.raises(StoreUnavailable, match="check that it runs") as caught:
            pool.ask(Question("ASK {}"))
        assert "invented" not in caught.value.text.fr
        server.start()
