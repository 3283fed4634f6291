"""Records that changed and whose groups were not rebuilt yet; it survives a crash, so that nothing is forgotten."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from app.journal.tables import pending

_REMOVE = delete(pending).where(pending.c.record_id == bindparam("done"))


def add(c: Connection, record_ids: Iterable[int]) -> None:
    """Note that the groups of these records must be rebuilt; a second note changes nothing."""
    rows = [{"record_id": record_id} for record_id in record_ids]
    if rows:
        c.execute(insert(pending).on_conflict_do_nothing(), rows)


def first(c: Connection, limit: int | None = None) -> list[int]:
    """Return the records that wait, at most `limit`."""
    return list(c.execute(select(pending.c.record_id).order_by(pending.c.record_id).limit(limit)).scalars())


def remove(c: Connection, record_ids: Iterable[int]) -> None:
    """The groups of these records were rebuilt."""
    rows = [{"done": record_id} for record_id in record_ids]
    if rows:
        c.execute(_REMOVE, rows)


def count(c: Connection) -> int:
    """Return how many records wait."""
    return c.execute(select(func.count()).select_from(pending)).scalar_one()
