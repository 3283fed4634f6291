"""Who is told that our feed moved: WebSub subscribers, who come and go by themselves, and webhooks, which the operator names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, case, delete, func, insert, or_, select, update

from app.errors import NotFound, Text
from app.journal.moments import now
from app.journal.tables import subscriber as table
from app.journal.text import sentence_from, sentence_text


class Kind(StrEnum):
    """How a subscriber came to be, and so what it is sent."""

    WEBSUB = "websub"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscriber; `sequence` is the last event of ours that it was told of, `next_at` the moment before which it is left alone."""

    id: int
    kind: Kind
    callback: str
    topic: str
    secret: str | None
    lease_until: str | None
    state: str
    message: Text | None
    failures: int
    sequence: int
    next_at: str | None
    created_at: str
    last_ping_at: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """How telling a subscriber went: up to which event, or why not; `drop` when it does not want to be told any more."""

    id: int
    sequence: int | None
    next_at: str
    message: Text | None = None
    drop: bool = False


def keep(c: Connection, kind: Kind, callback: str, topic: str, secret: str | None, lease_until: str | None, sequence: int) -> Subscriber:
    """Add a subscriber, or renew the one of the same callback and topic; it is told of what comes after `sequence`."""
    same = (table.c.callback == callback, table.c.topic == topic)
    fresh = {"secret": secret, "lease_until": lease_until, "state": "active", "message": None, "failures": 0, "next_at": None}
    if c.execute(update(table).where(*same).values(fresh)).rowcount == 0:
        first = {"kind": kind.value, "callback": callback, "topic": topic, "sequence": sequence, "created_at": now()}
        c.execute(insert(table).values(fresh | first))
    return _read(c.execute(select(table).where(*same)).mappings().one())


def get(c: Connection, number: int) -> Subscriber:
    """Return a subscriber. Raises NotFound."""
    row = c.execute(select(table).where(table.c.id == number)).mappings().first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas d'abonné numéro {number}.", f"There is no subscriber number {number}."))
    return _read(row)


def list_(c: Connection) -> list[Subscriber]:
    """Return every subscriber, the oldest first."""
    return [_read(row) for row in c.execute(select(table).order_by(table.c.id)).mappings()]


def count(c: Connection) -> int:
    """Return how many there are."""
    return c.execute(select(func.count()).select_from(table)).scalar_one()


def remove(c: Connection, number: int) -> None:
    """Remove a subscriber. Raises NotFound."""
    get(c, number)
    c.execute(delete(table).where(table.c.id == number))


def forget(c: Connection, callback: str, topic: str) -> None:
    """Remove the subscriber of this callback and topic, if there is one."""
    c.execute(delete(table).where(table.c.callback == callback, table.c.topic == topic))


def due(c: Connection, reached: Mapping[str, int], sequence: int, at: str, limit: int) -> list[Subscriber]:
    """Return those who have not been told how far their topic has got, those who answered the last time first.

    `reached` says that by topic, `sequence` for any other.
    """
    ready = or_(table.c.next_at.is_(None), table.c.next_at <= at)
    lasting = or_(table.c.lease_until.is_(None), table.c.lease_until > at)
    question = (
        select(table)
        .where(table.c.sequence != case(dict(reached), value=table.c.topic, else_=sequence), ready, lasting)
        .order_by(table.c.failures, table.c.id)
        .limit(limit)
    )
    return [_read(row) for row in c.execute(question).mappings()]


def note(c: Connection, told: Collection[Told], failures_to_drop: int) -> None:
    """Keep how telling went. A WebSub subscriber that failed too often is dropped; a webhook is the operator's to remove."""
    for one in told:
        here = table.c.id == one.id
        if one.sequence is not None:
            good = {"sequence": one.sequence, "state": "active", "message": None, "failures": 0, "next_at": one.next_at, "last_ping_at": now()}
            c.execute(update(table).where(here).values(good))
            continue
        bad = {"state": "failing", "message": sentence_text(one.message), "failures": table.c.failures + 1, "next_at": one.next_at}
        c.execute(update(table).where(here).values(bad))
        if one.drop:
            c.execute(delete(table).where(here, table.c.kind == Kind.WEBSUB.value))
    c.execute(delete(table).where(table.c.kind == Kind.WEBSUB.value, table.c.failures >= failures_to_drop))


def expire(c: Connection, at: str) -> int:
    """Remove those whose lease is over; return how many."""
    return c.execute(delete(table).where(table.c.lease_until <= at)).rowcount


def _read(row: RowMapping) -> Subscriber:
    """Read one row."""
    return Subscriber(**dict(row) | {"kind": Kind(row["kind"]), "message": sentence_from(row["message"])})
