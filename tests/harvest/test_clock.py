"""The clock visits whoever is due, several at once, and nobody else."""

import threading
import time

import pytest

from app.harvest.clock import Clock
from app.harvest.visit import Harvester
from app.journal import visits
from tests.harvest.feeds import Feed

PATIENCE_S = 60


def eventually(question):
    """Wait until `question` is true; fail when it is not within a minute."""
    until = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


@pytest.fixture
def clock(room):
    """A clock that looks ten times a second, with three visitors."""
    clock = Clock(room.journal, room.harvester, tick=0.1, visitors=3)
    yield clock
    clock.stop()


def test_due_peers_are_visited_once(room, feed, clock):
    """A new peer is due at once, then not for a while."""
    clock.start()
    eventually(lambda: room.source().state == "ok")
    requests = len(feed.peer.requests)
    time.sleep(0.5)
    assert len(feed.peer.requests) == requests
    assert len(room.live()) == 6


def test_a_visit_that_ends_while_the_clock_looks_is_the_only_one(room, feed, clock):
    """The look that began before its end still holds the peer for due; it is not visited twice in a row."""
    under_way, may_end, looks = threading.Event(), threading.Event(), []
    answer = feed.peer.answers["/feed"]

    def root(request):
        under_way.set()
        may_end.wait(30)
        return answer(request)

    def woken(_):  # asked after the clock read who is due: the visit ends between the two
        if under_way.is_set() and not looks:
            may_end.set()
            eventually(lambda: not clock._busy)
            looks.append(room.source().state)
        return []

    feed.peer.answers["/feed"] = root
    clock._waking.due = woken
    clock.start()
    eventually(lambda: looks)
    time.sleep(0.5)
    with room.journal.read() as c:
        assert len(visits.list_(c, room.source().id, limit=10)) == 1
    assert looks == ["ok"]


def test_only_enabled_peers_are_visited(room, feed, clock):
    """A peer that is switched off is left alone."""
    room.set("peer", enabled=False)
    clock.start()
    time.sleep(0.5)
    assert feed.peer.requests == []


def test_a_slow_peer_delays_no_other(new_peer, new_fetcher, room, clock):
    """While one peer answers nothing, the others are visited; stopping the clock leaves the slow one behind in time."""
    slow, *others = [new_peer() for _ in range(4)]
    waiting = threading.Event()
    slow.answers["/feed"] = lambda _: (waiting.wait(30) and b"" for _ in range(1))
    room.harvester._fetcher = new_fetcher(slow, *others)
    room.add("slow", slow.url + "/feed")
    for number, peer in enumerate(others):
        Feed(peer).create("a")
        room.add(f"quick-{number}", peer.url + "/feed")
    clock.start()
    eventually(lambda: all(room.source(f"quick-{number}").state == "ok" for number in range(3)))
    assert room.source("slow").state == "new"
    waiting.set()
    clock.stop()


def test_a_stopping_node_leaves_its_visits_undone(room, feed, peer):
    """A visit that a stop interrupts changes nothing and is no failure of the peer."""
    room.harvester.stopping.set()
    visit = room.visit()
    assert (visit.outcome, room.live()) == ("failed", {})
    assert "stopping" in visit.message.en
    assert (room.source().failures, room.source().next_visit_at) == (0, None)


def test_a_broken_peer_does_not_stop_the_clock(room, feed, clock, peer):
    """A peer that fails is visited later; the next one is visited all the same."""
    room.add("broken", f"{peer.url}/nothing")
    clock.start()
    eventually(lambda: room.source().state == "ok" and room.source("broken").failures == 1)


def test_a_visit_has_its_own_budget(room, feed, peer, fetcher):
    """A peer that drips for ever is left when its visit's time is over."""
    patient = room.harvester
    hurried = Harvester(patient._journal, patient._names, patient._checker, patient._combined, fetcher, seconds=0.3)
    peer.answers["/feed"] = lambda _: (time.sleep(0.02) or b"a" for _ in iter(int, 1))
    number = hurried.visit("peer")
    with room.journal.read() as c:
        assert visits.get(c, number).outcome == "failed"


def test_a_woken_peer_is_visited_although_it_is_not_due(room, feed, clock):
    """What happened since is seen at once, also what happens while a visit is under way."""
    clock.start()
    eventually(lambda: room.source().state == "ok")
    feed.create("woken")
    clock.wake("peer", 6)
    eventually(lambda: len(room.live()) == 7)
    assert room.source().next_visit_at > room.source().last_visit_at


def test_the_pace_follows_what_changes(room, feed):
    """The first visit says nothing of a peer's pace; later ones do, in the journal and in the moment of the next visit."""
    room.visit()
    assert room.source().pace_s is None
    room.visit()
    assert room.source().pace_s == 32_400
    feed.create("late")
    room.visit()
    assert room.source().pace_s < 32_400


def test_most_peers_may_be_dead(new_peer, new_fetcher, room):
    """Of thirty peers twenty are silent: the ten others are read while all the silent ones are still waited for."""
    peers = [new_peer() for _ in range(30)]
    waiting = threading.Event()
    room.harvester._fetcher = new_fetcher(*peers)
    for number, peer in enumerate(peers):
        if number % 3 == 0:
            Feed(peer).create("a")
        else:
            peer.answers["/feed"] = lambda _: (waiting.wait(30) and b"" for _ in range(1))
        room.add(f"p{number}", peer.url + "/feed")
    clock = Clock(room.journal, room.harvester, tick=0.1, visitors=60)
    clock.start()
    eventually(lambda: all(room.source(f"p{number}").state == "ok" for number in range(0, 30, 3)))
    assert all(room.source(f"p{number}").state == "new" for number in range(30) if number % 3)
    waiting.set()
    clock.stop()


def test_what_follows_a_visit_cannot_stop_the_clock(room, feed):
    """It is called with the peer's name after each visit; its faults are noted and no more."""
    names = []

    def afterwards(name):
        names.append(name)
        raise ValueError

    clock = Clock(room.journal, room.harvester, tick=0.1, visitors=3, afterwards=afterwards)
    clock.start()
    eventually(lambda: names == ["peer"])
    clock.wake("peer")
    eventually(lambda: names == ["peer", "peer"])
    clock.stop()
