"""A server's content replaced by all that the journal implies, while it goes on answering: what is new comes in first, what is gone goes last."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from app.graph import updates
from app.graph.remote import Server
from app.graph.updates import Graph
from app.names import Names

BATCH_BYTES = 1 << 20
"""Characters of N-Quads that are sent together."""


class Refill:
    """One refilling of `server`; `directory` is where the combined directory is. `empty`: nothing of ours was there before."""

    def __init__(self, server: Server, names: Names, directory: Graph) -> None:
        self._server = server
        self._names = names
        self._directory = directory
        self._seen: dict[Graph, set[int]] = {directory: set(), names.catalogue: set()}
        """Hashes of the subjects written so far, by graph."""
        self._graphs: set[int] = set()
        """Hashes of the records' graphs written so far."""
        self.empty = not any(server.rows(updates.following(graph, "")) for graph in self._seen)

    def run(self, quads: Iterable[str]) -> None:
        """Write everything, then take away what is not in it. Raises StoreUnavailable."""
        for batch in _batches(quads):
            self._write(batch)
        if not self.empty:
            self._sweep()

    def _write(self, lines: Iterable[str]) -> None:
        """Write some lines of N-Quads; what stood in the place of a graph or a subject that is seen for the first time goes."""
        by_graph: dict[Graph, list[str]] = defaultdict(list)
        for line in lines:
            graph, triple = updates.apart(line)
            by_graph[self._directory if graph is None else graph].append(triple)
        operations = [] if self.empty else list(self._forgetting(by_graph))
        operations += updates.inserting(by_graph.items())
        for request in updates.requests(operations):
            self._server.update(request)

    def _forgetting(self, by_graph: dict[Graph, list[str]]) -> Iterator[str]:
        """Take away the old of what comes now for the first time."""
        new = [graph for graph in by_graph if graph is not None and graph not in self._seen and _first(graph, self._graphs)]
        yield from updates.emptying(new)
        for graph, seen in self._seen.items():
            subjects = dict.fromkeys(updates.subject_of(line) for line in by_graph.get(graph, ()))
            yield from updates.forgetting(graph, [subject for subject in subjects if _first(subject, seen)])

    def _sweep(self) -> None:
        """Take away the graphs and the subjects that were not written."""
        gone = self._unseen(partial(updates.following_graphs, self._names.records), self._graphs)
        for request in updates.requests(map(updates.clearing, gone)):
            self._server.update(request)
        for graph, seen in self._seen.items():
            subjects = [found for found in self._unseen(partial(updates.following, graph), seen) if found != self._names.catalogue]
            for request in updates.requests(updates.forgetting(graph, subjects)):
                self._server.update(request)

    def _unseen(self, page: Callable[[str], str], seen: set[int]) -> list[str]:
        """Return the names on the server that were not written, page by page."""
        found: list[str] = []
        after = ""
        while rows := [row["s"] for row in self._server.rows(page(after), timeout_s=600)]:
            found += (name for name in rows if hash(name) not in seen)
            after = rows[-1]
        return found


def _first(name: str, seen: set[int]) -> bool:
    """Tell whether a name is seen for the first time, and note it."""
    number = hash(name)
    if number in seen:
        return False
    seen.add(number)
    return True


def _batches(quads: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines of N-Quads in batches of bounded size."""
    batch: list[str] = []
    size = 0
    for chunk in quads:
        for line in filter(None, chunk.split("\n")):
            batch.append(line)
            size += len(line)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
