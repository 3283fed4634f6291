"""Whatever a node says and however its answers break on the way, its mirror ends up equal to what it said last."""

import socket
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.combined import Combined
from app.harvest.fetch import Fetcher
from app.harvest.visit import Harvester
from app.journal import FILE, Journal
from app.matching.combine import Matcher
from app.names import Names
from tests.harvest.conftest import BASE, Room
from tests.harvest.feeds import Feed
from tests.harvest.loopback import Peer

SLUGS = "abcdefgh"
ACTS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(SLUGS), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.sampled_from(SLUGS), st.booleans()),
    st.tuples(st.just("visit"), st.none(), st.none()),
    st.tuples(st.just("broken visit"), st.integers(1, 4), st.sampled_from([b"", b"<html>", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])),
    st.tuples(st.just("compact"), st.none(), st.booleans()),
    st.tuples(st.just("restore"), st.none(), st.none()),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(ACTS, max_size=25), st.booleans(), st.booleans())
def test_a_mirror_ends_up_equal_to_its_origin(checker, acts, dates, dump):
    """Revisions, withdrawals, re-creations, broken answers, compaction that forgets withdrawals and restored backups in any order."""
    with tempfile.TemporaryDirectory() as directory:
        peer = Peer(socket.create_server(("127.0.0.1", 0)))
        journal, names = Journal(Path(directory) / FILE), Names(BASE)
        fetcher = Fetcher(frozenset({peer.host}), "Maillage/test")
        room = Room(journal, Harvester(journal, names, checker, Combined(Matcher(names)), fetcher))
        feed = Feed(peer, dates=dates, dump=dump)
        room.add("peer", feed.url)
        peer.start()
        try:
            said = play(room, feed, acts)
            settled(room)
            assert room.live() == said
        finally:
            fetcher.close()
            peer.stop()
            journal.close()


def settled(room):
    """Visit until nothing waits, as a clock and a person would."""
    visit = room.visit()
    if visit.outcome == "held":
        room.harvester.apply(visit.id, "test")
        visit = room.visit()
    assert visit.outcome in {"applied", "unchanged"}, visit.message


def play(room, feed, acts):
    """Do what `acts` say, and return what the origin says in the end."""
    said = {}
    for act, what, how in acts:
        if act == "say":
            feed.say("Update" if what in said else "Create", what, {"id": feed.iri(what), "type": ["Group"], "name": {"fr": f"{what} {how}"}})
            said[what] = f"{what} {how}"
        elif act == "delete" and said.pop(what, None):
            feed.delete(what, purge=how)
        elif act == "visit":
            settled(room)
        elif act == "broken visit":
            broken_visit(room, feed, what, how)
        elif act == "compact":
            feed.compact(forget=bool(how))
        elif act == "restore":
            feed.restore(feed.events)
    return said


def broken_visit(room, feed, page, answer):
    """A visit during which one page is broken: whatever it was, nothing is half applied."""
    before, kept = room.live(), dict(feed.peer.answers)
    feed.peer.answers[f"/feed/pages/{page}"] = lambda _: iter([answer])
    visit = room.visit()
    feed.peer.answers = kept
    assert visit.outcome != "failed" or room.live() == before
