"""A few records at each visit: what a source loses within a day is counted together, until a person has looked at it."""

import pytest
from sqlalchemy import func, update

from app.journal.records import GONE
from app.journal.tables import record, visit
from tests.harvest.feeds import Feed
from tests.harvest.loopback import answer


@pytest.fixture
def town(peer, room):
    """A peer of forty groups, read once."""
    feed = Feed(peer, size=250)
    for number in range(40):
        feed.create(f"g{number}")
    room.add("peer", feed.url)
    assert room.visit().counts["added"] == 40
    return feed


def lose(feed, *numbers, **more):
    """Withdraw some groups."""
    for number in numbers:
        feed.delete(f"g{number}", **more)


def days_pass(room, days):
    """Let everything that happened here have happened earlier."""
    with room.journal.write() as c:
        for column in (record.c.created_at, record.c.modified_at):
            c.execute(update(record).values({column: _earlier(column, days)}))
        for column in (visit.c.started_at, visit.c.finished_at):
            c.execute(update(visit).values({column: _earlier(column, days)}))


def _earlier(column, days):
    """A moment so many days before."""
    return func.strftime("%Y-%m-%dT%H:%M:%fZ", column, f"-{days} days")


@pytest.mark.parametrize("purge", [False, True])
def test_slices_are_summed(room, town, purge):
    """Four at a visit of forty never are a fifth at once; the third time they wait, and the sentence says the sum."""
    for first in (0, 4):
        lose(town, *range(first, first + 4), purge=purge)
        assert room.visit().outcome == "applied"
    lose(town, *range(8, 12), purge=purge)
    held = room.visit()
    assert held.outcome == "held"
    assert "Since yesterday 12 of 40 records vanish" in held.message.en
    assert "Depuis hier, 12 fiches sur 40" in held.message.fr
    assert len(room.live()) == 32


def test_once_a_person_looked_counting_begins_anew(room, town):
    """What a person applied is not held against the source again: the next slices are counted from there."""
    for first in (0, 4):
        lose(town, *range(first, first + 4))
        room.visit()
    lose(town, *range(8, 12))
    room.harvester.apply(room.visit().id, "a person")
    assert len(room.live()) == 28
    lose(town, *range(12, 16))
    assert room.visit().outcome == "applied"
    lose(town, 16)
    assert room.visit().outcome == "applied"
    lose(town, 17)
    assert "Since yesterday 6 of 28 records" in room.visit().message.en


def test_what_was_lost_earlier_counts_no_more(room, town):
    """As many in two days are how a directory lives."""
    for first in (0, 4):
        lose(town, *range(first, first + 4))
        assert room.visit().outcome == "applied"
        days_pass(room, 2)
    lose(town, *range(8, 12))
    assert room.visit().outcome == "applied"


def test_what_came_back_is_not_lost(room, town):
    """Withdrawn and published again, over and over: nothing is missing."""
    for name in ("first", "second", "third", "fourth"):
        lose(town, *range(4))
        assert room.visit().outcome == "applied"
        for number in range(4):
            town.create(f"g{number}", name)
        assert room.visit().outcome == "applied"
    assert len(room.live()) == 40


def test_new_records_do_not_hide_the_lost_ones(room, town):
    """A source that publishes rubbish while it withdraws what it had is measured by what it had."""
    for first in (0, 4, 8):
        for number in range(20):
            town.create(f"rubbish{first}-{number}")
        lose(town, *range(first, first + 4))
        visit = room.visit()
    assert (visit.outcome, len(room.live())) == ("held", 72)
    assert "12 of 40" in visit.message.en


def test_erasing_what_was_withdrawn_long_ago_is_no_loss(room, town):
    """A purge of what nobody sees any more counts neither at its visit nor at the next."""
    lose(town, *range(8))
    room.visit()
    days_pass(room, 2)
    lose(town, *range(8), purge=True)
    assert room.visit().outcome == "applied"
    lose(town, 8, 9)
    assert room.visit().outcome == "applied"
    assert (room.record("g0").state, room.record("g0").document) == (GONE, {})


def test_files_that_are_cut_a_little_more_each_time_wait_too(room, peer):
    """Where there are no withdrawals, what is missing for the first time counts."""
    rows = [{"id": f"r{number}", "nom": f"Groupe inventé {number}"} for number in range(40)]
    peer.answers["/liste.json"] = answer(rows)
    room.add("liste", f"{peer.url}/liste.json", "jsonlist", mapping={"key": "id", "fields": {"name": "nom"}})
    assert room.visit("liste").counts["added"] == 40
    outcomes = []
    for left in (36, 32, 28):
        peer.answers["/liste.json"] = answer(rows[:left])
        outcomes.append(room.visit("liste"))
    assert [visit.outcome for visit in outcomes] == ["applied", "applied", "held"]
    assert "12 of 40" in outcomes[-1].message.en
