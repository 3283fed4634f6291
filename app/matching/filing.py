"""The rows that matching keeps in the journal: normal forms, keys, and the scored pairs worth remembering.

Every question and every write is for many records at once, in chunks that SQLite takes; questions are built once, for speed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import Text
from app.journal.evidence import STALE
from app.journal.tables import edge, feature, match_key, member, pending, record, source
from app.journal.text import as_text, from_text, sentence_text
from app.matching import relations
from app.matching.features import Features
from app.matching.normalise import features
from app.matching.score import MATCH, Reason, Score
from app.matching.scratch import EdgeRow, Mark

Key = TypeVar("Key", int, str)

CHUNK: Final = 500
USUAL_LENGTH: Final = 5000
"""Characters of a record of which thousands are at hand at once."""

LIVE: Final = "live"
MATCHED, REVIEW, REFUSED, RELATED = "match", "review", "refused", "related"


class Filed(NamedTuple):
    """A record as matching reads it; `features` is empty when it was never filed, or is not to be found any more."""

    id: int
    reference: str
    state: str
    version: int
    document: str
    features: str
    contacts: str | None

    @property
    def mark(self) -> Mark:
        """Return what tells whether the normal form must be made anew."""
        return self.version, self.contacts

    def normal_form(self, secret: bytes) -> Features:
        """Make the normal form."""
        return features(from_text(self.document), from_text(self.contacts) if self.contacts else None, secret)


class Edge(NamedTuple):
    """A scored pair as it is kept; left < right."""

    left: int
    right: int
    score: float
    state: str
    message: str | None


def among(name: str = "ids") -> Any:
    """Return the place of a chunk in a question that is built once."""
    return bindparam(name, expanding=True)


_LIVE_IDS: Final = select(record.c.id).where(record.c.state == LIVE).order_by(record.c.id)
_LONG: Final = select(record.c.id, func.length(record.c.document).op("/")(USUAL_LENGTH)).where(
    record.c.state == LIVE, func.length(record.c.document) >= 2 * USUAL_LENGTH
)
_COUNTED: Final = tuple(
    select(func.count()).select_from(select(table.c.record_id).limit(bindparam("most")).subquery()).scalar_subquery() for table in (member, pending)
)
_ROUGHLY: Final = select(_COUNTED[0] + _COUNTED[1])
_LIVE_MARKS: Final = (
    select(record.c.id, record.c.version, feature.c.contacts).outerjoin(feature, feature.c.record_id == record.c.id).where(record.c.state == LIVE)
)
_WAITING: Final = select(pending.c.record_id).where(pending.c.record_id.in_(among()))
_FILED: Final = (
    select(record.c.id, source.c.name, record.c.key, record.c.state, record.c.version, record.c.document, feature.c.document, feature.c.contacts)
    .join(source, source.c.id == record.c.source_id)
    .outerjoin(feature, feature.c.record_id == record.c.id)
    .where(record.c.id.in_(among()))
    .order_by(record.c.id)
)
_SUBJECTS: Final = (
    select(feature.c.record_id, source.c.name, record.c.key, feature.c.document)
    .select_from(feature.join(record, record.c.id == feature.c.record_id).join(source, source.c.id == record.c.source_id))
    .where(feature.c.record_id.in_(among()), feature.c.document != "")
)
_NEW_FEATURE: Final = upsert(feature)
_SAVE_FEATURE: Final = _NEW_FEATURE.on_conflict_do_update(index_elements=["record_id"], set_={"document": _NEW_FEATURE.excluded.document})
_EMPTY_OTHERS: Final = update(feature).where(feature.c.document != "", feature.c.record_id.not_in(_LIVE_IDS.order_by(None))).values(document="")
_DROP_KEYS: Final = delete(match_key).where(match_key.c.record_id.in_(among()))
_DROP_EDGES: Final = delete(edge).where(or_(edge.c.left_id.in_(among()), edge.c.right_id.in_(among())))
_MINE, _THEIRS = match_key.alias(), match_key.alias()
_NEIGHBOURS: Final = (
    select(_MINE.c.record_id, _THEIRS.c.record_id)
    .where(_THEIRS.c.key == _MINE.c.key, _THEIRS.c.record_id != _MINE.c.record_id, _MINE.c.record_id.in_(among()))
    .group_by(_MINE.c.record_id, _THEIRS.c.record_id)
    .having(or_(func.count() > 1, func.max(_MINE.c.key.op("&")(1)) == 1))
)
_MATCHES: Final = select(edge.c.left_id, edge.c.right_id, edge.c.score, edge.c.state, edge.c.message).where(edge.c.score >= MATCH)
_MATCHES_OF: Final = tuple(_MATCHES.where(column.in_(among())) for column in (edge.c.left_id, edge.c.right_id))
_RELATED: Final = (
    select(edge.c.left_id, edge.c.right_id, edge.c.reasons)
    .where(edge.c.state == "related", edge.c.reasons != STALE)
    .order_by(edge.c.score.desc(), edge.c.left_id, edge.c.right_id)
)
_NAMED: Final = select(record.c.id, source.c.name, record.c.key).join(source, source.c.id == record.c.source_id).where(record.c.id.in_(among()))
_STALE: Final = select(edge.c.left_id, edge.c.right_id).where(edge.c.reasons == STALE)
_STALE_OF: Final = tuple(_STALE.where(side.in_(among())) for side in (edge.c.left_id, edge.c.right_id))
_DROP_EDGE: Final = delete(edge).where(edge.c.left_id == bindparam("one"), edge.c.right_id == bindparam("other"))
_MARK: Final = (
    update(edge)
    .where(edge.c.left_id == bindparam("one"), edge.c.right_id == bindparam("other"))
    .values(state=bindparam("new_state"), message=bindparam("new_message"))
)


def chunks(ids: Iterable[Key]) -> Iterator[list[Key]]:
    """Cut ids or slugs into sorted chunks."""
    ordered = iter(sorted(ids))
    while chunk := list(islice(ordered, CHUNK)):
        yield chunk


def waiting(c: Connection, ids: Iterable[int]) -> set[int]:
    """Return those of these records that are pending."""
    return {record_id for chunk in chunks(ids) for record_id in c.execute(_WAITING, {"ids": chunk}).scalars()}


def wait_all(c: Connection) -> None:
    """Put all live records on the list of those that are pending; those that went wait on, for their groups to go too."""
    c.execute(upsert(pending).from_select(["record_id"], _LIVE_IDS).on_conflict_do_nothing())


def live_ids(c: Connection) -> list[int]:
    """Return the ids of the live records."""
    return list(c.execute(_LIVE_IDS).scalars())


def long(c: Connection) -> dict[int, int]:
    """Return the live records that say much, each with for how many usual ones it counts."""
    return {row[0]: row[1] for row in c.execute(_LONG)}


def roughly(c: Connection, most: int = -1) -> int:
    """Return how many records there are at most, without reading them: the members of groups and those that wait, `most` of each counted."""
    return int(c.execute(_ROUGHLY, {"most": most}).scalar_one())


def marks(c: Connection) -> Iterator[tuple[int, Mark]]:
    """Yield the marks of all live records, as they are now."""
    yield from ((record_id, (version, contacts)) for record_id, version, contacts in c.execute(_LIVE_MARKS))


def filed(c: Connection, ids: Iterable[int]) -> Iterator[Filed]:
    """Yield these records, whatever their state."""
    for chunk in chunks(ids):
        for record_id, name, key, state, version, document, kept, contacts in c.execute(_FILED, {"ids": chunk}):
            yield Filed(record_id, f"{name}/{key}", state, version, document, kept or "", contacts)


def subjects(c: Connection, ids: Iterable[int]) -> Iterator[tuple[int, str, Features]]:
    """Yield id, reference and normal form of these records, those that have one."""
    for chunk in chunks(ids):
        for record_id, name, key, text in c.execute(_SUBJECTS, {"ids": chunk}):
            yield record_id, f"{name}/{key}", Features.from_json(text)


def save_features(c: Connection, texts: Mapping[int, str]) -> None:
    """Keep normal forms, as JSON; contacts kept beside them stay."""
    if texts:
        c.execute(_SAVE_FEATURE, [{"record_id": record_id, "document": text} for record_id, text in texts.items()])


def empty_others(c: Connection) -> None:
    """Empty the normal forms of records that are not live; contacts kept beside them stay."""
    c.execute(_EMPTY_OTHERS)


def unfile(c: Connection, ids: Iterable[int]) -> None:
    """Forget keys and pairs of these records."""
    for chunk in chunks(ids):
        c.execute(_DROP_KEYS, {"ids": chunk})
        c.execute(_DROP_EDGES, {"ids": chunk})


def clear(c: Connection) -> None:
    """Forget all keys and pairs."""
    c.execute(delete(match_key))
    c.execute(delete(edge))


def save_keys(c: Connection, rows: list[tuple[int, int]]) -> None:
    """File records under keys, each row a key and a record; in the table's own order, which is the fastest."""
    _add(c, match_key, ("key", "record_id"), sorted(rows))


def neighbours(c: Connection, ids: Iterable[int]) -> dict[int, list[int]]:
    """Return for each record those it is to be compared with: they share a key that identifies, or two keys.

    A pair of two records that are both among `ids` is given once.
    """
    asked = {*ids}
    found: dict[int, list[int]] = {}
    for chunk in chunks(asked):
        for left, right in c.execute(_NEIGHBOURS, {"ids": chunk}):
            if left < right or right not in asked:
                found.setdefault(left, []).append(right)
    return found


def edge_rows(scores: Mapping[tuple[int, int], Score]) -> list[EdgeRow]:
    """Return scored pairs as they are kept: matches until clustering refuses one, related ones with their relation, the others for review."""
    return [(left, right, scored.total, *_kept(scored)) for (left, right), scored in scores.items()]


def _kept(scored: Score) -> tuple[str, str]:
    """Return the reasons and the state of a pair."""
    if scored.relation is None:
        return as_text(scored.reasons), MATCHED if scored.total >= MATCH else REVIEW
    return as_text([*scored.reasons, Reason(relations.REASON, scored.relation.detail(), 0.0)]), RELATED


def add_edges(c: Connection, rows: list[EdgeRow]) -> None:
    """Keep scored pairs."""
    _add(c, edge, ("left_id", "right_id", "score", "reasons", "state"), sorted(rows))


def stale(c: Connection, ids: Collection[int] | None = None) -> set[tuple[int, int]]:
    """Return the kept pairs that are to be scored anew: those that name one of these records, or all."""
    if ids is None:
        return {(row[0], row[1]) for row in c.execute(_STALE)}
    return {(row[0], row[1]) for chunk in chunks(ids) for question in _STALE_OF for row in c.execute(question, {"ids": chunk})}


def drop_edges(c: Connection, pairs: Collection[tuple[int, int]]) -> None:
    """Forget kept pairs."""
    if pairs:
        c.execute(_DROP_EDGE, [{"one": left, "other": right} for left, right in sorted(pairs)])


def matches(c: Connection, ids: Collection[int] | None) -> Iterator[Edge]:
    """Yield the pairs from MATCH on, refused or not, that name one of these records, or all; a pair may come twice."""
    if ids is None:
        yield from (Edge(*row) for row in c.execute(_MATCHES))
        return
    for chunk in chunks(ids):
        for question in _MATCHES_OF:
            yield from (Edge(*row) for row in c.execute(question, {"ids": chunk}))


def related(c: Connection, limit: int) -> list[tuple[str, str, relations.Relation]]:
    """Return pairs that are not one group and have a relation, as references, the most alike first."""
    rows = [(*row[:2], reasons_of(row[2])[-1]) for row in c.execute(_RELATED.limit(limit))]
    known = dict(_named(c, {record_id for row in rows for record_id in row[:2]}))
    return [(known[left], known[right], relations.from_detail(reason.detail)) for left, right, reason in rows]


def _named(c: Connection, ids: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Yield records with their references."""
    for chunk in chunks(ids):
        yield from ((record_id, f"{name}/{key}") for record_id, name, key in c.execute(_NAMED, {"ids": chunk}))


def reasons_of(text: str) -> tuple[Reason, ...]:
    """Read the reasons of a kept pair."""
    return tuple(Reason(*item) for item in from_text(text))


def mark(c: Connection, edges: Iterable[Edge], refused: Mapping[tuple[int, int], Text]) -> None:
    """Note which matches were refused and why, and which are matches after all."""
    rows = []
    for one in edges:
        reason = refused.get((one.left, one.right))
        state, message = (MATCHED, None) if reason is None else (REFUSED, sentence_text(reason))
        if (one.state, one.message) != (state, message):
            rows.append({"one": one.left, "other": one.right, "new_state": state, "new_message": message})
    if rows:
        c.execute(_MARK, rows)


def _add(c: Connection, table: Table, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Insert many rows as they are: hundreds of thousands of keys must not each pass through a dictionary."""
    if rows:
        statement = insert(table).values({column: bindparam(column) for column in columns}).compile(dialect=c.dialect)
        c.exec_driver_sql(str(statement), rows)
