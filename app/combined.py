"""The combined directory: once records changed, their real groups are rebuilt and every question's side table follows.

What a change leaves to do is kept in the journal (`pending`), written with the record itself, so that nothing is
forgotten when the process ends in between.
"""

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import closing

from sqlalchemy import Connection, bindparam, func, select

from app.errors import JournalUnavailable
from app.journal import Journal, pending
from app.journal.tables import record
from app.matching.combine import Matcher
from app.search import index

BATCH = 500
"""Records settled in one transaction, with those of their groups: other writers get their turn between two."""

BATCH_CHARACTERS = 4_000_000
"""What these records say in all, unless one alone says more: in memory it takes ten times as much."""

LOOK_S = 60.0
"""How often a serving node looks whether its growth calls for matching everything anew."""

_log = logging.getLogger(__name__)


class Combined:
    """Rebuilds what changed records touch: identities and fused groups, then facets, texts and places."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._renewing = threading.Lock()

    def settle(self, connection: Connection, record_ids: Collection[int]) -> int:
        """Settle these records inside the caller's transaction: whoever reads next sees the result; return how many groups changed."""
        touched = self._matcher.combine(connection, record_ids)
        index.refresh(connection, touched)
        pending.remove(connection, record_ids)
        return len(touched)

    def settle_pending(self, journal: Journal, progress: Callable[[int], None] | None = None) -> int:
        """Settle all that is pending, a bounded transaction at a time; return how many records there were."""
        self._keep_to_the_rules(journal)
        with journal.read() as connection:
            waiting = pending.count(connection)
        if waiting:
            self._keep_up(journal)
        self._drain(journal)
        if progress:
            progress(waiting)
        return waiting

    def rebuild(self, journal: Journal, progress: Callable[[int], None] | None = None) -> int:
        """Match everything anew, with new statistics; return how many groups were written or removed.

        Others go on writing meanwhile; `progress` is told how many more records were compared.
        """
        with self._renewing:
            self._renew(journal, progress)
        return self._drain(journal)

    def _keep_up(self, journal: Journal) -> bool:
        """Match everything anew if the directory has grown enough; of many visits that end at once the first does it, the others wait for it."""
        with self._renewing:
            with journal.read() as connection:
                due = self._matcher.due(connection)
            if due:
                self._renew(journal, None)
            return due

    def run(self, journal: Journal, stop: threading.Event) -> None:
        """Match everything anew whenever the directory has grown enough, until `stop` is set."""
        while not stop.wait(LOOK_S):
            try:
                if self._keep_up(journal):
                    self._drain(journal)
            except JournalUnavailable as error:
                _log.warning("matching waits: %s", error)

    def _keep_to_the_rules(self, journal: Journal) -> None:
        """Have everything fused anew when the operator chose other rules."""
        with journal.read() as connection:
            ruled = self._matcher.is_ruled(connection)
        if not ruled:
            with journal.write() as connection:
                self._matcher.rule(connection)

    def _renew(self, journal: Journal, progress: Callable[[int], None] | None) -> None:
        """Think while others write, then write what was found."""
        with journal.read() as connection:
            thought = self._matcher.think(connection, progress)
        with closing(thought) as found, journal.write() as connection:
            self._matcher.install(connection, found)

    def _drain(self, journal: Journal) -> int:
        """Settle what is pending, batch by batch; return how many groups changed."""
        touched = 0
        while True:
            with journal.write() as connection:
                ids = self._matcher.together(connection, _first(connection))
                if not ids:
                    return touched
                touched += self.settle(connection, ids)


_LENGTHS = select(record.c.id, func.length(record.c.document)).where(record.c.id.in_(bindparam("ids", expanding=True)))


def _first(connection: Connection) -> list[int]:
    """Return the pending records to be settled next."""
    waiting = pending.first(connection, BATCH)
    lengths = {row[0]: row[1] for row in connection.execute(_LENGTHS, {"ids": waiting})}
    characters = 0
    for count, record_id in enumerate(waiting):
        characters += lengths.get(record_id, 0)
        if count and characters > BATCH_CHARACTERS:
            return waiting[:count]
    return waiting
