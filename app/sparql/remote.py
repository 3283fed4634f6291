"""Strangers' questions when a SPARQL server holds the graph: checked in a process that may die, sent with a deadline, read within bounds.

Our own limits stay in front of the server's: time, rows, bytes, nesting, and how many ask at once.
"""

import json
import shutil
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from app.errors import QueryRefused, Text
from app.graph.remote import OWN, RESULTS, TRIPLES, Dataset
from app.graph.remote_store import RemoteStore
from app.names import Names
from app.sparql.generations import SPOOL, Generation
from app.sparql.pool import Limits, Pool
from app.sparql.processes import Process, out_of_time
from app.sparql.tasks import Asking, Outcome, Refusal, Task, Work

RAW = 2
"""How many times as large as an answer may be what the server sends for it."""

NOWHERE = "urn:x-maillage:nowhere"
"""A graph that no server holds."""

GRACE_S = 1.0
"""Seconds for writing an answer that came at the last moment."""


class Moments:
    """The states of a server as questions see them: one for each position of the journal that it is known to hold."""

    def __init__(self, store: RemoteStore, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._lock = threading.Lock()
        self._last: Generation | None = None
        self._forgotten_at = 0.0
        shutil.rmtree(directory, ignore_errors=True)
        self.spool.mkdir(parents=True)

    @property
    def spool(self) -> Path:
        """See `Copies`."""
        return self._directory / SPOOL

    def current(self) -> Generation:
        """See `Copies`."""
        return self._at(self._store.position())

    def newest(self) -> Generation | None:
        """See `Copies`: the server is not asked."""
        standing = self._store.known()
        return None if standing is None else self._at(standing.position)

    def standing(self) -> tuple[int, int]:
        """See `Copies`."""
        known = self._store.known()
        return (known.position, known.epoch) if known else (0, 0)

    def _at(self, position: int) -> Generation:
        """Return the state at a position."""
        with self._lock:
            if self._last is None or self._last.position != position:
                self._last = Generation(Path(), position, time.time())
            return self._last

    def release(self, generation: Generation) -> None:
        """See `Copies`: nothing is held."""

    def forget(self) -> None:
        """See `Copies`: what was read before now may hold what was erased."""
        with self._lock:
            self._last, self._forgotten_at = None, time.time()

    def forgotten(self, generation: Generation | None) -> bool:
        """See `Copies`."""
        return generation is not None and generation.created_at <= self._forgotten_at


class RemotePool(Pool):
    """The same processes, queue and limits before a server."""

    module: ClassVar[str] = "app.sparql.remote_worker"
    local: ClassVar[bool] = False

    def __init__(self, store: RemoteStore, names: Names, directory: Path, limits: Limits) -> None:
        self._store = store
        self._names = names
        super().__init__(Moments(store, directory), limits, f"{names.base}/sparql")

    def _replied(self, process: Process, task: Task) -> tuple[Outcome | Refusal, bytes]:
        """Have the question checked, ask the server, and have its answer written."""
        deadline = time.monotonic() + task.timeout_s
        received = Path(f"{task.spool}.received")
        directory = self._names.directory if self._store.findings().union else ""
        unknown = [iri for iri in dict.fromkeys((*task.default_graphs, *task.named_graphs)) if not self._is_held(iri)]
        task = task._replace(
            directory=directory,
            records=self._names.records,
            catalogue=self._names.catalogue,
            received=str(received),
            default_graphs=_without(unknown, task.default_graphs),
            named_graphs=_without(unknown, task.named_graphs),
        )
        reply, body = process.ask(task._replace(work=Work.CHECK))
        if isinstance(reply, Refusal):
            return reply, b""
        try:
            most_rows = self._sent(Asking(*json.loads(body)), received, deadline, task)
            left = max(GRACE_S, deadline - time.monotonic())
            written, body = process.ask(task._replace(work=Work.WRITE, accept=reply.media_type, max_rows=most_rows, timeout_s=left))
            return written._replace(unknown=unknown) if isinstance(written, Outcome) else written, body
        finally:
            received.unlink(missing_ok=True)

    def _sent(self, asking: Asking, received: Path, deadline: float, task: Task) -> int:
        """Ask the server, and return how many rows of its answer are surely all: it may cut them at a limit of its own."""
        self._require_held(asking.needed)
        left = deadline - time.monotonic()
        if left <= 0:
            raise out_of_time()
        dataset = Dataset(asking.default, asking.named) if asking.default or asking.named else OWN
        with received.open("wb") as file:
            answer = self._store.server.answer(asking.text, TRIPLES if asking.graph else RESULTS, dataset, left, file, RAW * task.max_bytes)
        return task.max_rows if answer.most_rows is None else min(task.max_rows, answer.most_rows - 1)

    def _require_held(self, graphs: list[str]) -> None:
        """Refuse a query that names a graph that is not held here: nothing is ever fetched. Raises QueryRefused."""
        for iri in graphs:
            if not self._is_held(iri):
                raise QueryRefused(
                    Text(
                        f"Il n'y a pas ici de graphe <{iri}>, et rien n'est cherché ailleurs.",
                        f"There is no graph <{iri}> here, and nothing is fetched.",
                    )
                )

    def _is_held(self, iri: str) -> bool:
        """Tell whether a graph is one of ours: the server may hold other people's as well."""
        return (iri == self._names.catalogue or bool(self._names.reference_of(iri))) and self._store.holds(iri)


def _without(unknown: Collection[str], graphs: Sequence[str]) -> list[str]:
    """Return a dataset's graphs, those that are not ours as one that is empty: with no graph at all the server would choose."""
    return [NOWHERE if iri in unknown else iri for iri in graphs]
