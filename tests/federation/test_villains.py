"""Peers that turn, against one node that serves and holds what they and a good peer said before: nothing that others said changes, in any graph."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.federation.villains import LIE, SLUGS, VILLAINS, Place, Scene, Villain
from tests.harvest.feeds import Feed
from tests.harvest.loopback import Peer
from tests.nodes import NodeProcess, eventually, serving

MOST_GROWTH = 600_000_000
"""Bytes by which the node and its query processes may grow through all of it."""

ABOUT = "SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }} ORDER BY ?p ?o"
SUBJECTS = "SELECT DISTINCT ?g ?s WHERE { GRAPH ?g { ?s ?p ?o } }"
SAID = f'SELECT ?s WHERE {{ {{ GRAPH ?g {{ ?s ?p "{LIE}" }} }} UNION {{ ?s ?p "{LIE}" }} UNION {{ ?s ?p "{LIE}"@fr }} }}'


@dataclass
class Site:
    """The node, its good peer and those that turned."""

    node: NodeProcess
    client: httpx.Client
    good: Feed
    crowd: Peer
    doors: list[socket.socket]
    before: dict[str, Any]
    size: int
    unanswered: list[str] = field(default_factory=list)
    answered: int = 0

    def ask(self, query: str) -> list[dict[str, str]]:
        """Ask the SPARQL endpoint, as a stranger does; the answer, its order aside."""
        found = httpx.get(f"{self.node.url}/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}, timeout=60)
        assert found.status_code == 200, found.text
        return [{name: term["value"] for name, term in row.items()} for row in found.json()["results"]["bindings"]]

    def visit(self, name: str) -> dict[str, Any]:
        """Visit a peer and return the report, with every line."""
        found = self.client.post(f"/api/peers/{name}/visit")
        assert found.status_code == 200, found.text
        return dict(found.json())

    def reported(self, number: int, language: str) -> list[str]:
        """Return the sentences of a report."""
        report = self.client.get(f"/api/visits/{number}", headers={"Accept-Language": language}).json()
        return [said for said in (report["message"], *(line["message"] for line in report["items"])) if said]

    def names(self, name: str) -> dict[str, str]:
        """What the node holds of a peer's groups."""
        records = {slug: self.client.get(f"/records/{name}/{slug}", headers={"Accept": "application/ld+json"}) for slug in SLUGS}
        return {slug: record.json()["name"]["fr"] for slug, record in records.items() if record.status_code == 200}

    def theirs(self) -> dict[str, Any]:
        """All that every graph says of the good peer's groups and of this node's own."""
        combined = [group["id"] for group in self.client.get("/groups?source=good").json()["orderedItems"]]
        iris = [*sorted(combined), *(self.good.iri(slug) for slug in SLUGS), f"{self.node.url}/groups/ours"]
        said = {iri: self.ask(ABOUT.format(iri=iri)) for iri in iris}
        graphs = {
            slug: self.ask(f"SELECT ?s ?p ?o WHERE {{ GRAPH <{self.node.url}/records/good/{slug}> {{ ?s ?p ?o }} }} ORDER BY ?s ?p ?o")
            for slug in SLUGS
        }
        return {"combined": said, "graphs": graphs}


def resident(pid: int) -> int:
    """Return the bytes that a process and those below it hold in memory."""
    total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    below = (child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split())
    return total + sum(resident(int(child)) for child in below)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node that holds a group of its own, a good peer's, and those of all villains while they were honest."""
    with ExitStack() as stack:
        good, crowd = (Peer(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        for peer in (good, crowd):
            peer.start()
            stack.callback(peer.stop)
        doors = [stack.enter_context(closing(socket.create_server((host, 0)))) for host in ("127.0.0.1", "127.0.0.2")]
        node = stack.enter_context(serving(tmp_path_factory.mktemp("villains"), allow_private_peers=f"{good.host},{crowd.host}"))
        headers = {"Authorization": f"Bearer {node.token('admin')}", "Accept-Language": "en"}
        client = stack.enter_context(httpx.Client(base_url=node.url, headers=headers, timeout=90))
        ours = {"name": {"fr": "Groupe inventé d'ici"}, "type": ["Group"]}
        created = client.put("/groups/ours", json=ours, headers={"If-None-Match": "*", "Content-Type": "application/ld+json"})
        assert created.status_code == 201, created.text
        found = Site(node, client, Feed(good), crowd, doors, {}, 0)
        honest(found, "good", found.good)
        assert node.process is not None
        eventually(lambda: check_settled(found))
        found.before, found.size = found.theirs(), resident(node.process.pid)
        stack.enter_context(asking(found))
        yield found


def honest(site: Site, name: str, feed: Feed) -> None:
    """Publish six groups, and let the node take them."""
    publish(site, name, feed)
    assert site.visit(name)["outcome"] == "applied"
    assert len(site.names(name)) == len(SLUGS)


def publish(site: Site, name: str, feed: Feed) -> None:
    """Publish six groups, and tell the node where."""
    for slug in SLUGS:
        feed.create(slug, f"{name} {slug}")
    added = site.client.post("/api/peers", json={"name": name, "url": feed.url, "format": "maillage", "enabled": False})
    assert added.status_code == 201, added.text


def check_settled(site: Site) -> None:
    """The graph holds what the good peer said, and the node's own group."""
    assert all(site.theirs()["graphs"].values())
    assert site.theirs()["combined"][f"{site.node.url}/groups/ours"]


class asking:  # noqa: N801 - read as a verb
    """Ask `/health` again and again while the block lasts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.1):
            try:
                status = httpx.get(f"{self._site.node.url}/health", timeout=15).status_code
            except httpx.TransportError as error:
                self._site.unanswered.append(repr(error))
            else:
                self._site.answered += 1
                if status != 200:
                    self._site.unanswered.append(str(status))


@pytest.mark.parametrize(("number", "villain"), list(enumerate(VILLAINS)), ids=[villain.name for villain in VILLAINS])
def test_a_peer_that_turns_gains_nothing(site: Site, number: int, villain: Villain) -> None:
    """Its visit ends as it should, says why in both languages, and what it said while it was honest is still there."""
    name = f"v{number}"
    feed = Feed(Place(site.crowd, name))  # type: ignore[arg-type]
    if villain.fresh:
        publish(site, name, feed)
    else:
        honest(site, name, feed)
    held = site.names(name)
    villain.turn(Scene(feed, site.node.url, site.good))
    report = site.visit(name)
    spoken = {language: site.reported(report["id"], language) for language in ("fr", "en")}
    print(villain.name, report["outcome"], spoken)
    assert report["outcome"] == villain.outcome, report
    assert not villain.fr or any(villain.fr in said for said in spoken["fr"]), spoken
    assert not villain.en or any(villain.en in said for said in spoken["en"]), spoken
    assert all(said.endswith((".", "…")) and "\n" not in said for sentences in spoken.values() for said in sentences), spoken
    if villain.fresh:
        assert len(site.names(name)) == (len(SLUGS) if villain.outcome == "applied" else 0)
    else:
        assert site.names(name) == held


def test_what_others_said_is_untouched_in_every_graph(site: Site) -> None:
    """Statement by statement, the good peer's groups and the node's own are what they were, and the lie is said nowhere."""
    assert site.theirs() == site.before
    assert site.ask(SAID) == []


def test_every_graph_speaks_of_its_own_record_only(site: Site) -> None:
    """The graph of a record of a peer has no subject outside that peer's folder, and there is no graph that is not the node's."""
    subjects = site.ask(SUBJECTS)
    assert {row["g"] for row in subjects if not row["g"].startswith(f"{site.node.url}/")} == set()
    for row in subjects:
        source = row["g"].removeprefix(f"{site.node.url}/records/").partition("/")[0]
        if source == "good" or (source.startswith("v") and row["g"].startswith(f"{site.node.url}/records/")):
            base = site.good.peer.url if source == "good" else f"{site.crowd.url}/{source}"
            assert row["s"].startswith((f"{base}/", row["g"])), row


def test_the_node_answered_all_along_and_did_not_grow(site: Site) -> None:
    """`/health` said yes each time it was asked; the node and its query processes take little more memory than before."""
    assert site.node.process is not None and site.node.process.poll() is None
    assert site.answered > 0
    assert site.unanswered == []
    assert resident(site.node.process.pid) - site.size < MOST_GROWTH


def test_nobody_else_was_called_on(site: Site) -> None:
    """The doors that the villains named stayed shut."""
    for door in site.doors:
        door.setblocking(False)
        with pytest.raises(BlockingIOError):
            door.accept()
