"""Nodes that others speak of: proposals to the operator, never followed by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from app.errors import NotFound, Text
from app.journal import sources
from app.journal.moments import now
from app.journal.tables import proposal as table
from app.names import OWN

MOST_A_PEER = 100
"""Proposals of one peer that wait for the operator; more are not taken, so that one that lies silences nobody but itself."""

MOST_DISMISSED = 10_000
"""Dismissed addresses that are remembered, so that they stay dismissed; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One node, by its base address; `found_through` names the peer whose list spoke of it first."""

    url: str
    name: str | None
    found_through: str
    found_at: str
    seen_at: str
    state: str


def note(c: Connection, urls: Iterable[str], found_through: str) -> int:
    """Note the nodes that a peer speaks of, those that are peers already left out; return how many are new. A dismissed one stays dismissed."""
    known, room = peers(c), MOST_A_PEER - _waiting(c, found_through)
    at, new = now(), 0
    for url in dict.fromkeys(urls):
        if c.execute(update(table).where(table.c.url == url).values(seen_at=at)).rowcount or url in known or new >= room:
            continue
        c.execute(insert(table).values(url=url, found_through=found_through, found_at=at, seen_at=at, state="new"))
        new += 1
    return new


def list_(c: Connection) -> list[Proposal]:
    """Return the proposals that wait for the operator, the newest first; what has become a peer is none any more."""
    known = peers(c)
    rows = c.execute(select(table).where(table.c.state == "new").order_by(table.c.found_at.desc(), table.c.url)).mappings()
    return [Proposal(**row) for row in rows if row["url"] not in known]


def dismiss(c: Connection, url: str) -> None:
    """Show a proposal no more, also when it is spoken of again. Raises NotFound."""
    if c.execute(update(table).where(table.c.url == url).values(state="dismissed")).rowcount == 0:
        raise NotFound(Text(f"Personne n'a parlé de « {url} ».", f"Nobody spoke of '{url}'."))
    oldest = select(table.c.url).where(table.c.state == "dismissed").order_by(table.c.seen_at.desc(), table.c.url).offset(MOST_DISMISSED)
    c.execute(delete(table).where(table.c.url.in_(oldest)))


def _waiting(c: Connection, found_through: str) -> int:
    """Return how many proposals of a peer wait; those that were dismissed do not count."""
    mine = (table.c.found_through == found_through, table.c.state == "new")
    return c.execute(select(func.count()).select_from(table).where(*mine)).scalar_one()


def peers(c: Connection) -> set[str]:
    """Return the base addresses of the peers."""
    known = [(source.url or "", source.base or "") for source in sources.list_(c) if source.name != OWN]
    return {address.rstrip("/").removesuffix("/feed") for pair in known for address in pair if address}
