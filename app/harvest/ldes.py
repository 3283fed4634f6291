"""A client for event streams: LDES 1.0.0-alpha whose pages are also plain ordered JSON, numbered by their origin.

It needs nothing of a node but the guarded fetch, so that any program may follow such a feed with it::

    for root, found in follow("https://a.example/feed", fetcher, Budget(), saved):   # `saved` is {} the first time
        match found:
            case Event(number, said): ...                  # one Create, Update or Delete, as the page holds it
            case Member(sequence, document): ...           # one record of the dump, as it stood at that sequence
            case Restart(why): ...                         # what came so far was no good: forget it, what follows says it all
            case Checkpoint(place): ...                    # kept with all that came so far, `saved | {"reading": place}` goes on from here
            case Position(cursor, anew): saved = cursor    # always the last, and only when everything was read

A reader goes on by the number of the last event it read; the date of that event only finds the page where to go on when its own page is gone.
Everything is read `anew` in a new epoch, below the limit under which withdrawals were forgotten (``resyncBelow``), and when the page is gone and no
dates help: what was not met then, and only then, was withdrawn. A reading that breaks off goes on from its last Checkpoint, unless the epoch
changed, its page is gone, or withdrawals above it were forgotten meanwhile. A feed that contradicts itself raises FormatError, in one sentence.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.errors import FetchFailed, FormatError, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.stream import Log, Page, Root, broken, moment, number

FEW_PAGES: Final = 2
"""A feed of so few pages is walked, dump or not."""

LOST: Final = frozenset({404, 410})

MOVED: Final = Text(
    "Le flux du pair a changé depuis la lecture interrompue : il a été relu depuis le début.",
    "The peer's feed changed since the reading that broke off: it was read from the beginning.",
)
WITHOUT: Final = Text(
    "La copie complète du pair ne sert à rien : ses pages ont été lues.", "The peer's dump is of no use: its pages were read instead."
)
USELESS: Final = Text(
    f"{WITHOUT.fr} Elle ne dit pas où elle en est dans cette époque, ou elle est trop ancienne.",
    f"{WITHOUT.en} It does not say where it stands in this epoch, or is too old.",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log: its number, and what it says."""

    number: int
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One record of the dump, as it stood at event `sequence`."""

    sequence: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restart:
    """What came so far cannot be relied on, `why` in a sentence: it is to be forgotten, with what an earlier reading kept; all of it follows."""

    why: Text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole page was read and another follows; `place` goes into the next reading's cursor as ``reading``, should this one break off."""

    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Where the reader stands now; `anew`: everything was read from the beginning. `unchanged`: nothing was sent, since nothing is new."""

    cursor: Mapping[str, Any]
    anew: bool = False
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class _Start:
    """Where reading begins: at `page`, taking what is above `after`; the feed must reach `known`, which was read before.

    `last`, `date` and `grow` are what a reading that broke off knew: the last event and its date, and whether all dates grew.
    """

    page: Page | None
    after: int
    known: int
    anew: bool
    last: int = 0
    date: datetime | None = None
    grow: bool = True


Found = Event | Member | Restart | Checkpoint | Position


def follow(url: str, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[tuple[Root, Found]]:
    """Yield what the feed at `url` says beyond `cursor`, each with the root it was read under, the Position last.

    The cursor is ``{"stream", "epoch", "sequence", "published", "page", "etag", "root", "complete"}``: the last event read and its date, the page
    it stands on, the tags of that page and of the root, and the limit above which the reader is known to miss no withdrawal. An empty one, or one
    of ``{"stream", "epoch", "sequence"}`` alone, reads everything; only an empty one may begin with the dump. Beside any of them ``reading`` is the
    place of the Checkpoint where the last reading under that same cursor broke off.
    Raises PeerError: FetchFailed when something does not arrive, FormatError when the feed breaks its own rules.
    """
    log = Log(url, fetcher, budget)
    reading = cursor.get("reading")
    cursor = {key: value for key, value in cursor.items() if key != "reading"}
    root = log.root(cursor.get("root") if cursor.get("page") and not reading else None)
    if root is None:
        yield _nowhere(url), Position(cursor, unchanged=True)
        return
    _require_later(root, cursor)
    if reading:
        start = _continued(log, root, reading)
        if start is not None:
            yield from ((root, found) for found in _walk(log, root, start))
            return
        yield root, Restart(MOVED)
    if not cursor and _is_long(root):
        useless = yield from _by_dump(log, root, budget)
        if useless is None:
            return
        yield root, Restart(useless)
    start = _resumed(log, root, cursor) or _anew(log, root, cursor)
    if start.page is None and not start.anew:
        yield root, Position({**cursor, "root": _tag(root, start.known)}, unchanged=True)
        return
    yield from ((root, found) for found in _walk(log, root, start))


def _nowhere(url: str) -> Root:
    """Stand in for a root that was not sent again."""
    return Root(url, "", 0, None, None, None, None, 0, (), None)


def _tag(root: Root, read: int) -> str | None:
    """Return the tag of a root whose events were all read: when a cache answered with an old page, the root must be sent again."""
    return root.etag if read >= root.sequence else None


def _require_later(root: Root, cursor: Mapping[str, Any]) -> None:
    """Raise FormatError when the epoch went back, or the same stream counts another one."""
    if not cursor.get("stream"):
        return
    epoch = int(cursor["epoch"])
    if not (root.epoch == epoch if cursor["stream"] == root.stream else root.epoch > epoch):
        raise broken(f"son époque est revenue de {epoch} à {root.epoch}", f"its epoch went back from {epoch} to {root.epoch}")


def _is_long(root: Root) -> bool:
    """Say whether a dump is offered, and saves something."""
    pages = {page for _, page in root.since} | {page for page in (root.first, root.last) if page}
    return root.dump is not None and (len(pages) > FEW_PAGES or (not root.since and root.first != root.last))


# --- where to begin -----------------------------------------------------------------------------------------------------


def _resumed(log: Log, root: Root, cursor: Mapping[str, Any]) -> _Start | None:
    """Go on where reading stopped; None when everything must be read anew. Without page: there is nothing new."""
    if cursor.get("stream") != root.stream or not cursor.get("page"):
        return None
    read = int(cursor["sequence"])
    if max(read, int(cursor.get("complete") or 0)) < root.resync_below:
        return None
    try:
        return _Start(log.page(str(cursor["page"]), root, cursor.get("etag")), read, read, anew=False)
    except FetchFailed as error:
        if error.status not in LOST:
            raise
    place = _page_of(root, cursor.get("published"))
    return None if place is None else _Start(log.page(place, root), read, read, anew=False)


def _continued(log: Log, root: Root, reading: Mapping[str, Any]) -> _Start | None:
    """Go on after a page that was read before the last reading broke off; None when what was read until then does not hold any more."""
    if (reading["stream"], reading["epoch"]) != (root.stream, root.epoch) or root.resync_below > max(reading["last"], reading["complete"]):
        return None
    try:
        page = log.page(reading["page"], root)
    except FetchFailed as error:
        if error.status not in LOST:
            raise
        return None
    date = moment(reading["date"])
    return _Start(page, reading["after"], reading["known"], reading["anew"], reading["last"], date, reading["grow"])


def _page_of(root: Root, published: object) -> str | None:
    """Return the newest page none of whose events is older than `published`, the first when all pages are newer; None when no dates help."""
    date = moment(published)
    if date is None or not root.since:
        return None
    return next((page for since, page in reversed(root.since) if since <= date), root.since[0][1])


def _anew(log: Log, root: Root, cursor: Mapping[str, Any]) -> _Start:
    """Read everything."""
    known = int(cursor["sequence"]) if cursor.get("stream") == root.stream else 0
    return _Start(log.page(root.first, root) if root.first else None, 0, known, anew=True)


def _after_dump(log: Log, root: Root, sequence: int) -> _Start:
    """Go on after a dump: on the last page, unless it begins later than the dump ends (a dump that a cache kept); then from the first."""
    last = log.page(root.last, root) if root.last else None
    if last and last.events and number(last.events[0], "sequence") <= sequence + 1:
        return _Start(last, sequence, sequence, anew=True)
    return replace(_anew(log, root, {}), after=sequence, known=sequence)


def _by_dump(log: Log, root: Root, budget: Budget) -> Generator[tuple[Root, Found], None, Text | None]:
    """Yield the records of the dump and what happened since; return why this is of no use, None when it was, the Position included."""
    dumped = 0
    try:
        dumped = yield from _dump(log, root)
        if not dumped:
            return USELESS
        for found in _walk(log, root, _after_dump(log, root, dumped)):
            yield root, found
    except (FetchFailed, FormatError) as error:
        broke_off = dumped and isinstance(error, FetchFailed) and error.status not in LOST
        if budget.is_used_up or budget.stop.is_set() or broke_off:
            raise
        return Text(f"{WITHOUT.fr} {error.text.fr}", f"{WITHOUT.en} {error.text.en}")
    return None


def _dump(log: Log, root: Root) -> Generator[tuple[Root, Found], None, int]:
    """Yield the records of the dump and return the sequence it stands at; 0, having yielded nothing, when it is too old or does not say."""
    with log.dump(root) as (sequence, documents):
        if not sequence or sequence < root.resync_below:
            return 0
        for document in documents:
            if not document.get("id"):
                raise broken("une fiche de sa copie complète n'a pas d'IRI", "a record of its dump has no IRI")
            yield root, Member(sequence, document)
        return sequence


# --- page by page -------------------------------------------------------------------------------------------------------


def _walk(log: Log, root: Root, start: _Start) -> Iterator[Found]:
    """Yield the events from a page on, then the position. Raises FormatError when the numbers do not grow, or the pages end too early."""
    last, date, grow = start.last, start.date, start.grow
    seen, reached = set[str](), start.page
    for page in _pages(log, root, start.page):
        seen.add(page.url)
        for said in page.events:
            following, published = number(said, "sequence"), moment(said.get("published"))
            if following <= last:
                raise broken(f"l'événement {following} suit l'événement {last}", f"event {following} follows event {last}")
            grow = grow and published is not None and (date is None or date < published)
            last, date = following, published
            if last > start.after:
                yield Event(last, said)
        reached = page
        if page.next:
            place = {"stream": root.stream, "epoch": root.epoch, "complete": root.resync_below, "page": page.next, "last": last, "grow": grow}
            place |= {"date": date.isoformat() if date else None, "after": start.after, "known": start.known, "anew": start.anew}
            yield Checkpoint(place)
    if max(last, root.resync_below) < start.known:
        french = f"il s'arrête à l'événement {last} alors que {start.known} avait été lu"
        raise broken(french, f"it ends at event {last} although {start.known} was read before")
    if root.last and root.last not in seen:
        raise broken("ses pages n'arrivent pas à celle qu'il dit être la dernière", "its pages do not reach the one it calls the last")
    cursor = {"stream": root.stream, "epoch": root.epoch, "sequence": (read := max(last, start.known)), "complete": root.resync_below}
    cursor |= {"root": _tag(root, read), "published": date.isoformat() if date and grow else None}
    place = {"page": reached.url, "etag": reached.etag} if reached else {"page": None, "etag": None}
    yield Position(cursor | place, anew=start.anew)


def _pages(log: Log, root: Root, page: Page | None) -> Iterator[Page]:
    """Yield a page and all that follow it. Raises FormatError when they go round, FetchFailed when one is gone."""
    seen = set[str]()
    while page is not None:
        if page.url in seen:
            raise broken("ses pages tournent en rond", "its pages go round in a circle")
        seen.add(page.url)
        if page.next and not page.events:
            raise broken("une page vide en annonce une autre", "an empty page announces another one")
        yield page
        try:
            page = log.page(page.next, root) if page.next else None
        except FetchFailed as error:
            if error.status not in LOST:
                raise
            rewritten = Text(
                "Le flux du pair a été réécrit pendant qu'il était lu : la prochaine visite le relira.",
                "The peer's feed was rewritten while it was read: the next visit reads it again.",
            )
            raise FetchFailed(rewritten, error.status) from None
