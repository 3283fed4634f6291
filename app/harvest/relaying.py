"""What a visit taught this node, listed for those who read its relay, in the transaction that applies the visit."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, RowMapping, select

from app.feed import relay
from app.feed.log import Kind
from app.feed.relay import Notice
from app.harvest import lines
from app.harvest.authority import base_of
from app.journal import Journal, sources
from app.journal.records import LIVE
from app.journal.sources import Source
from app.journal.tables import record, visit_item
from app.journal.text import maybe_from

NATIVE = "maillage"
RELAY = "relay"

Passed = Mapping[str, Sequence[str]]
"""Through which nodes a record came, the nearest last, by its IRI."""


def prepare(journal: Journal, *, on: bool) -> None:
    """Follow the setting: a node that begins to relay lists what it holds from its peers, one that ends forgets its list."""
    with journal.read() as c:
        if relay.is_on(c) == on:
            return
    with journal.write() as c:
        if relay.switch(c, on=on) and on:
            for source in sources.list_(c):
                relay.note(c, _held(c, source))


def note(c: Connection, visit_id: int, source: Source, passed: Passed) -> None:
    """List what a visit changes here, before it takes anything away; of what came through a relay only that of which it is known how."""
    if source.format in {NATIVE, RELAY} and relay.is_on(c):
        relay.note(c, _met(c, visit_id, source, passed))
        relay.note(c, _withdrawn(c, visit_id, source, passed))
        relay.forget(c, _absent(c, visit_id))


def forget(c: Connection, source: Source) -> None:
    """List nothing any more of what a source said, which is removed or not trusted any more."""
    if source.format == NATIVE:
        relay.forget_origin(c, _base(source))
    elif source.format == RELAY:
        relay.forget_relay(c, _base(source))


def _base(source: Source) -> str:
    """Return the base of the node that a source is."""
    return (source.base or base_of((source.url or "").removesuffix("/relay"))).rstrip("/")


def _held(c: Connection, source: Source) -> Iterator[Notice]:
    """Yield what is held of a native peer; of what came through a relay it is not known any more how it came."""
    if source.format == NATIVE:
        columns = select(record.c.iri, record.c.origin_epoch, record.c.origin_sequence)
        mine = (record.c.source_id == source.id, record.c.state == LIVE, record.c.origin_epoch.is_not(None))
        for row in c.execute(columns.where(*mine).order_by(record.c.origin_epoch, record.c.origin_sequence)):
            yield Notice(Kind.CREATE, row.iri, _base(source), row.origin_epoch, row.origin_sequence)


def _met(c: Connection, visit_id: int, source: Source, passed: Passed) -> Iterator[Notice]:
    """Yield the newest event of each record that the visit met, also where its content was known."""
    columns = select(record.c.iri, record.c.origin_epoch, record.c.origin_sequence, visit_item.c.outcome)
    line = (visit_item.c.visit_id == visit_id, visit_item.c.outcome.in_(("added", "changed", "unchanged")), visit_item.c.key == record.c.key)
    mine = (record.c.source_id == source.id, record.c.state == LIVE, record.c.origin_epoch.is_not(None))
    for row in c.execute(columns.where(*line, *mine).order_by(visit_item.c.id)).mappings():
        yield from _notice(Kind.CREATE if row["outcome"] == "added" else Kind.UPDATE, row, source, passed)


def _withdrawn(c: Connection, visit_id: int, source: Source, passed: Passed) -> Iterator[Notice]:
    """Yield the withdrawals of which the origin told."""
    for row in _gone(c, visit_id):
        if row["origin_epoch"] is not None:
            yield from _notice(Kind.DELETE, row, source, passed)


def _absent(c: Connection, visit_id: int) -> Iterator[str]:
    """Yield the IRIs of the records that are gone without a word: there is no event to pass on, and nothing to read at the origin."""
    return (row["iri"] for row in _gone(c, visit_id) if row["origin_epoch"] is None)


def _gone(c: Connection, visit_id: int) -> Iterator[RowMapping]:
    """Yield the lines of the records that were withdrawn; what is merely missed is not."""
    columns = select(visit_item.c.iri, visit_item.c.document, visit_item.c.origin_epoch, visit_item.c.origin_sequence)
    for row in c.execute(columns.where(visit_item.c.visit_id == visit_id, visit_item.c.outcome == "gone", visit_item.c.iri.is_not(None))).mappings():
        if (maybe_from(row["document"]) or {}).get("act") in {lines.WITHDRAW, lines.PURGE}:
            yield row


def _notice(kind: Kind, row: RowMapping, source: Source, passed: Passed) -> Iterator[Notice]:
    """Yield what is to be listed of one record."""
    if source.format == NATIVE:
        yield Notice(kind, row["iri"], _base(source), row["origin_epoch"], row["origin_sequence"])
    elif row["iri"] in passed:
        here = f"{_base(source)}/node"
        via = [node for node in passed[row["iri"]] if node != here]
        yield Notice(kind, row["iri"], row["iri"].rsplit("/", 2)[0], row["origin_epoch"], row["origin_sequence"], (*via, here))
