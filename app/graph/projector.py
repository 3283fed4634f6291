"""The projector: the one writer of the graph. It follows the journal's changes, a bounded batch in one store transaction,
and notes in that same transaction how far it got; so it may be killed anywhere, and loses and repeats nothing that shows.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import DataDirectoryBusy, JournalUnavailable, NodeError, StoreUnavailable
from app.graph import Store, implied
from app.graph.implied import Progress
from app.journal import Journal, changes, erasure, meta
from app.names import Names

BATCH = 200
"""Changes in one store transaction: Oxigraph's transactions grow slower than their size."""

POLL_S = 0.1
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""How long to wait after each failure in a row."""

SUSPECT_AFTER = 3
"""Failures in a row after which the whole store is read, to see whether it is damaged."""

REST = 5
"""How many times as long as it took the making of a clean store is not done again: many erasures in a row are one."""

FAR_BEHIND = 5_000
"""Changes behind which a rebuild, which loads in bulk, may be quicker than following."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the journal and the store are."""

    position: int
    last: int
    epochs_agree: bool
    far: int
    unclean: bool

    @property
    def strange(self) -> bool:
        """The store is not of this journal, or it is empty while the journal is not."""
        return self.position > self.last or (self.last > 0 and (self.position == 0 or not self.epochs_agree))

    @property
    def far_behind(self) -> bool:
        """Much is to be done, compared with all that was done so far."""
        return self.last - self.position > max(self.far, self.position // 2)


class Projector:
    """Follows `journal` into `store`; its steps never overlap, whoever asks for them. `far_behind` is a number of changes.

    A store that `keeps_files` forgets nothing by itself: what was erased stays in them until it is made anew, and `cleaned` is called then.
    The files of a server are its operator's: there `cleaned` is called as soon as nothing shows what was erased, and following is
    never slower than filling it again.
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        names: Names,
        far_behind: int = FAR_BEHIND,
        cleaned: Callable[[], None] = lambda: None,
        *,
        keeps_files: bool = True,
    ) -> None:
        self._journal = journal
        self._store = store
        self._names = names
        self._far_behind = far_behind
        self._cleaned = cleaned
        self._keeps_files = keeps_files
        self._rests_until = 0.0
        self._turn = threading.RLock()

    def step(self, limit: int = BATCH) -> int:
        """Project the next changes and return how many there were; 0 when the graph holds all that the journal implies.

        Rebuilds instead when the store is not of this journal, so far behind that it is quicker, or holds what was erased.
        Raises StoreUnavailable or JournalUnavailable; the graph then stays as it was.
        """
        with self._turn:
            standing = self._standing()
            unclean = standing.unclean and self._keeps_files and time.monotonic() >= self._rests_until
            if standing.strange or (standing.far_behind and self._keeps_files) or unclean:
                self.rebuild()
                return standing.last
            done = self._follow(standing.position, limit)
            if not done and standing.unclean and not self._keeps_files:
                self._note_clean()
            return done

    def _note_clean(self) -> None:
        """Note that a server shows nothing of what was erased."""
        with self._journal.read() as c:
            erased = erasure.graph_due(c)
        self._cleaned()
        erasure.graph_done(self._journal, erased)

    def _follow(self, position: int, limit: int) -> int:
        """Project the changes after `position`."""
        with self._journal.read() as c:
            noted = changes.after(c, position, limit)
            if not noted:
                return 0
            found, epoch = implied.changes(c, self._names, noted), meta.epoch(c)
        self._store.apply(found, noted[-1].sequence, epoch)
        return len(noted)

    def _standing(self) -> _Standing:
        """Compare the store with the journal."""
        position, epoch = self._store.position(), self._store.epoch()
        with self._journal.read() as c:
            return _Standing(position, changes.last(c), epoch == meta.epoch(c), self._far_behind, bool(erasure.graph_due(c)))

    def catch_up(self) -> None:
        """Project until the graph holds all that the journal implies. Raises StoreUnavailable or JournalUnavailable."""
        while self.step():
            pass

    def rebuild(self, progress: Progress | None = None) -> None:
        """Make the graph anew from one snapshot of the journal and put it in the place of the old one, which serves until then."""
        with self._turn:
            began = time.monotonic()
            with self._journal.read() as c:
                last, epoch, erased = changes.last(c), meta.epoch(c), erasure.graph_due(c)
                self._store.load(implied.quads(c, self._names, progress), last, epoch)
            if erased and self._keeps_files:
                self._cleaned()
                erasure.graph_done(self._journal, erased)
                self._rests_until = time.monotonic() + REST * (time.monotonic() - began)
        _log.info("The graph was rebuilt up to change %d.", last)

    def run(self, stop: threading.Event) -> None:
        """Follow the journal until `stop` is set; wait out a full disk or a busy journal, and rebuild a damaged store."""
        self._mend()
        failures = 0
        while not stop.is_set():
            try:
                done = self.step()
                failures = 0
                if not done:
                    stop.wait(POLL_S)
            except Exception as error:  # noqa: BLE001 - whatever one change runs into, the graph must not stop following for ever
                _log.warning("The graph waits: %s", error, exc_info=not isinstance(error, NodeError))
                stop.wait(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                self._reopen()
                if failures == SUSPECT_AFTER:
                    self._mend()

    def _reopen(self) -> None:
        """Open the store anew: it refuses every write after a full disk, also once there is room again."""
        try:
            self._store.reopen()
        except (StoreUnavailable, JournalUnavailable, DataDirectoryBusy) as error:
            _log.warning("The graph still waits: %s", error)

    def _mend(self) -> None:
        """Rebuild the store when it cannot be read whole."""
        try:
            if not self._store.verify():
                self.rebuild()
        except (StoreUnavailable, JournalUnavailable, DataDirectoryBusy) as error:
            _log.warning("The graph waits: %s", error)
