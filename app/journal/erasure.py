"""Erasure: a record of which not one byte may stay, in no table, no index, no file of the journal.

Within the transaction `erase` empties every table; once it is committed and the group was rebuilt, `scrub` rewrites what SQLite
itself still holds: the terms of the text index and the pages of the write-ahead log. Marks in the journal say that this,
and a new graph store, are still to be done, so that a crash in between forgets nothing.
"""

import logging
import time
from collections.abc import Callable
from threading import Event

from sqlalchemy import Connection, delete, func, literal, or_, select, text, update

from app.errors import JournalUnavailable
from app.journal import Journal, changes, copies, evidence, meta, pending, records, suppression, visits
from app.journal.moments import now
from app.journal.suppression import Trace
from app.journal.tables import edge, feature, identity, judgement, match_key, member, relay_event, source, statistic, version, visit, visit_item
from app.journal.tables import pending as pending_table
from app.journal.tables import record as table
from app.journal.text import from_text
from app.journal.unnaming import unname
from app.journal.writing import add_delete_version
from app.names import OWN, place_of

DUE = "scrub"
GRAPH_DUE = "graph_scrub"
"""When something was erased that the graph store's files still hold; empty once they were made anew."""

PAUSE_S = 5.0
"""How long a serving node waits before it tries again what a reader put off."""

LOOK_S = 3600.0
"""How often it looks for what visits that broke off left too long ago."""

_ERASED = (
    select(table.c.id).join(source, source.c.id == table.c.source_id).where(table.c.state == "gone", table.c.document == "{}", source.c.name != OWN)
)
_GONE = select(identity.c.id).where(identity.c.state == "gone")
_PART = delete(member).where(member.c.record_id.in_(_ERASED), member.c.identity_id.in_(_GONE))
"""A peer's erased record that is published again is another group, under a name of its own; ours keep the slug that was chosen for them."""

_log = logging.getLogger(__name__)


def erase(c: Connection, record_id: int, author: str) -> bool:
    """Erase a record: its row stays as a tombstone (key, IRI, last origin), so that no late copy brings it back.

    Return False when there is no such record. Its group waits in `pending`; settle it, then call `scrub`.
    """
    held = records.by_id(c, record_id)
    if held is None:
        return False
    _forget_words(c, record_id)
    said = c.execute(select(version.c.document).where(version.c.record_id == record_id, version.c.document.is_not(None))).scalars()
    unname(c, record_id, [held.document, *map(from_text, said)], author)
    suppression.note(c, [suppression.digest(meta.secret(c), suppression.PAST, place_of(held.iri))], author)
    c.execute(delete(version).where(version.c.record_id == record_id))
    c.execute(delete(feature).where(feature.c.record_id == record_id))
    c.execute(delete(match_key).where(match_key.c.record_id == record_id))
    c.execute(delete(edge).where(or_(edge.c.left_id == record_id, edge.c.right_id == record_id)))
    forget_reports(c, held.source_id, held.key)
    named = or_(judgement.c.left == held.reference, judgement.c.right == held.reference)
    c.execute(update(judgement).where(named).values(reason=None))
    evidence.erase(c, held.iri)
    emptied = {"document": "{}", "content_hash": "", "raw_digest": None, "state": records.GONE, "version": held.version + 1}
    emptied |= {"modified_at": held.modified_at if held.state == records.GONE else now()}  # withdrawn before, it was not lost now
    c.execute(update(table).where(table.c.id == record_id).values(emptied))
    add_delete_version(c, record_id, held.version + 1, author)
    changes.note(c, "record", [held.reference])
    pending.add(c, [record_id])
    meta.put(c, DUE, now())
    meta.put(c, GRAPH_DUE, now())
    meta.put(c, copies.ERASED, now())
    return True


def erase_on_request(c: Connection, record_id: int, author: str) -> bool:
    """Erase a peer's record as this node's own decision: no visit takes it again, under whichever name or address it comes. See `erase`."""
    held = records.by_id(c, record_id)
    if held is None:
        return False
    url = c.execute(select(source.c.url).where(source.c.id == held.source_id)).scalar()
    said = c.execute(select(version.c.document).where(version.c.record_id == record_id, version.c.document.is_not(None))).scalars()
    traces = [Trace(held.source, url, held.key, held.iri, document) for document in (held.document, *map(from_text, said))]
    secret = meta.secret(c)
    suppression.note(c, [mark for trace in traces for mark in trace.marks(secret)], author)
    suppression.drop_again(c, held.iri)
    c.execute(delete(relay_event).where(relay_event.c.object == held.iri))
    records.withdraw(c, record_id, author)
    return erase(c, record_id, author)


def forget_reports(c: Connection, source_id: int, key: str) -> None:
    """Drop what the visits to a source reported, or staged, of one record; and the samples of fields from the visits that met it."""
    mine = select(visit.c.id).where(visit.c.source_id == source_id)
    met = list(c.execute(select(visit_item.c.visit_id).where(visit_item.c.key == key, visit_item.c.visit_id.in_(mine))).scalars())
    if met:
        c.execute(delete(visit_item).where(visit_item.c.visit_id.in_(met), visit_item.c.key.in_((key, "*"))))
        meta.put(c, DUE, now())


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
        c.execute(_PART)
    if not journal.vacuum():
        return False
    with journal.write() as c:
        if meta.get(c, DUE) == due:
            meta.put(c, DUE, "")
    for path in copies.older(journal):
        _log.warning("%s still holds what was erased; it is removed when it is %d days old, or sooner by you.", path, copies.DAYS)
    return True


def keep_scrubbed(journal: Journal, stop: Event, forget: Callable[[], None] = lambda: None) -> None:
    """Do what was put off, until `stop` is set: for a thread of the serving node. After each erasure it is told to `forget` what it has in memory."""
    pause, known, looked = PAUSE_S, None, -LOOK_S
    while not stop.wait(pause):
        began = time.monotonic()
        try:
            with journal.read() as c:
                erased = meta.get(c, copies.ERASED)
            if erased != known:
                forget()
                known = erased
            scrub(journal)
            copies.expire(journal)
            if began - looked > LOOK_S:
                visits.expire_places(journal)
                looked = began
        except (JournalUnavailable, OSError) as error:
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
