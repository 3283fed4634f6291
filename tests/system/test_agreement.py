"""Killed at any moment of a harvest, of matching, of projecting, of writing or of a backup, a node loses nothing and all that it keeps agrees."""

import itertools
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.journal import FILE, Journal, records, visits
from tests.benchmarks.invented import groups
from tests.harvest.feeds import Feed, conditional
from tests.harvest.loopback import Peer
from tests.nodes import NodeProcess, environment, eventually
from tests.system.agreement import check, check_versions, opened

LINES = {"Accept": "application/ld+json"}


class Town:
    """A native peer whose groups change a little from one revision to the next, and what each revision says."""

    def __init__(self, peer: Peer, count: int, chance: random.Random) -> None:
        self.feed = Feed(peer, size=250)
        self._chance = chance
        self._said = {document["id"].rpartition("/")[2]: document for document in groups(count, base=peer.url)}
        self._names = itertools.count(count)
        self.revisions: list[dict[str, str]] = []
        self._publish([("Create", slug) for slug in self._said])

    def change(self) -> None:
        """Revise a tenth of the groups, withdraw some and publish others: less, in all revisions together, than what waits for a person."""
        slugs = sorted(self._said)
        few = len(slugs) // 50
        revised, gone = self._chance.sample(slugs[few:], 5 * few), self._chance.sample(slugs[:few], few // 4)
        acts = []
        for slug in revised:
            document = self._said[slug]
            self._said[slug] = document | {"name": {"fr": f"{document['name']['fr'].partition(' (')[0]} ({len(self.revisions)})"}}
            acts.append(("Update", slug))
        for slug in gone:
            del self._said[slug]
            acts.append(("Delete", slug))
        for _ in range(few):
            slug = f"n{next(self._names)}"
            self._said[slug] = self._said[revised[0]] | {"id": self.feed.iri(slug), "name": {"fr": f"Nouveau {slug}"}, "url": []}
            acts.append(("Create", slug))
        self._chance.shuffle(acts)
        self._publish(acts)

    def _publish(self, acts: list[tuple[str, str]]) -> None:
        """Append events, serve them, and note what stands."""
        number = self.feed.events[-1]["sequence"] if self.feed.events else 0
        for kind, slug in acts:
            number += 1
            event = {"type": kind, "object": self.feed.iri(slug), "origin": f"{self.feed.peer.url}/node", "sequence": number}
            event["published"] = (datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
            self.feed.events.append(event | ({} if kind == "Delete" else {"record": self._said[slug]}))
        self.feed.serve()
        self.revisions.append({slug: document["name"]["fr"] for slug, document in self._said.items()})


def retold(town: Town, count: int) -> list[dict[str, str]]:
    """A list in which another directory tells of some of the same groups, in its own columns."""
    said = [(one["name"]["fr"].upper(), one["url"][0], one["location"][0]["addressLocality"]) for one in groups(count, base=town.feed.peer.url)]
    return [{"id": f"r{at}", "nom": name, "site": site, "ville": place} for at, (name, site, place) in enumerate(said)]


class Round:
    """What goes on at once while a node is killed: people write, peers are visited, a copy is made."""

    def __init__(self, node: NodeProcess, token: str, acknowledged: dict[str, str], numbers: Iterator[int]) -> None:
        self._node = node
        self._headers = {"Authorization": f"Bearer {token}"}
        self._acknowledged = acknowledged
        self._numbers = numbers
        self._threads = [
            threading.Thread(target=self._write),
            *(threading.Thread(target=self._visit, args=(name,)) for name in ("ville", "liste")),
        ]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._node.kill()
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        """Publish and revise groups, one after the other, noting what was acknowledged."""
        with httpx.Client(base_url=self._node.url, headers=self._headers, timeout=90) as client, suppress(httpx.TransportError):
            for number in self._numbers:
                slug = f"propre-{number % 40}"
                group = {"name": {"fr": f"Groupe propre {number}"}, "url": [f"https://g{number % 40}.example/"]}
                there = client.get(f"/groups/{slug}", headers=LINES).status_code == 200  # the first write of it may have been cut off
                answer = client.put(f"/groups/{slug}", json=group, headers={"If-Match": "*"} if there else {})
                if answer.status_code in {200, 201}:
                    self._acknowledged[slug] = f"Groupe propre {number}"
                else:
                    assert answer.status_code == 503, answer.text

    def _visit(self, name: str) -> None:
        """Ask for visits until the node is gone."""
        with httpx.Client(base_url=self._node.url, headers=self._headers, timeout=90) as client, suppress(httpx.TransportError):
            while True:
                client.post(f"/api/peers/{name}/visit")
                time.sleep(0.05)


def mirrored(journal: Journal, name: str) -> dict[str, str]:
    """The groups of a peer as a journal holds them."""
    with journal.read() as c:
        return {record.key: record.document["name"]["fr"] for record in records.live(c, name)}


def copied(node: NodeProcess, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a backup beside the running node."""
    command = [sys.executable, "-m", "app", "backup", str(folder)]
    env = environment(node.data_dir, node.port, **node.settings)
    return subprocess.Popen(command, env=env, cwd=node.data_dir.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_after_kill(node: NodeProcess, town: Town, acknowledged: dict[str, str], folder: Path) -> None:
    """The journal as the kill left it: whole, one revision of the peer and no other, every acknowledged write."""
    with opened(node.data_dir, folder) as journal:
        assert mirrored(journal, "ville") in [{}, *town.revisions], "half a visit was applied"
        ours = mirrored(journal, "own")
        with journal.read() as c:
            check_versions(c)
    lost = {slug: name for slug, name in acknowledged.items() if int(ours.get(slug, "0").rpartition(" ")[2]) < int(name.rpartition(" ")[2])}
    assert lost == {}, "an acknowledged write was lost"


def settled(node: NodeProcess) -> None:
    """Wait until nothing is left to do: every change combined and projected."""

    def at_rest() -> None:
        with closing(sqlite3.connect(node.data_dir / FILE)) as journal:
            assert journal.execute("SELECT count(*) FROM pending").fetchone() == (0,)
        assert httpx.get(f"{node.url}/ready", timeout=30).json()["behind"] == 0

    eventually(at_rest, 120)


def visited(node: NodeProcess, name: str, token: str) -> dict[str, Any]:
    """Visit a peer over HTTP, waiting for whoever visits it just now, and return the visit."""
    for _ in range(600):
        answer = httpx.post(f"{node.url}/api/peers/{name}/visit", headers={"Authorization": f"Bearer {token}"}, timeout=90)
        if answer.status_code == 200:
            return dict(answer.json())
        time.sleep(0.2)
    raise AssertionError(answer.text)


SMALL = (2, 700)
LARGE = (25, 4000)


@pytest.mark.parametrize(("rounds", "size"), [SMALL, pytest.param(*LARGE, marks=pytest.mark.slow)])
def test_killed_at_any_moment_everything_agrees(tmp_path: Path, peer: Peer, rounds: int, size: int) -> None:
    """SIGKILL during harvests, matching, projections, writes and backups; after the last one all that is kept is computed anew and compared."""
    chance = random.Random(20261122)
    town = Town(peer, size, chance)
    peer.answers["/liste.json"] = conditional(retold(town, size // 4))
    node = NodeProcess(tmp_path / "data", settings={"allow_private_peers": peer.host})
    mapping = tmp_path / "liste.toml"
    mapping.write_text('key = "id"\n[fields]\nname = "nom"\nurl = "site"\n"location.addressLocality" = "ville"\n', "utf-8")
    node.run("peers", "add", "ville", town.feed.url, "--format", "maillage")
    node.run("peers", "add", "liste", f"{peer.url}/liste.json", "--format", "jsonlist", "--mapping", mapping)
    token, acknowledged, numbers = node.token(), dict[str, str](), itertools.count()
    for number in range(rounds):
        node.start()
        with Round(node, token, acknowledged, numbers):
            time.sleep(chance.uniform(0.1, 4 + size / 200))
            copy = copied(node, tmp_path / "copies")
            time.sleep(chance.uniform(0, 1.5))
        copy.send_signal(signal.SIGKILL)
        copy.wait()
        check_after_kill(node, town, acknowledged, tmp_path / f"after-{number % 2}")
        town.change()
    node.start()
    visited(node, "ville", token)
    visited(node, "liste", token)
    settled(node)
    assert node.stop() == 0
    check(node.data_dir, node.url, tmp_path / "check")
    check_after_kill(node, town, acknowledged, tmp_path / "end")
    with opened(node.data_dir, tmp_path / "end") as journal:
        assert mirrored(journal, "ville") == town.revisions[-1]
        assert len(mirrored(journal, "liste")) == size // 4
        with journal.read() as c:
            assert {visit.outcome for visit in visits.list_(c, limit=1000)} <= {"applied", "unchanged", "failed"}
    if (tmp_path / "copies" / FILE).exists():
        with opened(tmp_path / "copies", tmp_path / "copied") as journal, journal.read() as c:
            check_versions(c)
