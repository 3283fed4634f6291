"""From matching pairs to the groups that the directory shows: clusters, identities, fused documents; only what differs is written."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from app.errors import Text
from app.journal import changes, now
from app.journal.tables import group, record, source
from app.journal.text import as_text, from_text
from app.matching import evidence, filing, identity
from app.matching.cluster import Pair, cluster
from app.matching.evidence import weighed
from app.matching.filing import LIVE, Edge, among, chunks
from app.matching.fuse import Fused, Statement, displayed, fuse, name_of
from app.matching.identity import Part
from app.matching.judged import constraints
from app.matching.linking import components, separate
from app.matching.normalise import words
from app.matching.rules import RULES, Rules
from app.matching.score import Subject, score
from app.matching.statistics import Statistics
from app.names import OWN, Names
from app.record import public_view

_STATEMENTS: Final = (
    select(record.c.id, source.c.name, record.c.key, record.c.iri, record.c.document, record.c.created_at, record.c.modified_at)
    .join(source, source.c.id == record.c.source_id)
    .where(record.c.state == LIVE, record.c.id.in_(among()))
)
_HELD: Final = select(group.c.identity_id, group.c.content_hash, group.c.origins).where(group.c.identity_id.in_(among()))
_REMOVE: Final = delete(group).where(group.c.identity_id.in_(among()))
_NEW: Final = upsert(group)
_SAVE: Final = _NEW.on_conflict_do_update(
    index_elements=["identity_id"], set_={column.name: _NEW.excluded[column.name] for column in group.c if column.name != "identity_id"}
)

BATCH: Final = 2000
"""Records whose groups are rebuilt together, when all are."""


def rebuild(c: Connection, names: Names, record_ids: Collection[int], statistics: Statistics, rules: Rules = RULES) -> set[int]:
    """Rebuild the groups of these records, which have nothing to do with others; return the identities written or removed."""
    subjects = {record_id: Subject(found, statistics, reference) for record_id, reference, found in filing.subjects(c, record_ids)}
    clusters = _clusters(c, record_ids, subjects, statistics)
    statements = _statements(c, subjects)
    groups = [[statements[record_id][0] for record_id in sorted(members)] for members in clusters]
    said = [[statements[record_id][1] for record_id in sorted(members)] for members in clusters]
    before = identity.held(c, record_ids)
    named = cache(lambda place: name_of(said[place], rules))
    assigned = identity.assign(c, groups, before, named)
    fused: dict[int, Fused] = {}
    for identity_id, statements_of_one in zip(assigned.identities, said, strict=True):
        iri = names.group(assigned.slugs[identity_id])
        fused[identity_id] = fuse(iri, statements_of_one, names, rules)
    written = _write(c, fused, assigned.slugs) | _remove(c, assigned.released)
    changes.note(c, "group", [assigned.slugs[identity_id] for identity_id in sorted(written)])
    return written


def rebuild_all(c: Connection, names: Names, live: Iterable[int], statistics: Statistics, rules: Rules = RULES) -> set[int]:
    """Rebuild the groups of all records, some at a time."""
    written: set[int] = set()
    for record_ids in _batches(separate(c, live), filing.long(c)):
        written |= rebuild(c, names, record_ids, statistics, rules)
    return written


def _batches(sets: Iterable[Sequence[int]], long: Mapping[int, int]) -> Iterator[list[int]]:
    """Put sets of records together until there are about `BATCH`; a `long` one counts for several."""
    batch: list[int] = []
    weight = 0
    for record_ids in sets:
        batch += record_ids
        weight += sum([long.get(record_id, 1) for record_id in record_ids])
        if weight >= BATCH:
            yield batch
            batch, weight = [], 0
    yield batch


def _clusters(c: Connection, record_ids: Collection[int], subjects: Mapping[int, Subject], statistics: Statistics) -> list[frozenset[int]]:
    """Cluster each connected part by itself, and note which matches were refused."""
    edges = {(found.left, found.right): found for found in filing.matches(c, record_ids) if found.left in subjects and found.right in subjects}
    judged, said = constraints(c, subjects, record_ids), evidence.heard(c, record_ids)
    by_record: dict[int, list[Edge]] = {}
    for found in edges.values():
        by_record.setdefault(found.left, []).append(found)
    clusters: list[frozenset[int]] = []
    refused: dict[tuple[int, int], Text] = {}
    for part in components(subjects, [*edges, *judged.same]):
        if len(part) == 1:
            clusters.append(frozenset(part))
            continue
        result = cluster(
            {one: subjects[one].reference for one in part},
            {one: subjects[one].registers for one in part},
            [Pair(found.left, found.right, found.score) for one in part for found in by_record.get(one, ())],
            judged.among(part),
            lambda left, right: weighed(score(subjects[left], subjects[right], statistics), said.get((left, right), ())).total,
            statistics.singles(),
        )
        clusters += result.groups
        refused.update(result.refused)
    filing.mark(c, edges.values(), refused)
    return clusters


def _statements(c: Connection, record_ids: Iterable[int]) -> dict[int, tuple[Part, Statement]]:
    """Return what the records say in their public view."""
    found: dict[int, tuple[Part, Statement]] = {}
    for chunk in chunks(record_ids):
        for record_id, name, key, iri, text, created_at, modified_at in c.execute(_STATEMENTS, {"ids": chunk}):
            document = public_view(from_text(text))
            reference = f"{name}/{key}"
            at = str(document.get("modified") or modified_at)
            found[record_id] = Part(record_id, reference, created_at), Statement(reference, iri, document, at, name == OWN)
    return found


def _write(c: Connection, fused: Mapping[int, Fused], slugs: Mapping[int, str]) -> set[int]:
    """Write the groups that differ from what is written; return their identities."""
    held: dict[int, tuple[str, str]] = {}
    for chunk in chunks(fused):
        held.update((row[0], (row[1], row[2])) for row in c.execute(_HELD, {"ids": chunk}))
    at = now()
    rows = [_row(identity_id, found, slugs[identity_id], at) for identity_id, found in fused.items()]
    rows = [row for row in rows if held.get(row["identity_id"]) != (row["content_hash"], row["origins"])]
    if rows:
        c.execute(_SAVE, rows)
    return {row["identity_id"] for row in rows}


def _row(identity_id: int, fused: Fused, slug: str, at: str) -> dict[str, Any]:
    """Return one group as a row."""
    document = as_text(fused.document)
    name = displayed(fused.document.get("name")) or slug
    latitude, longitude = _position(fused.document)
    return {
        "identity_id": identity_id,
        "document": document,
        "origins": as_text(fused.origins),
        "content_hash": f"sha-256:{hashlib.sha256(document.encode()).hexdigest()}",
        "name": name,
        "sort_name": " ".join(words(name)) or name,
        "latitude": latitude,
        "longitude": longitude,
        "modified_at": at,
    }


def _position(document: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the coordinates of the first place that has some."""
    for place in document.get("location", ()):
        if "latitude" in place and "longitude" in place:
            return float(place["latitude"]), float(place["longitude"])
    return None, None


def _remove(c: Connection, identity_ids: Collection[int]) -> set[int]:
    """Remove the groups of identities that bear none any more; return those that had one."""
    removed: set[int] = set()
    for chunk in chunks(identity_ids):
        removed.update(row[0] for row in c.execute(_HELD, {"ids": chunk}))
        c.execute(_REMOVE, {"ids": chunk})
    return removed
