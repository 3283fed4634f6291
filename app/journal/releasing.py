"""What a source leaves behind in the combined directory when it is removed: nothing of its own, and all that others say.

A group that only this source knew goes with it; one that others know too waits in `pending` to be built anew without it.
"""

from typing import Any

from sqlalchemy import Connection, Select, column, delete, insert, literal, select, table, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.journal.tables import change, edge, facet, group, identity, member, pending, record

SEARCH_TEXT = table("search_text", column("rowid"))
SEARCH_PLACE = table("search_place", column("id"))


def release(c: Connection, source_id: int, name: str) -> None:
    """Undo what the records of this source take part in and note every change; the records are left for the caller to delete."""
    mine = select(record.c.id).where(record.c.source_id == source_id)
    concerned = select(member.c.identity_id).where(member.c.record_id.in_(mine))
    shared = select(member.c.identity_id).where(member.c.identity_id.in_(concerned), member.c.record_id.not_in(mine))
    _wait(c, select(member.c.record_id).where(member.c.identity_id.in_(shared), member.c.record_id.not_in(mine)))
    _wait(c, select(edge.c.left_id).where(edge.c.right_id.in_(mine), edge.c.left_id.not_in(mine)))
    _wait(c, select(edge.c.right_id).where(edge.c.left_id.in_(mine), edge.c.right_id.not_in(mine)))
    _note(c, "group", select(identity.c.slug).where(identity.c.id.in_(concerned), identity.c.id.not_in(shared)))
    _note(c, "record", select(literal(f"{name}/") + record.c.key).where(record.c.source_id == source_id))
    _close(c, select(identity.c.id).where(identity.c.id.in_(concerned), identity.c.id.not_in(shared)))
    c.execute(delete(pending).where(pending.c.record_id.in_(mine)))


def _wait(c: Connection, record_ids: Select[Any]) -> None:
    """Let these records wait for their groups to be built anew."""
    c.execute(upsert(pending).from_select(["record_id"], record_ids.where(literal(True))).on_conflict_do_nothing())


def _note(c: Connection, kind: str, names: Select[Any]) -> None:
    """Note changes for the projector without taking their names through Python."""
    named = names.subquery()
    c.execute(insert(change).from_select(["kind", "name"], select(literal(kind), *named.c)))


def _close(c: Connection, identity_ids: Select[Any]) -> None:
    """Nothing is said of these groups any more: empty their lines everywhere, and keep their slugs in the ledger."""
    c.execute(delete(SEARCH_TEXT).where(SEARCH_TEXT.c.rowid.in_(identity_ids)))
    c.execute(delete(SEARCH_PLACE).where(SEARCH_PLACE.c.id.in_(identity_ids)))
    c.execute(delete(facet).where(facet.c.identity_id.in_(identity_ids)))
    c.execute(delete(group).where(group.c.identity_id.in_(identity_ids)))
    c.execute(update(identity).where(identity.c.id.in_(identity_ids)).values(state="gone", successor_id=None))
