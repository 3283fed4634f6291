"""What people judged of two records: the same group, different groups, unsure. Never erased, only revoked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, union_all, update

from app.errors import NotFound, Text
from app.journal.moments import moment, now
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


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the log of decisions: a judgement that was made, or taken back."""

    at: str
    revoked: bool
    judgement: Judgement


_MOMENTS: Final = (
    union_all(
        select(table.c.at.label("moment")).where(table.c.at > bindparam("after")),
        select(table.c.revoked_at.label("moment")).where(table.c.revoked_at > bindparam("after")),
    )
    .order_by("moment")
    .limit(bindparam("limit"))
)


def add(c: Connection, left: str, right: str, verdict: Verdict | str, reason: str | None, author: str) -> int:
    """Keep a judgement of two references, in either order, and return its number; it takes the place of the active one on that pair."""
    left, right = sorted((left, right))
    _revoke(c, (table.c.left == left) & (table.c.right == right), author)
    values = {"left": left, "right": right, "verdict": Verdict(verdict).value, "reason": reason, "author": author, "at": _moment(c)}
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


def last_moment(c: Connection) -> str | None:
    """Return when something was last decided or taken back, None when nothing ever was."""
    return max((at for at in c.execute(select(func.max(table.c.at), func.max(table.c.revoked_at))).one() if at), default=None)


def decisions(c: Connection, after: str, limit: int) -> list[Decision]:
    """Return what was decided and taken back after a moment, oldest first; a few more than `limit` when several have one moment."""
    first = c.execute(_MOMENTS, {"after": after, "limit": limit}).scalars().all()
    if not first:
        return []
    within = (first[0], first[-1])
    made = [Decision(row.at, False, _judgement(row)) for row in c.execute(select(table).where(table.c.at.between(*within)))]
    revoked = [Decision(row.revoked_at, True, _judgement(row)) for row in c.execute(select(table).where(table.c.revoked_at.between(*within)))]
    return sorted([*made, *revoked], key=lambda one: (one.at, not one.revoked, one.judgement.id))


def by_record(c: Connection, reference: str) -> list[Judgement]:
    """Return the judgements that hold and name this record, oldest first."""
    named = or_(table.c.left == reference, table.c.right == reference)
    return [_judgement(row) for row in c.execute(select(table).where(named, table.c.revoked_at.is_(None)).order_by(table.c.id))]


def _revoke(c: Connection, which: Any, author: str) -> None:
    """Mark the active ones among `which` as taken back."""
    c.execute(update(table).where(which, table.c.revoked_at.is_(None)).values(revoked_at=_moment(c), revoked_by=author))


def _moment(c: Connection) -> str:
    """Return the present moment, or one later than every one in the ledger when a clock went back: the log of decisions only grows at its end."""
    last = last_moment(c)
    present = now()
    return present if last is None or present > last else moment(datetime.fromisoformat(last) + timedelta(milliseconds=1))


def _judgement(row: Row[*tuple[Any, ...]]) -> Judgement:
    """Read one row."""
    return Judgement(row.id, row.left, row.right, Verdict(row.verdict), row.reason, row.author, row.at, row.revoked_at, row.revoked_by)
