"""Pages written anew: a closed page never changes, so one that must lose events is replaced by another under another number.

The pages before it move too, because their `next` would lead to an address that is gone. What stays of their events is packed into
full pages, so that none is ever empty, and the old addresses are gone for ever.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from app.journal.moments import now
from app.journal.tables import event, feed_page

Place = tuple[int, str]
"""Number and date of an event."""


def free_number(c: Connection, epoch: int, *added: int) -> int:
    """Return a page number that was never used in an epoch, nor `added` just now; 1 when there is none yet."""
    written = c.execute(select(func.max(feed_page.c.number)).where(feed_page.c.epoch == epoch)).scalar() or 0
    return max(written, *added, 0) + 1


def rewrite(c: Connection, epoch: int, last: int, page_size: int) -> None:
    """Write anew the pages of an epoch up to the position `last`, after events were taken out of them; the log's last event is still there."""
    live = and_(feed_page.c.epoch == epoch, ~feed_page.c.gone)
    following = c.execute(select(feed_page).where(live, feed_page.c.position > last).order_by(feed_page.c.position).limit(1)).first()
    moved = event.c.epoch == epoch
    if following is not None:
        moved &= event.c.sequence < select(func.min(event.c.sequence)).where(event.c.page == following.number).scalar_subquery()
    begun = list(_begun(c, moved, page_size))
    first, end = free_number(c, epoch), following.position if following else last + 1
    c.execute(update(feed_page).where(live, feed_page.c.position <= last).values(closed=True, gone=True, modified_at=now()))
    _forget(c, epoch, following, end - 1, first)
    for offset, (_, published) in enumerate(begun):
        closed = following is not None or offset < len(begun) - 1
        place = {"number": first + offset, "epoch": epoch, "position": end - len(begun) + offset, "closed": closed, "gone": False}
        c.execute(insert(feed_page).values(place | {"since": published, "modified_at": now()}))
    for offset, (sequence, _) in reversed(list(enumerate(begun))):
        c.execute(update(event).where(moved, event.c.sequence >= sequence).values(page=first + offset))
        moved = and_(event.c.epoch == epoch, event.c.sequence < sequence)


def _begun(c: Connection, moved: ColumnElement[bool], page_size: int) -> Iterator[Place]:
    """Yield the events with which the new pages begin."""
    left = select(event.c.sequence, event.c.published).where(moved).order_by(event.c.sequence)
    for place, row in enumerate(c.execute(left.execution_options(yield_per=1000))):
        if place % page_size == 0:
            yield row.sequence, row.published


def _forget(c: Connection, epoch: int, following: Row[Any] | None, position: int, first: int) -> None:
    """Forget the pages that are gone, but the one that `following` names as `prev`; a greater number says that they were there.

    So the greatest number stays, out of the way: the next page must not get it again.
    """
    replaced = and_(feed_page.c.position == position, feed_page.c.number > (following.number if following else 0))
    gone = and_(feed_page.c.epoch == epoch, feed_page.c.gone, or_(feed_page.c.position < position, replaced))
    c.execute(delete(feed_page).where(gone, feed_page.c.number < first - 1))
    c.execute(update(feed_page).where(gone).values(position=-feed_page.c.number))
