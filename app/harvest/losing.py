"""What a source lost lately by visits that nobody looked at: a few records at each visit empty it as surely as all of them at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, String, and_, cast, func, literal, or_, select

from app.harvest.pace import moment
from app.journal.records import GONE, HIDDEN
from app.journal.sources import Source
from app.journal.tables import record, version, visit

HOURS = 24
DECIDED = "decided"
"""Under this the cursor keeps when a person last applied a visit of the source: what was lost until then was looked at."""


@dataclass(frozen=True, slots=True)
class Lately:
    """`stood` records were held when the last 24 hours began, or a person last looked, or the source was first read; `lost` of them are not now."""

    stood: int
    lost: int


def lately(c: Connection, source: Source) -> Lately:
    """Count what visits took away by themselves and what they missed, each record once, and only as long as it has not come back."""
    since = _since(c, source)
    mine = (record.c.source_id == source.id, record.c.created_at <= since)
    lost = c.execute(select(func.count()).select_from(record).where(*mine, or_(_taken(since), _missed(since)))).scalar_one()
    left = c.execute(select(func.count()).select_from(record).where(*mine, record.c.state.not_in((GONE, HIDDEN)), ~_missed(since))).scalar_one()
    return Lately(left + lost, lost)


def _since(c: Connection, source: Source) -> str:
    """Return the moment at which counting begins."""
    first = select(func.min(visit.c.finished_at)).where(visit.c.source_id == source.id, visit.c.outcome == "applied")
    decided = source.cursor.get(DECIDED)
    day_ago = moment(datetime.now(UTC) - timedelta(hours=HOURS))
    return max(day_ago, c.execute(first).scalar() or "", decided if isinstance(decided, str) else "")


def _taken(since: str) -> ColumnElement[bool]:
    """Withdrawn, or hidden as absent, by a visit that was applied by itself: its own name stands where a person's would."""
    by_itself = version.c.author == literal("visit ") + cast(version.c.visit_id, String)
    newest = select(version.c.version).where(version.c.record_id == record.c.id, version.c.version == record.c.version, by_itself)
    absent = and_(record.c.state == HIDDEN, record.c.missing_since.is_not(None))  # without: another source tells it better
    return and_(or_(record.c.state == GONE, absent), record.c.modified_at > since, newest.exists())


def _missed(since: str) -> ColumnElement[bool]:
    """Still here, not found any more."""
    return and_(record.c.state.not_in((GONE, HIDDEN)), record.c.missing_since > since).is_(True)
