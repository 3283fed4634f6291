"""The clock of the serving process: it visits the peers that are due, several at once, so that a slow one delays no other."""

import logging
import time
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from app.errors import Conflict, MaillageError, NotFound
from app.harvest.visit import Harvester
from app.journal import Journal, sources
from app.journal.moments import now

TICK_S = 2.0
VISITORS = 8
STOP_S = 12.0

_log = logging.getLogger(__name__)


class Clock:
    """Looks every few seconds which peers are due and hands them to a few visitors; `start` and `stop` it once."""

    def __init__(self, journal: Journal, harvester: Harvester, tick: float = TICK_S, visitors: int = VISITORS) -> None:
        self._journal = journal
        self._harvester = harvester
        self._tick = tick
        self._stop = Event()
        self._due: SimpleQueue[str] = SimpleQueue()
        self._busy: set[str] = set()
        self._lock = Lock()
        self._threads = [
            Thread(target=self._watch, name="clock", daemon=True),
            *(Thread(target=self._work, name=f"visitor {n}", daemon=True) for n in range(visitors)),
        ]

    def start(self) -> None:
        """Begin; visits run in the background."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the visits under way, which leave everything as it was, and wait for them for some seconds."""
        self._stop.set()
        self._harvester.stopping.set()
        until = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))

    def _watch(self) -> None:
        """Queue each due peer once."""
        while not self._stop.is_set():
            try:
                with self._journal.read() as c:
                    due = [source.name for source in sources.due(c, now())]
            except MaillageError as error:
                _log.warning("clock: %s", error)
                due = []
            for name in due:
                self._queue(name)
            self._stop.wait(self._tick)

    def _queue(self, name: str) -> None:
        """Queue a peer unless it waits or is being visited already."""
        with self._lock:
            if name in self._busy:
                return
            self._busy.add(name)
        self._due.put(name)

    def _work(self) -> None:
        """Visit one queued peer after the other."""
        while not self._stop.is_set():
            try:
                name = self._due.get(timeout=0.5)
            except Empty:
                continue
            try:
                self._visit(name)
            finally:
                with self._lock:
                    self._busy.discard(name)

    def _visit(self, name: str) -> None:
        """Visit one peer; nothing that goes wrong may stop the clock."""
        if self._stop.is_set():
            return
        try:
            self._harvester.visit(name)
        except (Conflict, NotFound):  # somebody else is visiting it, or it was removed meanwhile
            self._stop.wait(self._tick)
        except Exception:  # noqa: BLE001 - the clock outlives whatever one visit runs into
            _log.exception("visit to %s", name)
            self._stop.wait(self._tick)
