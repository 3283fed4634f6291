"""Whether all that a node keeps agrees: everything that follows from the journal's records is computed anew and compared.

It looks at the files of a node that is stopped (or was killed), and changes nothing in them.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pyoxigraph
from sqlalchemy import Column, Connection, select, text

from app import record as rdf
from app.feed import log
from app.graph import implied
from app.graph.counting import Counting
from app.graph.oxigraph import EPOCH, POSITION, OxigraphStore
from app.journal import FILE, Journal, changes, meta, pending, records, visits
from app.journal.tables import edge, event, facet, feed_page, group, identity, match_key, member, source
from app.journal.tables import feature as feature_table
from app.journal.tables import record as record_table
from app.journal.text import from_text
from app.matching import filing, groups, statistics
from app.matching.crew import compared
from app.matching.features import Features
from app.matching.keys import keys
from app.matching.score import Subject
from app.names import OWN, Names
from app.search import index

LIVE = "live"


def check(data_dir: Path, base: str, scratch: Path) -> None:
    """Compare everything; the node is stopped, and had time to finish what it does after a write."""
    names = Names(base)
    with opened(data_dir, scratch) as journal:
        with journal.read() as c:
            check_at_rest(c)
            check_versions(c)
            check_feed(c, names)
            check_graph(c, names, data_dir, scratch)
        with journal.write() as c:
            check_groups(c, names)
            check_side_tables(c)


class opened:  # noqa: N801 - reads as what the block does
    """A copy of the node's journal, so that the checks may compute in it."""

    def __init__(self, data_dir: Path, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        copy = scratch / FILE
        for old in scratch.glob(f"{FILE}*"):
            old.unlink()
        with closing(sqlite3.connect(data_dir / FILE)) as original, closing(sqlite3.connect(copy)) as target:
            assert original.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert original.execute("PRAGMA foreign_key_check").fetchone() is None
            original.backup(target)
        self._journal = Journal(copy)

    def __enter__(self) -> Journal:
        return self._journal

    def __exit__(self, *_: object) -> None:
        self._journal.close()


def check_at_rest(c: Connection) -> None:
    """Nothing waits, and no visit is left open."""
    assert pending.count(c) == 0
    assert visits.unfinished(c) == []
    waiting = "SELECT count(*) FROM visit_item JOIN visit ON visit.id = visit_id WHERE document IS NOT NULL AND visit.outcome != 'held'"
    assert c.execute(text(waiting)).scalar() == 0


def check_versions(c: Connection) -> None:
    """Each record is its newest version, versions are numbered without a gap, and every hash is that of its document."""
    for (number,) in c.execute(select(record_table.c.id)):
        held = records.by_id(c, number)
        history = records.history(c, number)
        assert held is not None
        assert history[-1].version == held.version
        assert [later.version - earlier.version for earlier, later in pairwise(history)] == [1] * (len(history) - 1)
        if held.state == LIVE:
            assert (history[-1].document, history[-1].content_hash) == (held.document, held.content_hash)
            assert held.content_hash == rdf.content_hash(held.document), held.reference


# --- identities, groups, side tables --------------------------------------------------------------------------------


def check_groups(c: Connection, names: Names) -> None:
    """Every live record is part of one group; normal forms, keys, pairs and groups are those that are computed anew."""
    live = {*filing.live_ids(c)}
    part_of = pairs_of(c, member.c.record_id, member.c.identity_id)
    states = pairs_of(c, identity.c.id, identity.c.state)
    written = {*c.execute(select(group.c.identity_id)).scalars()}
    assert live <= part_of.keys()
    assert {part_of[one] for one in live} == written == {one for one, state in states.items() if state == LIVE}
    assert all(part_of[one] not in written for one in part_of.keys() - live)
    current = statistics.load(c)
    subjects = _check_features(c, live, current)
    nearby = _neighbours(_check_keys(c, subjects, current))
    pairs = {(left, right): total for (left, right), total in _pairs(subjects, nearby, current)}
    assert {(row.left_id, row.right_id): row.score for row in c.execute(select(edge))} == pairs
    assert groups.rebuild_all(c, names, live, current) == set()
    assert pairs_of(c, member.c.record_id, member.c.identity_id) == part_of


def pairs_of(c: Connection, left: Column[Any], right: Column[Any]) -> dict[Any, Any]:
    """Two columns of a table, one by the other."""
    return {row[0]: row[1] for row in c.execute(select(left, right))}


def _check_features(c: Connection, live: set[int], current: statistics.Statistics) -> dict[int, tuple[Features, Subject]]:
    """Compare the normal forms, and return them ready for comparison."""
    found: dict[int, tuple[Features, Subject]] = {}
    for row in filing.filed(c, sorted(live)):
        features = row.normal_form(meta.secret(c))
        assert row.features == features.as_json(), row.reference
        found[row.id] = features, Subject(features, current, row.reference)
    others = select(feature_table.c.record_id).where(feature_table.c.document != "", feature_table.c.record_id.not_in(live))
    assert c.execute(others).first() is None
    return found


def _check_keys(c: Connection, subjects: dict[int, tuple[Features, Subject]], current: statistics.Statistics) -> dict[int, set[int]]:
    """Compare the keys, and return them."""
    expected = {one: keys(features, subject.reference, current) for one, (features, subject) in sorted(subjects.items())}
    held: dict[int, set[int]] = {}
    for key, one in c.execute(select(match_key.c.key, match_key.c.record_id)):
        held.setdefault(one, set()).add(key)
    assert held == {one: found for one, found in expected.items() if found}
    return expected


def _neighbours(filed_under: dict[int, set[int]]) -> dict[int, list[int]]:
    """Each record with those before it that share a key that identifies, or two that do not."""
    filed: dict[int, list[int]] = {}
    nearby: dict[int, list[int]] = {}
    for one, found in filed_under.items():
        shared = Counter(other for key in found for other in filed.get(key, ()))
        identified = {other for key in found if key & 1 for other in filed.get(key, ())}
        nearby[one] = [other for other, count in shared.items() if count > 1 or other in identified]
        for key in found:
            filed.setdefault(key, []).append(one)
    return nearby


def _pairs(
    subjects: dict[int, tuple[Features, Subject]], nearby: dict[int, list[int]], current: statistics.Statistics
) -> Iterator[tuple[tuple[int, int], float]]:
    """Yield the pairs worth remembering."""
    ready = {one: subject for one, (_, subject) in subjects.items()}
    for pair, scored in compared(ready, nearby, current).items():
        yield pair, scored.total


def check_side_tables(c: Connection) -> None:
    """Facets, texts and places are those of the groups, and of no other."""
    before = _side_tables(c)
    ids = {*c.execute(select(identity.c.id)).scalars()}
    index.refresh(c, ids)
    assert _side_tables(c) == before
    known = {*c.execute(select(group.c.identity_id)).scalars()}
    assert {row[2] for row in before[0]} | {row[0] for row in before[1]} <= known
    assert {row[1] for row in before[2]} == known


def _side_tables(c: Connection) -> list[list[Any]]:
    """All rows of the side tables; of the text index its terms, place by place."""
    c.execute(text("CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab(main, search_text, instance)"))
    questions = (
        select(facet).order_by(*facet.c),
        text("SELECT * FROM search_place ORDER BY id"),
        text('SELECT term, doc, col, "offset" FROM temp.terms ORDER BY 2, 3, 4, 1'),
    )
    return [[tuple(row) for row in c.execute(question)] for question in questions]  # type: ignore[call-overload]  # selects and texts alike


# --- the feed --------------------------------------------------------------------------------------------------------


def check_feed(c: Connection, names: Names) -> None:
    """The log's last word on each of our records is what it says now; numbers and dates only grow; every page is full or the last."""
    ours = select(record_table.c.key, record_table.c.state, record_table.c.document).join(source).where(source.c.name == OWN)
    standing = {row.key: from_text(row.document) if row.state == LIVE else None for row in c.execute(ours)}
    said = [log.read(row) for row in c.execute(select(event).where(event.c.epoch == meta.epoch(c)).order_by(event.c.sequence))]
    last = {one.key: one for one in said}
    assert last.keys() == standing.keys()
    for key, document in standing.items():
        public = None if document is None else rdf.public_view(document)
        assert last[key].document == public, key
        assert last[key].content_hash == (None if public is None else rdf.content_hash(public)), key
        assert last[key].object == names.group(key)
    assert all(earlier.sequence < later.sequence and earlier.published < later.published for earlier, later in pairwise(said))
    pages = list(c.execute(select(feed_page).where(feed_page.c.epoch == meta.epoch(c), ~feed_page.c.gone).order_by(feed_page.c.position)))
    held = Counter(c.execute(select(event.c.page)).scalars())
    assert [page.closed for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    assert [number for number, _ in groupby(one.page for one in said)] == [page.number for page in pages]
    assert all(held[page.number] <= log.PAGE_SIZE for page in pages)


# --- the graph -------------------------------------------------------------------------------------------------------


def check_graph(c: Connection, names: Names, data_dir: Path, scratch: Path) -> None:
    """The store holds, quad by quad, what the journal implies, and stands where the journal stands."""
    fresh = OxigraphStore(scratch / "graph", names)
    fresh.load(implied.quads(c, names, Counting().at(c)), changes.last(c), meta.epoch(c))
    fresh.close()
    expected, held = quads_of(scratch / "graph"), quads_of(data_dir / "graph")
    assert held == expected, sorted(held ^ expected)[:20]


def quads_of(graph: Path) -> set[str]:
    """Every quad of a stored graph, its position among them."""
    current = graph / "current"
    numbers = [int(current.read_text())] if current.exists() else [int(entry.name) for entry in graph.iterdir() if entry.name.isdecimal()]
    store = pyoxigraph.Store.read_only(str(graph / str(max(numbers))))
    found = {str(quad) for quad in store}
    assert any(POSITION.value in line for line in found)
    assert any(EPOCH.value in line for line in found)
    return found
