"""What people judged of two records: the same group, different groups, unsure. Never erased, only revoked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from app.errors import NotFound, Text
from app.journal.moments import now
from app.journal.tables import judgement as table


class Verdict(StrEnum):
    """What can be said of a pair."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One person's word; `left` and `right` are references (``source/key``), left < right."""

    id: int
    left: str
    right: str
    verdict: Verdict
    reason: str | None
    author: str
    at: str
    revoked_at: str | None = None
    revoked_by: str | None = None


def add(c: Connection, left: str, right: str, verdict: Verdict | str, reason: str | None, author: str) -> int:
    """Keep a judgement of two references, in either order, and return its number; it takes the place of the active one on that pair."""
    left, right = sorted((left, right))
    _revoke(c, (table.c.left == left) & (table.c.right == right), author)
    values = {"left": left, "right": right, "verdict": Verdict(verdict).value, "reason": reason, "author": author, "at": now()}
    (number,) = c.execute(insert(table).values(values)).inserted_primary_key or (0,)
    return int(number)


def revoke(c: Connection, judgement_id: int, author: str) -> Judgement:
    """Take a judgement back and return it; a second time changes nothing. Raises NotFound."""
    _revoke(c, table.c.id == judgement_id, author)
    return get(c, judgement_id)


def get(c: Connection, judgement_id: int) -> Judgement:
    """Return one judgement, revoked or not. Raises NotFound."""
    row = c.execute(select(table).where(table.c.id == judgement_id)).first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas d'avis numéro {judgement_id}.", f"There is no judgement number {judgement_id}."))
    return _judgement(row)


def active(c: Connection) -> list[Judgement]:
    """Return the judgements that hold, oldest first."""
    return [_judgement(row) for row in c.execute(select(table).where(table.c.revoked_at.is_(None)).order_by(table.c.id))]


def list_(c: Connection, after: int = 0, limit: int = 1000) -> list[Judgement]:
    """Return judgements after number `after`, the revoked ones too, oldest first."""
    return [_judgement(row) for row in c.execute(select(table).where(table.c.id > after).order_by(table.c.id).limit(limit))]


def by_record(c: Connection, reference: str) -> list[Judgement]:
    """Return the judgements that hold and name this record, oldest first."""
    named = or_(table.c.left == reference, table.c.right == reference)
    return [_judgement(row) for row in c.execute(select(table).where(named, table.c.revoked_at.is_(None)).order_by(table.c.id))]


def _revoke(c: Connection, which: Any, author: str) -> None:
    """Mark the active ones among `which` as taken back."""
    c.execute(update(table).where(which, table.c.revoked_at.is_(None)).values(revoked_at=now(), revoked_by=author))


def _judgement(row: Row[*tuple[Any, ...]]) -> Judgement:
    """Read one row."""
    return Judgement(row.id, row.left, row.right, Verdict(row.verdict), row.reason, row.author, row.at, row.revoked_at, row.revoked_by)
