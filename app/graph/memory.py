"""The store's twin in memory, for tests: the same promises, no files, literals kept as they are written."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.graph import Change
from app.names import Names


class MemoryStore:
    """Sets of N-Triples lines by graph; one lock makes each change whole."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._lock = threading.Lock()
        self._graphs: dict[str | None, set[str]] = {}
        self._position = (0, 0)

    def apply(self, changes: Sequence[Change], position: int, epoch: int = 1) -> None:
        """See `Store`."""
        with self._lock:
            for change in changes:
                self._replace(change)
            self._position = (position, epoch)

    def _replace(self, change: Change) -> None:
        """Put the new lines of a graph, or of one subject in it, in the place of the old ones."""
        kept = {line for line in self._graphs.get(change.graph, set()) if change.subject is not None and not _about(line, change.subject)}
        lines = kept | {line for line in change.triples.split("\n") if line}
        if lines:
            self._graphs[change.graph] = lines
        else:
            self._graphs.pop(change.graph, None)

    def position(self) -> int:
        """See `Store`."""
        return self._position[0]

    def epoch(self) -> int:
        """See `Store`."""
        return self._position[1]

    def load(self, quads: Iterable[str], position: int, epoch: int = 1) -> None:
        """See `Store`."""
        graphs: dict[str | None, set[str]] = {}
        for chunk in quads:
            for line in filter(None, chunk.split("\n")):
                graph, triple = _split(line)
                graphs.setdefault(graph, set()).add(triple)
        with self._lock:
            self._graphs, self._position = graphs, (position, epoch)

    def read(self, graph: str | None) -> str:
        """See `Store`."""
        with self._lock:
            return "".join(f"{line}\n" for line in sorted(self._graphs.get(graph, ())))

    def backup(self, path: Path) -> None:
        """See `Store`; here the copy is one N-Quads file."""
        path.mkdir()
        with self._lock:
            lines = [line if graph is None else f"{line[:-1]}<{graph}> ." for graph, lines in self._graphs.items() for line in lines]
        (path / "all.nq").write_text("".join(f"{line}\n" for line in sorted(lines)), "utf-8")

    def verify(self) -> bool:
        """See `Store`; memory does not rot."""
        return True

    def reopen(self) -> None:
        """See `Store`; there is nothing to open."""

    def close(self) -> None:
        """See `Store`; there is nothing to let go of."""


def _about(line: str, subject: str) -> bool:
    """Tell whether a line is about `subject` or one of its parts."""
    return line.startswith((f"<{subject}> ", f"<{subject}#"))


def _split(line: str) -> tuple[str | None, str]:
    """Split an N-Quads line into its graph and its triple; an object that is an IRI is told from a graph by counting terms."""
    body = line.removesuffix(" .")
    head, _, last = body.rpartition(" <")
    terms = head.split(" ", 2)
    if last.endswith(">") and len(terms) == 3:
        return last[:-1], f"{head} ."
    return None, line
