"""The log as other programs read it: a root that names the pages, pages that name their neighbours, single events.

It follows LDES 1.0.0-alpha and TREE for those who read RDF, and is a plain ordered list for those who read JSON;
`record` is the context's alias of ``@graph``, so a record is the named graph called by its event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Row, func, select

from app.errors import Gone, NotFound, Text
from app.feed.compaction import Retention, resync_below
from app.feed.log import PAGES_AN_EPOCH, Event, first_page, read
from app.journal import judgements, meta
from app.journal.tables import event as events
from app.journal.tables import feed_page, source
from app.names import OWN, Names

Document = dict[str, Any]

POLLING_INTERVAL_S = 3600
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page; a closed one never changes again."""

    document: Document
    closed: bool
    modified_at: str


@dataclass(frozen=True, slots=True)
class State:
    """How far the log has got; two equal states have the same root and the same pages.

    `first` and `last` are numbers of pages. `modified_at` is the date of the last event, `written_at` when any page was last written, or the
    root, `decided_at` when people last judged.
    """

    epoch: int
    sequence: int
    first: int
    last: int
    modified_at: str
    written_at: str
    decided_at: str | None = None


def state(c: Connection) -> State:
    """Return how far the log has got, at the price of a few look-ups."""
    epoch = meta.epoch(c)
    newest = c.execute(
        select(events.c.sequence, events.c.published).where(events.c.epoch == epoch).order_by(events.c.sequence.desc()).limit(1)
    ).first()
    mine = feed_page.c.epoch == epoch
    last, written = c.execute(select(func.max(feed_page.c.number), func.max(feed_page.c.modified_at)).where(mine)).one()
    live = select(feed_page.c.number).where(mine, ~feed_page.c.gone)
    first = c.execute(live.order_by(feed_page.c.position).limit(1)).scalar() or first_page(epoch)
    sequence, modified = (newest.sequence, newest.published) if newest else (0, _begun(c))
    decided = judgements.last_moment(c)
    return State(epoch, sequence, first, last or first, modified, max(written or modified, modified, decided or modified), decided)


def root(c: Connection, names: Names, retention: Retention = Retention(), *, relays: bool = False) -> Document:  # noqa: B008 - frozen
    """Return the root of the log: the stream, what is kept for how long, where to begin and to subscribe, each page with the dates it covers.

    `relays` says whether this node passes on what its peers' origins said.
    """
    epoch = meta.epoch(c)
    pages, present = _pages(c, epoch), state(c)
    numbers = [page.number for page in pages] or [first_page(epoch)]
    return {
        "id": names.feed,
        "type": ["OrderedCollection", "tree:Node", "EventSource"],
        "totalItems": c.execute(select(func.count()).select_from(events).where(events.c.epoch == epoch)).scalar_one(),
        "first": names.page(numbers[0]),
        "last": names.page(numbers[-1]),
        "sequence": present.sequence,
        "stream": _stream(names, epoch),
        "retentionPolicy": _retention(c, names, retention),
        "dump": names.dump,
        "hub": names.hub,
        **({"relay": names.relay} if relays else {}),
        **({"decisions": names.decisions, "decidedAt": present.decided_at} if present.decided_at else {}),
        "relation": _relations(names, pages),
    }


def page(c: Connection, names: Names, number: int) -> Page:
    """Return one page of the log.

    Raises Gone for a page that was rewritten or belongs to an epoch that is over, NotFound for one that never was.
    """
    epoch = meta.epoch(c)
    row = c.execute(select(feed_page).where(feed_page.c.number == number)).first() if 0 < number <= LARGEST else None
    if row is None and number == first_page(epoch) and not _pages(c, epoch):
        return Page(_page(names, epoch, number, ()), closed=False, modified_at=state(c).modified_at)
    if row is None and not _was_there(c, epoch, number):
        raise NotFound(Text(f"Le journal n'a pas de page {number}.", f"The feed has no page {number}."))
    if row is None or row.gone:
        raise Gone(
            Text("Cette page du journal a été réécrite : repartez de la racine.", "This page of the feed was rewritten: start again from its root.")
        )
    listed = [read(found) for found in c.execute(select(events).where(events.c.page == number).order_by(events.c.sequence))]
    links = {"next": _number(names, _next(c, row)), "prev": _number(names, _previous(c, row))}
    document = _page(names, row.epoch, number, listed) | {key: value for key, value in links.items() if value}
    return Page(document | {"immutable": True} if row.closed else document, bool(row.closed), row.modified_at)


def event(c: Connection, names: Names, epoch: int, sequence: int) -> Document:
    """Return one event, the exact statement made at that moment.

    Raises Gone for one that was erased or dropped, NotFound for one that never was.
    """
    within = 0 < epoch <= meta.epoch(c) and 0 < sequence <= LARGEST
    row = c.execute(select(events).where(events.c.epoch == epoch, events.c.sequence == sequence)).first() if within else None
    if row is not None:
        return activity(names, read(row))
    newest = c.execute(select(func.max(events.c.sequence)).where(events.c.epoch == epoch)).scalar() if within else None
    if newest is not None and sequence < newest:
        raise Gone(
            Text(
                "Cet événement n'est plus dans le journal : la fiche a été effacée, ou il a été remplacé depuis longtemps.",
                "This event is no longer in the feed: its record was erased, or it was replaced long ago.",
            )
        )
    raise NotFound(Text("Le journal n'a pas cet événement.", "The feed has no such event."))


def activity(names: Names, said: Event) -> Document:
    """Return an event as an ActivityStreams activity whose IRI is the version's."""
    written: Document = {"id": names.event(said.epoch, said.sequence), "type": said.kind.value, "object": said.object, "origin": names.node}
    written |= {"sequence": said.sequence, "published": said.published}
    if said.document is not None:
        written |= {"contentHash": said.content_hash, "record": said.document}
    return written | {"purge": True} if said.purge else written


def _begun(c: Connection) -> str:
    """Return when the node began, for a log that has no event yet."""
    return str(c.execute(select(source.c.created_at).where(source.c.name == OWN)).scalar_one())


def _pages(c: Connection, epoch: int) -> Sequence[Row[Any]]:
    """Return the pages of the log, in its order."""
    return c.execute(select(feed_page).where(feed_page.c.epoch == epoch, ~feed_page.c.gone).order_by(feed_page.c.position)).all()


def _was_there(c: Connection, epoch: int, number: int) -> bool:
    """Tell whether a page that is not known any more once was: a greater number of the same epoch was given."""
    within = (number - 1) // PAGES_AN_EPOCH + 1
    if not 0 < number <= LARGEST or within > epoch:
        return False
    greatest = c.execute(select(func.max(feed_page.c.number)).where(feed_page.c.epoch == within)).scalar()
    return greatest is not None and number < greatest


def _retention(c: Connection, names: Names, retention: Retention) -> Document:
    """Say what is kept for how long, and below which number a reader must read everything anew."""
    kept = {"fullLogDuration": f"P{retention.log_days}D", "versionAmount": 1, "versionDeleteDuration": f"P{retention.withdrawal_days}D"}
    return {"id": f"{names.feed}#retention"} | kept | {"resyncBelow": resync_below(c)}


def _stream(names: Names, epoch: int) -> Document:
    """Describe the event stream: which properties carry the order, the object and the kind of change."""
    return {
        "id": names.stream(epoch),
        "type": "EventStream",
        "origin": names.node,
        "epoch": epoch,
        "timestampPath": "as:published",
        "sequencePath": "mlg:sequence",
        "versionOfPath": "as:object",
        "versionCreateObject": "as:Create",
        "versionUpdateObject": "as:Update",
        "versionDeleteObject": "as:Delete",
        "pollingInterval": POLLING_INTERVAL_S,
    }


def _relations(names: Names, pages: Sequence[Row[Any]]) -> list[Document]:
    """Say for each page from which date on its events were published, and, when another follows, before which."""
    relations = []
    for opened, following in zip_longest(pages, pages[1:]):
        relations.append(_relation(names, "tree:GreaterThanOrEqualToRelation", opened.number, opened.since))
        if following is not None:
            relations.append(_relation(names, "tree:LessThanRelation", opened.number, following.since))
    return relations


def _relation(names: Names, kind: str, number: int, value: str) -> Document:
    return {"type": kind, "node": names.page(number), "path": "as:published", "value": value}


def _page(names: Names, epoch: int, number: int, listed: Sequence[Event]) -> Document:
    """Return what open and closed pages have in common."""
    items = [activity(names, said) for said in listed]
    stream = {"id": names.stream(epoch), "members": [item["id"] for item in items]}
    return {
        "id": names.page(number),
        "type": ["OrderedCollectionPage", "tree:Node"],
        "partOf": names.feed,
        "stream": stream,
        "orderedItems": items,
    }


def _next(c: Connection, row: Row[Any]) -> int | None:
    """Return the page that follows; a page never outlives a change of this link."""
    following = (feed_page.c.epoch == row.epoch) & (feed_page.c.position == row.position + 1)
    return c.execute(select(feed_page.c.number).where(following, ~feed_page.c.gone)).scalar()


def _previous(c: Connection, row: Row[Any]) -> int | None:
    """Return the page before it when it was opened, rewritten since or not: what an immutable page says must not change."""
    before = (feed_page.c.epoch == row.epoch) & (feed_page.c.position == row.position - 1) & (feed_page.c.number < row.number)
    return c.execute(select(func.max(feed_page.c.number)).where(before)).scalar()


def _number(names: Names, number: int | None) -> str | None:
    return None if number is None else names.page(number)
