"""A reading that breaks off goes on at the next visit where it stopped, unless what it rests on changed: then it begins anew."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.harvest import visit as visiting
from app.journal import moment, visits
from app.journal.tables import visit as visit_table
from app.journal.tables import visit_item
from tests.harvest.feeds import Feed
from tests.harvest.loopback import answer

PAGES, SIZE = 10, 10


@pytest.fixture
def feed(peer, room, monkeypatch):
    """A native peer of a hundred groups on ten pages, without a dump; every page is a place to go on from."""
    monkeypatch.setattr(visiting, "NOTED", SIZE)
    monkeypatch.setattr("app.harvest.stream.PAUSE_SECONDS", 0.0)
    feed = Feed(peer, size=SIZE)
    feed.events = [made(feed, number) for number in range(1, PAGES * SIZE + 1)]
    feed.serve()
    room.add("peer", feed.url)
    return feed


def made(feed, number, kind="Create"):
    """One event that publishes an invented group."""
    scratch = Feed.__new__(Feed)
    vars(scratch).update(vars(feed) | {"events": [{"sequence": number - 1}], "serve": lambda: None})
    return scratch.say(kind, f"g{number}", {"id": feed.iri(f"g{number}"), "type": ["Group"], "name": {"fr": f"Invente {number}"}})


def cut(feed, *pages):
    """Let the connection end in the middle of these pages, until they are served again."""
    for page in pages:
        feed.peer.answers[f"/feed/pages/{page}"] = lambda _: iter(
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"]
        )


def asked(feed):
    """The numbers of the pages that were asked for, each once, since the last look."""
    found = [request.path.rpartition("/")[2] for request in feed.peer.requests if "/pages/" in request.path]
    feed.peer.requests.clear()
    return [int(number) for number in dict.fromkeys(found)]


def broken_off(room, feed, page=6):
    """Make a first visit end in the middle of a page."""
    cut(feed, page)
    failed = room.visit()
    assert failed.outcome == "failed"
    assert room.live() == {}
    assert asked(feed) == [*range(1, page + 1)]
    feed.serve()
    return failed


def truth(feed):
    """What the feed says: the keys of those not withdrawn."""
    newest = {event["object"]: event["type"] for event in feed.events}
    return {iri.rpartition("/")[2] for iri, kind in newest.items() if kind != "Delete"}


def staged(room):
    """How many documents wait in lines, whatever their visit."""
    with room.journal.read() as c:
        return len(c.execute(select(visit_item.c.id).where(visit_item.c.document.is_not(None))).all())


def test_the_next_visit_goes_on(room, feed):
    """It asks for the pages that are missing, ends with the truth, counts everything, and says that it went on."""
    failed = broken_off(room, feed)
    visit = room.visit()
    assert (visit.outcome, visit.counts["added"], asked(feed)) == ("applied", 100, [6, 7, 8, 9, 10])
    assert set(room.live()) == truth(feed)
    assert f"where visit {failed.id} had broken off" in room.lines(visit)["*"].message.en
    assert staged(room) == 0
    assert room.visit().outcome == "unchanged"
    assert asked(feed) == []


def test_it_may_break_off_again_and_again(room, feed):
    """Each visit gets a page further, none of them counts as one failure more, and what was read is never read twice."""
    broken_off(room, feed, 3)
    for page in (5, 5, 9):
        cut(feed, page)
        assert room.visit().outcome == "failed"
        feed.serve()
    assert room.source().failures == 1
    assert room.visit().outcome == "applied"
    assert asked(feed) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert set(room.live()) == truth(feed)


def test_a_visit_that_gets_nowhere_keeps_what_was_read_and_counts_as_a_failure(room, feed):
    """The same page fails twice more: the places stay, the failures grow."""
    broken_off(room, feed)
    cut(feed, 6)
    for failures in (2, 3):
        room.visit()
        assert room.source().failures == failures
    feed.serve()
    asked(feed)
    assert room.visit().outcome == "applied"
    assert asked(feed) == [6, 7, 8, 9, 10]


def test_what_came_meanwhile_is_met(room, feed):
    """Events that were added, revisions and withdrawals of what was read already: the newest counts."""
    broken_off(room, feed)
    feed.update("g1", "Autre nom")
    feed.delete("g2")
    feed.create("new")
    assert room.visit().outcome == "applied"
    assert set(room.live()) == truth(feed)
    assert room.live()["g1"] == "Autre nom"


def test_a_full_reading_that_went_on_withdraws_exactly_what_is_absent(room, feed):
    """In a new epoch without three groups, broken off and gone on with, these three are gone and no other."""
    room.visit()
    asked(feed)
    feed.restore([event for event in feed.events if event["sequence"] not in {7, 50, 99}])
    cut(feed, feed.begins + 5)
    assert room.visit().outcome == "failed"
    assert len(room.live()) == 100
    feed.serve()
    first = feed.begins
    assert asked(feed) == [*range(first, first + 6)]
    visit = room.visit()
    assert (visit.outcome, visit.counts["gone"], asked(feed)) == ("applied", 3, [*range(first + 5, first + 10)])
    assert set(room.live()) == {f"g{number}" for number in range(1, 101)} - {"g7", "g50", "g99"}


def anew_after(room, feed, *, pages=PAGES):
    """Expect that the next visit reads everything, and ends with the truth."""
    first = feed.begins
    visit = room.visit()
    assert visit.outcome == "applied", visit.message
    assert asked(feed)[-pages:] == [*range(first, first + pages)]
    assert set(room.live()) == truth(feed)
    assert staged(room) == 0


def test_a_new_epoch_begins_anew(room, feed):
    """What was read belongs to another log: nothing of it stays."""
    broken_off(room, feed)
    feed.restore([event for event in feed.events if event["sequence"] != 5])
    anew_after(room, feed)
    assert "g5" not in room.live()


def test_a_page_that_is_gone_begins_anew(room, feed):
    """The log was rewritten into other pages."""
    broken_off(room, feed)
    feed.compact()
    anew_after(room, feed)


def test_withdrawals_that_were_forgotten_begin_anew(room, feed):
    """What was read and is withdrawn since, and forgotten, would stay for ever."""
    broken_off(room, feed)
    feed.delete("g1")
    feed.compact(forget=True)
    feed.begins = 1  # under the same addresses
    feed.serve()
    anew_after(room, feed)
    assert "g1" not in room.live()


def test_other_settings_begin_anew(room, feed):
    """Contacts may be kept now: those of the records that were read are not there."""
    broken_off(room, feed)
    room.harvester.change("peer", keep_contacts=True)
    anew_after(room, feed)


@pytest.mark.parametrize("broken", [answer({"orderedItems": "none"}), answer(b"", "410 Gone"), answer(b"", "404 Not Found")])
def test_a_feed_that_breaks_its_rules_leaves_nothing(room, feed, broken):
    """What a peer that contradicts itself said before is not believed either."""
    feed.peer.answers["/feed/pages/6"] = broken
    assert room.visit().outcome == "failed"
    assert staged(room) == 0
    feed.serve()
    asked(feed)
    anew_after(room, feed)


@pytest.mark.parametrize("undone", [False, True])
def test_an_undo_in_between_begins_anew(room, feed, undone):
    """What the lines compare with is not what is held any more; without it, the revisions are gone on with."""
    applied = room.visit()
    for number in range(1, 31):
        feed.update(f"g{number}", f"Autre {number}")
    asked(feed)
    cut(feed, 12)
    assert room.visit().outcome == "failed"
    feed.serve()
    assert asked(feed) == [10, 11, 12]
    if undone:
        room.harvester.undo(applied.id, "test")
    visit = room.visit()
    assert asked(feed) == ([*range(1, 14)] if undone else [12, 13])
    if visit.outcome == "held":
        room.harvester.apply(visit.id, "test")
    assert set(room.live()) == truth(feed)
    assert room.live()["g1"] == "Autre 1"


def test_a_dry_run_neither_leaves_nor_takes_anything(room, feed):
    """It may come in between, and the next visit still goes on."""
    broken_off(room, feed)
    assert room.visit(dry_run=True).outcome == "dry-run"
    assert asked(feed) == [*range(1, 11)]
    cut(feed, 4)
    assert room.visit(dry_run=True).outcome == "failed"
    feed.serve()
    asked(feed)
    assert room.visit().outcome == "applied"
    assert asked(feed) == [6, 7, 8, 9, 10]


def test_a_refused_record_is_reported_once(room, feed):
    """On a page that is read twice, and on one that was read before."""
    for number in (45, 55):
        feed.events[number - 1] = feed.events[number - 1] | {"record": feed.events[number - 1]["record"] | {"name": 7}}
    feed.serve()
    broken_off(room, feed)
    visit = room.visit()
    assert (visit.counts["refused"], visit.counts["added"]) == (2, 98)


def test_after_seven_days_nothing_is_left(room, feed):
    """Neither for the next visit, nor in the lines, though nobody visits the peer."""
    failed = broken_off(room, feed)
    assert staged(room) > 0
    assert visits.expire_places(room.journal) == 0
    with room.journal.write() as c:
        c.execute(update(visit_table).where(visit_table.c.id == failed.id).values(started_at=moment(datetime.now(UTC) - timedelta(days=8))))
    assert visits.expire_places(room.journal) == 1
    assert staged(room) == 0
    anew_after(room, feed)


def test_what_is_erased_meanwhile_is_not_taken(room, feed):
    """A purge that comes after the break takes the line away with all it says."""
    broken_off(room, feed)
    feed.delete("g3", purge=True)
    visit = room.visit()
    assert visit.outcome == "applied"
    assert "g3" not in room.live()
    assert "g3" not in room.lines(visit)


def test_quarantine_takes_nothing_over(room, feed):
    """Trust that changed is another setting: what was staged under the old one is forgotten."""
    broken_off(room, feed)
    room.harvester.change("peer", trust="quarantine")
    room.visit()
    assert asked(feed)[0] == 1
    assert room.live() == {}


def test_reports_of_tries_do_not_push_out_what_waits(room, feed):
    """However many dry runs come in between, all lines of what broke off are still there."""
    broken_off(room, feed)
    for _ in range(12):
        room.visit(dry_run=True)
    asked(feed)
    assert room.visit().outcome == "applied"
    assert asked(feed) == [6, 7, 8, 9, 10]
    assert set(room.live()) == truth(feed)


def test_a_kill_in_the_middle_costs_no_page_that_was_noted(room, feed):
    """SIGKILL while a page drips in: after a restart the visit goes on behind what was noted, and ends with the truth."""
    feed.size = 100
    feed.events = [made(feed, number) for number in range(1, 401)]
    feed.begins = 1
    feed.serve()
    slow, whole = feed.peer.answers["/feed/pages/4"], []

    def dripping(_request):
        whole.append(slow)
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
        while not feed.peer.stopping.is_set():
            time.sleep(0.05)
            yield b" "

    feed.peer.answers["/feed/pages/4"] = dripping
    command = [sys.executable, "-m", "tests.harvest.visitor", str(room.journal.path), feed.peer.host]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    while not whole and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert whole, "the visit never came to page 4"
    room.harvester.recover()
    assert room.live() == {}
    feed.serve()
    asked(feed)
    assert room.visit().outcome == "applied"
    assert asked(feed) == [4]
    assert set(room.live()) == truth(feed)
