"""The log made shorter: what was said again since, long ago, is dropped, and so are very old withdrawals.

The newest event of each record stays under its own IRI, number and date, so a reader who goes on where it stopped still ends with the truth.
Only one who has not read the newest withdrawal that was dropped cannot know of it: the root publishes that number, and such a reader reads all anew.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, or_, select

from app.errors import MaillageError
from app.feed.log import PAGE_SIZE, Kind
from app.feed.rewriting import rewrite
from app.journal import Journal, meta, moment
from app.journal.tables import event, feed_page

RESYNC = "resync below"
"""Where the journal keeps ``epoch/sequence`` of the newest withdrawal that was dropped."""

WORTH = PAGE_SIZE
"""Events that must have become useless before the node moves pages by itself: readers' caches lose them."""

FIRST_S = 60
DAY_S = 86_400

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Moments: what was said again is dropped when it is older than `log`, a withdrawal when it is older than both."""

    log: str
    tombstones: str


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days the whole log is kept, and withdrawals; never less than the log."""

    log_days: int = 90
    tombstone_days: int = 730

    def limits(self, at: datetime) -> Limits:
        """Return what these durations mean at a moment."""
        return Limits(moment(at - timedelta(days=self.log_days)), moment(at - timedelta(days=self.withdrawal_days)))

    @property
    def withdrawal_days(self) -> int:
        """For how many days withdrawals are really kept."""
        return max(self.log_days, self.tombstone_days)


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was done: events dropped from the log and from the epochs before it, events and pages it has now, the limit that its root publishes."""

    dropped: int
    events: int
    pages: int
    resync_below: int


def resync_below(c: Connection) -> int:
    """Return the number of the newest withdrawal that was dropped from the log; 0 when none was."""
    epoch, _, sequence = (meta.get(c, RESYNC) or "0/0").partition("/")
    return int(sequence) if int(epoch) == meta.epoch(c) else 0


def compact(c: Connection, limits: Limits, least: int = 1, page_size: int = PAGE_SIZE) -> Compaction:
    """Drop what is too old when that is at least `least` events, and write the pages that held any anew; the last event always stays."""
    epoch = meta.epoch(c)
    withdrawn, before = _withdrawn(epoch, limits), _before(epoch, limits)
    useless = or_(_superseded(epoch, limits), withdrawn)
    count = c.execute(select(func.count()).select_from(event).where(or_(useless, before))).scalar_one()
    if count >= max(least, 1):
        newest = c.execute(select(func.max(event.c.sequence)).where(withdrawn)).scalar()
        if newest is not None:
            meta.put(c, RESYNC, f"{epoch}/{newest}")
        _drop(c, epoch, useless, page_size)
        c.execute(delete(event).where(before))
        _forget_pages(c, epoch)
    return _told(c, epoch, count if count >= least else 0)


def run(journal: Journal, retention: Retention, stop: Event, first_s: float = FIRST_S, every_s: float = DAY_S) -> None:
    """Compact once a day when it is worth it, until `stop` is set; what cannot be done today is tried again tomorrow."""
    pause = first_s
    while not stop.wait(pause):
        pause = every_s
        try:
            with journal.write() as c:
                done = compact(c, retention.limits(datetime.now(UTC)), WORTH)
        except MaillageError as error:
            _log.warning("The feed was not compacted: %s", error)
        else:
            if done.dropped:
                _log.info("The feed was compacted: %s events dropped, %s left in %s pages", done.dropped, done.events, done.pages)


def _superseded(epoch: int, limits: Limits) -> ColumnElement[bool]:
    """What was said again since; the request to erase a record is kept as long as a withdrawal, for those who still hold what it erases."""
    old = or_(and_(event.c.published < limits.log, ~event.c.purge), event.c.published < min(limits.log, limits.tombstones))
    return and_(event.c.epoch == epoch, old, event.c.sequence.not_in(_newest(epoch)))


def _withdrawn(epoch: int, limits: Limits) -> ColumnElement[bool]:
    """Withdrawals that are their record's last word, and old; never the last event of all, whose number must not be given again."""
    last = select(func.max(event.c.sequence)).where(event.c.epoch == epoch).correlate(None).scalar_subquery()
    old = event.c.published < min(limits.log, limits.tombstones)
    withdrawal = and_(event.c.kind == Kind.DELETE.value, event.c.sequence < last)
    return and_(event.c.epoch == epoch, old, withdrawal, event.c.sequence.in_(_newest(epoch)))


def _newest(epoch: int) -> Select[tuple[int]]:
    """The number of each record's last word; asked once for all, since an index by key would be asked a hundred thousand times."""
    return select(func.max(event.c.sequence)).where(event.c.epoch == epoch).group_by(event.c.key).correlate(None)


def _before(epoch: int, limits: Limits) -> ColumnElement[bool]:
    """The events of epochs that are over, once this one has begun; the last of each stays, to know that those before it were there."""
    newer = event.alias()
    begun = exists().where(newer.c.epoch == epoch)
    later = exists().where(newer.c.epoch == event.c.epoch, newer.c.sequence > event.c.sequence)
    return and_(event.c.epoch < epoch, event.c.published < limits.log, begun, later)


def _drop(c: Connection, epoch: int, useless: ColumnElement[bool], page_size: int) -> None:
    """Take events out of the log, and write anew the pages that held any."""
    held = select(event.c.page).where(useless)
    last = c.execute(select(func.max(feed_page.c.position)).where(feed_page.c.epoch == epoch, feed_page.c.number.in_(held))).scalar()
    if last is not None:
        c.execute(delete(event).where(event.c.epoch == epoch, event.c.sequence.in_(select(event.c.sequence).where(useless))))
        rewrite(c, epoch, last, page_size)


def _forget_pages(c: Connection, epoch: int) -> None:
    """Forget the pages of epochs that are over; the greatest number of each says that those below it were there."""
    other = feed_page.alias()
    greater = exists().where(other.c.epoch == feed_page.c.epoch, other.c.number > feed_page.c.number)
    c.execute(delete(feed_page).where(feed_page.c.epoch < epoch, feed_page.c.gone, greater))


def _told(c: Connection, epoch: int, dropped: int) -> Compaction:
    """Say how the log stands now."""
    events = c.execute(select(func.count()).select_from(event).where(event.c.epoch == epoch)).scalar_one()
    pages = c.execute(select(func.count()).select_from(feed_page).where(feed_page.c.epoch == epoch, ~feed_page.c.gone)).scalar_one()
    return Compaction(dropped, events, pages, resync_below(c))
