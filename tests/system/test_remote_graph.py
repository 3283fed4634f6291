"""A node whose graph is on a SPARQL server: `oxigraph serve` and Virtuoso, real processes, seen from outside."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.nodes import NodeProcess, eventually, serving
from tests.servers import SERVERS, SparqlServer
from tests.system.test_promises import ask, editor, group

GROUPS = "SELECT ?g ?n WHERE { ?g a mlg:Group ; schema:name ?n } ORDER BY ?n"


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[SparqlServer]:
    """Each kind of server in turn."""
    with SERVERS[request.param]() as started:
        yield started


def on(server: SparqlServer) -> dict[str, object]:
    """The settings that put the graph on a server."""
    return {"graph_url": server.query_url, "graph_update_url": server.update_url}


def names(node: NodeProcess) -> list[str]:
    """The names of the groups in the default graph."""
    return [row["n"] for row in ask(node, GROUPS)]


def test_a_node_works_the_same_on_a_server(server: SparqlServer, tmp_path: Path) -> None:
    """Publish, harvest, merge, ask: each merged group is counted once in the default graph, and each source has its graph; what is purged is gone."""
    with serving(tmp_path / "there") as there, serving(tmp_path / "here", allow_private_peers=f"127.0.0.1:{there.port}", **on(server)) as here:
        place = {"streetAddress": "3 rue des Lilas", "postalCode": "93100", "addressLocality": "Montreuil", "latitude": "48.86", "longitude": "2.44"}
        with editor(there) as client:
            client.put("/groups/jardin", json=group("Jardin des Lilas", location=[place], url=["https://jardin-lilas.example/"])).raise_for_status()
            client.put("/groups/four", json=group("Le four du quartier")).raise_for_status()
        with editor(here) as client:
            client.put("/groups/jardin-des-lilas", json=group("Le Jardin des Lilas", url=["https://jardin-lilas.example/"])).raise_for_status()
        eventually(lambda: _equal(names(here), ["Le Jardin des Lilas"]))
        here.run("peers", "add", "voisins", there.url)
        eventually(lambda: here.run("harvest", "voisins"))  # the clock may be there just now
        eventually(lambda: _equal(len(ask(here, "SELECT ?g WHERE { ?g a mlg:Group }")), 2))
        _sources_are_apart(here)
        with editor(here) as client:
            client.delete("/groups/jardin-des-lilas", params={"purge": "true"}).raise_for_status()
        eventually(lambda: _equal(ask(here, f"SELECT ?p WHERE {{ GRAPH <{here.url}/records/own/jardin-des-lilas> {{ ?s ?p ?o }} }}"), []))
        eventually(lambda: _equal(len(names(here)), 2))
        assert "Le Jardin des Lilas" not in names(here)
        assert [row["n"] for row in ask(here, 'SELECT ?n WHERE { GRAPH ?g { ?s schema:name ?n } FILTER(STR(?n) = "Le Jardin des Lilas") }')] == []


def _sources_are_apart(node: NodeProcess) -> None:
    """Named graphs are the records and the catalogue; nothing else of the server's shows."""
    graphs = {row["g"].removeprefix(node.url) for row in ask(node, "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }")}
    assert graphs == {"/catalogue", "/records/own/jardin-des-lilas", "/records/voisins/jardin", "/records/voisins/four"}
    merged = ask(node, "SELECT ?g (COUNT(?r) AS ?n) WHERE { ?g mlg:record ?r . GRAPH ?r { ?s a mlg:Group } } GROUP BY ?g ORDER BY ?n")
    assert [row["n"] for row in merged] == ["1", "2"]
    assert ask(node, "SELECT (COUNT(*) AS ?n) WHERE { ?g a mlg:Group }") == [{"n": "2"}]
    turtle = httpx.get(f"{node.url}/graphs", params={"graph": f"{node.url}/catalogue"}, headers={"Accept": "text/turtle"})
    assert turtle.status_code == 200 and "/records/voisins/four" in turtle.text


def everything(node: NodeProcess) -> set[tuple[str, ...]]:
    """What the directory and the records say, moments without the zeros at their end, which servers write or not."""
    rows = ask(node, f"SELECT ?g ?s ?p ?o {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g != <{node.url}/catalogue>) }} }}")
    return {(row.get("g", ""), row["s"], row["p"], re.sub(r"\.?0*Z\Z", "Z", row["o"])) for row in rows}


def _equal(left: object, right: object) -> None:
    assert left == right


def test_a_server_that_is_away_stops_nobody(server: SparqlServer, tmp_path: Path) -> None:
    """Writes are acknowledged and shown, /ready and /sparql say what is wrong, and the graph has everything once the server is back."""
    with serving(tmp_path, **on(server)) as node, editor(node) as client:
        client.put("/groups/un", json=group("Un")).raise_for_status()
        eventually(lambda: _equal(names(node), ["Un"]))
        server.stop()
        assert client.put("/groups/deux", json=group("Deux")).status_code == 201
        assert client.get("/groups/deux").status_code == 200
        eventually(lambda: _equal(client.get("/ready").status_code, 503))
        for path, parameters in (("/ready", {}), ("/sparql", {"query": "ASK { ?s ?p ?o }"})):
            refused = client.get(path, params=parameters, headers={"Accept": "application/json", "Accept-Language": "en"})
            assert refused.status_code == 503
            assert "The server that holds the graph" in refused.json()["detail"]
            assert "invented" not in refused.text
        assert client.get("/metrics").status_code == 200
        server.start()
        eventually(lambda: _equal(names(node), ["Deux", "Un"]), within_s=60)


def test_a_node_moves_to_a_server_without_stopping(server: SparqlServer, tmp_path: Path) -> None:
    """`rebuild --graph-url` fills the server beside the running node; restarted with the setting, it goes on from there."""
    with serving(tmp_path) as node, editor(node) as client:
        for number in range(5):
            client.put(f"/groups/g{number}", json=group(f"Groupe {number}")).raise_for_status()
        node.run("rebuild", "--graph-url", server.query_url, "--update-url", server.update_url)
        assert client.get("/ready").status_code == 200
        client.put("/groups/g5", json=group("Groupe 5")).raise_for_status()
        client.delete("/groups/g0").raise_for_status()
        eventually(lambda: _equal(names(node), [f"Groupe {number}" for number in range(1, 6)]))
        before = everything(node)
        node.stop()
        node.settings |= on(server)
        node.start()
        eventually(lambda: _equal(names(node), [f"Groupe {number}" for number in range(1, 6)]))
        assert "rebuilt" not in node.log().rpartition("Started server")[2]
        assert everything(node) == before


def test_what_is_published_is_asked_a_second_later(server: SparqlServer, tmp_path: Path, record_property: Any) -> None:
    """How long it takes is told, not judged."""
    with serving(tmp_path, **on(server)) as node, editor(node) as client:
        began = time.monotonic()
        client.put("/groups/un", json=group("Un")).raise_for_status()
        eventually(lambda: _equal(names(node), ["Un"]))
        record_property("told", f"a group is in /sparql {time.monotonic() - began:.2f} s after it was published ({server.query_url})")


def test_half_a_server_is_refused(tmp_path: Path) -> None:
    """One address without the other, and one that is none, end the command with a sentence."""
    node = NodeProcess(tmp_path / "data", settings={"graph_url": "http://127.0.0.1:1/query"})
    result = node.attempt("serve")
    assert (result.returncode, "GRAPH_UPDATE_URL" in result.stderr) == (1, True)
    node.settings = {"graph_url": "localhost", "graph_update_url": "http://127.0.0.1:1/update"}
    result = node.attempt("serve")
    assert (result.returncode, "GRAPH_URL" in result.stderr) == (1, True)
