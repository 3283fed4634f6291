"""Matching everything anew in bounded transactions gives what one transaction gives, whatever is written meanwhile."""

import tempfile
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from app.combined import Combined
from app.journal import Journal, changes, pending, records
from app.journal.tables import group, identity, member
from app.matching import filing, statistics
from app.matching.combine import Matcher
from app.matching.renewal import Renewal
from tests.benchmarks.invented import directories
from tests.matching.desk import NAMES, Desk, put
from tests.matching.test_combine import invented

ACT = st.tuples(st.integers(0, 9), st.sampled_from(["say", "withdraw", "return", "add"]))


def directory(c: Connection) -> tuple[list[Any], list[Any]]:
    """The groups with their slugs, and who is part of which."""
    groups = select(identity.c.slug, group.c.document, group.c.origins).join(group, group.c.identity_id == identity.c.id).order_by(identity.c.slug)
    return [tuple(row) for row in c.execute(groups)], [tuple(row) for row in c.execute(select(member).order_by(member.c.record_id))]


def test_cut_in_transactions_the_groups_are_those_of_one(tmp_path: Path) -> None:
    """Slugs, documents, origins and members are the same, and nothing is left to do."""
    found = []
    for name in ("one", "cut"):
        desk = Desk(Journal(tmp_path / f"{name}.sqlite"))
        with desk.journal.write() as c:
            for told in directories(700, NAMES.base, sources=5):
                put(c, f"{told.source}/{told.key}", told.document)
        if name == "one":
            with desk.journal.write() as c:
                desk.matcher.combine_all(c)
        else:
            assert Combined(desk.matcher).rebuild(desk.journal) == len(found[0][0])
        with desk.journal.read() as c:
            assert pending.count(c) == 0
            found.append(directory(c))
        desk.journal.close()
    assert found[0] == found[1]


def test_many_visits_that_end_at_once_have_everything_matched_anew_once(tmp_path: Path) -> None:
    """Six threads find that the directory has outgrown its statistics: one of them counts and scores for all, and nothing is left to do."""
    thoughts = []

    class Counted(Matcher):
        def think(self, c: Connection, progress: Callable[[int], None] | None = None) -> Renewal:
            thoughts.append(threading.get_ident())
            return super().think(c, progress)

    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        with journal.write() as c:
            for told in directories(300, NAMES.base, sources=5):
                put(c, f"{told.source}/{told.key}", told.document)
            filing.wait_all(c)
        combined, start = Combined(Counted(NAMES)), threading.Barrier(6)

        def settle() -> None:
            start.wait()
            combined.settle_pending(journal)

        with ThreadPoolExecutor(6) as threads:
            for ended in [threads.submit(settle) for _ in range(6)]:
                ended.result()
        assert len(thoughts) == 1
        with journal.read() as c:
            assert pending.count(c) == 0


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(documents=st.lists(invented(), min_size=3, max_size=10), acts=st.lists(ACT, max_size=5), settled=st.booleans())
def test_what_is_written_meanwhile_is_not_lost(documents: list[dict[str, Any]], acts: list[tuple[int, str]], settled: bool) -> None:
    """Records that come, change, go and return while a renewal is thought out are in the groups that a full run makes of them."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Journal(Path(folder) / "journal.sqlite"))
        with desk.journal.write() as c:
            for number, document in enumerate(documents):
                put(c, f"{'abc'[number % 3]}/{number}", document)
            desk.matcher.combine_all(c)
        with desk.journal.read() as c:
            thought = desk.matcher.think(c)
        for number, act in acts:
            act_on(desk, number % len(documents), act, documents, settled=settled)
        with closing(thought), desk.journal.write() as c:
            desk.matcher.install(c, thought)
        Combined(desk.matcher).settle_pending(desk.journal)
        found, expected = desk.groups(), afresh(desk, thought.statistics, Path(folder))
        desk.journal.close()
    assert found == expected


def afresh(desk: Desk, counted: statistics.Statistics, folder: Path) -> set[frozenset[str]]:
    """What the records that stand make, one after the other, in an empty directory with the same statistics."""
    other = Desk(Journal(folder / "other.sqlite"))
    with other.journal.write() as c:
        statistics.save(c, counted)
    with desk.journal.read() as c:
        for standing in records.live(c):
            other.say(standing.reference, standing.document)
    groups = other.groups()
    other.journal.close()
    return groups


def act_on(desk: Desk, number: int, act: str, documents: list[dict[str, Any]], *, settled: bool) -> None:
    """Do something to one record, and leave it pending unless `settled`."""
    reference = f"{'abc'[number % 3]}/{number}"
    if act == "withdraw":
        desk.withdraw(reference)
    elif act == "return":
        desk.withdraw(reference)
        desk.say(reference, documents[number])
    elif settled:
        desk.say(reference if act == "say" else f"d/{number}", documents[0])
    else:
        with desk.journal.write() as c:
            put(c, reference if act == "say" else f"d/{number}", documents[0])


def test_a_large_directory_is_not_matched_anew_inside_one_record_s_transaction(tmp_path: Path) -> None:
    """Beyond a size, growth makes a renewal due, and whoever settles what is pending does it."""
    desk = Desk(Journal(tmp_path / "journal.sqlite"), Matcher(NAMES, at_once=10))
    with desk.journal.write() as c:
        ids = [put(c, f"{told.source}/{told.key}", told.document) for told in directories(60, NAMES.base, sources=5)]
        desk.matcher.combine(c, ids[:1])
        assert statistics.version(c) == ""
        assert desk.matcher.due(c)
    Combined(desk.matcher).settle_pending(desk.journal)
    with desk.journal.read() as c:
        assert statistics.load(c).records == len(ids)
        assert not desk.matcher.due(c)
    desk.journal.close()


def test_what_went_is_gone_after_everything_was_matched_anew(desk: Desk) -> None:
    """So many records are withdrawn that everything is matched anew: their groups go with them, from the lists and for the graph."""
    combined = Combined(desk.matcher)
    with desk.journal.write() as c:
        ids = [put(c, f"a/{number}", {"name": {"fr": f"Groupe inventé {number}"}}) for number in range(60)]
    combined.settle_pending(desk.journal)
    with desk.journal.write() as c:
        noted = changes.last(c)
        for record_id in ids[:40]:
            records.withdraw(c, record_id, "test")
    combined.settle_pending(desk.journal)
    with desk.journal.read() as c:
        assert c.execute(select(func.count()).select_from(group)).scalar_one() == 20
        assert c.execute(select(func.count()).select_from(identity).where(identity.c.state == "live")).scalar_one() == 20
        assert sum(one.kind == "group" for one in changes.after(c, noted, 1000)) == 40


class Watched(Matcher):
    """A matcher of a large directory, which notes how many records it is given at once."""

    def __init__(self) -> None:
        super().__init__(NAMES, at_once=0)
        self.given: list[int] = []

    def combine(self, c: Connection, record_ids: Collection[int]) -> set[int]:
        self.given.append(len(record_ids))
        return super().combine(c, record_ids)


def test_long_records_are_settled_few_at_a_time(desk: Desk) -> None:
    """What is at hand at once is bounded by its length too: a peer's longest records, all at once, took more memory than a node has."""
    with desk.journal.write() as c:
        for number in range(12):
            put(c, f"a/{number}", {"name": {"fr": f"Groupe {number}"}, "schema:slogan": ["x" * 60_000] * 20})
    watched = Watched()
    Combined(watched).settle_pending(desk.journal)
    assert (sum(watched.given), max(watched.given)) == (12, 3)
    assert len(desk.groups()) == 12
