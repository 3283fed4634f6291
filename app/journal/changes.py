"""The projector's queue: what the graph store has to look at again, in the order of its commits.

Kinds and names: ``record`` (its reference, ``source/key``), ``group`` (its slug), ``source`` (its name).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from app.journal.tables import change


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to look at again; it says what, not how it is now."""

    sequence: int
    kind: str
    name: str


def note(c: Connection, kind: str, names: Iterable[str]) -> None:
    """Note that these have changed, in the transaction that changes them."""
    rows = [{"kind": kind, "name": name} for name in names]
    if rows:
        c.execute(insert(change), rows)


def after(c: Connection, sequence: int, limit: int) -> list[Change]:
    """Return at most `limit` changes after `sequence`, oldest first."""
    chosen = select(change.c.sequence, change.c.kind, change.c.name).where(change.c.sequence > sequence).order_by(change.c.sequence).limit(limit)
    return [Change(*row) for row in c.execute(chosen)]


def last(c: Connection) -> int:
    """Return the number of the newest change, 0 when there is none."""
    return c.execute(select(func.max(change.c.sequence))).scalar() or 0
