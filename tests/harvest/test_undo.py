"""Any visit that was applied can be taken back: what it did, and nothing changed since, is as it was before; nothing is lost by it."""

import socket
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.combined import Combined
from app.errors import Conflict, NotFound
from app.harvest.fetch import Fetcher
from app.harvest.pace import moment
from app.harvest.visit import Harvester
from app.journal import FILE, Journal, pending
from app.journal.records import GONE
from app.journal.sources import Trust
from app.journal.tables import feature, record
from app.journal.tables import group as combined
from app.matching.combine import Matcher
from app.names import Names
from tests.harvest.conftest import BASE, Room
from tests.harvest.feeds import Feed, conditional
from tests.harvest.loopback import Peer

AUTHOR = "Ada's token"


def state(room):
    """All that anybody sees, or that would come back: each record that is not gone, with its document, and the combined directory."""
    with room.journal.read() as c:
        held = select(record.c.key, record.c.state, record.c.iri, record.c.document, record.c.content_hash).where(record.c.state != GONE)
        groups = select(combined.c.document)
        assert pending.count(c) == 0
        return sorted(tuple(row) for row in c.execute(held)), sorted(c.execute(groups).scalars())


def take(room):
    """One visit, which a person applies if it waits."""
    visit = room.visit()
    if visit.outcome == "held":
        room.harvester.apply(visit.id, AUTHOR)
    return room.again(visit)


def test_each_thing_that_a_visit_did_is_put_back(room, feed):
    """Changed, withdrawn, added: as before; the report says so, and the graph is told."""
    room.visit()
    before = state(room)
    feed.update("a", "Hijacked")
    feed.delete("b")
    feed.create("x")
    visit = take(room)
    assert (visit.outcome, state(room) == before) == ("applied", False)
    text = room.harvester.undo(visit.id, AUTHOR)
    assert state(room) == before
    assert "1 records put back as they were, 1 came back, 1 were withdrawn" in text.en
    again = room.again(visit)
    assert (again.outcome, again.undone_by, again.message) == ("applied", AUTHOR, text)
    assert again.undone_at >= again.finished_at
    assert AUTHOR not in text.en + text.fr, "everybody reads the report"


def test_the_peer_then_waits_for_a_person_and_nothing_is_lost(room, feed):
    """The next visits say the same again and are held, discarded or not; applied, the mirror is what the peer says."""
    room.visit()
    feed.update("a", "Other")
    feed.delete("b")
    room.harvester.undo(take(room).id, AUTHOR)
    assert room.source().state == "held"
    feed.create("y")
    for _ in range(2):
        visit = room.visit()
        assert (visit.outcome, visit.counts["changed"], visit.counts["gone"], visit.counts["added"]) == ("held", 1, 1, 1)
        assert "was undone" in visit.message.en
        room.harvester.discard(visit.id, AUTHOR)
    visit = room.visit()
    room.harvester.apply(visit.id, AUTHOR)
    assert room.live() == {"a": "Other", "c": "c", "d": "d", "e": "e", "f": "f", "y": "y"}
    feed.create("z")
    assert room.visit().outcome == "applied", "a person decided: the peer is trusted as before"


def test_a_peer_that_was_put_right_runs_again_by_itself(room, feed):
    """Its maintainer takes the same step back: a visit that would change nothing ends the waiting."""
    room.visit()
    feed.update("a", "Hijacked")
    room.harvester.undo(room.visit().id, AUTHOR)
    feed.update("a", "a")
    assert room.visit().outcome == "unchanged"
    feed.create("z")
    assert room.visit().outcome == "applied"


def test_what_changed_since_stays(room, feed):
    """A later visit's changes are not undone with an earlier one's, and the report and its line say so."""
    room.visit()
    feed.update("a", "A1")
    feed.update("b", "B1")
    first = room.visit()
    feed.update("a", "A2")
    room.visit()
    text = room.harvester.undo(first.id, AUTHOR)
    assert (room.live()["a"], room.live()["b"]) == ("A2", "b")
    assert "1 changed since and stay as they are" in text.en
    assert "Changed since" in room.lines(first)["a"].message.en
    assert "Changed since" not in room.lines(first)["b"].message.en


def test_visits_are_undone_one_after_the_other(room, feed):
    """The newest first, each gives back what stood before it, down to nothing."""
    states = [state(room)]
    visits = [room.visit()]
    for act in (lambda: feed.update("a", "A"), lambda: feed.delete("a"), lambda: feed.create("a", "again")):
        states.append(state(room))
        act()
        visits.append(room.visit())
    for visit, before in zip(reversed(visits), reversed(states), strict=True):
        room.harvester.undo(visit.id, AUTHOR)
        assert state(room) == before


def test_what_was_purged_stays_erased(room, feed):
    """The rest of the visit is taken back; of what was erased nothing is left that could be."""
    room.visit()
    feed.delete("a", purge=True)
    feed.update("b", "B")
    visit = take(room)
    text = room.harvester.undo(visit.id, AUTHOR)
    assert (room.record("a").state, room.record("a").document, room.live()["b"]) == (GONE, {}, "b")
    assert "1 had been erased" in text.en


def test_what_was_erased_later_stays_erased(room, feed):
    """A purge after the visit leaves nothing of it to bring back."""
    room.visit()
    feed.update("a", "A")
    visit = room.visit()
    feed.delete("a", purge=True)
    room.visit()
    room.harvester.undo(visit.id, AUTHOR)
    assert (room.record("a").state, room.record("a").document) == (GONE, {})


def test_only_an_applied_visit_is_undone_and_only_once(room, feed):
    """A dry run, a failed, held, discarded or unchanged visit changed nothing."""
    visit = room.visit()
    nothing, dry = room.visit(), room.visit(dry_run=True)
    feed.peer.answers["/feed"], kept = b"", feed.peer.answers["/feed"]
    failed = room.visit()
    feed.peer.answers["/feed"] = kept
    for slug in "abcdef":
        feed.update(slug, "B")
    held = room.visit()
    for one in (nothing, dry, failed, held):
        with pytest.raises(Conflict, match="nothing to undo"):
            room.harvester.undo(one.id, AUTHOR)
    room.harvester.undo(visit.id, AUTHOR)
    assert room.again(held).outcome == "discarded", "it was made from what stood before"
    with pytest.raises(Conflict, match="already"):
        room.harvester.undo(visit.id, AUTHOR)
    with pytest.raises(NotFound):
        room.harvester.undo(999, AUTHOR)
    with room.harvester._alone("peer"), pytest.raises(Conflict, match="under way"):
        room.harvester.undo(visit.id, AUTHOR)


def test_an_undone_feed_is_still_not_believed_when_it_goes_back(room, feed, peer):
    """Reading everything again does not open the door to an older copy of the log."""
    room.visit()
    feed.update("a", "A")
    room.harvester.undo(room.visit().id, AUTHOR)
    feed.events = feed.events[:5]
    peer.answers.clear()
    feed.serve()
    visit = room.visit()
    assert (visit.outcome, len(room.live())) == ("failed", 6)
    assert "although 7 was read before" in visit.message.en


def test_an_undone_visit_in_quarantine_shows_nothing(room, feed):
    """What comes back to a peer in quarantine stays apart."""
    room.set("peer", trust=Trust.QUARANTINE)
    room.visit()
    feed.update("a", "A")
    visit = room.visit()
    room.harvester.undo(visit.id, AUTHOR)
    assert room.live() == {}
    assert (room.record("a").state, room.record("a").document["name"]) == ("quarantined", {"fr": "a"})


def test_a_visit_older_than_its_report_is_undone(room, feed):
    """The lines of a visit are forgotten after some time; what it did is not."""
    room.visit()
    feed.update("a", "A")
    visit = room.visit()
    for number in range(15):
        feed.update("b", f"B{number}")
        room.visit()
    assert room.lines(visit) == {}
    room.harvester.undo(visit.id, AUTHOR)
    assert (room.live()["a"], room.live()["b"]) == ("a", "B14")


def evidence(room):
    """What is kept of contacts that were left at the door, by record."""
    with room.journal.read() as c:
        question = select(record.c.key, feature.c.contacts).join(feature, feature.c.record_id == record.c.id)
        return {key: contacts for key, contacts in c.execute(question) if contacts not in {None, "{}"}}


def test_evidence_of_contacts_is_put_back_too(room, feed):
    """A group that was taken over with another address is matched by its former one again, and one that had none by none."""
    feed.create("x", "x", email="contact@asso.example", consent="2026-01-01")
    feed.create("y", "y", email="bonjour@asso.example", consent="2026-01-01")
    room.visit()
    before = evidence(room)
    assert {*before} == {"x", "y"}
    feed.update("x", "Hijacked", email="other@evil.example", consent="2026-01-01")
    feed.update("y", "Changed", email="bonjour@asso.example", consent="2026-01-01")
    feed.update("a", "Hijacked", email="other@evil.example", consent="2026-01-01")
    visit = take(room)
    assert len({*evidence(room).values()}) == 2
    room.harvester.undo(visit.id, AUTHOR)
    assert evidence(room) == before


MAPPING = {"key": "id", "fields": {"name": "name"}}


def test_what_was_hidden_comes_back_and_what_came_back_is_hidden_again(room, peer):
    """Silence that lasted, and its end, are undone like the rest."""

    def show(keys):
        peer.answers["/list"] = conditional([{"id": key, "name": f"Groupe {key}"} for key in keys])

    show("abcdefghij")
    room.add("peer", f"{peer.url}/list", "jsonlist", mapping=MAPPING)
    room.visit()
    before = state(room)
    show("bcdefghij")
    room.visit()
    room.visit()
    with room.journal.write() as c:
        then = moment(datetime.now(UTC) - timedelta(days=8))
        c.execute(update(record).where(record.c.missed > 0).values(missing_since=then))
    hiding = room.visit()
    hidden = state(room)
    assert (hidden == before, room.record("a").state) == (False, "hidden")
    show("abcdefghij")
    showing = room.visit()
    assert state(room) == before
    room.harvester.undo(showing.id, AUTHOR)
    assert state(room) == hidden
    room.harvester.undo(hiding.id, AUTHOR)
    assert state(room) == before
    assert room.visit().outcome == "unchanged"


def test_an_undo_is_whole_or_not_at_all(room, feed):
    """Should it fail on its last step, nothing of it stays; tried again, all of it is done."""
    room.visit()
    beginning = state(room)
    feed.update("a", "A")
    feed.create("x")
    visit = room.visit()
    before = state(room)
    with room.journal.write() as c:
        c.exec_driver_sql("CREATE TRIGGER never BEFORE UPDATE OF undone_at ON visit BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(IntegrityError):
        room.harvester.undo(visit.id, AUTHOR)
    assert state(room) == before
    with room.journal.write() as c:
        c.exec_driver_sql("DROP TRIGGER never")
    room.harvester.undo(visit.id, AUTHOR)
    assert state(room) == beginning


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from("abcdefgh"), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.sampled_from("abcdefgh"), st.none()),
        st.tuples(st.just("compact"), st.none(), st.booleans()),
        st.tuples(st.just("restore"), st.none(), st.none()),
    ),
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=4))
def test_undone_visits_leave_what_was_before_them_and_lose_nothing(checker, rounds):
    """Random visits, each taken back from the newest on: every state of before comes back; read again and accepted, so does the truth."""
    with tempfile.TemporaryDirectory() as directory:
        peer = Peer(socket.create_server(("127.0.0.1", 0)))
        journal, names = Journal(Path(directory) / FILE), Names(BASE)
        fetcher = Fetcher(frozenset({peer.host}), "Maillage/test")
        room = Room(journal, Harvester(journal, names, checker, Combined(Matcher(names)), fetcher))
        feed = Feed(peer)
        room.add("peer", feed.url)
        peer.start()
        try:
            check(room, feed, rounds)
        finally:
            fetcher.close()
            peer.stop()
            journal.close()


def check(room, feed, rounds):
    """Play the rounds, a visit after each; take them all back; accept what the peer says."""
    said, done = {}, []
    for acts in rounds:
        play(feed, acts, said)
        before = state(room)
        visit = take(room)
        assert visit.outcome in {"applied", "unchanged"}, visit.message
        if visit.outcome == "applied":
            done.append((visit, before))
    for visit, before in reversed(done):
        room.harvester.undo(visit.id, AUTHOR)
        assert state(room) == before
    assert not done or state(room) == ([], [])
    take(room)
    assert room.live() == said


def play(feed, acts, said):
    """Do what `acts` say, and note what the origin says in the end."""
    for act, what, how in acts:
        if act == "say":
            feed.say("Update" if what in said else "Create", what, {"id": feed.iri(what), "type": ["Group"], "name": {"fr": f"{what} {how}"}})
            said[what] = f"{what} {how}"
        elif act == "delete" and said.pop(what, None):
            feed.delete(what)
        elif act == "compact":
            feed.compact(forget=bool(how))
        elif act == "restore":
            feed.restore(feed.events)
