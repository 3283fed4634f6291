"""Other people's clients ask a real node's SPARQL endpoint, unchanged: rows, yes or no, graphs and named graphs, by GET and by POST."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rdflib import Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import JSON, TURTLE, XML, SPARQLWrapper

from tests.nodes import NodeProcess, eventually, serving

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # SPARQLWrapper makes one for RDF/XML

CLIENTS = Path(sys.prefix) / "clients"
SCRIPT = Path(__file__).parents[1] / "clients" / "sparql.mjs"
KEYS = ("g1", "g2", "g3")
NAME = "https://schema.org/name"

Asked = Callable[[str, str, str, str], Any]
"""Asks (form, GET or POST, address, query), and returns rows as dictionaries of values, triples as three values, or a boolean."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with three invented groups."""
    with serving(tmp_path_factory.mktemp("asked")) as process:
        headers = {"Authorization": f"Bearer {process.token()}", "Content-Type": "application/ld+json", "If-None-Match": "*"}
        for key in KEYS:
            document = {"name": {"fr": named(key)}, "type": ["Group"]}
            httpx.put(f"{process.url}/groups/{key}", json=document, headers=headers, timeout=60).raise_for_status()
        eventually(lambda: check_settled(process))
        yield process


def named(key: str) -> str:
    """The name of an invented group, with signs that are easily lost on the way."""
    return f"Régie « {key} » & <inventée>, 100 % + \\ d'été"


def check_settled(process: NodeProcess) -> None:
    """The graph holds all groups."""
    found = httpx.get(f"{process.url}/sparql", params={"query": f"SELECT ?g {{ ?g <{NAME}> ?n }}", "format": "json"}, timeout=60)
    assert len(found.json()["results"]["bindings"]) == len(KEYS)


def wrapper(form: str, method: str, endpoint: str, query: str) -> Any:
    """Python's SPARQLWrapper."""
    asked = SPARQLWrapper(endpoint)
    asked.setQuery(query)
    asked.setMethod(method)
    asked.setReturnFormat(TURTLE if form == "construct" else JSON)
    found = asked.queryAndConvert()
    if form == "construct":
        return [tuple(map(str, triple)) for triple in Graph().parse(data=found, format="turtle")]
    if form == "ask":
        return found["boolean"]
    return [{name: term["value"] for name, term in row.items()} for row in found["results"]["bindings"]]


def wrapper_in_xml(form: str, method: str, endpoint: str, query: str) -> Any:
    """The same, with the formats it takes by itself: XML."""
    asked = SPARQLWrapper(endpoint, returnFormat=XML)
    asked.setQuery(query)
    asked.setMethod(method)
    found = asked.queryAndConvert()
    if form == "construct":
        return [tuple(map(str, triple)) for triple in found]
    if form == "ask":
        return found.getElementsByTagName("boolean")[0].firstChild.data == "true"
    rows = found.getElementsByTagName("result")
    return [{one.getAttribute("name"): "".join(node.data for node in one.firstChild.childNodes) for one in row.childNodes} for row in rows]


def store(form: str, method: str, endpoint: str, query: str) -> Any:
    """The SPARQLStore of rdflib."""
    found = Graph(SPARQLStore(endpoint, method=method, returnFormat="json" if form != "construct" else "xml")).query(query)
    if form == "ask":
        return found.askAnswer
    if form == "construct":
        return [tuple(map(str, triple)) for triple in found]
    return [{str(name): str(term) for name, term in row.asdict().items()} for row in found]


def npm(client: str) -> Asked:
    """A client of npm's, by its name."""

    def ask(form: str, method: str, endpoint: str, query: str) -> Any:
        if not (CLIENTS / "node_modules" / client.replace("comunica", "@comunica/query-sparql")).exists():
            sentence = f"npm's {client} is not installed: ./deploy/test does it"
            pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
        command = ["node", str(SCRIPT), client, form, method, endpoint, query]
        done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


ASKED: dict[str, Asked] = {
    "SPARQLWrapper": wrapper,
    "SPARQLWrapper in XML": wrapper_in_xml,
    "rdflib SPARQLStore": store,
    "Comunica": npm("comunica"),
    "sparql-http-client": npm("sparql-http-client"),
    "fetch-sparql-endpoint": npm("fetch-sparql-endpoint"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("client", ASKED)
def test_a_client_asks_as_it_asks_everybody(node: NodeProcess, client: str, method: str) -> None:
    """Every form of query is answered with exactly what the node holds."""
    ask, endpoint = ASKED[client], f"{node.url}/sparql"
    names = {f"{node.url}/groups/{key}": named(key) for key in KEYS}
    rows = ask("select", method, endpoint, f"SELECT ?g ?n WHERE {{ ?g <{NAME}> ?n }}")
    assert {row["g"]: row["n"] for row in rows} == names
    assert ask("ask", method, endpoint, f"ASK {{ <{node.url}/groups/g1> <{NAME}> ?n }}") is True
    assert ask("ask", method, endpoint, f"ASK {{ <{node.url}/groups/g9> <{NAME}> ?n }}") is False
    triples = ask("construct", method, endpoint, f"CONSTRUCT {{ ?g <urn:named> ?n }} WHERE {{ ?g <{NAME}> ?n }}")
    assert {subject: name for subject, _, name in triples} == names
    said = f"{node.url}/records/own/g1"
    found = ask("select", method, endpoint, f"SELECT ?g ?n WHERE {{ GRAPH <{said}> {{ ?g <{NAME}> ?n }} }}")
    assert [row["n"] for row in found] == [named("g1")]


def test_rdflib_reads_the_endpoint_as_a_graph(node: NodeProcess) -> None:
    """Patterns asked one by one, by the store itself."""
    graph = Graph(SPARQLStore(f"{node.url}/sparql"))
    assert str(graph.value(URIRef(f"{node.url}/groups/g2"), URIRef(NAME))) == named("g2")
    assert {str(subject) for subject in graph.subjects(URIRef(NAME))} == {f"{node.url}/groups/{key}" for key in KEYS}


def test_sparqlwrapper_names_the_dataset(node: NodeProcess) -> None:
    """`default-graph-uri` and `named-graph-uri`, as it sends them."""
    asked = SPARQLWrapper(f"{node.url}/sparql", defaultGraph=f"{node.url}/records/own/g3", returnFormat=JSON)
    asked.setQuery(f"SELECT ?n {{ ?g <{NAME}> ?n }}")
    assert [row["n"]["value"] for row in asked.queryAndConvert()["results"]["bindings"]] == [named("g3")]
