"""What was judged at one node is evidence at another: two real nodes that harvest each other, with invented groups."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.nodes import NodeProcess, free_port

PLACE = [{"postalCode": "93200", "addressLocality": "Saint-Denis"}]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """Two nodes that may read each other."""
    ports = free_port(), free_port()
    found = [
        NodeProcess(tmp_path / name / "data", port, {"allow_private_peers": f"127.0.0.1:{other}"}).start()
        for name, port, other in (("a", *ports), ("b", *reversed(ports)))
    ]
    yield found[0], found[1]
    for node in found:
        node.kill()


def client(node: NodeProcess) -> httpx.Client:
    return httpx.Client(base_url=node.url, headers={"Authorization": f"Bearer {node.token()}"}, timeout=60)


def groups(node: NodeProcess) -> int:
    """Return how many groups a node shows."""
    return int(httpx.get(f"{node.url}/groups", headers={"Accept": "application/ld+json"}).json()["totalItems"])


def peers_words(node: NodeProcess, *iris: str) -> dict[str, float]:
    """Return what peers say of a pair, as the node explains it."""
    told: dict[str, Any] = json.loads(node.run("explain", *iris, "--json"))
    return {f"{one['name']} {one['detail']}": one["weight"] for one in told["reasons"] if one["name"].startswith("judged")}


def acquainted(a: NodeProcess, b: NodeProcess, at_a: httpx.Client, at_b: httpx.Client) -> tuple[str, str]:
    """Give each node a group, and have each harvest the other; return the IRIs of both groups."""
    at_a.put("/groups/atelier", json={"name": {"fr": "Atelier des Lucioles (inventé)"}, "location": PLACE}).raise_for_status()
    at_b.put("/groups/lucioles", json={"name": {"fr": "Les Lucioles"}, "location": PLACE}).raise_for_status()
    for node, name, other in ((a, "bas", b), (b, "haut", a)):
        node.run("peers", "add", name, other.url)
        node.run("harvest", name)
    return f"{a.url}/groups/atelier", f"{b.url}/groups/lucioles"


def kept(node: NodeProcess) -> int:
    """Return how many judgements of peers stand in a node's journal, taken back or not."""
    with closing(sqlite3.connect(f"file:{node.data_dir / 'journal.sqlite'}?mode=ro", uri=True)) as journal:
        return int(journal.execute("SELECT count(*) FROM evidence").fetchone()[0])


def test_a_judgement_travels_as_evidence_and_goes_when_it_is_taken_back(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    """Judged at A: B merges and says why. Taken back at A: B parts them. Judged different at B: nothing that A says unites them."""
    a, b = nodes
    with client(a) as at_a, client(b) as at_b:
        mine, theirs = acquainted(a, b, at_a, at_b)
        assert (groups(b), peers_words(b, mine, theirs)) == (2, {})
        judged = at_a.post("/api/judgements", json={"left": mine, "right": theirs, "verdict": "same"}).raise_for_status().json()["id"]
        root = httpx.get(f"{a.url}/feed", headers={"Accept": "application/ld+json"}).json()
        assert root["decisions"] == f"{a.url}/mappings/decisions"
        b.run("harvest", "haut")
        assert (groups(b), peers_words(b, mine, theirs)) == (1, {"judged the same haut, test editor": 4.0})
        assert json.loads(b.run("peers", "show", "haut", "--json"))["judgements"] == 1
        assert at_b.get("/api/peers/haut").json()["judgements"] == 1
        assert httpx.get(f"{b.url}/mappings/decisions").json()["orderedItems"] == []  # what is judged elsewhere is not passed on
        at_a.delete(f"/api/judgements/{judged}").raise_for_status()
        b.run("harvest", "haut")
        assert (groups(b), peers_words(b, mine, theirs)) == (2, {})
        at_b.post("/api/judgements", json={"left": mine, "right": theirs, "verdict": "different"}).raise_for_status()
        at_a.post("/api/judgements", json={"left": mine, "right": theirs, "verdict": "same"}).raise_for_status()
        b.run("harvest", "haut")
        assert (groups(b), peers_words(b, mine, theirs)) == (2, {"judged the same haut, test editor": 4.0})
        assert kept(b) == 2
        b.run("peers", "remove", "haut")
        assert (groups(b), kept(b)) == (1, 0)


def test_what_was_judged_of_an_erased_record_is_erased_with_it(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    """Judged at B of A's record, and evidence at A: purged at A it is gone there at once; a later visit brings nothing back."""
    a, b = nodes
    with client(a) as at_a, client(b) as at_b:
        mine, theirs = acquainted(a, b, at_a, at_b)
        judged = {"left": mine, "right": theirs, "verdict": "same", "reason": "Les mêmes personnes (inventé)."}
        at_b.post("/api/judgements", json=judged).raise_for_status()
        assert "mêmes personnes" in httpx.get(f"{b.url}/mappings/decisions").text
        a.run("harvest", "bas")
        assert (groups(a), kept(a)) == (1, 1)
        at_a.delete("/groups/atelier", params={"purge": True}).raise_for_status()
        assert kept(a) == 0
        for node, name in ((b, "haut"), (a, "bas")):
            node.run("harvest", name)
        assert (kept(a), groups(a), groups(b)) == (0, 1, 1)
        assert "mêmes personnes" not in httpx.get(f"{b.url}/mappings/decisions").text
