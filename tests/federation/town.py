"""Some real nodes, each behind its door, what each of them says, and what a seed makes happen to them."""

import json
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from sqlalchemy import update

from app.feed import compaction, pages, relay
from app.feed.compaction import Limits
from app.journal import FILE, Journal, now, subscribers, tokens
from app.journal.tables import subscriber
from tests.federation.door import Door, Weather, two_ports
from tests.nodes import NodeProcess

ROUNDS = 4
"""Rounds of visits within which all must agree once nothing is in the way any more."""

PATIENCE_S = 60

LONG_AGO = "2000-01-01T00:00:00Z"
"""Before every withdrawal: none is forgotten."""


class Copy(NamedTuple):
    """A backup: where it is, and what the node said then, since when, and had purged when."""

    folder: Path
    said: dict[str, str]
    since: dict[str, int]
    purged: dict[str, int]


@dataclass
class Member:
    """One node: its process, its door, whom it reads, and what it says (slug and name of each of its groups).

    `since` and `purged` say when each group was last said otherwise, and purged: a moment is the number of acts until then.
    """

    name: str
    node: NodeProcess
    door: Door
    reads: list["Member"] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    acts: int = 0
    since: dict[str, int] = field(default_factory=dict)
    purged: dict[str, int] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    client: httpx.Client = field(default_factory=httpx.Client)

    def open(self) -> None:
        """Start for the first time."""
        self.node.start()
        with closing(Journal(self.node.data_dir / FILE)) as journal, journal.write() as c:
            token = tokens.create(c, "test admin", tokens.Role.ADMIN)
        self.client.close()
        self.client = httpx.Client(base_url=self.node.url, headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"}, timeout=90)

    def close(self) -> None:
        """End the process."""
        self.client.close()
        if self.node.process is not None:
            self.node.kill()

    def put(self, slug: str, name: str) -> None:
        """Publish, revise or create again one invented group; it is said once it is acknowledged."""
        record = {"name": {"fr": name}, "description": {"fr": f"Groupe inventé pour les essais : {name}."}, "topics": ["housing"]}
        answer = self.client.put(f"/groups/{slug}", json=record, headers={"If-Match": "*"} if slug in self.said else {})
        assert answer.status_code in {200, 201}, answer.text
        self.acts += 1
        if self.said.get(slug) != name:
            self.said[slug], self.since[slug] = name, self.acts

    def withdraw(self, slug: str, purge: bool) -> None:
        """Withdraw a group."""
        answer = self.client.delete(f"/groups/{slug}", params={"purge": "true"} if purge else {})
        assert answer.status_code == 204, answer.text
        del self.said[slug]
        self.withdrawn.append(slug)
        self.acts += 1
        if purge:
            self.purged[slug] = self.acts

    def follow(self, origin: "Member") -> None:
        """Add a peer, whose next visit by the clock is far away once it was visited."""
        peer = {"name": origin.name, "url": f"{origin.door.url}/feed", "format": "maillage", "every": "300d"}
        assert self.client.post("/api/peers", json=peer).status_code == 201
        self.reads.append(origin)

    def follow_relay(self, hub: "Member") -> None:
        """Read what a hub relays, and nothing else of it."""
        peer = {"name": hub.name, "url": f"{hub.door.url}/relay", "format": "relay", "every": "300d"}
        assert self.client.post("/api/peers", json=peer).status_code == 201
        self.reads.append(hub)

    def visit(self, origin: "Member") -> dict[str, Any]:
        """Visit a peer, once the clock is done with it, and return the report."""
        until = time.monotonic() + PATIENCE_S
        while True:
            answer = self.client.post(f"/api/peers/{origin.name}/visit")
            if answer.status_code == 200 or time.monotonic() > until:
                assert answer.status_code == 200, answer.text
                return dict(answer.json())
            time.sleep(0.1)

    def apply(self, visit: dict[str, Any]) -> None:
        """Let a person accept what waits."""
        answer = self.client.post(f"/api/visits/{visit['id']}/apply")
        assert answer.status_code == 200, answer.text

    def holds(self, source: str) -> dict[str, tuple[str, str]]:
        """Return the live records of a source: by key, the name and the hash of the content."""
        question = (
            "SELECT key, document, content_hash FROM record JOIN source ON source.id = source_id WHERE source.name = ? AND record.state = 'live'"
        )
        with closing(sqlite3.connect(self.node.data_dir / FILE)) as journal:
            return {key: (json.loads(document)["name"]["fr"], digest) for key, document, digest in journal.execute(question, [source])}

    def trace(self) -> list[Any]:
        """Return what grows in the journal when anything is said again: events, versions, changes."""
        questions = ("SELECT count(*) FROM event", "SELECT count(*) FROM version", "SELECT max(sequence) FROM change")
        with closing(sqlite3.connect(self.node.data_dir / FILE)) as journal:
            return [journal.execute(question).fetchone()[0] for question in questions]

    def has_news(self) -> bool:
        """Tell whether a subscriber has not been told of the last event; who was to be left alone for a while is so no longer."""
        with closing(Journal(self.node.data_dir / FILE)) as journal, journal.write() as c:
            c.execute(update(subscriber).values(next_at=None))
            return bool(subscribers.due(c, {f"{self.door.url}/relay": relay.last(c)}, pages.state(c).sequence, now(), 1))


@dataclass
class Town:
    """The nodes of one seed."""

    members: list[Member]
    chance: random.Random
    folder: Path
    happened: list[str] = field(default_factory=list)
    count: int = 0
    node_rounds: int = 0

    # --- what happens ----------------------------------------------------------------------------------------------

    def live(self, count: int) -> None:
        """Let `count` things happen, drawn from the seed, each noted: a backup first, what is rare at least once."""
        rare = [self.restore, self.kill, self.kill_in_a_visit, self.compact]
        often = [self.publish] * 4 + [self.revise] * 5 + [self.withdraw] * 3 + [self.create_again] * 2 + [self.visit] * 8 + [self.change_weather] * 5
        acts = rare + self.chance.choices([*often, self.copy, *rare], k=count - len(rare) - 1)
        self.chance.shuffle(acts)
        for act in [self.copy, *acts]:
            member = self.chance.choice([one for one in self.members if one.copies] if act == self.restore else self.members)
            self.happened.append(f"{member.name} {act.__name__}")
            act(member)

    def publish(self, member: Member) -> None:
        """A new group."""
        self.count += 1
        member.put(f"{member.name}-{self.count}", self._name(member))

    def revise(self, member: Member) -> None:
        """Another name for a group, now and then the one it has."""
        slug = self.chance.choice(sorted(member.said)) if member.said else ""
        if slug:
            member.put(slug, self._name(member) if self.chance.random() < 0.8 else member.said[slug])

    def withdraw(self, member: Member) -> None:
        """One group less."""
        if len(member.said) > 1:
            member.withdraw(self.chance.choice(sorted(member.said)), purge=self.chance.random() < 0.3)

    def create_again(self, member: Member) -> None:
        """A group that was withdrawn is back."""
        gone = sorted(set(member.withdrawn) - set(member.said))
        if gone:
            member.put(self.chance.choice(gone), self._name(member))

    def visit(self, member: Member) -> None:
        """A visit in whatever weather; a person looks at what waits, some of the time."""
        if member.reads:
            found = member.visit(self.chance.choice(member.reads))
            self.node_rounds += 1
            if found["outcome"] == "held" and self.chance.random() < 0.5:
                member.apply(found)

    def change_weather(self, member: Member) -> None:
        """From now on this befalls the readers of a node: all of them, or one."""
        readers = [other for other in self.members if member in other.reads]
        if readers:
            weather = self.chance.choice(list(Weather))
            for reader in readers if self.chance.random() < 0.3 else [self.chance.choice(readers)]:
                member.door.weather[reader.door.url] = weather

    def copy(self, member: Member) -> None:
        """A backup beside the running node."""
        folder = self.folder / f"copy-{member.name}-{len(member.copies)}"
        member.node.run("backup", folder)
        member.copies.append(Copy(folder, dict(member.said), dict(member.since), dict(member.purged)))

    def compact(self, member: Member) -> None:
        """The feed made shorter beside the running node, as `maillage compact` would make it when what was said today has become old."""
        forget = self.chance.random() < 0.5
        with closing(Journal(member.node.data_dir / FILE)) as journal, journal.write() as c:
            compaction.compact(c, Limits(now(), now() if forget else LONG_AGO), page_size=self.chance.choice([3, 250]))

    def restore(self, member: Member) -> None:
        """The node starts again from an older backup, at times after its disk was lost; what it said since was never said.

        What was purged since it was said as the backup has it stays purged, unless the list of it was lost with the disk.
        """
        copy, lost = self.chance.choice(member.copies), self.chance.random() < 0.3
        member.node.kill()
        if lost:
            shutil.rmtree(member.node.data_dir)
        member.node.run("restore", copy.folder)
        member.node.start()
        known = [copy.purged] if lost else [copy.purged, member.purged]
        member.purged = {slug: max(one.get(slug, 0) for one in known) for slug in set().union(*known)}
        member.said = {slug: name for slug, name in copy.said.items() if copy.since[slug] > member.purged.get(slug, 0)}
        member.since = dict(copy.since)

    def kill(self, member: Member) -> None:
        """A power cut."""
        member.node.kill()
        member.node.start()

    def kill_in_a_visit(self, member: Member) -> None:
        """A power cut somewhere in a visit."""
        if not member.reads:
            return
        origin = self.chance.choice(member.reads)

        def visit() -> None:
            with suppress(httpx.TransportError):
                httpx.post(f"{member.node.url}/api/peers/{origin.name}/visit", headers=member.client.headers, timeout=30)

        asking = threading.Thread(target=visit)
        asking.start()
        time.sleep(self.chance.random() * 0.15)
        member.node.kill()
        asking.join()
        member.node.start()

    def _name(self, member: Member) -> str:
        """A name that no other group has."""
        self.count += 1
        return f"{member.name} {self.chance.getrandbits(40):x} {self.count}"

    # --- what must come of it --------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Nothing is in the way any more."""
        for member in self.members:
            member.door.weather.clear()

    def round(self) -> None:
        """Every node visits every peer it has; what waits is accepted."""
        for member in self.members:
            self.node_rounds += 1
            for origin in member.reads:
                found = member.visit(origin)
                assert found["outcome"] in {"applied", "unchanged", "held"}, (member.name, origin.name, found["message"])
                if found["outcome"] == "held":
                    member.apply(found)

    def disagreements(self) -> list[str]:
        """Return who holds something else than its origin says, or something of a node it does not read."""
        found = []
        for member in self.members:
            own = member.holds("own")
            if {slug: name for slug, (name, _) in own.items()} != member.said:
                found.append(f"{member.name} does not hold what it acknowledged: {set(own) ^ set(member.said)}")
            for origin in member.reads:
                held, said = member.holds(origin.name), origin.holds("own")
                wrong = sorted(key for key in held.keys() | said.keys() if held.get(key) != said.get(key))
                found += [f"{member.name} of {origin.name}: {key} is {held.get(key)}, should be {said.get(key)}" for key in wrong]
        return found

    def tell(self) -> None:
        """Wait until every node has told its subscribers how far it has got: news are told a moment later, and again when they did not arrive."""
        until = time.monotonic() + PATIENCE_S
        while late := [member.name for member in self.members if member.has_news()]:
            assert time.monotonic() < until, f"their subscribers were not told: {late}"
            time.sleep(3)

    def traffic(self) -> tuple[int, int]:
        """Return the requests and the bytes of bodies that all doors have seen so far."""
        doors = [member.door for member in self.members]
        return sum(len(door.asked) for door in doors), sum(door.sent.total() for door in doors)


class Road(Town):
    """An origin, two hubs that follow each other's relay and of which the first reads the origin, and a node that reads the second's relay."""

    def live(self, count: int) -> None:
        """Let the origin say `count` things, while the others visit now and then."""
        acts = [self.publish] * 2 + [self.revise] * 3 + [self.withdraw] * 2 + [self.create_again] + [self.visit] * 6
        for act in self.chance.choices(acts, k=count):
            member = self.chance.choice(self.members[1:]) if act == self.visit else self.members[0]
            self.happened.append(f"{member.name} {act.__name__}")
            act(member)

    def disagreements(self) -> list[str]:
        """Return who holds something else than the origin's live records, each once."""
        origin, first, second, last = self.members
        said = sorted(origin.holds("own").values())
        held = {"n1 of n0": first.holds("n0"), "n2 of n1": second.holds("n1"), "n3 of n2": last.holds("n2")}
        wrong = [f"{who}: {sorted(found.values())}, should be {said}" for who, found in held.items() if sorted(found.values()) != said]
        return wrong + ([f"n1 of n2: {first.holds('n2')}"] if first.holds("n2") else [])


@contextmanager
def road(folder: Path, seed: int) -> Iterator[Road]:
    """The nodes of a road, which serve and have something to say."""
    with ExitStack() as stack:
        members = [_member(folder / f"n{at}", f"n{at}", random.Random(f"{seed} {at}"), stack) for at in range(4)]
        _allow(members)
        for hub in members[1:3]:
            hub.node.settings["relay"] = True
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Member.open, members))
        found = Road(members, random.Random(f"road {seed}"), folder)
        for _ in range(12):
            found.publish(members[0])
        members[1].follow(members[0])
        for reader, hub in ((1, 2), (2, 1), (3, 2)):
            members[reader].follow_relay(members[hub])
        yield found


def links(shape: str, size: int, chance: random.Random) -> list[tuple[int, int]]:
    """Return who reads whom, each as (reader, origin)."""
    if shape == "ring":
        return [(at, (at + 1) % size) for at in range(size)]
    if shape == "star":
        return [link for at in range(1, size) for link in ((0, at), (at, 0))]
    every = [(reader, origin) for reader in range(size) for origin in range(size) if reader != origin]
    return sorted(chance.sample(every, min(len(every), size + chance.randrange(size + 1))))


@contextmanager
def town(folder: Path, shape: str, size: int, seed: int) -> Iterator[Town]:
    """Nodes that serve, know one another as the shape says, and have something to say."""
    chance = random.Random(f"{shape} {seed}")
    with ExitStack() as stack:
        members = [_member(folder / f"n{at}", f"n{at}", random.Random(f"{seed} {at}"), stack) for at in range(size)]
        _allow(members)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Member.open, members))
        found = Town(members, chance, folder)
        for member in members:
            for _ in range(12):
                found.publish(member)
        for reader, origin in links(shape, size, chance):
            members[reader].follow(members[origin])
        yield found


def _member(folder: Path, name: str, chance: random.Random, stack: ExitStack) -> Member:
    """A node that is not started yet, under the address of its door."""
    front, behind = two_ports()
    door = stack.enter_context(Door(front, behind, chance))
    settings: dict[str, object] = {"base_url": door.url, "node_name": name, "sparql_workers": 1}
    member = Member(name, NodeProcess(folder / "data", behind, settings), door)
    stack.callback(member.close)
    return member


def _allow(members: list[Member]) -> None:
    """Let every node fetch from every door."""
    doors = ",".join(f"127.0.0.1:{member.door.port}" for member in members)
    for member in members:
        member.node.settings["allow_private_peers"] = doors
