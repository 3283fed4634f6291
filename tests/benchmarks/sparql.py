"""`sparql`: the 18 queries over HTTP, our /sparql against rdflib-endpoint that serves the same data."""

import itertools
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph
from pyoxigraph import RdfFormat

from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import geometric_mean, median_ms, table
from tests.benchmarks.queries import Query, queries
from tests.nodes import NodeProcess, free_port

PATIENCE_S = 120.0
"""How long an answer is waited for; rdflib-endpoint needs hours for some, which then count as so many seconds."""

RESULTS = "application/sparql-results+json"
TURTLE = "text/turtle"
XSD = "http://www.w3.org/2001/XMLSchema#"
BY_VALUE = {f"{XSD}decimal": Decimal, f"{XSD}integer": Decimal, f"{XSD}double": Decimal, f"{XSD}dateTime": datetime.fromisoformat}
"""What Oxigraph writes anew: 48.900000 as 48.9, .000Z as Z."""


def run(groups: int = 10_000, times: int = 5) -> str:
    """Ask both, query by query, and return the table: ours when it is asked for the first time, and when it was asked before."""
    with tempfile.TemporaryDirectory() as folder, _both(Path(folder), groups) as (client, node, ours, theirs):
        rows = []
        for query in queries(node, min(7, groups - 1)):
            first = median_ms(partial(ask, client, ours, Anew(query)), times)
            asked = partial(ask, client, ours, query)
            answered, again = values(query, asked()), median_ms(asked, times)
            try:
                same = agreement(query, answered, values(query, theirs.ask(query)))
                yours = median_ms(partial(theirs.ask, query), times)
            except httpx.ReadTimeout:
                same, yours = f"{answered.total()} rows; rdflib-endpoint was given up", PATIENCE_S * 1000
                theirs.start()
            rows.append((query.name, first, again, yours, yours / first, yours / again, same))
    head = ("query", "ours, first time, ms", "ours, again, ms", "rdflib-endpoint, ms", "ratio, first time", "ratio, again", "answers")
    means = ", ".join(f"{name} {geometric_mean(row[at] for row in rows):.1f} times" for name, at in (("first time", 4), ("again", 5)))
    slower = ", ".join(row[0] for row in rows if row[5] < 1) or "none"
    return table(f"SPARQL over HTTP at {groups:,} groups: geometric means {means}; again slower than rdflib-endpoint: {slower}", head, rows)


class Anew:
    """A query that was never asked before, each time it is looked at: no answer that is held counts."""

    _number = itertools.count()

    def __init__(self, query: Query) -> None:
        self._query = query
        self.graph = query.graph

    @property
    def text(self) -> str:
        """The query and another comment."""
        return f"{self._query.text}\n# {next(self._number)}"


@contextmanager
def _both(folder: Path, groups: int) -> "Iterator[tuple[httpx.Client, str, str, _Endpoint]]":
    """A node and rdflib-endpoint over the node's own dump; gives a client, the node's base, our query address and the other."""
    node = NodeProcess(folder / "data")
    filled(folder / "data", node.url, groups)
    with httpx.Client(timeout=PATIENCE_S) as client:
        node.start()
        try:
            dump = folder / "dump.nq.gz"
            dump.write_bytes(client.get(f"{node.url}/dump.nq.gz", headers={"Accept-Encoding": "identity"}).content)
            wait_for_graph(client, node.url)
            theirs = _Endpoint(client, dump)
            try:
                theirs.start()
                yield client, node.url, f"{node.url}/sparql", theirs
            finally:
                theirs.stop()
        finally:
            node.stop()


def wait_for_graph(client: httpx.Client, base: str) -> None:
    """Wait until the graph holds as many groups as the list."""
    total = client.get(f"{base}/groups?limit=1", headers={"Accept": "application/ld+json"}).json()["totalItems"]
    count = "SELECT (COUNT(*) AS ?n) { ?g a <https://w3id.org/maillage/ns#Group> }"
    while True:
        answer = client.get(f"{base}/sparql", params={"query": count}, headers={"Accept": RESULTS})
        if answer.status_code == 200 and int(answer.json()["results"]["bindings"][0]["n"]["value"]) >= total:
            return
        time.sleep(0.5)


class _Endpoint:
    """rdflib-endpoint over a dump, ended by pid."""

    def __init__(self, client: httpx.Client, dump: Path) -> None:
        self._client = client
        self._dump = dump
        self._url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, anew when it still computes what nobody waits for any more."""
        self.stop()
        self._url = f"http://127.0.0.1:{(port := free_port())}/"
        self._process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.endpoint", self._dump, str(port)])
        while self._process.poll() is None:
            try:
                self._client.get(self._url, params={"query": "ASK {}"}, headers={"Accept": RESULTS})
                return
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError("rdflib-endpoint did not start")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, query: Query) -> httpx.Response:
        """Ask one query."""
        return ask(self._client, self._url, query)


def ask(client: httpx.Client, url: str, query: "Query | Anew") -> httpx.Response:
    """Ask one query."""
    answer = client.get(url, params={"query": query.text}, headers={"Accept": TURTLE if query.graph else RESULTS})
    answer.raise_for_status()
    return answer


def values(query: Query, answer: httpx.Response) -> Counter[Any]:
    """Return what was answered, so that two engines can be compared: numbers and moments by value, whatever their writing."""
    if query.graph:  # rdflib-endpoint describes in RDF/XML, whatever it is asked for and whatever it says that it sends
        written = RdfFormat.RDF_XML if answer.content.startswith(b"<?xml") else RdfFormat.TURTLE
        return Counter((quad.subject.value, quad.predicate.value, _object(quad.object)) for quad in pyoxigraph.parse(answer.content, written))
    body = answer.json()
    if "boolean" in body:
        return Counter([body["boolean"]])
    return Counter(frozenset((name, _term(term)) for name, term in row.items()) for row in body["results"]["bindings"])


def _object(term: Any) -> tuple[Any, ...]:
    datatype = getattr(term, "datatype", None)
    return BY_VALUE.get(datatype.value if datatype else "", str)(term.value), getattr(term, "language", None)


def _term(term: dict[str, str]) -> tuple[Any, ...]:
    return BY_VALUE.get(term.get("datatype", ""), str)(term["value"]), term.get("xml:lang")


def agreement(query: Query, mine: Counter[Any], yours: Counter[Any]) -> str:
    """Say whether two answers are the same."""
    if mine == yours:
        return f"{mine.total()} rows, the same"
    if not query.whole and mine.total() == yours.total():
        return f"{mine.total()} rows each"
    return f"DIFFERENT: {mine.total()} and {yours.total()} rows"
