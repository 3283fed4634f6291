"""Going on with a reading that broke off: the lines it left become the next visit's, up to the last place it noted.

A place is noted in the transaction of the lines that lead to it. It holds as long as nothing it rests on changed: this node's settings for the
peer, where reading had got before, and what was applied or taken back since. What does not hold any more is forgotten, with what was staged.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from app.errors import FetchFailed, MaillageError, Text
from app.harvest import lines
from app.harvest.ldes import LOST
from app.journal import visits
from app.journal.sources import Source
from app.journal.tables import visit_item

READING: Final = "reading"
"""Under this the cursor of a visit that broke off keeps the place, and the format finds it in its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit goes on: what its format needs for it, and how many records were read until there."""

    of: Mapping[str, Any]
    count: int


def note(c: Connection, visit_id: int, source: Source, settings: str, place: Place) -> None:
    """Note a place, all lines before which are written."""
    last, written = _written(c, visit_id)
    noted = {READING: dict(place.of), "count": place.count, "under": _under(c, source, settings), "last": last, "lines": written}
    visits.note_place(c, visit_id, noted)


def adopt(c: Connection, visit_id: int, source: Source, settings: str) -> Place | None:
    """Take over what the last visit to a source left, if it holds still; forget whatever else was left."""
    left = visits.broken_off(c, source.id)
    before = left[0] if left and left[0].id == visits.newest_but(c, source.id, visit_id) else None
    noted = (before.cursor or {}) if before else {}
    found = None
    if before and noted["under"] == _under(c, source, settings) and before.started_at > visits.oldest_place():
        c.execute(delete(visit_item).where(visit_item.c.visit_id == before.id, visit_item.c.id > noted["last"]))
        if _written(c, before.id) == (noted["last"], noted["lines"]):
            c.execute(update(visit_item).where(visit_item.c.visit_id == before.id).values(visit_id=visit_id))
            lines.write(c, visit_id, [visits.Item("*", "unmapped", None, _resumed(before.id))])
            found = Place(noted[READING], noted["count"])
            note(c, visit_id, source, settings, found)
    forget(c, source.id)
    return found


def forget(c: Connection, source_id: int) -> None:
    """Let go of what broke off visits to a source left."""
    for visit in visits.broken_off(c, source_id):
        visits.forget_place(c, visit.id)


def may_go_on(error: MaillageError) -> bool:
    """Tell whether a reading that this ended may go on later: nothing came, which says nothing against what had come."""
    return isinstance(error, FetchFailed) and error.status not in LOST


def got_further(c: Connection, visit_id: int, began_at: Place | None) -> bool:
    """Tell whether a visit noted a place beyond the one it began at."""
    noted = visits.get(c, visit_id).cursor
    return noted is not None and (began_at is None or noted[READING] != began_at.of)


def _written(c: Connection, visit_id: int) -> tuple[int, int]:
    """Return the number of a visit's last line, and how many there are."""
    last, count = c.execute(select(func.max(visit_item.c.id), func.count()).where(visit_item.c.visit_id == visit_id)).one()
    return last or 0, count


def _under(c: Connection, source: Source, settings: str) -> str:
    """Return a digest of what a place rests on."""
    rests = json.dumps([settings, source.cursor, visits.last_change(c, source.id)], sort_keys=True)
    return hashlib.sha256(rests.encode()).hexdigest()[:16]


def _resumed(before: int) -> Text:
    """Say in the report that this visit did not begin at the beginning."""
    return Text(
        f"La lecture a repris là où la visite {before} s'était arrêtée ; ce qu'elle avait lu est compté ici.",
        f"The reading went on where visit {before} had broken off; what that one had read is counted here.",
    )
