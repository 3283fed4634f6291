"""The lines of a visit's report as they wait in the journal: the questions about them that staging and applying share.

A line's outcome is ``added``, ``changed``, ``unchanged`` or ``refused`` for a record that was met: the four add up to the records met, exactly.
It is ``gone`` for a record that is held and that the source withdrew or did not show. `unmapped` counts, among those met, the lines that name
fields nobody maps: a record is taken without them, so they are no outcome of their own. One more line, of key ``*``, sums them up by field.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, update

from app.errors import Text
from app.journal import visits
from app.journal.records import GONE, Head
from app.journal.tables import record, visit, visit_item
from app.journal.text import as_text

OUTCOMES = ("added", "changed", "unchanged", "gone", "refused", "unmapped")
NOT_TAKEN = Text("Champs non repris : ", "Fields not taken: ")
REPORTS_KEPT = 10
PAGE = 500

WITHDRAW, PURGE, HIDE, MISS, ELSEWHERE = "withdraw", "purge", "hide", "miss", "elsewhere"
"""What is to become of a record whose line says ``gone``, kept as ``{"act": …}`` in place of a document."""

_HEAD = (
    record.c.id,
    record.c.key,
    record.c.iri,
    record.c.content_hash,
    record.c.raw_digest,
    record.c.state,
    record.c.origin_epoch,
    record.c.origin_sequence,
    record.c.missed,
    record.c.missing_since,
)


def counts(c: Connection, visit_id: int) -> dict[str, int]:
    """Return the counts of a visit, every outcome present."""
    mine = (visit_item.c.visit_id == visit_id, visit_item.c.outcome != "unmapped")
    noted = select(func.count()).where(*mine, visit_item.c.message.contains(NOT_TAKEN.fr, autoescape=True))
    return dict.fromkeys(OUTCOMES, 0) | visits.counts(c, visit_id) | {"unmapped": c.execute(noted).scalar_one()}


def elsewhere(c: Connection, visit_id: int) -> int:
    """Return how many lines say that another source tells a record better: these are not lost."""
    mine = (visit_item.c.visit_id == visit_id, visit_item.c.outcome == "gone", visit_item.c.document == as_text({"act": ELSEWHERE}))
    return int(c.execute(select(func.count()).where(*mine)).scalar_one())


def known(c: Connection, visit_id: int, keys: Iterable[str]) -> dict[str, str]:
    """Return those of `keys` that have a line already, and its outcome: a refusal only where there is nothing else."""
    question = select(visit_item.c.key, visit_item.c.outcome).where(visit_item.c.visit_id == visit_id, visit_item.c.key.in_(keys))
    return {row.key: row.outcome for row in c.execute(question.order_by(visit_item.c.outcome != "refused"))}


def write(c: Connection, visit_id: int, lines: Sequence[visits.Item], superseded: Iterable[str] = ()) -> None:
    """Write lines, dropping those of the keys that a later event speaks of again."""
    keys = list(superseded)
    if keys:
        c.execute(delete(visit_item).where(visit_item.c.visit_id == visit_id, visit_item.c.key.in_(keys)))
    visits.add_items(c, visit_id, lines)


def clear(c: Connection, visit_id: int) -> None:
    """Drop every line of a visit."""
    c.execute(delete(visit_item).where(visit_item.c.visit_id == visit_id))


def held(c: Connection, source_id: int, keys: Iterable[str]) -> dict[str, Head]:
    """Return what the journal holds of a source under these keys."""
    rows = c.execute(select(*_HEAD).where(record.c.source_id == source_id, record.c.key.in_(keys)))
    return {head.key: head for head in (_head(tuple(row)) for row in rows)}


def absent(c: Connection, visit_id: int, source_id: int, state: str, *, still: bool) -> Iterator[list[Head]]:
    """Yield, page by page, the records held in `state` that no line of the visit speaks of; only those missed before when `still`."""
    met = exists().where(visit_item.c.visit_id == visit_id, visit_item.c.key == record.c.key)
    question = select(*_HEAD).where(record.c.source_id == source_id, record.c.state == state, ~met).order_by(record.c.id).limit(PAGE)
    if still:
        question = question.where(record.c.missed > 0)
    last = 0
    while page := [_head(tuple(row)) for row in c.execute(question.where(record.c.id > last))]:
        yield page
        last = page[-1].id


def no_loss(c: Connection, visit_id: int, source_id: int) -> int:
    """Return how many of a visit's ``gone`` lines are about records that were withdrawn before, and are only erased now."""
    mine = (visit_item.c.visit_id == visit_id, visit_item.c.outcome == "gone", record.c.source_id == source_id, record.c.state == GONE)
    return c.execute(select(func.count()).select_from(visit_item.join(record, record.c.key == visit_item.c.key)).where(*mine)).scalar_one()


def mark_met(c: Connection, visit_id: int, source_id: int, at: str) -> None:
    """Note that the records of the unchanged and refused lines were seen, with what is new about how they were sent."""
    sent = {name: func.coalesce(visit_item.c[name], record.c[name]) for name in ("raw_digest", "origin_epoch", "origin_sequence")}
    line = (visit_item.c.visit_id == visit_id, visit_item.c.outcome.in_(("unchanged", "refused")), visit_item.c.key == record.c.key)
    c.execute(update(record).where(record.c.source_id == source_id, *line).values(seen_at=at, missed=0, missing_since=None, **sent))


def forget_old_reports(c: Connection, source_id: int) -> None:
    """Keep the lines of a source's newest visits, and of those that wait for a person or may be gone on with; older ones keep their counts."""
    newest = select(visit.c.id).where(visit.c.source_id == source_id).order_by(visit.c.id.desc()).limit(REPORTS_KEPT).scalar_subquery()
    waits = or_(visit.c.outcome == "held", and_(visit.c.outcome == "failed", visit.c.cursor.is_not(None)))
    old = select(visit.c.id).where(visit.c.source_id == source_id, ~waits, visit.c.id.not_in(newest))
    c.execute(delete(visit_item).where(visit_item.c.visit_id.in_(old)))


def _head(row: tuple[object, ...]) -> Head:
    """Read one row of `_HEAD`."""
    (number, key, iri, content_hash, raw_digest, state, epoch, sequence, missed, missing_since) = row
    origin = None if epoch is None else (epoch, sequence)
    return Head(number, key, iri, content_hash, raw_digest, state, origin, missed, missing_since)  # type: ignore[arg-type]  # the columns' own types
