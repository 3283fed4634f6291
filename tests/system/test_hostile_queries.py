"""Strangers who do their worst by SPARQL, against a real node: each is answered in time, nobody else is hurt, and the node is as it was."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.benchmarks.filling import filled
from tests.benchmarks.queries import queries
from tests.benchmarks.sparql import wait_for_graph
from tests.federation.watch import Watch, family, resident
from tests.nodes import NodeProcess, eventually
from tests.system.hostility import Attack, battery, heavy, mixture

TIMEOUT_S, MEMORY_MB, WORKERS = 2, 256, 2
PATIENCE_S = 10
"""Seconds beyond the limit that a busy machine may take; what was measured is told."""

MOST_GROWTH = (WORKERS * (MEMORY_MB + 256) + 200) << 20
"""Bytes by which the node and its query processes may grow while they are at it."""

LEFT_GROWTH = 150 << 20
"""Bytes by which they may be larger afterwards: answers that are held, and what the allocator keeps."""

COPIES, SPOOL = "generations", "answers"


@dataclass
class Site:
    """A node with some thousand statements, a door that nobody should knock at, and what was seen."""

    node: NodeProcess
    client: httpx.Client
    door: socket.socket
    wrong: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    statuses: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int:
        """The node's process."""
        assert self.node.process is not None
        return self.node.process.pid

    @property
    def address(self) -> str:
        """Where nobody should go."""
        host, port = self.door.getsockname()[:2]
        return f"http://{host}:{port}/"

    def suffer(self, attack: Attack) -> None:
        """Send one, and note how it ended."""
        start = time.monotonic()
        try:
            found = attack.sent_by(self.client)
            status = found.status_code
            proper = status in attack.statuses and (status < 400 or "problem+json" in found.headers["content-type"])
            said = f"{status} {found.text[:200]}"
        except httpx.HTTPError as error:
            status, proper, said = 0, False, repr(error)
        taken = time.monotonic() - start
        with self.lock:
            self.slowest = max(self.slowest, (taken, attack.name))
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if not proper or taken > TIMEOUT_S + PATIENCE_S:
                self.wrong.append(f"{attack.name}: {said} after {taken:.1f} s")

    def suffer_all(self, attacks: Iterable[Attack], at_once: int = WORKERS) -> None:
        """Send them, so many at once: as many as are served at once, so that each one's time is its own."""
        with ThreadPoolExecutor(at_once) as threads:
            for _ in threads.map(self.suffer, attacks):
                pass

    def answers(self) -> dict[str, Any]:
        """What the node says to good questions."""
        found = {}
        for query in queries(self.node.url, 1):
            accept = "application/n-triples" if query.graph else "application/sparql-results+json"
            answer = self.client.get("/sparql", params={"query": query.text}, headers={"Accept": accept})
            assert answer.status_code == 200, f"{query.name}: {answer.text}"
            found[query.name] = sorted(answer.text.splitlines()) if query.graph else _rows(answer.json()) if query.whole else None
        return found

    def state(self) -> dict[str, int]:
        """What must not grow: processes, descriptors, copies of the graph, answers in files."""
        copies = self.node.data_dir / COPIES
        return {
            "processes": len(family(self.pid)),
            "descriptors": len(list(Path(f"/proc/{self.pid}/fd").iterdir())),
            "copies": sum(1 for path in copies.iterdir() if path.name != SPOOL),
            "answers": sum(1 for _ in (copies / SPOOL).iterdir()),
        }

    def memory(self) -> int:
        """Bytes of the node and its query processes."""
        return sum(map(resident, family(self.pid)))

    def knocked(self) -> bool:
        """Whether somebody came to the door."""
        with suppress(BlockingIOError):
            self.door.accept()[0].close()
            return True
        return False

    @property
    def told(self) -> str:
        """How it went, in a sentence."""
        ended = ", ".join(f"{count} with {status}" for status, count in sorted(self.statuses.items()))
        return f"{sum(self.statuses.values())} requests ended: {ended}; slowest {self.slowest[0]:.1f} s ({self.slowest[1]}), limit {TIMEOUT_S} s"


def _rows(document: dict[str, Any]) -> object:
    """Return what was found, its order aside."""
    return document.get("boolean", sorted(repr(sorted(row.items())) for row in document.get("results", {}).get("bindings", [])))


@contextmanager
def besieged(folder: Path, **settings: object) -> Iterator[Site]:
    """A node that holds three hundred invented groups, and is asked for no money."""
    node = NodeProcess(folder / "data")
    filled(node.data_dir, node.url, 300)
    limits = {"sparql_timeout_s": TIMEOUT_S, "sparql_memory_mb": MEMORY_MB, "sparql_workers": WORKERS, "sparql_budget_s": 1e9} | settings
    node.settings |= limits
    with closing(socket.create_server(("127.0.0.1", 0))) as door, running(node), httpx.Client(base_url=node.url, timeout=60) as client:
        door.setblocking(False)
        wait_for_graph(client, node.url)
        yield Site(node, client, door)


@contextmanager
def running(node: NodeProcess) -> Iterator[None]:
    """Serve until the block ends."""
    node.start()
    try:
        yield
    finally:
        node.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One node for all."""
    with besieged(tmp_path_factory.mktemp("hostile")) as found:
        yield found


def endure(site: Site, attacks: Iterable[Attack], at_once: int = WORKERS) -> str:
    """Check that a node is hurt by none of them; return what is to be told."""
    site.suffer_all(heavy(name) for name in ("cross join", "ring"))
    answers, state, memory = site.answers(), site.state(), site.memory()
    site.wrong, site.slowest, site.statuses = [], (0.0, ""), {}
    with Watch(site.pid, site.node.url) as watch:
        site.suffer_all(attacks, at_once)
    assert site.wrong == []
    assert watch.unanswered == []
    assert watch.answered > 0
    assert not site.knocked()
    assert watch.contacted == set()
    assert watch.resident - memory < MOST_GROWTH
    eventually(lambda: check_as_before(site, state, memory))
    assert site.answers() == answers
    return (
        f"{site.told}; /health asked {watch.answered} times, slowest {watch.health * 1000:.0f} ms; memory {memory >> 20} MB before, "
        f"at most {watch.resident >> 20} MB, {site.memory() >> 20} MB after; {state}"
    )


def check_as_before(site: Site, state: dict[str, int], memory: int) -> None:
    """No process, descriptor, copy or file more than before."""
    now = site.state()
    assert now | {"descriptors": 0} == state | {"descriptors": 0}
    assert now["descriptors"] <= state["descriptors"] + 2
    assert site.memory() < memory + LEFT_GROWTH


def test_each_hostile_query_ends_in_time_and_hurts_nobody(site: Site, record_property: Any) -> None:
    """Every construct nested and chained, all that wants time and memory, every way to reach out or to write, odd encodings: two at once."""
    record_property("told", f"hostile queries: {endure(site, battery(site.address))}")


def test_the_mixture_hurts_nobody(site: Site, record_property: Any) -> None:
    """The small form of the ten thousand."""
    record_property("told", f"hostile queries, mixed: {endure(site, mixture(1, 300, site.address))}")


@pytest.mark.slow
def test_ten_thousand_in_a_row_leave_the_node_as_it_was(site: Site, record_property: Any) -> None:
    """As many processes, descriptors, copies and files as before, no more memory, the same answers."""
    record_property("told", f"ten thousand hostile queries: {endure(site, mixture(2, 10_000, site.address))}")


def test_the_door_would_be_heard(site: Site) -> None:
    """The check that nobody came to the door can fail."""
    with closing(socket.create_connection(site.door.getsockname())):
        eventually(lambda: check_knocked(site))


def check_knocked(site: Site) -> None:
    """Somebody came."""
    assert site.knocked()


def test_who_is_hostile_spends_his_own_time(tmp_path: Path) -> None:
    """With little in hand, heavy queries are soon answered 429 and when to come back; the cheap questions of others still are."""
    with besieged(tmp_path, sparql_budget_s=1) as site:
        site.suffer_all(heavy(name) for name in ("cross join", "cross join, OPTIONAL"))  # two seconds each, at the same time
        refused = site.client.get("/sparql", params={"query": "ASK { ?s ?p 1 }"})
        assert refused.status_code == 429, refused.text
        assert int(refused.headers["retry-after"]) >= 1
        assert site.client.get("/health").status_code == 200
        with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=60) as neighbour:
            other = neighbour.get(f"{site.node.url}/sparql", params={"query": "ASK { ?s ?p 2 }"})
        assert other.status_code == 200, other.text
