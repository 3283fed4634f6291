"""`lookup`: one look-up through /sparql against `oxigraph serve` that holds the same data. `crowd`: 8 and 32 clients at once.

Both servers run side by side and are asked in turn, over connections that are kept, so that what else the machine does hits both alike.
"""

import gzip
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import table
from tests.benchmarks.sparql import RESULTS, wait_for_graph
from tests.nodes import NodeProcess
from tests.servers import oxigraph

LOOKUP = "SELECT ?p ?o {{ <{base}/groups/g{number}> ?p ?o }}"
PAGE = "SELECT ?g ?n {{ ?g <https://schema.org/name> ?n FILTER(STRSTARTS(STR(?n), '{letter}')) }} ORDER BY ?n LIMIT {limit}"
OWN = 10
"""One group in so many is our own, g0, g1 and so on, as the invented directories have it."""

BUDGET_S = 1_000_000
CROWD_S = 8.0
"""Seconds that a crowd asks."""


def run(groups: int = 10_000, times: int = 2000) -> str:
    """Ask for one group after another, each for the first time and then again, and return the table."""
    with tempfile.TemporaryDirectory() as folder, _both(Path(folder), groups) as (base, ours, theirs), httpx.Client(trust_env=False) as client:
        firsts = [LOOKUP.format(base=base, number=number % (groups // OWN)) + f" # {number}" for number in range(times)]
        rows = []
        for name, texts in (("first time", firsts), ("again", [firsts[0]] * times)):
            mine, yours = _in_turn(client, (ours, theirs), texts)
            rows.append((name, statistics.median(mine), statistics.median(yours), statistics.median(mine) / statistics.median(yours)))
    head = ("look-up", "ours, ms", "oxigraph serve, ms", "ratio")
    return table(f"One look-up over HTTP at {groups:,} groups, medians of {times:,} (goal 1.5 times)", head, rows)


def crowd(groups: int = 10_000, seconds: float = CROWD_S) -> str:
    """Have 1, 8 and 32 clients ask for as long as this, look-ups and sorted pages that nobody asked before; return the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, _both(Path(folder), groups) as (base, ours, _):
        for kind, text in (("look-ups", _lookups(base, groups)), ("sorted pages", _pages())):
            rates: dict[int, float] = {}
            for clients in (1, 8, 32):
                answered, refused, slowest = _asked_by(clients, ours, text, seconds)
                rates[clients] = answered / seconds
                share = rates[clients] / rates.get(8, rates[clients])
                rows.append((kind, clients, rates[clients], f"{share:.2f}" if clients == 32 else "", slowest, refused))
    head = ("questions", "clients", "answered a second", "of what 8 get (goal 0.8)", "slowest, ms", "refused")
    return table(f"Many at once over HTTP at {groups:,} groups", head, rows)


@contextmanager
def _both(folder: Path, groups: int) -> Iterator[tuple[str, str, str]]:
    """A node and `oxigraph serve` with the node's whole dump; gives the node's base and both query addresses."""
    node = NodeProcess(folder / "data", settings={"sparql_budget_s": BUDGET_S})
    filled(folder / "data", node.url, groups)
    with oxigraph() as server, httpx.Client(timeout=120, trust_env=False) as client:
        node.start()
        try:
            wait_for_graph(client, node.url)
            dump = gzip.decompress(client.get(f"{node.url}/dump.nq.gz", headers={"Accept-Encoding": "identity"}).content)
            store = server.query_url.removesuffix("/query") + "/store"
            client.post(store, content=dump, headers={"Content-Type": "application/n-quads"}).raise_for_status()
            yield node.url, f"{node.url}/sparql", server.query_url
        finally:
            node.stop()


def _in_turn(client: httpx.Client, servers: tuple[str, str], texts: list[str]) -> tuple[list[float], list[float]]:
    """Ask both servers each text, now one first and now the other; return the milliseconds of each."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number, text in enumerate(texts):
        found = {}
        for which in (0, 1) if number % 2 else (1, 0):
            begun = time.perf_counter()
            answer = client.get(servers[which], params={"query": text}, headers={"Accept": RESULTS})
            taken[which].append((time.perf_counter() - begun) * 1000)
            found[which] = len(answer.raise_for_status().json()["results"]["bindings"])
        assert found[0] == found[1] > 0, f"{text}: {found}"
    return taken


def _lookups(base: str, groups: int) -> Callable[[], str]:
    """Return what gives a look-up that nobody asked before."""
    numbers = itertools.count()
    return lambda: LOOKUP.format(base=base, number=(number := next(numbers)) % (groups // OWN)) + f" # {number}"


def _pages() -> Callable[[], str]:
    """Return what gives a page that nobody asked before."""
    numbers = itertools.count()
    return lambda: PAGE.format(letter="ACEFLMRS"[(number := next(numbers)) % 8], limit=20) + f" # {number}"


def _asked_by(clients: int, url: str, text: Callable[[], str], seconds: float) -> tuple[int, int, float]:
    """Have so many clients ask at once; return how many answers came, how many refusals, and the longest wait in milliseconds."""
    ends = time.monotonic() + seconds
    waits: list[float] = []
    refusals: list[int] = []

    def ask() -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while time.monotonic() < ends:
                begun = time.perf_counter()
                status = client.get(url, params={"query": text()}, headers={"Accept": RESULTS}).status_code
                if status == httpx.codes.OK:
                    waits.append((time.perf_counter() - begun) * 1000)
                else:
                    refusals.append(status)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(waits), len(refusals), max(waits, default=0.0)
