"""One real node and peers that lie in every way we know: it stays up, keeps what was good, says plainly what happened, and calls on nobody else."""

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.federation.lies import CANARY, LIES, NODE, PWNED, Lie, Places
from tests.federation.watch import Watch
from tests.harvest.feeds import Feed
from tests.harvest.loopback import Peer
from tests.nodes import NodeProcess, eventually, serving

AT_ONCE = 4
MOST_MEMORY = 1_200_000_000
"""Bytes that the node and its query processes may take in all, four visits at once."""

HEALTHY_S = 10
GROUPS = "abcdef"


@dataclass
class Canary:
    """Listens where nobody has any business, and counts who comes."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    heard: int = 0

    def __enter__(self) -> "Canary":
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()


@dataclass
class Story:
    """What one lie led to: the report in English and in French, its refused lines, and which records are there after it."""

    report: dict[str, Any]
    french: str
    refused: list[str]
    live: list[str]


@dataclass
class Stage:
    """The node, watched, after every lie was told."""

    stories: dict[str, Story]
    watch: Watch
    canary: Canary
    allowed: set[tuple[str, int]]
    node: NodeProcess


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Tell every lie to one node, a few at a time."""
    with ExitStack() as stack:
        canary = stack.enter_context(Canary())
        peers = {name: Peer(socket.create_server(("127.0.0.1", 0))) for name in LIES}
        for peer in peers.values():
            peer.start()
            stack.callback(peer.stop)
        allowed = ",".join(peer.host for peer in peers.values())
        node = stack.enter_context(serving(tmp_path_factory.mktemp("hostile"), allow_private_peers=allowed, sparql_workers=1))
        headers = {"Authorization": f"Bearer {node.token('admin')}", "Accept-Language": "en"}
        client = stack.enter_context(httpx.Client(base_url=node.url, headers=headers, timeout=120))
        assert node.process is not None
        with Watch(node.process.pid, node.url) as watch, ThreadPoolExecutor(AT_ONCE) as pool:
            places = {CANARY: canary.host, NODE: node.url}
            told = {name: pool.submit(tell, client, f"p{at}", peers[name], lie, places) for at, (name, lie) in enumerate(LIES.items())}
            stories = {name: future.result() for name, future in told.items()}
        yield Stage(stories, watch, canary, {("127.0.0.1", peer.socket.getsockname()[1]) for peer in peers.values()}, node)


def tell(client: httpx.Client, name: str, peer: Peer, lie: Lie, places: Places) -> Story:
    """An honest visit, then the lie."""
    feed = Feed(peer)
    for slug in GROUPS:
        feed.create(slug, f"Groupe {slug} de {name}")
    added = client.post("/api/peers", json={"name": name, "url": feed.url, "format": "maillage", "enabled": False})
    assert added.status_code == 201, added.text
    assert visited(client, name)["outcome"] in {"applied", "unchanged"}
    lie.tell(feed, places)
    report = visited(client, name)
    french = client.get(f"/api/visits/{report['id']}", headers={"Accept-Language": "fr"}).json()["message"]
    live = [key for key in [*GROUPS, "bad", "v", "ours", "z"] if client.get(f"/records/{name}/{key}").status_code == 200]
    return Story(report, french, [line["message"] for line in report["items"] if line["outcome"] == "refused"], live)


def visited(client: httpx.Client, name: str) -> dict[str, Any]:
    """Visit, when it is this peer's turn, and return the report once there is one."""
    found: list[dict[str, Any]] = []

    def asked() -> None:
        answer = client.post(f"/api/peers/{name}/visit")
        assert answer.status_code in {200, 202}, answer.text
        found.append(answer.json())

    def done() -> None:
        assert client.get(f"/api/visits/{found[0]['id']}").json()["outcome"]

    eventually(asked, 120)
    eventually(done, 240)
    return dict(client.get(f"/api/visits/{found[0]['id']}").json())


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_told_plainly_and_what_was_good_stays(stage: Stage, name: str) -> None:
    """The visit ends as it should, one sentence in each language says why, and the honest records are all that there is."""
    lie, story = LIES[name], stage.stories[name]
    assert story.report["outcome"] == lie.outcome, story.report
    said = story.refused if lie.outcome == "unchanged" else [story.report["message"]]
    assert len(said) == 1, story.report
    assert re.search(lie.words, said[0]), said
    assert is_a_sentence(said[0])
    assert lie.outcome == "unchanged" or (is_a_sentence(story.french) and story.french != said[0])
    assert story.live == list(GROUPS)


def is_a_sentence(text: str) -> bool:
    """Whether somebody who is no programmer can read it."""
    return text.endswith((".", ")")) and "\n" not in text and len(text) < 600 and not re.search(r"Traceback|Error\b|Exception|object at 0x", text)


def test_the_node_answers_all_along(stage: Stage, record_property: Any) -> None:
    """`/health` is answered while four peers at a time do their worst."""
    watch = stage.watch
    record_property("told", f"hostile peers: {len(LIES)} lies; /health asked {watch.answered} times, slowest {watch.health:.1f} s;"
                            f" memory at most {watch.resident / 1e6:.0f} MB")  # fmt: skip
    assert watch.unanswered == []
    assert watch.answered > 0
    assert watch.health < HEALTHY_S


def test_memory_is_bounded(stage: Stage) -> None:
    """The node and its query processes stay within their bound."""
    assert 0 < stage.watch.resident < MOST_MEMORY


def test_nobody_else_is_contacted(stage: Stage) -> None:
    """The canary heard nothing, and no connection of the node ever led anywhere but to a peer that its operator named."""
    assert stage.canary.heard == 0
    assert stage.watch.contacted & stage.allowed, "the watch sees connections"
    assert stage.watch.contacted <= stage.allowed


def test_nothing_that_was_smuggled_is_found(stage: Stage) -> None:
    """No graph, no list, no search knows a word of it."""
    holds = f'CONTAINS(STR(?o), "{PWNED}") || CONTAINS(STR(?s), "victim")'
    query = f"SELECT ?g ?s WHERE {{ {{ GRAPH ?g {{ ?s ?p ?o }} }} UNION {{ ?s ?p ?o }} FILTER({holds}) }}"
    answer = httpx.get(f"{stage.node.url}/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}, timeout=60)
    assert answer.json()["results"]["bindings"] == []
    found = httpx.get(f"{stage.node.url}/groups", params={"q": PWNED}, headers={"Accept": "application/geo+json"}, timeout=60)
    assert found.json()["features"] == []
