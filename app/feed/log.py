"""The log of our own records: an event is numbered and put on a page in the transaction that changes the record.

Peers trust two promises kept here: the numbers and the dates only grow, and a closed page never changes. So a page that
must change all the same (erasure) is written anew under another number, and its old address is gone for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from app.journal import meta, moment, now
from app.journal.tables import event, feed_page
from app.journal.text import as_text, maybe_from
from app.names import Names

PAGE_SIZE = 250
"""Events on a closed page (measured: 554 KB, 87 KB with gzip)."""

PAGES_AN_EPOCH = 1_000_000
"""Each epoch numbers its pages from here on, because a restored node must not give a known address to other events."""


class Kind(StrEnum):
    """What an event says of its record, in the words of ActivityStreams."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log; `document` is the record as published, None when it was withdrawn."""

    epoch: int
    sequence: int
    kind: Kind
    key: str
    object: str
    content_hash: str | None
    document: dict[str, Any] | None
    purge: bool
    published: str
    page: int


def append(
    c: Connection,
    names: Names,
    kind: str,
    key: str,
    document: Mapping[str, Any] | None,
    content_hash: str | None = None,
    purge: bool = False,
    page_size: int = PAGE_SIZE,
) -> Event:
    """Add what has just happened to our record `key` and return the event; call it in the record's own transaction.

    Nothing is added when the log already says it (the same hash, or a second withdrawal): the event that says so is returned.
    `purge` erases every earlier event of the record and moves the pages that held them.
    """
    said = Kind(kind)
    if (said is Kind.DELETE) == (document is not None) or (document is None) != (content_hash is None):
        raise ValueError("a Delete has neither document nor hash, the others have both")
    writer = _Writer(c, names, page_size)
    latest = c.execute(_LATEST, {"epoch": writer.epoch, "key": key}).first()
    if latest is not None and _says_it(read(latest), said, content_hash, purge):
        return read(latest)
    sequence = writer.add(said, key, None if document is None else as_text(document), content_hash, purge)
    if purge:
        _erase(c, writer.epoch, sequence, key)
    return read(c.execute(_ONE, {"epoch": writer.epoch, "sequence": sequence}).one())


def open_epoch(c: Connection, names: Names, above: int = 0, page_size: int = PAGE_SIZE) -> int:
    """Open a new epoch, greater than `above` too, that lists every record as it stands; return it.

    For a node restored from a backup: peers hold numbers that the backup does not know, so they must read all anew.
    """
    while meta.next_epoch(c) <= above:
        pass
    return _Writer(c, names, page_size).epoch


def first_page(epoch: int) -> int:
    """Return the number of the first page of an epoch, as long as none of it was rewritten."""
    return (epoch - 1) * PAGES_AN_EPOCH + 1


def read(row: Row[Any]) -> Event:
    """Read one row of the table."""
    return Event(
        epoch=row.epoch,
        sequence=row.sequence,
        kind=Kind(row.kind),
        key=row.key,
        object=row.object,
        content_hash=row.content_hash,
        document=maybe_from(row.document),
        purge=bool(row.purge),
        published=row.published,
        page=row.page,
    )


class _Writer:
    """Adds to the end of the log; made anew for each transaction, from where the log then ends."""

    def __init__(self, c: Connection, names: Names, page_size: int) -> None:
        """Find the end; an epoch that has not begun begins here, with what the one before it ended with."""
        self._c = c
        self._names = names
        self._page_size = page_size
        self.epoch = meta.epoch(c)
        last = c.execute(_LAST, {"epoch": self.epoch}).first()
        self._sequence = last.sequence if last else 0
        self._published = last.published if last else c.execute(_LAST_OF_ALL).scalar()
        if last is None and self._published is not None:
            self._carry_over()

    def add(self, kind: Kind, key: str, document: str | None, content_hash: str | None, purge: bool) -> int:
        """Give an event its number, its date and its page; return the number."""
        self._sequence += 1
        self._published = _after(self._published)
        page = self._page()
        place = {"epoch": self.epoch, "sequence": self._sequence, "published": self._published, "page": page}
        values = {
            "kind": kind.value,
            "key": key,
            "object": self._names.group(key),
            "document": document,
            "content_hash": content_hash,
            "purge": purge,
        }
        self._c.execute(_ADD, place | values)
        self._c.execute(_TOUCH, {"page": page, "at": self._published})
        return self._sequence

    def _page(self) -> int:
        """Return the open page, after closing a full one: that page's `next` is known before it closes, and never changes."""
        page = self._c.execute(_OPEN_PAGE, {"epoch": self.epoch}).first()
        if page is None:
            return self._open_page(first_page(self.epoch), 1)
        if page.held < self._page_size:
            return int(page.number)
        self._c.execute(update(feed_page).where(feed_page.c.number == page.number).values(closed=True, modified_at=self._published))
        return self._open_page(_free_number(self._c, self.epoch), page.position + 1)

    def _open_page(self, number: int, position: int) -> int:
        """Add an empty open page."""
        opened = {"number": number, "epoch": self.epoch, "position": position, "since": self._published, "modified_at": self._published}
        self._c.execute(insert(feed_page).values(opened | {"closed": False, "gone": False}))
        return number

    def _carry_over(self) -> None:
        """List what the epoch before this one ended with; its pages are gone, its events stay readable."""
        c = self._c
        c.execute(update(feed_page).where(feed_page.c.epoch < self.epoch).values(closed=True, gone=True))
        previous = select(func.max(event.c.epoch)).where(event.c.epoch < self.epoch).scalar_subquery()
        newest = select(func.max(event.c.sequence)).where(event.c.epoch == previous).group_by(event.c.key)
        ended = select(event).where(event.c.epoch == previous, event.c.sequence.in_(newest)).order_by(event.c.sequence)
        for row in c.execute(ended.where(event.c.kind != Kind.DELETE.value)).all():
            self.add(Kind.CREATE, row.key, row.document, row.content_hash, purge=False)


def _says_it(latest: Event, kind: Kind, content_hash: str | None, purge: bool) -> bool:
    """Tell whether the log's last word on a record is already this."""
    if kind is Kind.DELETE:
        return latest.kind is Kind.DELETE and (latest.purge or not purge)
    return latest.kind is not Kind.DELETE and latest.content_hash == content_hash


def _after(last: str | None) -> str:
    """Return the present moment, or the first millisecond after `last` when the clock does not stand after it."""
    present = now()
    if last is None or present > last:
        return present
    return moment(datetime.fromisoformat(last) + timedelta(milliseconds=1))


def _free_number(c: Connection, epoch: int) -> int:
    """Return a page number that was never used."""
    return int(c.execute(select(func.max(feed_page.c.number)).where(feed_page.c.epoch == epoch)).scalar_one()) + 1


def _erase(c: Connection, epoch: int, sequence: int, key: str) -> None:
    """Remove the events of a record before this one, in every epoch, and write anew the pages that held them.

    The pages before them move too, because their `next` would lead to an address that is gone.
    """
    earlier = (event.c.key == key) & ((event.c.epoch != epoch) | (event.c.sequence != sequence))
    held = select(event.c.page).where(earlier)
    last = c.execute(select(func.max(feed_page.c.position)).where(feed_page.c.epoch == epoch, feed_page.c.number.in_(held))).scalar()
    c.execute(delete(event).where(earlier))
    moved = select(feed_page).where(feed_page.c.epoch == epoch, ~feed_page.c.gone, feed_page.c.position <= (last or 0)).order_by(feed_page.c.position)
    number = _free_number(c, epoch)
    for offset, page in enumerate(c.execute(moved).all()):
        _move(c, page, number + offset)


def _move(c: Connection, page: Row[Any], number: int) -> None:
    """Write one page anew under `number`, at the same place of the log."""
    at = now()
    c.execute(update(feed_page).where(feed_page.c.number == page.number).values(closed=True, gone=True, modified_at=at))
    values = {"number": number, "epoch": page.epoch, "position": page.position, "closed": page.closed, "gone": False, "since": page.since}
    c.execute(insert(feed_page).values(values | {"modified_at": at}))
    c.execute(update(event).where(event.c.page == page.number).values(page=number))


_LAST = select(event.c.sequence, event.c.published).where(event.c.epoch == bindparam("epoch")).order_by(event.c.sequence.desc()).limit(1)
_LAST_OF_ALL = select(event.c.published).order_by(event.c.epoch.desc(), event.c.sequence.desc()).limit(1)
_LATEST = select(event).where(event.c.key == bindparam("key"), event.c.epoch == bindparam("epoch")).order_by(event.c.sequence.desc()).limit(1)
_ONE = select(event).where(event.c.epoch == bindparam("epoch"), event.c.sequence == bindparam("sequence"))
_HELD = select(func.count()).where(event.c.page == feed_page.c.number).scalar_subquery()
_OPEN_PAGE = select(feed_page.c.number, feed_page.c.position, _HELD.label("held")).where(
    feed_page.c.epoch == bindparam("epoch"), ~feed_page.c.closed, ~feed_page.c.gone
)
_ADD = insert(event)
_TOUCH = update(feed_page).where(feed_page.c.number == bindparam("page")).values(modified_at=bindparam("at"))
