"""Who harvests us: what the programs that read our feed and dumps say of themselves, and nothing that they do not say."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from app.journal.tables import reader as table

MOST = 500
"""Readers that are kept; the rarest one goes first, then the one that has not come for longest."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader; `agent` is its User-Agent, `url` the address that it names there, `sequence` how far in our log it has read."""

    agent: str
    url: str | None
    first_at: str
    last_at: str
    requests: int
    sequence: int | None


def note(c: Connection, seen: Mapping[str, Reader]) -> None:
    """Add what was seen of readers since the last time."""
    for one in seen.values():
        new = insert(table).values(
            agent=one.agent, url=one.url, first_at=one.first_at, last_at=one.last_at, requests=one.requests, sequence=one.sequence
        )
        known = {
            "last_at": new.excluded.last_at,
            "requests": table.c.requests + new.excluded.requests,
            "sequence": func.coalesce(new.excluded.sequence, table.c.sequence),
        }
        c.execute(new.on_conflict_do_update(index_elements=["agent"], set_=known))
    excess = c.execute(select(func.count()).select_from(table)).scalar_one() - MOST
    if excess > 0:
        rarest = select(table.c.agent).order_by(table.c.requests, table.c.last_at).limit(excess)
        c.execute(delete(table).where(table.c.agent.in_(rarest)))


def list_(c: Connection) -> list[Reader]:
    """Return every reader, the one that came last first."""
    return [Reader(**row) for row in c.execute(select(table).order_by(table.c.last_at.desc(), table.c.agent)).mappings()]
