"""The clock of the serving process: it visits the peers that are due, as many at once as it takes, so that a slow one delays no other.

A visit spends nearly all of its time waiting for its peer, and a waiting thread costs next to nothing: each visit has one of its own, and
`turns` sees to it that few work at the same time. Peers that failed the last time may take half of the places, never all.
"""

import logging
import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from app.errors import Conflict, MaillageError, NotFound
from app.harvest.visit import Harvester
from app.harvest.waking import Waking
from app.journal import Journal, sources
from app.journal.moments import now

TICK_S = 2.0
LOOK_S = 0.2
"""Seconds between two looks at the journal at least, however many visits end or peers call."""

VISITORS = 200
STOP_S = 12.0

_log = logging.getLogger(__name__)


class Clock:
    """Looks every few seconds which peers are due and sends a visitor to each; `start` and `stop` it once."""

    def __init__(
        self,
        journal: Journal,
        harvester: Harvester,
        tick: float = TICK_S,
        visitors: int = VISITORS,
        afterwards: Callable[[str], None] | None = None,
    ) -> None:
        """`visitors` are under way at once at most; `afterwards` is called with a peer's name after each visit to it, in the visitor's thread."""
        self._journal = journal
        self._harvester = harvester
        self._tick = tick
        self._visitors = visitors
        self._afterwards = afterwards
        self._stop = Event()
        self._look = Event()
        self._busy: dict[str, Thread] = {}
        self._doubtful: set[str] = set()
        self._lock = Lock()
        self._waking = Waking()
        self._watcher = Thread(target=self._watch, name="clock", daemon=True)

    def start(self) -> None:
        """Begin; visits run in the background."""
        self._watcher.start()

    def stop(self) -> None:
        """End the visits under way, which leave everything as it was, and wait for them for some seconds."""
        self._stop.set()
        self._look.set()
        self._harvester.stopping.set()
        until = time.monotonic() + STOP_S
        if self._watcher.ident is not None:
            self._watcher.join(STOP_S)
        for thread in list(self._busy.values()):
            thread.join(max(until - time.monotonic(), 0))

    def wake(self, name: str, read_to: int | None = None) -> None:
        """Visit a peer soon, because it is said to have something new; `read_to` is how far it was read until now.

        Who calls without reason is listened to less and less often (see `Waking`).
        """
        self._waking.ask(name, read_to, time.monotonic())
        self._look.set()

    def _watch(self) -> None:
        """Send a visitor to each peer that is due or was woken."""
        while not self._stop.is_set():
            self._look.clear()
            self._send_out()
            self._look.wait(min(self._tick, self._waking.pause(time.monotonic())))
            self._stop.wait(LOOK_S)

    def _send_out(self) -> None:
        """Look once. A peer whose visit ends after the look began is not sent for again: it was due before that visit."""
        with self._lock:
            seen_to = set(self._busy)
        try:
            with self._journal.read() as c:
                due = [(source.name, source.failures > 0) for source in sources.due(c, now())]
        except MaillageError as error:
            _log.warning("clock: %s", error)
            return
        woken = self._waking.due(time.monotonic())
        seen_to.update(woken)
        waiting = sorted((peer for peer in due if peer[0] not in seen_to), key=lambda peer: peer[1])
        for name, doubtful in [*((name, False) for name in woken), *waiting]:
            if self._stop.is_set() or len(self._busy) >= self._visitors:
                return
            if not doubtful or len(self._doubtful) < max(self._visitors // 2, 1):
                self._send(name, doubtful)

    def _send(self, name: str, doubtful: bool) -> None:
        """Send a visitor to a peer unless one is there already."""
        thread = Thread(target=self._work, args=(name, self._waking.waits(name)), name=f"visit {name}", daemon=True)
        with self._lock:
            if name in self._busy:
                return
            self._busy[name] = thread
            if doubtful:
                self._doubtful.add(name)
        self._waking.heard(name, time.monotonic())
        thread.start()

    def _work(self, name: str, woken: bool) -> None:
        """Visit one peer, and see to what follows from it."""
        try:
            self._visit(name, woken)
            if self._afterwards and not self._stop.is_set():
                self._afterwards(name)
        except Exception:  # noqa: BLE001 - the clock outlives whatever one visit runs into
            _log.exception("visit to %s", name)
            self._stop.wait(self._tick)
        finally:
            with self._lock:
                self._busy.pop(name, None)
                self._doubtful.discard(name)
            self._look.set()

    def _visit(self, name: str, woken: bool) -> None:
        """Visit one peer, unless somebody else is doing so."""
        try:
            self._harvester.visit(name)
        except NotFound:  # removed meanwhile
            self._stop.wait(self._tick)
        except Conflict:  # another process visits it now, and may have begun before what it was woken for
            if woken:
                self._waking.ask(name, None, time.monotonic())
            self._stop.wait(self._tick)
