"""Real nodes: what one publishes is at another within seconds, also behind a relay, although it looks only every six hours; liars move nothing."""

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.harvest.hub import signature
from app.journal import FILE
from tests.harvest.loopback import Peer
from tests.nodes import NodeProcess, eventually, free_port, serving

SECONDS = 60


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """A node that publishes and one that harvests it, each allowed to contact the other."""
    ports = free_port(), free_port()
    allowed = {"allow_private_peers": ",".join(f"127.0.0.1:{port}" for port in ports)}
    nodes = [NodeProcess(tmp_path / name / "data", port, allowed) for name, port in zip(("a", "b"), ports, strict=True)]
    for node in nodes:
        node.start()
    yield nodes[0], nodes[1]
    for node in nodes:
        if node.process:
            node.kill()


def publish(node: NodeProcess, token: str, slug: str) -> None:
    """Publish an invented group."""
    body = {"name": {"fr": f"Groupe inventé {slug}"}, "description": {"fr": "Groupe inventé pour les essais."}, "topics": ["housing"]}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/ld+json"}
    answer = httpx.put(f"{node.url}/groups/{slug}", json=body, headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text


def names(node: NodeProcess) -> set[str]:
    """The names in a node's list of groups."""
    found = httpx.get(f"{node.url}/groups", params={"limit": 1000}, headers={"Accept": "application/geo+json"}, timeout=30).text
    listed = httpx.get(f"{node.url}/dump.ndjson.gz", timeout=30)
    return {word for word in ("un", "deux", "trois") if f"Groupe inventé {word}" in listed.text or f"Groupe inventé {word}" in found}


def rows(node: NodeProcess, question: str) -> list[Any]:
    """Ask a node's journal."""
    with closing(sqlite3.connect(node.data_dir / FILE)) as journal:
        return journal.execute(question).fetchall()


def seen(node: NodeProcess, word: str) -> None:
    """Hold when a group is in the node's list."""
    answer = httpx.get(f"{node.url}/groups", params={"q": word}, headers={"Accept": "application/ld+json"}, timeout=30)
    assert f"Groupe inventé {word}" in answer.text


def test_a_change_is_at_a_subscriber_within_seconds(pair: tuple[NodeProcess, NodeProcess]) -> None:
    """Subscribed by itself at the other's hub, the node sees each change although its next regular visit is hours away."""
    a, b = pair
    token = a.token()
    publish(a, token, "un")
    b.run("peers", "add", "a", a.url, "--every", "6h")
    eventually(lambda: seen(b, "un"), SECONDS)

    def subscribed() -> None:
        assert rows(b, "SELECT state FROM listening") == [("confirmed",)]
        assert rows(a, "SELECT kind, state FROM subscriber") == [("websub", "active")]

    eventually(subscribed, SECONDS)
    publish(a, token, "deux")
    eventually(lambda: seen(b, "deux"), SECONDS)
    publish(a, token, "trois")
    eventually(lambda: seen(b, "trois"), SECONDS)
    assert json.loads(b.run("peers", "show", "a", "--json"))["next_visit"] > rows(b, "SELECT max(finished_at) FROM visit")[0][0]
    known = json.loads(a.run("webhooks", "list", "--json"))
    assert [(one["kind"], one["signed"], one["url"].startswith(f"{b.url}/listening/")) for one in known] == [("websub", True, True)]


def test_a_webhook_named_by_the_operator_wakes_the_other_node(pair: tuple[NodeProcess, NodeProcess]) -> None:
    """A thin message to the other's /ping is enough; its content is not believed, its feed is read."""
    a, b = pair
    token = a.token()
    publish(a, token, "un")
    b.run("peers", "add", "a", a.url, "--every", "6h")
    eventually(lambda: seen(b, "un"), SECONDS)
    with closing(sqlite3.connect(a.data_dir / FILE, timeout=30)) as journal, journal:
        journal.execute("DELETE FROM subscriber")
    a.run("webhooks", "add", f"{b.url}/ping")
    publish(a, token, "deux")
    eventually(lambda: seen(b, "deux"), SECONDS)
    (hook,) = (one for one in json.loads(a.run("webhooks", "list", "--json")) if one["kind"] == "webhook")
    assert (hook["state"], hook["failures"]) == ("active", 0)
    a.run("webhooks", "remove", str(hook["id"]))
    assert [one for one in json.loads(a.run("webhooks", "list", "--json")) if one["kind"] == "webhook"] == []


def test_the_operator_sees_who_harvests_the_node(pair: tuple[NodeProcess, NodeProcess]) -> None:
    """The reader says who it is; nothing else is kept of it."""
    a, b = pair
    publish(a, a.token(), "un")
    b.run("peers", "add", "a", a.url)
    eventually(lambda: seen(b, "un"), SECONDS)
    reader = {"Authorization": f"Bearer {a.token('reader')}"}

    def noted() -> None:
        found = httpx.get(f"{a.url}/api/readers", headers=reader, timeout=30).json()["readers"]
        assert [(one["url"], one["sequence"]) for one in found] == [(b.url, 1)]

    eventually(noted, SECONDS)
    (row,) = json.loads(a.run("peers", "readers", "--json"))
    assert row["url"] == b.url
    assert row["requests"] >= 2


@pytest.fixture
def road(tmp_path: Path) -> Iterator[tuple[NodeProcess, NodeProcess, NodeProcess]]:
    """A node that publishes, a hub that harvests and relays it, and a node that reads nothing but the hub's relay."""
    ports = free_port(), free_port(), free_port()
    allowed = {"allow_private_peers": ",".join(f"127.0.0.1:{port}" for port in ports)}
    nodes = [NodeProcess(tmp_path / name / "data", port, dict(allowed)) for name, port in zip(("a", "hub", "b"), ports, strict=True)]
    nodes[1].settings["relay"] = True
    for node in nodes:
        node.start()
    yield nodes[0], nodes[1], nodes[2]
    for node in nodes:
        if node.process:
            node.kill()


def test_a_change_passes_a_relay_within_seconds(road: tuple[NodeProcess, NodeProcess, NodeProcess]) -> None:
    """Each calls the next by its own hub; the reader takes the record from its origin, and nobody looks by the clock."""
    a, hub, b = road
    token = a.token()
    publish(a, token, "un")
    hub.run("peers", "add", "a", a.url, "--every", "6h")
    eventually(lambda: seen(hub, "un"), SECONDS)
    b.run("peers", "add", "hub", f"{hub.url}/relay", "--format", "relay", "--every", "6h")
    eventually(lambda: seen(b, "un"), SECONDS)

    def subscribed() -> None:
        for node, topic in ((a, f"{a.url}/feed"), (hub, f"{hub.url}/relay")):
            assert rows(node, "SELECT topic, state FROM subscriber") == [(topic, "active")]
        assert rows(b, "SELECT state FROM listening") == [("confirmed",)]

    eventually(subscribed, SECONDS)
    for word in ("deux", "trois"):
        publish(a, token, word)
        eventually(lambda word=word: seen(b, word), SECONDS)
    assert {source for (source,) in rows(b, "SELECT DISTINCT origin_epoch FROM record WHERE state = 'live'")} == {1}
    assert httpx.delete(f"{a.url}/groups/deux", headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code == 204

    def gone() -> None:
        assert "Groupe inventé deux" not in httpx.get(f"{b.url}/groups", headers={"Accept": "application/ld+json"}, timeout=30).text

    eventually(gone, SECONDS)
    seen(b, "trois")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[NodeProcess, Peer, Peer]]:
    """A node that may contact nobody but one peer, which is a feed without records and a hub, and a bystander that it may not contact."""
    peer, bystander = (Peer(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
    for one in (peer, bystander):
        one.start()
    with serving(tmp_path, allow_private_peers=peer.host) as node:
        yield node, peer, bystander
    for one in (peer, bystander):
        one.stop()


def refused(answer: httpx.Response, status: int) -> None:
    """Hold when an answer refuses with a sentence."""
    assert answer.status_code == status, answer.text
    assert len(answer.json()["detail"].split()) >= 4, answer.text


def test_the_hub_contacts_nobody_whom_it_may_not(listener: tuple[NodeProcess, Peer, Peer]) -> None:
    """Foreign topics, the relay of a node that has none, too much and the wrong kind are refused; a private callback is never contacted."""
    node, _, bystander = listener
    callback = {"hub.mode": "subscribe", "hub.topic": f"{node.url}/feed", "hub.callback": f"{bystander.url}/called"}
    post = partial(httpx.post, f"{node.url}/hub", timeout=30)
    for topic in ("https://other.example/feed", f"{node.url}/relay", ""):
        refused(post(data=callback | {"hub.topic": topic}), 400)
    refused(post(data=callback | {"hub.callback": f"{node.url}/listening/x"}), 400)
    refused(post(data=callback | {"hub.secret": "s" * 20_000}), 413)
    refused(post(json=callback), 415)
    assert post(data=callback).status_code == 202
    eventually(lambda: _holds("hub:" in node.log()), SECONDS)
    assert (bystander.connections, rows(node, "SELECT * FROM subscriber")) == ([], [])


def _holds(fact: bool) -> None:
    assert fact


def test_calls_that_are_forged_wake_nobody(pair: tuple[NodeProcess, NodeProcess]) -> None:
    """An unknown token, a forged signature and a body without end: the peer is not asked for anything, and a ping for a stranger's feed neither."""
    a, b = pair
    publish(a, a.token(), "un")
    b.run("peers", "add", "a", a.url, "--every", "6h")
    eventually(lambda: _holds(rows(b, "SELECT state FROM listening") == [("confirmed",)]), SECONDS)
    eventually(lambda: _holds(rows(b, "SELECT count(*) FROM visit WHERE finished_at IS NULL") == [(0,)]), SECONDS)
    ((token, secret),) = rows(b, "SELECT token, secret FROM listening")
    time.sleep(10)  # until the visit that the confirmation itself calls for is over
    visits = rows(b, "SELECT count(*), max(last_visit_at) FROM visit, source")
    body = b'{"sequence": 999}'
    post = partial(httpx.post, timeout=60)
    refused(post(f"{b.url}/listening/{'x' * 32}", content=body), 410)
    refused(post(f"{b.url}/listening/{token}", content=b"x" * 4_000_001), 413)
    for signed in (None, "sha256=" + "0" * 64, signature("another secret", body), signature(secret, body + b" ")):
        assert post(f"{b.url}/listening/{token}", content=body, headers={"X-Hub-Signature": signed} if signed else {}).status_code == 202
    refused(httpx.get(f"{b.url}/listening/{token}", params={"hub.mode": "subscribe", "hub.topic": "https://other.example/feed"}, timeout=30), 404)
    refused(post(f"{b.url}/ping", json={"feed": f"{a.url}/feed", "sequence": "many"}), 400)
    refused(post(f"{b.url}/ping", content=b"[" * 9000, headers={"Content-Type": "application/json"}), 413)
    assert post(f"{b.url}/ping", json={"feed": "https://other.example/feed", "sequence": 7}).status_code == 202
    assert post(f"{b.url}/ping", json={"feed": f"{a.url}/feed", "sequence": 1}).status_code == 202
    time.sleep(10)  # twice as long as a call waits
    assert rows(b, "SELECT count(*), max(last_visit_at) FROM visit, source") == visits
    assert post(f"{b.url}/listening/{token}", content=body, headers={"X-Hub-Signature": signature(secret, body)}).status_code == 202
    eventually(lambda: _holds(rows(b, "SELECT count(*), max(last_visit_at) FROM visit, source") != visits), SECONDS)
