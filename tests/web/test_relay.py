"""The relay over HTTP: opt-in, conditional, described; and what it lists can be read at its origin."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph
import pytest

from tests.web.conftest import Site, serving


@pytest.fixture(scope="module")
def hub(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A second node, which relays and has visited the first."""
    site.publish("relayed")
    host = site.url.removeprefix("http://")
    folder: Path = tmp_path_factory.mktemp("hub")
    with serving(folder, relay=True, allow_private_peers=host) as hub:
        headers = hub.bearer("admin")
        peer = {"name": "origin", "url": f"{site.url}/feed", "format": "maillage"}
        httpx.post(f"{hub.url}/api/peers", json=peer, headers=headers, timeout=30).raise_for_status()
        httpx.post(f"{hub.url}/api/peers/origin/visit", headers=headers, timeout=60).raise_for_status()
        yield hub


def test_each_event_is_listed_as_its_origin_serves_it(site: Site, hub: Site) -> None:
    """The address leads to the event at the origin: same record, same number, same epoch."""
    items = hub.get("/relay").json()["orderedItems"]
    (item,) = [item for item in items if item["object"] == f"{site.url}/groups/relayed"]
    said = httpx.get(item["id"], headers={"Accept": "application/ld+json"}, timeout=30).json()
    for key in ("id", "object", "origin", "sequence"):
        assert said[key] == item[key]
    assert "record" not in item
    assert item["via"] == [f"{hub.url}/node"]


def test_nothing_new_costs_a_304(hub: Site) -> None:
    """Every page has an ETag; pages are those of any list."""
    first = hub.get("/relay")
    assert hub.get("/relay", If_None_Match=first.headers["etag"]).status_code == 304
    assert first.headers["cache-control"] == "no-cache"
    page = hub.get("/relay?limit=1").json()
    last = page["orderedItems"][0]["relaySequence"]
    assert page.get("next", f"{hub.url}/relay?after={last}&limit=1") == f"{hub.url}/relay?after={last}&limit=1"
    for wrong in ("after=-1", "limit=0", "limit=100000", "after=x"):
        assert hub.get(f"/relay?{wrong}").status_code == 400


def test_it_is_linked_data_and_described(site: Site, hub: Site) -> None:
    """Turtle says the same; root and description name the relay of a node that has one, and of no other."""
    turtle = hub.get("/relay", Accept="text/turtle")
    quads = list(pyoxigraph.parse(turtle.content, format=pyoxigraph.RdfFormat.TURTLE))
    numbers = [quad for quad in quads if quad.predicate.value == "https://w3id.org/maillage/ns#relaySequence"]
    assert len(numbers) == len(hub.get("/relay").json()["orderedItems"])
    assert hub.get("/feed").json()["relay"] == f"{hub.url}/relay"
    assert "relay" not in site.get("/feed").json()
    assert f"{hub.url}/relay" in hub.get("/.well-known/void").text
    assert f"{site.url}/relay" not in site.get("/.well-known/void").text


def test_a_node_that_was_not_asked_to_relays_nothing(site: Site) -> None:
    """It is a hub's task, and off unless its operator says so."""
    assert site.get("/relay").status_code == 404
