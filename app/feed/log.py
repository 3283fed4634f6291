"""The log of our own records: an event is numbered and put on a page in the transaction that changes the record.

Peers trust two promises kept here: the numbers and the dates only grow, and a closed page never changes. So a page that
must change all the same (erasure) is written anew under another number, and its old address is gone for ever.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.feed.rewriting import free_number, rewrite
from app.journal import meta, moment, now
from app.journal.tables import event, feed_page
from app.journal.text import maybe_from, maybe_text
from app.names import Names

PAGE_SIZE = 250
"""Events on a closed page (measured: 554 KB, 87 KB with gzip)."""

CHUNK = 500
"""Records asked about at once."""

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


@dataclass(frozen=True, slots=True)
class News:
    """What has just happened to our record `key`; a Delete has neither document nor hash, the others have both."""

    kind: str
    key: str
    document: Mapping[str, Any] | None
    content_hash: str | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if (Kind(self.kind) is Kind.DELETE) == (self.document is not None) or (self.document is None) != (self.content_hash is None):
            raise ValueError("a Delete has neither document nor hash, the others have both")

    def said(self) -> tuple[Kind, str, str | None, str | None]:
        """Return kind, key, document as text, and hash."""
        return Kind(self.kind), self.key, maybe_text(self.document), self.content_hash


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
    news = News(kind, key, document, content_hash)
    writer = _Writer(c, names, page_size)
    latest = c.execute(_LATEST, {"epoch": writer.epoch, "key": key}).first()
    if latest is not None and _says_it(latest, news, purge):
        return read(latest)
    sequence = writer.add(*news.said(), purge)
    writer.write()
    if purge:
        _erase(c, writer.epoch, sequence, key, page_size)
    return read(c.execute(_ONE, {"epoch": writer.epoch, "sequence": sequence}).one())


def append_many(c: Connection, names: Names, happened: Iterable[News], page_size: int = PAGE_SIZE) -> None:
    """Do for many records what `append` does for one, by a few statements."""
    writer = _Writer(c, names, page_size)
    for chunk in _chunks(happened):
        latest = {row.key: row for row in c.execute(_LATEST_OF, {"epoch": writer.epoch, "keys": list(chunk)})}
        for key, news in chunk.items():
            if key not in latest or not _says_it(latest[key], news):
                writer.add(*news.said())
        writer.write()


def _chunks(happened: Iterable[News]) -> Iterator[dict[str, News]]:
    """Cut into chunks in which no key comes twice, so that what is said next of a record meets what was said before."""
    chunk: dict[str, News] = {}
    for news in happened:
        if len(chunk) >= CHUNK or news.key in chunk:
            yield chunk
            chunk = {}
        chunk[news.key] = news
    yield chunk


def open_epoch(c: Connection, names: Names, above: int = 0, page_size: int = PAGE_SIZE) -> int:
    """Open a new epoch, greater than `above` too, that lists every record as it stands; return it.

    For a node restored from a backup: peers hold numbers that the backup does not know, so they must read all anew.
    """
    meta.next_epoch(c, above)
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
    """Adds to the end of the log; made anew for each transaction, from where the log then ends. What was added is kept by `write`."""

    def __init__(self, c: Connection, names: Names, page_size: int) -> None:
        """Find the end; an epoch that has not begun begins here, with what the one before it ended with."""
        self._c = c
        self._names = names
        self._page_size = page_size
        self._events: list[dict[str, Any]] = []
        self._pages: dict[int, dict[str, Any]] = {}
        self.epoch = meta.epoch(c)
        last = c.execute(_LAST, {"epoch": self.epoch}).first()
        self._sequence = last.sequence if last else 0
        self._published = last.published if last else c.execute(_LAST_OF_ALL).scalar()
        found = c.execute(_OPEN_PAGE, {"epoch": self.epoch}).mappings().first()
        self._open: dict[str, Any] = {} if found is None else {column.name: found[column.name] for column in feed_page.c}
        self._held: int = found["held"] if found else 0
        if last is None and self._published is not None:
            self._carry_over()

    def add(self, kind: Kind, key: str, document: str | None, content_hash: str | None, purge: bool = False) -> int:
        """Give an event its number, its date and its page; return the number."""
        self._sequence += 1
        self._published = _after(self._published)
        place = {"epoch": self.epoch, "sequence": self._sequence, "published": self._published, "page": self._page(self._published)}
        values = {
            "kind": kind.value,
            "key": key,
            "object": self._names.group(key),
            "document": document,
            "content_hash": content_hash,
            "purge": purge,
        }
        self._events.append(place | values)
        return self._sequence

    def write(self) -> None:
        """Keep what was added since the last time."""
        if self._events:
            self._c.execute(_SAVE_PAGE, list(self._pages.values()))
            self._c.execute(_ADD, self._events)
        self._events, self._pages = [], {}

    def _page(self, at: str) -> int:
        """Return the open page, after closing a full one: that page's `next` is known before it closes, and never changes."""
        if not self._open:
            self._begin_page(first_page(self.epoch), 1, at)
        elif self._held >= self._page_size:
            self._touch(at, closed=True)
            self._begin_page(free_number(self._c, self.epoch, *self._pages), self._open["position"] + 1, at)
        self._touch(at)
        self._held += 1
        return int(self._open["number"])

    def _begin_page(self, number: int, position: int, at: str) -> None:
        """Open an empty page."""
        self._open = {"number": number, "epoch": self.epoch, "position": position, "since": at, "closed": False, "gone": False}
        self._held = 0

    def _touch(self, at: str, *, closed: bool = False) -> None:
        """Note that the open page changes."""
        self._open |= {"closed": closed, "modified_at": at}
        self._pages[self._open["number"]] = self._open

    def _carry_over(self) -> None:
        """List what the epoch before this one ended with; its pages are gone, its events stay readable."""
        c = self._c
        c.execute(update(feed_page).where(feed_page.c.epoch < self.epoch).values(closed=True, gone=True))
        previous = select(func.max(event.c.epoch)).where(event.c.epoch < self.epoch).scalar_subquery()
        newest = select(func.max(event.c.sequence)).where(event.c.epoch == previous).group_by(event.c.key)
        ended = select(event).where(event.c.epoch == previous, event.c.sequence.in_(newest)).order_by(event.c.sequence)
        for row in c.execute(ended.where(event.c.kind != Kind.DELETE.value)).all():
            self.add(Kind.CREATE, row.key, row.document, row.content_hash)
        self.write()


def _says_it(latest: Row[*tuple[Any, ...]], news: News, purge: bool = False) -> bool:
    """Tell whether the log's last word on a record is already this."""
    if Kind(news.kind) is Kind.DELETE:
        return latest.kind == Kind.DELETE and (latest.purge or not purge)
    return latest.kind != Kind.DELETE and bool(latest.content_hash == news.content_hash)


def _after(last: str | None) -> str:
    """Return the present moment, or the first millisecond after `last` when the clock does not stand after it."""
    present = now()
    if last is None or present > last:
        return present
    return moment(datetime.fromisoformat(last) + timedelta(milliseconds=1))


def _erase(c: Connection, epoch: int, sequence: int, key: str, page_size: int) -> None:
    """Remove the events of a record before this one, in every epoch, and write anew the pages that held them."""
    earlier = (event.c.key == key) & ((event.c.epoch != epoch) | (event.c.sequence != sequence))
    held = select(event.c.page).where(earlier)
    last = c.execute(select(func.max(feed_page.c.position)).where(feed_page.c.epoch == epoch, feed_page.c.number.in_(held))).scalar()
    c.execute(delete(event).where(earlier))
    if last is not None:
        rewrite(c, epoch, last, page_size)


_LAST = select(event.c.sequence, event.c.published).where(event.c.epoch == bindparam("epoch")).order_by(event.c.sequence.desc()).limit(1)
_LAST_OF_ALL = select(event.c.published).order_by(event.c.epoch.desc(), event.c.sequence.desc()).limit(1)
_LATEST = select(event).where(event.c.key == bindparam("key"), event.c.epoch == bindparam("epoch")).order_by(event.c.sequence.desc()).limit(1)
_ONE = select(event).where(event.c.epoch == bindparam("epoch"), event.c.sequence == bindparam("sequence"))
_NEWEST = select(func.max(event.c.sequence)).where(event.c.epoch == bindparam("epoch"), event.c.key.in_(bindparam("keys", expanding=True)))
_LATEST_OF = select(event.c.key, event.c.kind, event.c.content_hash, event.c.purge).where(
    event.c.epoch == bindparam("epoch"), event.c.sequence.in_(_NEWEST.group_by(event.c.key))
)
_HELD = select(func.count()).where(event.c.page == feed_page.c.number).scalar_subquery()
_OPEN_PAGE = select(feed_page, _HELD.label("held")).where(feed_page.c.epoch == bindparam("epoch"), ~feed_page.c.closed, ~feed_page.c.gone)
_ADD = insert(event)
_PAGE = upsert(feed_page)
_SAVE_PAGE = _PAGE.on_conflict_do_update(index_elements=["number"], set_={"closed": _PAGE.excluded.closed, "modified_at": _PAGE.excluded.modified_at})
