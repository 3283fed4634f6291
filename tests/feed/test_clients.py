"""Other people's clients read a real node's feed whole, in order, and go on where they stopped."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.feed import log
from app.journal import FILE, Journal
from app.names import Names
from app.record import content_hash
from tests.nodes import NodeProcess, serving
from tests.shared import SHARED, need

LDES_CLIENT = Path(sys.prefix) / "clients" / "node_modules" / ".bin" / "ldes-client"
EVENTS = 520
"""Two closed pages and an open one."""


class Node:
    """A serving node whose log is written beside it, as other commands do."""

    def __init__(self, process: NodeProcess) -> None:
        self.process = process
        self.names = Names(process.url)
        self.journal = Journal(process.data_dir / FILE)

    def document(self, key: str) -> dict[str, Any]:
        return {
            "id": self.names.group(key),
            "type": ["Group", "schema:Organization"],
            "name": {"fr": f"Exemple inventé {key}"},
            "topics": ["housing"],
        }

    def create(self, *keys: str) -> None:
        """Add events as if these groups had just been published."""
        with self.journal.write() as c:
            for key in keys:
                log.append(c, self.names, "Create", key, self.document(key), content_hash(self.document(key)))

    def publish(self, key: str) -> None:
        """Publish a group over HTTP."""
        headers = {"Authorization": f"Bearer {self.process.token()}"}
        httpx.put(self.names.group(key), json=self.document(key), headers=headers, timeout=30).raise_for_status()

    def withdraw(self, key: str, purge: bool = False) -> None:
        """Add the event of a withdrawal."""
        with self.journal.write() as c:
            log.append(c, self.names, "Delete", key, None, purge=purge)

    def restart_the_log(self) -> None:
        """Open a new epoch, as a restored backup does."""
        with self.journal.write() as c:
            log.open_epoch(c, self.names)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with two and a bit pages of events."""
    with serving(tmp_path) as process:
        opened = Node(process)
        opened.create(*(f"g{number}" for number in range(EVENTS)))
        yield opened
        opened.journal.close()


def ldes_client(node: Node, *arguments: str | Path) -> list[int]:
    """Run npm's ldes-client and return the sequences of the members in the order in which they came."""
    if not LDES_CLIENT.exists():
        sentence = "npm's ldes-client is not installed: ./deploy/test does it"
        pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
    command = [LDES_CLIENT, *arguments, f"{node.process.url}/feed"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in re.findall(r"ns#sequence> (\d+) \.", done.stdout)]


def test_npm_s_ldes_client_reads_in_order_and_resumes(node: Node, tmp_path: Path) -> None:
    """All members once, ascending; then only what is new, also after an erasure moved pages; and all anew in a new epoch."""
    ordered = ("--ordered", "ascending", "--save", tmp_path / "state")
    assert ldes_client(node, *ordered) == list(range(1, EVENTS + 1))
    node.publish("new")
    assert ldes_client(node, *ordered) == [EVENTS + 1]
    node.withdraw("g3", purge=True)
    node.withdraw("new", purge=True)
    assert ldes_client(node, *ordered) == [EVENTS + 2, EVENTS + 3]
    node.restart_the_log()
    assert ldes_client(node, *ordered) == list(range(1, EVENTS))


def test_npm_s_ldes_client_finds_every_member_in_any_order(node: Node) -> None:
    """Without an order asked for, every member comes once."""
    node.withdraw("g7")
    assert sorted(ldes_client(node)) == list(range(1, EVENTS + 2))


def mirror(node: Node, state: Path) -> dict[str, Any]:
    """Run a partner's client of thirty lines and return what it now holds."""
    client = need(SHARED / "prototypes" / "feed_client.py")
    done = subprocess.run([sys.executable, client, f"{node.process.url}/feed", state], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(state.read_text("utf-8")))


def test_a_client_of_thirty_lines_mirrors_and_resumes(node: Node, tmp_path: Path) -> None:
    """Nothing but httpx and json is needed: the mirror equals what stands, after every kind of event, an erasure and a new epoch."""
    state = tmp_path / "mirror.json"
    standing = {node.names.group(f"g{number}"): node.document(f"g{number}") for number in range(EVENTS)}
    assert mirror(node, state)["records"] == standing
    unchanged = state.stat().st_mtime_ns
    assert mirror(node, state)["seq"] == EVENTS
    assert state.stat().st_mtime_ns == unchanged, "an unchanged page is answered 304 and nothing is read"
    node.withdraw("g3")
    node.publish("new")
    del standing[node.names.group("g3")]
    held = mirror(node, state)["records"]
    assert held.pop(node.names.group("new"))["name"] == node.document("new")["name"]
    assert held == standing
    node.withdraw("g4", purge=True)
    node.withdraw("new", purge=True)
    del standing[node.names.group("g4")]
    assert mirror(node, state)["records"] == standing
    node.restart_the_log()
    assert mirror(node, state) | {"page": None, "etag": None, "stream": None} == {
        "records": standing,
        "seq": len(standing),
        "page": None,
        "etag": None,
        "stream": None,
    }


def test_pages_are_kept_by_caches_as_long_as_they_may(node: Node) -> None:
    """A closed page may be kept for thirty days; root and open page are asked for again and answered 304; a moved page is gone."""
    with httpx.Client(base_url=node.process.url, timeout=30) as http:
        closed, opened, root = (http.get(path) for path in ("/feed/pages/1", "/feed/pages/3", "/feed"))
        assert closed.headers["cache-control"] == "public, max-age=2592000, immutable"
        for answer in (opened, root):
            assert answer.headers["cache-control"] == "no-cache"
            assert http.get(answer.url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        node.withdraw("g3", purge=True)
        assert http.get("/feed/pages/1").status_code == 410
        assert http.get("/feed/events/1/4").status_code == 410
        assert http.get("/feed/pages/99").status_code == 404
        for answer in (opened, root):
            assert http.get(answer.url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 200
