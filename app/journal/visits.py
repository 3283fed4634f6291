"""Visits to peers: what each met, record by record, staged here until it is applied in one transaction or dropped."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, Select, func, insert, literal, select, update

from app.errors import NotFound, Text
from app.journal.database import Journal
from app.journal.moments import moment, now
from app.journal.tables import source
from app.journal.tables import visit as table
from app.journal.tables import visit_item as item_table
from app.journal.text import Document, as_text, maybe_from, maybe_text, sentence_from, sentence_text

DAYS = 7
"""How long what a visit staged that broke off is kept for the next one."""

STAGED = 500
STAGED_CHARACTERS = 4_000_000
"""How many lines, and how much of what they stage, are at hand at once."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit; `outcome` is None while it runs, then applied, unchanged, held, failed, discarded or dry-run."""

    id: int
    source_id: int
    source: str
    started_at: str
    finished_at: str | None
    outcome: str | None
    message: Text | None
    dry_run: bool
    counts: Mapping[str, int]
    requests: int
    bytes: int
    cursor: Mapping[str, Any] | None
    undone_at: str | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a visit: what became of one record. `document` and what follows are set while the line waits to be applied."""

    key: str
    outcome: str
    iri: str | None = None
    message: Text | None = None
    document: Document | None = None
    content_hash: str | None = None
    raw_digest: str | None = None
    contacts: Mapping[str, Any] | None = None
    origin: tuple[int, int] | None = None
    id: int = 0


def begin(c: Connection, source_id: int, dry_run: bool = False) -> int:
    """Open a visit and return its number."""
    values = {"source_id": source_id, "started_at": now(), "dry_run": dry_run, "counts": "{}", "requests": 0, "bytes": 0}
    (number,) = c.execute(insert(table).values(values)).inserted_primary_key or (0,)
    return int(number)


def add_items(c: Connection, visit_id: int, items: Iterable[Item]) -> None:
    """Add lines, in their order, with one statement for all."""
    rows = [_item_row(visit_id, item) for item in items]
    if rows:
        c.execute(insert(item_table), rows)


def finish(
    c: Connection,
    visit_id: int,
    outcome: str,
    message: Text | None = None,
    counts: Mapping[str, int] | None = None,
    requests: int | None = None,
    bytes_: int | None = None,
    cursor: Mapping[str, Any] | None = None,
) -> None:
    """Say how the visit ended; what is None stays as it was (a held visit is finished a second time when it is applied or discarded)."""
    values = {
        "message": sentence_text(message),
        "counts": maybe_text(counts),
        "requests": requests,
        "bytes": bytes_,
        "cursor": maybe_text(cursor),
    }
    given = {key: value for key, value in values.items() if value is not None}
    c.execute(update(table).where(table.c.id == visit_id).values(finished_at=now(), outcome=outcome, **given))


def mark_undone(c: Connection, visit_id: int, author: str, message: Text) -> None:
    """Note that an applied visit was taken back, by whom, and what that did."""
    said = {"undone_at": now(), "undone_by": author, "message": sentence_text(message)}
    c.execute(update(table).where(table.c.id == visit_id).values(said))


def newest_applied(c: Connection, source_id: int) -> int | None:
    """Return the number of the newest visit to a source that was applied and not taken back; None when there is none."""
    mine = (table.c.source_id == source_id, table.c.outcome == "applied", table.c.undone_at.is_(None))
    return c.execute(select(func.max(table.c.id)).where(*mine)).scalar()


def get(c: Connection, visit_id: int) -> Visit:
    """Return one visit. Raises NotFound."""
    row = c.execute(_chosen().where(table.c.id == visit_id)).mappings().first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas de visite numéro {visit_id}.", f"There is no visit number {visit_id}."))
    return _visit(row)


def list_(c: Connection, source_id: int | None = None, before: int | None = None, limit: int = 100) -> list[Visit]:
    """Return visits, the newest first, of one source or of all; `before` is the number of the last one already seen."""
    question = _chosen().order_by(table.c.id.desc()).limit(limit)
    if source_id is not None:
        question = question.where(table.c.source_id == source_id)
    if before is not None:
        question = question.where(table.c.id < before)
    return [_visit(row) for row in c.execute(question).mappings()]


def last_change(c: Connection, source_id: int) -> str | None:
    """Return when a visit, or its being undone, last changed what a source says; None when none ever did."""
    changed = func.max(func.coalesce(table.c.undone_at, table.c.finished_at))
    return c.execute(select(changed).where(table.c.source_id == source_id, table.c.outcome == "applied")).scalar()


def note_place(c: Connection, visit_id: int, place: Mapping[str, Any]) -> None:
    """Note how far a visit has got, should it break off."""
    c.execute(update(table).where(table.c.id == visit_id).values(cursor=as_text(place)))


def forget_place(c: Connection, visit_id: int) -> None:
    """Let go of what a visit that broke off had staged, and of how far it had got."""
    c.execute(update(table).where(table.c.id == visit_id).values(cursor=None))
    clear_documents(c, visit_id)


_BROKEN_OFF: Final = (table.c.outcome == "failed", table.c.cursor.is_not(None))


def broken_off(c: Connection, source_id: int) -> list[Visit]:
    """Return the visits to a source that broke off and left what the next one may go on from, the newest first."""
    question = _chosen().where(table.c.source_id == source_id, *_BROKEN_OFF).order_by(table.c.id.desc())
    return [_visit(row) for row in c.execute(question).mappings()]


def expire_places(journal: Journal) -> int:
    """Forget what visits staged that broke off too long ago; return how many such visits there were."""
    with journal.read() as c:
        old = list(c.execute(select(table.c.id).where(*_BROKEN_OFF, table.c.started_at <= oldest_place())).scalars())
    with journal.write() as c:
        for visit_id in old:
            forget_place(c, visit_id)
    return len(old)


def oldest_place() -> str:
    """Return when a visit must have begun at least for the next one to go on where it broke off."""
    return moment(datetime.now(UTC) - timedelta(days=DAYS))


def newest_but(c: Connection, source_id: int, visit_id: int) -> int | None:
    """Return the number of the newest visit to a source, except this one and those that only tried."""
    mine = (table.c.source_id == source_id, table.c.id != visit_id, table.c.dry_run.is_(False))
    return c.execute(select(func.max(table.c.id)).where(*mine)).scalar()


def unfinished(c: Connection) -> list[Visit]:
    """Return the visits that run, or that a crash left behind."""
    return [_visit(row) for row in c.execute(_chosen().where(table.c.outcome.is_(None)).order_by(table.c.id)).mappings()]


def held(c: Connection) -> list[Visit]:
    """Return the visits that wait for a person, oldest first."""
    return [_visit(row) for row in c.execute(_chosen().where(table.c.outcome == "held").order_by(table.c.id)).mappings()]


def items(c: Connection, visit_id: int, after: int = 0, limit: int = 100, outcome: str | None = None) -> list[Item]:
    """Return at most `limit` lines of a visit after line `after`, in their order; those of one outcome, or all; without what they stage."""
    question = _REPORT.where(item_table.c.visit_id == visit_id, item_table.c.id > after).order_by(item_table.c.id).limit(limit)
    if outcome is not None:
        question = question.where(item_table.c.outcome == outcome)
    return [_item(row) for row in c.execute(question)]


def staged(c: Connection, visit_id: int, *outcomes: str) -> Iterator[list[Item]]:
    """Yield the lines of these outcomes with what they stage, in their order, a few hundred at a time, fewer where they are long."""
    mine = (item_table.c.visit_id == visit_id, item_table.c.outcome.in_(outcomes))
    lengths = select(item_table.c.id, func.coalesce(func.length(item_table.c.document), 0)).where(*mine).order_by(item_table.c.id).limit(STAGED)
    last = 0
    while measured := c.execute(lengths.where(item_table.c.id > last)).all():
        reached = accumulate(length for _, length in measured)
        fitting = [number for (number, _), total in zip(measured, reached, strict=True) if total <= STAGED_CHARACTERS] or [measured[0][0]]
        page = select(item_table).where(*mine, item_table.c.id > last, item_table.c.id <= fitting[-1]).order_by(item_table.c.id)
        yield [_item(row) for row in c.execute(page)]
        last = fitting[-1]


def all_items(c: Connection, visit_id: int) -> Iterator[Item]:
    """Yield every line of a visit in its order; memory stays flat."""
    last = 0
    while page := items(c, visit_id, last, 500):
        yield from page
        last = page[-1].id


def counts(c: Connection, visit_id: int) -> dict[str, int]:
    """Return how many lines there are of each outcome."""
    question = select(item_table.c.outcome, func.count().label("number")).where(item_table.c.visit_id == visit_id).group_by(item_table.c.outcome)
    return {row.outcome: row.number for row in c.execute(question)}


def keep_contacts(c: Connection, before: Mapping[int, str]) -> None:
    """Note in lines, by their ids, the hashes of contacts that stood before them."""
    for line, contacts in before.items():
        c.execute(update(item_table).where(item_table.c.id == line).values(contacts=contacts))


def contacts_before(c: Connection, visit_id: int, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return what `keep_contacts` noted of these records in an applied visit whose lines are still there."""
    mine = (item_table.c.visit_id == visit_id, item_table.c.key.in_(list(keys)), item_table.c.contacts.is_not(None))
    return {row.key: maybe_from(row.contacts) or {} for row in c.execute(select(item_table.c.key, item_table.c.contacts).where(*mine))}


def clear_documents(c: Connection, visit_id: int, *, contacts: bool = True) -> None:
    """Forget what the lines of a visit staged: it was applied or dropped, only the report stays. Applied, they may keep what stood before them."""
    emptied = {"document": None} | ({"contacts": None} if contacts else {})
    c.execute(update(item_table).where(item_table.c.visit_id == visit_id).values(emptied))


_REPORT = select(item_table).with_only_columns(
    *(literal(None).label(column.name) if column.name in {"document", "contacts"} else column for column in item_table.c)
)
"""Lines without what they stage, which may be long."""


def _chosen() -> Select[Any]:
    """Visits with the name of their source."""
    return select(table, source.c.name.label("source")).join(source, source.c.id == table.c.source_id)


def _visit(row: RowMapping) -> Visit:
    """Read one row."""
    read = {"message": sentence_from(row["message"]), "counts": maybe_from(row["counts"]), "cursor": maybe_from(row["cursor"])}
    return Visit(**dict(row) | read)


def _item_row(visit_id: int, item: Item) -> dict[str, Any]:
    """Return one line as columns."""
    epoch, sequence = item.origin or (None, None)
    return {
        "visit_id": visit_id,
        "key": item.key,
        "iri": item.iri,
        "outcome": item.outcome,
        "message": sentence_text(item.message),
        "document": None if item.document is None else as_text(item.document),
        "content_hash": item.content_hash,
        "raw_digest": item.raw_digest,
        "contacts": maybe_text(item.contacts),
        "origin_epoch": epoch,
        "origin_sequence": sequence,
    }


def _item(row: Row[*tuple[Any, ...]]) -> Item:
    """Read one row."""
    return Item(
        key=row.key,
        outcome=row.outcome,
        iri=row.iri,
        message=sentence_from(row.message),
        document=maybe_from(row.document),
        content_hash=row.content_hash,
        raw_digest=row.raw_digest,
        contacts=maybe_from(row.contacts),
        origin=None if row.origin_epoch is None else (row.origin_epoch, row.origin_sequence),
        id=row.id,
    )
