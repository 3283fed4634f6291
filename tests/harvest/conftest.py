"""Peers on loopback, fetchers that may contact them, and a journal with all that a visit needs."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from app.checking import Checker
from app.combined import Combined
from app.harvest.fetch import Fetcher
from app.harvest.visit import Harvester
from app.journal import FILE, Journal, records, sources, visits
from app.matching.combine import Matcher
from app.names import Names
from tests.harvest.feeds import Feed
from tests.harvest.loopback import Peer

BASE = "https://node.example"


@pytest.fixture
def new_peer() -> Iterator[Callable[[], Peer]]:
    """Starts peers, and stops them all."""
    peers: list[Peer] = []

    def start() -> Peer:
        peer = Peer(socket.create_server(("127.0.0.1", 0)))
        peers.append(peer)
        peer.start()
        return peer

    yield start
    for peer in peers:
        peer.stop()


@pytest.fixture
def peer(new_peer: Callable[[], Peer]) -> Peer:
    """One peer."""
    return new_peer()


@pytest.fixture
def new_fetcher() -> Iterator[Callable[..., Fetcher]]:
    """Fetchers that may contact the given peers."""
    made: list[Fetcher] = []

    def make(*peers: Peer) -> Fetcher:
        fetcher = Fetcher(frozenset(peer.host for peer in peers), "Maillage/test")
        made.append(fetcher)
        return fetcher

    yield make
    for fetcher in made:
        fetcher.close()


@pytest.fixture
def fetcher(new_fetcher: Callable[..., Fetcher], peer: Peer) -> Fetcher:
    """A fetcher that may contact the one peer."""
    return new_fetcher(peer)


@pytest.fixture(scope="session")
def checker() -> Checker:
    """The shapes, read once."""
    return Checker()


@pytest.fixture
def journal(tmp_path) -> Iterator[Journal]:
    """A new journal."""
    journal = Journal(tmp_path / FILE)
    yield journal
    journal.close()


@dataclass
class Room:
    """A node's harvest, and short questions about what it did."""

    journal: Journal
    harvester: Harvester

    def add(self, name: str, url: str, format_: str = "maillage", **settings) -> sources.Source:
        with self.journal.write() as c:
            return sources.add(c, name, url, format_, **settings)

    def set(self, name: str, **values) -> None:
        with self.journal.write() as c:
            sources.update(c, name, **values)

    def visit(self, name: str = "peer", dry_run: bool = False) -> visits.Visit:
        number = self.harvester.visit(name, dry_run=dry_run)
        with self.journal.read() as c:
            return visits.get(c, number)

    def again(self, visit: visits.Visit) -> visits.Visit:
        with self.journal.read() as c:
            return visits.get(c, visit.id)

    def lines(self, visit: visits.Visit) -> dict[str, visits.Item]:
        with self.journal.read() as c:
            return {line.key: line for line in visits.all_items(c, visit.id)}

    def source(self, name: str = "peer") -> sources.Source:
        with self.journal.read() as c:
            return sources.get(c, name)

    def record(self, key: str, name: str = "peer") -> records.Record | None:
        with self.journal.read() as c:
            return records.get(c, name, key)

    def live(self, name: str = "peer") -> dict[str, str]:
        """The live records: key and name."""
        with self.journal.read() as c:
            return {record.key: next(iter(record.document["name"].values())) for record in records.live(c, name)}


@pytest.fixture
def room(journal: Journal, checker: Checker, fetcher: Fetcher) -> Room:
    """A node's harvest over one peer."""
    names = Names(BASE)
    return Room(journal, Harvester(journal, names, checker, Combined(Matcher(names)), fetcher))


@pytest.fixture
def feed(peer: Peer, room: Room) -> Feed:
    """A native peer named "peer", of six groups."""
    feed = Feed(peer)
    for slug in ("a", "b", "c", "d", "e", "f"):
        feed.create(slug)
    room.add("peer", feed.url)
    return feed
