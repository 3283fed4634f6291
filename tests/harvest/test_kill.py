"""A process that is killed during a visit leaves the last good state, and the next visit goes through."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.journal import visits

ROUNDS = 2
GROUPS = 40


def start(room, peer):
    """Start a visit in a process of its own and wait until it begins."""
    command = [sys.executable, "-m", "tests.harvest.visitor", str(room.journal.path), peer.host]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def feed(feed):
    """The native peer of the tests, with more groups."""
    feed.size = 20
    for number in range(GROUPS - 6):
        feed.create(f"g{number}", "first")
    feed.events = [event | {"record": event["record"] | {"name": {"fr": "first"}}} for event in feed.events]
    feed.serve()
    return feed


def test_a_killed_visit_is_all_or_nothing(room, feed, peer):
    """Whenever SIGKILL strikes, all records are of one revision; the visit is marked as failed or was applied; the next one succeeds."""
    room.visit()
    random_ = random.Random(2026)
    for revision in range(ROUNDS):
        held = room.live()
        feed.epoch, feed.events = revision + 2, []
        for key in sorted(held):
            feed.create(key, f"revision {revision}")
        room.set("peer", base=peer.url)
        process = start(room, peer)
        time.sleep(random_.random() * 0.8)
        process.kill()
        process.communicate()
        found = room.live()
        assert len(found) == GROUPS
        assert len(set(found.values())) == 1, "half a visit was applied"
        room.harvester.recover()
        with room.journal.read() as c:
            assert visits.unfinished(c) == []
            held_for_a_person = visits.held(c)
        if not held_for_a_person and set(found.values()) != {f"revision {revision}"}:
            visit = room.visit()
            assert visit.outcome == "held", visit.message
        with room.journal.read() as c:
            held_for_a_person = visits.held(c)
        for visit in held_for_a_person:
            room.harvester.apply(visit.id, "test")
        assert set(room.live().values()) == {f"revision {revision}"}


def test_two_processes_never_visit_one_peer_at_once(room, feed, peer):
    """A process that finds the peer's lock taken leaves it alone, and nothing is marked as interrupted meanwhile."""
    with room.harvester._alone("peer"):
        process = start(room, peer)
        _, _ = process.communicate(timeout=60)
        assert process.returncode != 0
    assert room.live() == {}
