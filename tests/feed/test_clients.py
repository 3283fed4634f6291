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
from pyoxigraph import RdfFormat, parse

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

    def revise(self, *keys: str) -> None:
        """Add the events of revisions."""
        with self.journal.write() as c:
            for key in keys:
                document = self.document(key) | {"description": {"fr": "Exemple inventé, révisé."}}
                log.append(c, self.names, "Update", key, document, content_hash(document))

    def age(self, days: int) -> None:
        """Make all that was said so far this much older."""
        with self.journal.write() as c:
            for table, columns in (("event", ["published"]), ("feed_page", ["since", "modified_at"])):
                older = ", ".join(f"{column} = strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '-{days} days')" for column in columns)
                c.exec_driver_sql(f"UPDATE {table} SET {older}")

    def compact(self) -> dict[str, int]:
        """Run the command beside the node."""
        return dict(json.loads(self.process.run("compact", "--json")))

    def restore(self, copy: Path) -> None:
        """Start the node again from a copy made before."""
        self.process.stop()
        self.journal.close()
        self.process.run("restore", copy)
        self.process.start()
        self.journal = Journal(self.process.data_dir / FILE)

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


@pytest.fixture
def old(node: Node) -> Node:
    """A node whose log of two years ago holds a withdrawal (521); the newest event of that time is 522."""
    node.withdraw("g5")
    node.create("h")
    node.age(800)
    return node


REVISED = [f"g{number}" for number in range(10, 310)]
LAST_OLD, LAST = EVENTS + 2, EVENTS + 2 + len(REVISED)
LEFT = [number for number in range(1, LAST + 1) if number != 6 and number != EVENTS + 1 and not 11 <= number <= 310]
"""What compaction leaves: neither g5, nor its withdrawal, nor what was revised since."""


def test_npm_s_ldes_client_follows_through_compaction_and_a_restored_backup(old: Node, tmp_path: Path) -> None:
    """No member is missed or invented, all come in order: by who had read all, by who had stopped before, by a new one, and in the new epoch."""
    early, late, new = (("--ordered", "ascending", "--save", tmp_path / name) for name in ("early", "late", "new"))
    for reader in (early, late):
        assert ldes_client(old, *reader) == list(range(1, LAST_OLD + 1))
    old.revise(*REVISED)
    assert ldes_client(old, *late) == list(range(LAST_OLD + 1, LAST + 1))
    assert old.compact() == {"dropped": LAST - len(LEFT), "events": len(LEFT), "pages": 3, "resync_below": EVENTS + 1}
    assert ldes_client(old, *late) == []
    assert ldes_client(old, *early) == list(range(LAST_OLD + 1, LAST + 1))
    assert ldes_client(old, *new) == LEFT
    old.publish("new")
    for reader in (early, late, new):
        assert ldes_client(old, *reader) == [LAST + 1]
    old.process.run("backup", tmp_path / "copy")
    old.withdraw("g9")
    assert ldes_client(old, *late) == [LAST + 2]
    old.restore(tmp_path / "copy")
    for reader in (early, late, new):
        assert ldes_client(old, *reader) == list(range(1, len(LEFT) + 2))


def test_every_address_says_what_became_of_it_after_compaction(old: Node) -> None:
    """Pages are linked data in every form, with the members of their JSON; dropped pages and events are gone, the others as they were."""
    old.revise(*REVISED)
    with httpx.Client(base_url=old.process.url, timeout=30) as http:
        before = http.get("/feed")
        kept = http.get(f"/feed/events/1/{LAST}").content
        old.compact()
        root = http.get("/feed", headers={"If-None-Match": before.headers["etag"]})
        assert root.status_code == 200
        assert root.json()["retentionPolicy"] | {"id": ""} == {
            "id": "",
            "fullLogDuration": "P90D",
            "versionAmount": 1,
            "versionDeleteDuration": "P730D",
            "resyncBelow": EVENTS + 1,
        }
        pages = {relation["node"] for relation in root.json()["relation"]}
        rewritten = {relation["node"] for relation in before.json()["relation"]} - pages
        assert [http.get(address).status_code for address in rewritten] == [410] * 3
        for dropped in (6, EVENTS + 1, 11, 310):
            assert http.get(f"/feed/events/1/{dropped}").status_code == 410
        assert http.get(f"/feed/events/1/{LAST}").content == kept
        members = [_members(http, address) for address in pages]
        assert sorted(number for page in members for number in page) == LEFT
        assert http.get("/feed.atom").text.count("<entry>") == 50


def _members(http: httpx.Client, address: str) -> list[int]:
    """Return the numbers of a page's members, which must be the same in each form."""
    found = []
    for accept, form in (("application/ld+json", None), ("application/trig", RdfFormat.TRIG), ("text/turtle", RdfFormat.TURTLE)):
        answer = http.get(address, headers={"Accept": accept}).raise_for_status()
        if form is None:
            found.append(sorted(item["sequence"] for item in answer.json()["orderedItems"]))
        else:
            members = (quad.object.value for quad in parse(answer.content, format=form) if quad.predicate.value == "https://w3id.org/tree#member")
            found.append(sorted(int(member.rpartition("/")[2]) for member in members))
    assert found[0] == found[1] == found[2]
    return found[0]


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
    node.age(100)
    node.revise("g8", "g9")
    assert node.compact()["dropped"] == 3, "g3's creation, and what was revised"
    standing |= {node.names.group(key): node.document(key) | {"description": {"fr": "Exemple inventé, révisé."}} for key in ("g8", "g9")}
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
