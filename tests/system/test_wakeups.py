"""Two real nodes: what one publishes is at the other within seconds, although it looks only every six hours; and both know of each other."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.journal import FILE
from tests.nodes import NodeProcess, eventually, free_port

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
