"""Counts who reads our feed and dumps, in memory, and writes it down now and then: reading stays as cheap as it is.

Only programs that name an address of their own in their User-Agent, ``Maillage/0.1.0 (+https://a.example)``, are noted: those are nodes and
harvesters, which want to be known. Network addresses are never looked at.
"""

import logging
import re
from dataclasses import replace
from threading import Event, Lock

from app.errors import MaillageError
from app.journal import Journal, readers
from app.journal.moments import now
from app.journal.readers import Reader

FLUSH_S = 30.0
MOST = 1000
"""Readers that are kept in memory between two writes; others are not counted then."""

LONGEST = 200

_NAMED = re.compile(r"[\x20-\x7e]*\(\+?(https?://[^\s()<>\"@]{1,180})\)[\x20-\x7e]*\Z")
_log = logging.getLogger(__name__)


class Readership:
    """What was read since the last write."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[str, Reader] = {}
        self._lock = Lock()

    def note(self, agent: str | None, sequence: int | None = None) -> None:
        """Count one request of `agent`, which now holds our log up to `sequence`, if that is known."""
        named = _NAMED.match(agent) if agent and len(agent) <= LONGEST else None
        if named is None:
            return
        key, at = str(agent), now()
        with self._lock:
            if (held := self._seen.get(key)) is not None:
                furthest = held.sequence if sequence is None else sequence
                self._seen[key] = replace(held, last_at=at, requests=held.requests + 1, sequence=furthest)
            elif len(self._seen) < MOST:
                self._seen[key] = Reader(key, named[1], at, at, 1, sequence)

    def flush(self) -> None:
        """Write down what was counted; when the journal cannot be written it is lost."""
        with self._lock:
            seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            with self._journal.write() as c:
                readers.note(c, seen)
        except MaillageError as error:
            _log.warning("readers: %s", error)

    def run(self, stop: Event) -> None:
        """Write every half minute, and once more when `stop` is set."""
        while not stop.wait(FLUSH_S):
            self.flush()
        self.flush()
