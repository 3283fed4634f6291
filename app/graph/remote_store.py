"""The graph on a SPARQL 1.1 server that the operator chose: the same projection, asked and written over HTTP.

Where the server's default graph is really its own, the combined directory is there. Where it is the union of all named graphs, the
directory has a named graph of its own, so that a merged group is not counted once more for each source.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from app.errors import StoreUnavailable, Text
from app.graph import Change, probes, refilling, updates
from app.graph.probes import Findings
from app.graph.remote import TRIPLES, Server
from app.graph.updates import EPOCH, POSITION, Graph
from app.names import Names
from app.record import serialise_ntriples

INTEGER = "<http://www.w3.org/2001/XMLSchema#integer>"

FRESH_S = 1.0
"""Seconds for which the position is taken to be what it was: this process is the one that writes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the server has got, and when it said so, in seconds of the monotonic clock."""

    position: int
    epoch: int
    seen: float


class RemoteStore:
    """The graph on `server`. Nothing is asked of the server before it is needed, so a node starts and runs while it is away.

    `apply` is one update request, which is atomic where the server's are; a batch over a megabyte is several. On a server whose updates are not
    atomic, or when the batch is several requests, readers may see a part of it; the position is written last, and whoever applies again
    from there ends with the same.
    """

    def __init__(self, server: Server, names: Names) -> None:
        self.server = server
        self._names = names
        self._lock = threading.RLock()
        self._found: Findings | None = None
        self._standing: Standing | None = None

    def findings(self) -> Findings:
        """Return what the server can do, looking when it is not known yet. Raises StoreUnavailable, with the reason when it cannot serve."""
        if self._found is not None:
            return self._found
        with self._lock:
            if self._found is None:
                found = probes.look(self.server, self._names)
                probes.require_fit(self.server, found)
                _log.info("The graph is on %s: %s", self.server.address, found)
                self._found = found
            return self._found

    def directory(self) -> Graph:
        """Return the graph that holds the combined directory; None when it is the server's default graph."""
        return self._names.directory if self.findings().union else None

    def known(self) -> Standing | None:
        """Return what was last heard of the server, without asking it; None when it failed since, or never answered."""
        return self._standing

    def position(self) -> int:
        """See `Store`."""
        return self._stands().position

    def epoch(self) -> int:
        """See `Store`."""
        return self._stands().epoch

    def _stands(self) -> Standing:
        """Return how far the server has got, asking when that was not heard just now."""
        standing = self._standing
        if standing is None or time.monotonic() - standing.seen > FRESH_S:
            with self._failing_forgets():
                standing = self._standing = self._asked()
        return standing

    def _asked(self) -> Standing:
        """Ask the server how far it has got."""
        self.findings()
        catalogue = updates.term(self._names.catalogue)
        question = f"SELECT ?p ?o WHERE {{ GRAPH {catalogue} {{ VALUES ?p {{ <{POSITION}> <{EPOCH}> }} {catalogue} ?p ?o }} }}"
        said = {row["p"]: int(row["o"]) for row in self.server.rows(question)}
        return Standing(said.get(POSITION, 0), said.get(EPOCH, 0), time.monotonic())

    def _failing_forgets(self) -> "_Forgetting":
        """What runs inside and fails leaves nothing known of the server."""
        return _Forgetting(self)

    def forget(self) -> None:
        """Forget what is known of the server: something failed, and it may have been done or not."""
        self._standing = None

    def apply(self, changes: Sequence[Change], position: int, epoch: int = 1) -> None:
        """See `Store`, and above."""
        with self._lock, self._failing_forgets():
            last = {(change.graph, change.subject): change for change in changes}
            operations = chain(self._operations(list(last.values())), self._position_operations(position, epoch))
            for request in updates.requests(operations):
                self.server.update(request)
            self._standing = Standing(position, epoch, time.monotonic())

    def _position_operations(self, position: int, epoch: int) -> Iterator[str]:
        """Say how far the journal was read."""
        catalogue = updates.term(self._names.catalogue)
        for predicate in (POSITION, EPOCH):
            yield f"DELETE WHERE {{ GRAPH {catalogue} {{ {catalogue} <{predicate}> ?o }} }}"
        lines = [f'{catalogue} <{said}> "{number}"^^{INTEGER} .' for said, number in ((POSITION, position), (EPOCH, epoch))]
        yield from updates.inserting([(self._names.catalogue, lines)])

    def _operations(self, changes: Sequence[Change]) -> list[str]:
        """Say changes as update operations: what is gone, then what is there from now on."""
        wanted = [(change, lines) for change in changes if (lines := updates.triples(change.triples)) is not None]
        empty = [self._place(change.graph) for change, lines in wanted if change.subject is None and (not lines or change.graph is None)]
        full = [change.graph for change, lines in wanted if change.subject is None and lines and change.graph is not None]
        found = [updates.clearing(graph) for graph in empty]
        found += updates.emptying(full)
        for graph in dict.fromkeys(change.graph for change, _ in wanted if change.subject is not None):
            roots = [change.subject for change, _ in wanted if change.graph == graph and change.subject is not None]
            found += self._forgetting(self._place(graph), roots)
        return found + list(updates.inserting((self._place(change.graph), lines) for change, lines in wanted))

    def _place(self, graph: Graph) -> Graph:
        """Return where a graph is on the server."""
        return self.directory() if graph is None else graph

    def _forgetting(self, graph: Graph, roots: Sequence[str]) -> Iterator[str]:
        """Take away some subjects and their parts: the deepest first, so that what is left when the server stops in the middle is still found."""
        levels, seen = [list(roots)], set(roots)
        while levels[-1]:
            found = [row["o"] for question in updates.parts_of(graph, levels[-1]) for row in self.server.rows(question) if _is_part(row, seen)]
            levels.append([part for part in dict.fromkeys(found) if part not in seen])
            seen.update(levels[-1])
        for level in reversed(levels):
            yield from updates.forgetting(graph, level)

    def load(self, quads: Iterable[str], position: int, epoch: int = 1) -> None:
        """See `Store`, as far as a server allows: each graph, and each subject of the directory, changes from old to new by itself.

        So nothing is missing meanwhile, but old and new stand beside each other; what is not there any more goes at the end, and
        then the position moves. A load that was broken off leaves the old position; the next one, or following from there, mends it.
        """
        with self._lock, self._failing_forgets():
            refill = refilling.Refill(self.server, self._names, self.directory())
            if refill.empty:
                self.server.update(";\n".join(self._position_operations(0, 0)))
            refill.run(quads)
            self.server.update(";\n".join(self._position_operations(position, epoch)))
            self._standing = Standing(position, epoch, time.monotonic())

    def read(self, graph: str | None) -> str:
        """See `Store`."""
        with self._failing_forgets():
            place = self._place(graph)
            pattern = "?s ?p ?o" if place is None else f"GRAPH {updates.term(place)} {{ ?s ?p ?o }}"
            text = self.server.triples(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {pattern} }}")
        lines = sorted(serialise_ntriples(text, TRIPLES).decode().splitlines(keepends=True))
        return "".join(line for line in lines if f" <{POSITION}> " not in line and f" <{EPOCH}> " not in line)

    def holds(self, graph: str) -> bool:
        """Tell whether the server has a named graph. Raises StoreUnavailable."""
        return bool(self.server.rows(f"SELECT ?s WHERE {{ GRAPH {updates.term(graph)} {{ ?s ?p ?o }} }} LIMIT 1"))

    def backup(self, path: Path) -> None:  # noqa: ARG002 - the protocol's
        """Raise StoreUnavailable: no server gives its files away."""
        raise StoreUnavailable(
            Text(
                "Le graphe est sur un serveur SPARQL : copiez-le avec les moyens de ce serveur, ou reconstruisez-le (maillage rebuild).",
                "The graph is on a SPARQL server: copy it with that server's own means, or make it anew (maillage rebuild).",
            )
        )

    def verify(self) -> bool:
        """See `Store`: everything is counted; a server that is away is no damaged store. Raises StoreUnavailable."""
        with self._failing_forgets():
            self.findings()
            for pattern in ("GRAPH ?g { ?s ?p ?o }", "?s ?p ?o"):
                self.server.rows(f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}", timeout_s=600)
        return True

    def reopen(self) -> None:
        """See `Store`: it is looked at anew."""
        with self._lock:
            self._found = self._standing = None

    def close(self) -> None:
        """See `Store`."""
        self.server.close()


class _Forgetting:
    """Forgets the server's position when the block fails."""

    def __init__(self, store: RemoteStore) -> None:
        self._store = store

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Forget."""
        if kind is not None:
            self._store.forget()


def _is_part(row: dict[str, str], roots: set[str]) -> bool:
    """Tell whether what a subject leads to is a part of one of `roots`: its address with a fragment."""
    return row["o"].partition("#")[0] in roots
