"""The combined directory: once records changed, their real groups are rebuilt and every question's side table follows.

What a change leaves to do is kept in the journal (`pending`), written with the record itself, so that nothing is
forgotten when the process ends in between.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, select

from app.journal import Journal
from app.journal.tables import pending
from app.matching.combine import Matcher
from app.search import index

BATCH = 500
"""Records settled in one transaction: other writers get their turn between two."""


class Combined:
    """Rebuilds what changed records touch: identities and fused groups, then facets, texts and places."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def settle(self, connection: Connection, record_ids: Sequence[int]) -> None:
        """Settle these records inside the caller's transaction: whoever reads next sees the result."""
        index.refresh(connection, self._matcher.combine(connection, record_ids))
        connection.execute(delete(pending).where(pending.c.record_id.in_(record_ids)))

    def settle_pending(self, journal: Journal, progress: Callable[[int], None] | None = None) -> int:
        """Settle all that is pending, a bounded transaction at a time; return how many records there were."""
        total = 0
        while True:
            with journal.write() as connection:
                ids = list(connection.scalars(select(pending.c.record_id).order_by(pending.c.record_id).limit(BATCH)))
                if not ids:
                    return total
                self.settle(connection, ids)
            total += len(ids)
            if progress:
                progress(len(ids))

    def rebuild(self, journal: Journal, progress: Callable[[int], None] | None = None) -> int:
        """Match everything anew in one transaction, with new statistics; return how many groups were written or removed."""
        with journal.write() as connection:
            touched = self._matcher.combine_all(connection, progress)
            index.refresh(connection, touched)
            connection.execute(delete(pending))
        return len(touched)
