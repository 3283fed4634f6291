"""Our own subscriptions at our peers' hubs, and which peers a call may be about."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from app.journal.moments import now
from app.journal.tables import listening as table
from app.journal.tables import source
from app.journal.text import maybe_from


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription; `state` is asked, confirmed or refused, `at` when that was last asked for."""

    source_id: int
    token: str
    hub: str
    topic: str
    secret: str
    state: str
    at: str
    lease_until: str | None

    def lasts(self, until: str) -> bool:
        """Tell whether the hub calls us at least until then."""
        return self.state == "confirmed" and self.lease_until is not None and self.lease_until > until


@dataclass(frozen=True, slots=True)
class Called:
    """A peer that a call is about: its name, and the number of the last event that was read there."""

    name: str
    read_to: int | None


def of(c: Connection, source_id: int) -> Subscription | None:
    """Return the subscription at a peer."""
    row = c.execute(select(table).where(table.c.source_id == source_id)).mappings().first()
    return Subscription(**row) if row else None


def by_token(c: Connection, token: str) -> Subscription | None:
    """Return the subscription whose callback ends with this token."""
    row = c.execute(select(table).where(table.c.token == token)).mappings().first()
    return Subscription(**row) if row else None


def put(c: Connection, subscription: Subscription) -> None:
    """Keep a subscription, in place of the one at the same peer."""
    values: dict[str, Any] = {column.name: getattr(subscription, column.name) for column in table.c}
    if c.execute(update(table).where(table.c.source_id == subscription.source_id).values(values)).rowcount == 0:
        c.execute(insert(table).values(values))


def is_called(c: Connection, source_id: int) -> bool:
    """Tell whether a peer's hub calls us when something changes, so that there is no need to look often."""
    found = of(c, source_id)
    return found is not None and found.lasts(now())


def peer_of(c: Connection, source_id: int) -> Called | None:
    """Return a peer that is visited at all; one that fails may well call when it is back."""
    return _called(c, source.c.id == source_id)


def publisher_of(c: Connection, feed: str, format_: str) -> Called | None:
    """Return the peer of this format whose feed this is, if it is visited at all and answered the last time."""
    return _called(c, or_(source.c.url == feed, source.c.base + "/feed" == feed), source.c.format == format_, source.c.failures == 0)


def _called(c: Connection, *conditions: Any) -> Called | None:
    """Return the first enabled peer of which this is true."""
    row = c.execute(select(source.c.name, source.c.cursor).where(source.c.enabled, source.c.url.is_not(None), *conditions).limit(1)).first()
    if row is None:
        return None
    reached = (maybe_from(row.cursor) or {}).get("of") or {}
    sequence = reached.get("sequence", reached.get("after"))
    return Called(row.name, sequence if isinstance(sequence, int) else None)
