"""What a running node promises, seen from outside: nothing acknowledged is lost, everything is in step, one node a directory."""

import itertools
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.nodes import NodeProcess, eventually, serving

TRIPLES = "SELECT ?p ?o WHERE { <%s> ?p ?o }"
PREFIXES = "PREFIX mlg: <https://w3id.org/maillage/ns#> PREFIX schema: <https://schema.org/> "


def group(name: str, **more: object) -> dict[str, object]:
    """An invented group."""
    return {"name": {"fr": name}, "description": {"fr": "Groupe inventé pour un test."}, "topics": ["housing"], **more}


def ask(node: NodeProcess, query: str) -> list[dict[str, str]]:
    """Ask the node's endpoint and return its rows."""
    answer = httpx.get(f"{node.url}/sparql", params={"query": PREFIXES + query}, headers={"Accept": "application/sparql-results+json"}, timeout=30)
    assert answer.status_code == 200, answer.text
    return [{name: cell["value"] for name, cell in row.items()} for row in answer.json()["results"]["bindings"]]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    """A node serving."""
    with serving(tmp_path) as running:
        yield running


def editor(node: NodeProcess) -> httpx.Client:
    """A client with an editor's token."""
    return httpx.Client(base_url=node.url, headers={"Authorization": f"Bearer {node.token()}"}, timeout=60)


def test_a_group_written_over_http_is_everywhere(node: NodeProcess) -> None:
    """It is in /groups, in the search and in the feed at once, and in /sparql soon after."""
    with editor(node) as client:
        assert client.put("/groups/cafe-des-habitants", json=group("Café des habitants")).status_code == 201
    listed = httpx.get(f"{node.url}/groups", params={"q": "cafe habitant"}, headers={"Accept": "application/ld+json"}).json()
    assert [found["id"] for found in listed["orderedItems"]] == [f"{node.url}/groups/cafe-des-habitants"]
    page = httpx.get(
        httpx.get(f"{node.url}/feed", headers={"Accept": "application/ld+json"}).json()["last"], headers={"Accept": "application/ld+json"}
    ).json()
    assert page["orderedItems"][-1]["object"] == f"{node.url}/groups/cafe-des-habitants"

    def in_the_graph() -> None:
        assert ask(node, f"SELECT ?n WHERE {{ <{node.url}/groups/cafe-des-habitants> schema:name ?n }}") == [{"n": "Café des habitants"}]

    eventually(in_the_graph)


def test_two_sources_of_one_group_are_one_group_and_two_graphs(tmp_path: Path) -> None:
    """The default graph counts a merged group once; its source graphs hold what each source said, byte for byte in value."""
    with serving(tmp_path / "a") as first, serving(tmp_path / "b", allow_private_peers=f"127.0.0.1:{first.port}") as second:
        place = {
            "streetAddress": "3 rue des Lilas",
            "postalCode": "93100",
            "addressLocality": "Montreuil",
            "latitude": "48.860000",
            "longitude": "2.4400",
        }
        with editor(first) as there, editor(second) as here:
            there.put("/groups/jardin", json=group("Jardin des Lilas", location=[place], url=["https://jardin-lilas.example/"])).raise_for_status()
            here.put("/groups/jardin-des-lilas", json=group("Le Jardin des Lilas", url=["https://jardin-lilas.example/"])).raise_for_status()
        second.run("peers", "add", "voisin", first.url)
        second.run("harvest", "voisin")

        def merged() -> None:
            rows = ask(second, "SELECT ?g (COUNT(?r) AS ?n) WHERE { ?g a mlg:Group ; mlg:record ?r } GROUP BY ?g")
            assert rows == [{"g": f"{second.url}/groups/jardin-des-lilas", "n": "2"}]

        eventually(merged)
        said = ask(second, f"SELECT ?lat WHERE {{ GRAPH <{second.url}/records/voisin/jardin> {{ ?place schema:latitude ?lat }} }}")
        assert [float(row["lat"]) for row in said] == [48.86]
        record = httpx.get(f"{second.url}/records/voisin/jardin", headers={"Accept": "application/ld+json"}).json()
        assert record["location"][0]["latitude"] == "48.860000"
        assert record["id"] == f"{first.url}/groups/jardin"
        assert ask(second, f"SELECT ?o WHERE {{ <{second.url}/groups/jardin-des-lilas> <http://www.w3.org/2004/02/skos/core#exactMatch> ?o }}") == [
            {"o": f"{first.url}/groups/jardin"}
        ]


def test_a_second_node_on_the_same_data_refuses_with_a_sentence(node: NodeProcess) -> None:
    """It names the directory and ends with status 1; the first one goes on serving."""
    result = node.attempt("serve", "--port", "0")
    assert result.returncode == 1
    assert "already using the data directory" in result.stderr
    assert "Traceback" not in result.stderr
    assert httpx.get(f"{node.url}/health").status_code == 200


def write_until_killed(node: NodeProcess, token: str, acknowledged: list[str], numbers: Iterator[int]) -> None:
    """Publish groups one after the other, noting each that was acknowledged, until the node is gone."""
    with httpx.Client(base_url=node.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for number in numbers:
            try:
                if client.put(f"/groups/groupe-{number}", json=group(f"Groupe inventé numéro {number}")).status_code == 201:
                    acknowledged.append(f"groupe-{number}")
            except httpx.TransportError:
                return


def check_agreement(node: NodeProcess, acknowledged: list[str]) -> None:
    """Journal, list, feed and graph hold the same groups, every acknowledged one among them."""
    listed = httpx.get(f"{node.url}/groups", params={"limit": 1000}, headers={"Accept": "application/ld+json"}, timeout=60).json()
    slugs = {found["id"].rpartition("/")[2] for found in listed["orderedItems"]}
    assert set(acknowledged) <= slugs
    assert {found["object"].rpartition("/")[2] for found in feed(node)} == slugs

    def in_the_graph() -> None:
        assert {
            row["g"].rpartition("/")[2]
            for row in ask(node, "SELECT ?g WHERE { ?g a mlg:Group ; schema:name ?n ; mlg:record ?r . GRAPH ?r { ?g schema:name ?n } }")
        } == slugs

    eventually(in_the_graph)


def feed(node: NodeProcess) -> Iterator[dict[str, str]]:
    """Every event of the node's feed, in order."""
    page = httpx.get(f"{node.url}/feed", headers={"Accept": "application/ld+json"}).json().get("first")
    while page:
        document = httpx.get(page, headers={"Accept": "application/ld+json"}).json()
        yield from document["orderedItems"]
        page = document.get("next")


@pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_loses_nothing_acknowledged(tmp_path: Path, rounds: int) -> None:
    """SIGKILL during writes and projections: after a restart journal, list, feed and graph agree and every 201 is there."""
    node = NodeProcess(tmp_path / "data")
    token = node.token()
    acknowledged: list[str] = []
    numbers = itertools.count()
    chance = random.Random(20261122)
    for _ in range(rounds):
        node.start()
        writer = threading.Thread(target=write_until_killed, args=(node, token, acknowledged, numbers))
        writer.start()
        writer.join(chance.uniform(0.2, 2.0))
        node.kill()
        writer.join()
    node.start()
    try:
        assert acknowledged
        check_agreement(node, acknowledged)
    finally:
        node.kill()


def test_bad_input_gets_a_clear_error_and_loses_nothing(node: NodeProcess) -> None:
    """Malformed JSON, wrong types, unknown keys, a duplicate slug, a stale ETag, no token: each is said, and what stood stays."""
    with editor(node) as client:
        created = client.put("/groups/un", json=group("Un", colour="red"))
        assert created.status_code == 201
        assert "colour" in created.text
        etag = client.get("/groups/un", headers={"Accept": "application/ld+json"}).headers["etag"]
        answers = {
            "malformed": client.put("/groups/deux", content=b'{"name":', headers={"Content-Type": "application/ld+json"}),
            "type": client.put("/groups/deux", json={"name": 7}),
            "shape": client.put("/groups/deux", json=group("Deux", siren="12")),
            "duplicate": client.post("/groups", json=group("Un") | {"id": f"{node.url}/groups/un"}),
            "unversioned": client.put("/groups/un", json=group("Autre")),
            "stale": client.put("/groups/un", json=group("Autre"), headers={"If-Match": '"0000000000000000-0-jsonld"'}),
            "stranger": httpx.put(f"{node.url}/groups/trois", json=group("Trois")),
            "media type": client.put("/groups/deux", content=b"a", headers={"Content-Type": "text/plain"}),
        }
        statuses = {name: answer.status_code for name, answer in answers.items()}
        assert statuses == {
            "malformed": 400,
            "type": 422,
            "shape": 422,
            "duplicate": 409,
            "unversioned": 428,
            "stale": 412,
            "stranger": 401,
            "media type": 415,
        }
        for answer in answers.values():
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
        assert json.loads(answers["shape"].content)["violations"][0]["path"] == "siren"
        assert client.put("/groups/un", json=group("Une"), headers={"If-Match": etag}).status_code == 200
    assert {found["id"] for found in httpx.get(f"{node.url}/groups", headers={"Accept": "application/ld+json"}).json()["orderedItems"]} == {
        f"{node.url}/groups/un"
    }
