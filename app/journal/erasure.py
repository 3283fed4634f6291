"""Erasure: a record of which not one byte may stay, in no table, no index, no file of the journal.

Within the transaction `erase` empties every table; once it is committed and the group was rebuilt, `scrub` rewrites what SQLite
itself still holds: the terms of the text index and the pages of the write-ahead log. Marks in the journal say that this,
and a new graph store, are still to be done, so that a crash in between forgets nothing.
"""

import logging
import time
from threading import Event

from sqlalchemy import Connection, delete, func, literal, or_, select, text, update

from app.errors import JournalUnavailable
from app.journal import Journal, changes, meta, pending, records
from app.journal.moments import now
from app.journal.tables import edge, feature, match_key, statistic, version, visit, visit_item
from app.journal.tables import pending as pending_table
from app.journal.tables import record as table
from app.journal.writing import add_delete_version

DUE = "scrub"
GRAPH_DUE = "graph_scrub"
"""When something was erased that the graph store's files still hold; empty once they were made anew."""

PAUSE_S = 5.0
"""How long a serving node waits before it tries again what a reader put off."""

_log = logging.getLogger(__name__)


def erase(c: Connection, record_id: int, author: str) -> bool:
    """Erase a record: its row stays as a tombstone (key, IRI, last origin), so that no late copy brings it back.

    Return False when there is no such record. Its group waits in `pending`; settle it, then call `scrub`.
    """
    held = records.by_id(c, record_id)
    if held is None:
        return False
    _forget_words(c, record_id)
    c.execute(delete(version).where(version.c.record_id == record_id))
    c.execute(delete(feature).where(feature.c.record_id == record_id))
    c.execute(delete(match_key).where(match_key.c.record_id == record_id))
    c.execute(delete(edge).where(or_(edge.c.left_id == record_id, edge.c.right_id == record_id)))
    visits = select(visit.c.id).where(visit.c.source_id == held.source_id)
    c.execute(delete(visit_item).where(visit_item.c.key == held.key, visit_item.c.visit_id.in_(visits)))
    emptied = {"document": "{}", "content_hash": "", "raw_digest": None, "state": records.GONE, "version": held.version + 1, "modified_at": now()}
    c.execute(update(table).where(table.c.id == record_id).values(emptied))
    add_delete_version(c, record_id, held.version + 1, author)
    changes.note(c, "record", [held.reference])
    pending.add(c, [record_id])
    meta.put(c, DUE, now())
    meta.put(c, GRAPH_DUE, now())
    return True


def scrub(journal: Journal) -> bool:
    """Rewrite what still holds erased bytes; return whether it is done (a reader in mid-snapshot puts it off).

    To be called outside any transaction, after the groups were settled, and again at start; it costs nothing when nothing is due.
    """
    with journal.read() as c:
        due = meta.get(c, DUE)
    if not due:
        return True
    with journal.write() as c:
        c.execute(text("INSERT INTO search_text(search_text) VALUES ('optimize')"))
    if not journal.vacuum():
        return False
    with journal.write() as c:
        if meta.get(c, DUE) == due:
            meta.put(c, DUE, "")
    return True


def keep_scrubbed(journal: Journal, stop: Event) -> None:
    """Do what was put off, until `stop` is set: for a thread of the serving node."""
    pause = PAUSE_S
    while not stop.wait(pause):
        began = time.monotonic()
        try:
            scrub(journal)
        except JournalUnavailable as error:
            _log.warning("erasing waits: %s", error)
        pause = PAUSE_S + 5 * (time.monotonic() - began)


def graph_due(c: Connection) -> str:
    """Return the mark under which the graph store is to be made anew; empty when it need not be, or a group of what was erased still waits."""
    mark = meta.get(c, GRAPH_DUE) or ""
    waiting = select(pending_table.c.record_id).join(table, table.c.id == pending_table.c.record_id).where(table.c.state == records.GONE)
    return "" if mark and c.execute(waiting.limit(1)).first() is not None else mark


def graph_done(journal: Journal, mark: str) -> None:
    """Note that the graph store was made anew since `mark`; what was erased later is still to be done."""
    with journal.write() as c:
        if meta.get(c, GRAPH_DUE) == mark:
            meta.put(c, GRAPH_DUE, "")


def _forget_words(c: Connection, record_id: int) -> None:
    """Count the record's words out of the statistics, which keep those that two records use or more."""
    said = select(feature.c.document).where(feature.c.record_id == record_id).scalar_subquery()
    within = func.instr(func.coalesce(said, literal("")), literal('"') + statistic.c.value + literal('"')) > 0
    c.execute(delete(statistic).where(within, statistic.c.count <= 2))
    c.execute(update(statistic).where(within).values(count=statistic.c.count - 1))
