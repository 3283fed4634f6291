"""What our peers' origins said, passed on without the records, for those whom a hub saves from visiting a thousand nodes.

The table holds the newest event of each record; one that is renewed gets a new number, so the list is a log that compacts itself.
Nothing in it is to be believed: it says which event to read, at its origin.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, func, insert, select, update

from app.feed.log import CHUNK, Kind
from app.journal import meta, now
from app.journal.tables import relay_event
from app.names import Names

HOPS = 4
"""How many nodes may pass an event on, this one included."""

PAGE = 250
MOST = 1000
"""Events listed at once: unless asked otherwise, and at most."""

AN_EPOCH = 10**7
"""More numbers than are given between two backups."""

ON = "relay"
"""Under this the journal says whether this node passes on what others say: commands beside the node must know too."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of another node; `via` are the nodes that passed it on so far, the nearest last."""

    kind: Kind
    object: str
    base: str
    epoch: int
    sequence: int
    via: Sequence[str] = ()

    def columns(self, at: str) -> dict[str, Any]:
        """Return the row."""
        origin = Names(self.base)
        said = {"object": self.object, "kind": self.kind.value, "origin": origin.node, "event": origin.event(self.epoch, self.sequence)}
        return said | {"origin_epoch": self.epoch, "origin_sequence": self.sequence, "via": json.dumps(list(self.via)), "published": at}


def is_on(c: Connection) -> bool:
    """Tell whether this node passes on what others say."""
    return meta.get(c, ON) == "on"


def switch(c: Connection, *, on: bool) -> bool:
    """Note whether it does from now on, and return whether that is a change; switched off, it forgets all that it listed."""
    if is_on(c) == on:
        return False
    meta.put(c, ON, "on" if on else "off")
    c.execute(delete(relay_event))
    return True


def last(c: Connection) -> int:
    """Return the greatest number that is listed; 0 when nothing is."""
    return c.execute(select(func.max(relay_event.c.sequence))).scalar() or 0


def renumber(c: Connection, epoch: int) -> None:
    """Give new numbers to all that is listed, in its order, for a node restored from a backup: it forgot which numbers it gave since."""
    c.execute(update(relay_event).values(sequence=epoch * AN_EPOCH + relay_event.c.sequence % AN_EPOCH))
    reached = last(c) or epoch * AN_EPOCH
    c.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (relay_event.name,))
    c.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (relay_event.name, reached))


def note(c: Connection, notices: Iterable[Notice]) -> None:
    """List events that are newer than those listed, each under a new number; a withdrawal only of a record that is listed."""
    waiting: dict[str, Notice] = {}
    for notice in notices:
        if len(notice.via) < HOPS:
            waiting[notice.object] = notice
        if len(waiting) >= CHUNK:
            _list(c, waiting)
            waiting = {}
    if waiting:
        _list(c, waiting)


def _list(c: Connection, notices: dict[str, Notice]) -> None:
    """List a few events, each about another record."""
    columns = select(relay_event.c.object, relay_event.c.kind, relay_event.c.origin_epoch, relay_event.c.origin_sequence)
    listed = {row["object"]: row for row in c.execute(columns.where(relay_event.c.object.in_(notices))).mappings()}
    news = [notice for notice in notices.values() if _is_news(notice, listed.get(notice.object))]
    c.execute(delete(relay_event).where(relay_event.c.object.in_([notice.object for notice in news])))
    at = now()
    if news:
        c.execute(insert(relay_event), [notice.columns(at) for notice in news])


def _is_news(notice: Notice, listed: RowMapping | None) -> bool:
    """Tell whether an event says more than what is listed of its record."""
    if listed is None:
        return notice.kind is not Kind.DELETE
    return (notice.epoch, notice.sequence) > (listed["origin_epoch"], listed["origin_sequence"])


def forget(c: Connection, objects: Iterable[str]) -> None:
    """List nothing any more of these records."""
    chosen = list(objects)
    for at in range(0, len(chosen), CHUNK):
        c.execute(delete(relay_event).where(relay_event.c.object.in_(chosen[at : at + CHUNK])))


def forget_origin(c: Connection, base: str) -> None:
    """List nothing any more of what a node said itself to this one."""
    c.execute(delete(relay_event).where(relay_event.c.origin == Names(base).node, relay_event.c.via == "[]"))


def forget_relay(c: Connection, base: str) -> None:
    """List nothing any more of what came through another relay."""
    c.execute(delete(relay_event).where(relay_event.c.via.endswith(f"{json.dumps(Names(base).node)}]", autoescape=True)))


def page(c: Connection, names: Names, after: int = 0, limit: int = PAGE) -> dict[str, Any]:
    """Return the events listed after a number, at most `limit` of them, and where the next are."""
    question = select(relay_event).where(relay_event.c.sequence > after).order_by(relay_event.c.sequence)
    rows = c.execute(question.limit(limit + 1)).all()
    document = {
        "id": _address(names, after, limit),
        "type": "OrderedCollectionPage",
        "partOf": names.relay,
        "node": names.node,
        "orderedItems": [_item(names, row) for row in rows[:limit]],
    }
    return document | ({"next": _address(names, rows[limit - 1].sequence, limit)} if len(rows) > limit else {})


def _address(names: Names, after: int, limit: int) -> str:
    """Return where the events after a number are listed."""
    return names.relay if (after, limit) == (0, PAGE) else f"{names.relay}?after={after}&limit={limit}"


def _item(names: Names, row: Row[Any]) -> dict[str, Any]:
    """Return one event as it is listed: this node is the last that passed it on."""
    return {
        "id": row.event,
        "type": row.kind,
        "object": row.object,
        "origin": row.origin,
        "epoch": row.origin_epoch,
        "sequence": row.origin_sequence,
        "published": row.published,
        "relaySequence": row.sequence,
        "via": [*json.loads(row.via), names.node],
    }
