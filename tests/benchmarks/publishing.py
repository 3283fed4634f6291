"""`publishing`: one group written over HTTP, from the request to the answer, on a node that holds many; and when SPARQL shows it."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks import invented
from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import Stopwatch, table
from tests.benchmarks.sparql import RESULTS, wait_for_graph
from tests.nodes import NodeProcess


def run(groups: int = 10_000, times: int = 60) -> str:
    """Create, revise and read groups, and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        node = NodeProcess(Path(folder) / "data")
        filled(node.data_dir, node.url, groups)
        token = node.token()
        node.start()
        assert node.process is not None
        try:
            with httpx.Client(timeout=60, headers={"Authorization": f"Bearer {token}"}) as client:
                wait_for_graph(client, node.url)
                watch = Stopwatch(node.process.pid)
                rows = _rows(client, node.url, groups, times, watch)
        finally:
            node.stop()
    return table(f"One group over HTTP at {groups:,} groups", ("what", "median, ms", "p95, ms", "node's processor, ms"), rows)


def _rows(client: httpx.Client, base: str, groups: int, times: int, watch: Stopwatch) -> list[tuple[object, ...]]:
    """Write each of several new groups, then revise it."""
    news = list(invented.groups(times, seed=7, base=base))
    parts: dict[str, list[float]] = {}

    def timed(name: str, method: str, url: str, **more: Any) -> httpx.Response:
        begun = time.perf_counter()
        with watch.measured(name):
            answer = client.request(method, url, **more)
        parts.setdefault(name, []).append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
        return answer

    for number, document in enumerate(news):
        url = f"{base}/groups/nouveau-{number}"
        written = {key: value for key, value in document.items() if key != "id"}
        etag = timed("PUT, a new group", "PUT", url, json=written).headers["ETag"]
        changed = written | {"description": {"fr": f"Révisé {number}, inventé."}}
        timed("PUT, a revision", "PUT", url, json=changed, headers={"If-Match": etag})
        timed("GET, the group as JSON-LD", "GET", url, headers={"Accept": "application/ld+json"})
        parts.setdefault("from the answer to being in /sparql", []).append(_until_shown(client, base, url))
    return [
        (name, statistics.median(taken), sorted(taken)[int(len(taken) * 0.95)], watch.parts[name].cpu * 1000 / times if name in watch.parts else "-")
        for name, taken in parts.items()
    ]


def _until_shown(client: httpx.Client, base: str, iri: str) -> float:
    """Return the milliseconds until the graph says what was written."""
    begun = time.perf_counter()
    query = f'ASK {{ <{iri}> <https://schema.org/description> ?text FILTER(STRSTARTS(STR(?text), "Révisé")) }}'
    while not client.get(f"{base}/sparql", params={"query": query}, headers={"Accept": RESULTS}).json()["boolean"]:
        time.sleep(0.02)
    return (time.perf_counter() - begun) * 1000
