"""The graph: what the journal implies, as RDF. One store protocol, so that its backend can change without anything above it.

The default graph is the combined directory; each record of each source has a named graph of its own; the catalogue
is the named graph that describes the named graphs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Change", "Store"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one graph holds from now on; ``None`` is the default graph.

    `triples` are N-Triples lines without blank nodes, as `app.record` writes them. They replace all that the graph
    holds or, when `subject` is given, what it says of that subject and of its parts (``{subject}#…``). Empty: gone.
    """

    graph: str | None
    triples: str
    subject: str | None = None


class Store(Protocol):
    """An RDF store written by one projector. Every method may be called from any thread.

    Raises StoreUnavailable from any method when the store cannot be read or written; what was there before stays.
    """

    def apply(self, changes: Sequence[Change], position: int, epoch: int = 1) -> None:
        """Apply all changes and the position they lead to, or none of it; doing it again changes nothing."""
        ...

    def position(self) -> int:
        """Return the position of the last changes applied; 0 when there were none."""
        ...

    def epoch(self) -> int:
        """Return the journal's epoch that the position belongs to; 0 when there is none."""
        ...

    def load(self, quads: Iterable[str], position: int, epoch: int = 1) -> None:
        """Replace everything by `quads`, chunks of whole N-Quads lines; until that is done the old content stays."""
        ...

    def read(self, graph: str | None) -> str:
        """Return what a graph holds as sorted N-Triples lines, literals as the store writes them."""
        ...

    def backup(self, path: Path) -> None:
        """Write a consistent copy to `path`, which must not exist."""
        ...

    def verify(self) -> bool:
        """Read everything; return whether it could be read."""
        ...

    def reopen(self) -> None:
        """Open the store anew after a failed write."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
