"""What a peer may try within its own log or file: nothing it says later undoes what it said before, or stays for ever, or names others."""

import json

import pytest
from sqlalchemy import select

from app.journal import erasure, pending, visits
from app.journal.records import GONE, LIVE
from app.journal.sources import Trust
from app.journal.tables import change, event, record, version
from tests.harvest.feeds import conditional, group
from tests.harvest.loopback import answer

MAPPING = {"key": "id", "fields": {"name": "name"}}


def invalid(feed, slug):
    """An event whose record breaks the shapes."""
    return feed.update(slug, "invalid", siren="12")


def test_what_is_refused_takes_no_withdrawal_back(room, feed):
    """A purge, then a record that cannot be taken, in one visit: the purge is done, and the refusal is said."""
    room.visit()
    feed.delete("a", purge=True)
    invalid(feed, "a")
    visit = room.visit()
    assert (visit.counts["gone"], visit.counts["refused"]) == (1, 1)
    assert (room.record("a").state, room.record("a").document) == (GONE, {})


@pytest.mark.parametrize("visits_between", [True, False])
def test_a_mirror_does_not_depend_on_when_it_was_visited(room, feed, visits_between):
    """A revision that is refused leaves the newest good one, whether that came in the same visit or in one before."""
    room.visit()
    for act in (lambda: feed.update("a", "better"), lambda: invalid(feed, "a"), lambda: feed.create("z", "new"), lambda: invalid(feed, "z")):
        act()
        if visits_between:
            room.visit()
    room.visit()
    assert (room.live()["a"], room.live()["z"]) == ("better", "new")


def test_a_refusal_is_replaced_by_what_is_better(room, feed):
    """Of several refusals and one good record of a key in one visit, the good one is taken and counted once."""
    invalid(feed, "z")
    invalid(feed, "z")
    feed.update("z", "good at last")
    visit = room.visit()
    assert (visit.counts["added"], visit.counts["refused"]) == (7, 0)
    assert room.live()["z"] == "good at last"


def test_a_purge_of_what_was_withdrawn_before_is_the_last_word(room, feed):
    """An event between the withdrawal and the purge, replayed from an old copy of the log, does not bring the record back."""
    room.visit()
    feed.delete("a")
    room.visit()
    feed.create("a", "in between")
    feed.delete("a", purge=True)
    room.visit()
    assert room.record("a").origin == (1, 9)
    replayed = [one for one in feed.events if one["sequence"] == 8]
    feed.events = [*feed.events[:6], *replayed, feed.events[0] | {"sequence": 20, "object": feed.iri("b"), "record": group(feed.iri("b"), "b")}]
    feed.serve()
    room.set("peer", cursor={})
    room.visit()
    assert room.record("a").state == GONE


def test_a_visit_that_waits_keeps_what_it_has_to_say(room, feed):
    """However many others are tried or fail meanwhile, applying it applies all of it."""
    room.visit()
    for slug in "abcde":
        feed.update(slug, "revised")
    held = room.visit()
    assert held.outcome == "held"
    for _ in range(12):
        room.visit(dry_run=True)
    room.harvester.apply(held.id, "test")
    assert [room.live()[slug] for slug in "abcde"] == ["revised"] * 5


def test_settings_that_change_during_a_visit_are_not_passed_over(room, feed, peer):
    """A peer that is put in quarantine while it is read is in quarantine afterwards; nothing of it is shown."""
    honest = peer.answers["/feed/pages/2"]

    def meanwhile(request):
        room.harvester.change("peer", trust=Trust.QUARANTINE)
        return honest(request)

    peer.answers["/feed/pages/2"] = meanwhile
    visit = room.visit()
    assert (visit.outcome, room.live()) == ("failed", {})
    assert "changed during the visit" in visit.message.en
    assert room.visit().outcome == "applied"
    assert room.live() == {}


def test_a_peer_whose_visit_ended_the_process_rests(room, feed):
    """Should its data be what ended it, the node must not end again as soon as it has started: the peer waits like one that failed."""
    with room.journal.write() as c:
        visits.begin(c, room.source().id)
    assert room.source().next_visit_at is None
    assert room.harvester.recover() == 1
    assert room.source().failures == 1
    assert room.source().next_visit_at > room.source().created_at
    assert room.visit().outcome == "applied"
    assert room.source().failures == 0


def test_a_licence_follows_the_peer_unless_the_operator_gave_one(room, peer):
    """What the wrapper of a map states today holds; what is no address of the web never does; what the operator gave always."""

    def state(licence):
        peer.answers["/map"] = conditional({"licence": licence, "ontology": "gogofull", "data": [{"id": 1, "name": "Groupe"}]})

    room.add("peer", f"{peer.url}/map", "gogocarto")
    for stated, is_one in (("https://a.example/l1", True), ("https://a.example/l2", True), ("http://\ufdd0", False)):
        state(stated)
        room.visit()
        assert room.source().licence == (stated if is_one else None)
    room.set("peer", licence="https://operator.example/l")
    state("https://a.example/l3")
    room.visit()
    assert room.source().licence == "https://operator.example/l"


def test_our_own_groups_that_come_back_in_a_file_are_left_out(room, peer):
    """A map that re-publishes our dump sends our own records: they are refused by their identifiers, and confirm nothing."""
    rows = [{"id": "https://node.example/groups/ours", "name": "Ours"}, {"id": "https://other.example/groups/theirs", "name": "Theirs"}]
    peer.answers["/list"] = conditional(rows)
    room.add("peer", f"{peer.url}/list", "jsonlist", mapping=MAPPING)
    visit = room.visit()
    assert (visit.counts["added"], visit.counts["refused"]) == (1, 1)
    assert list(room.live().values()) == ["Theirs"]
    (refused,) = [line for line in room.lines(visit).values() if line.outcome == "refused"]
    assert "coming back" in refused.message.en


def test_contacts_of_any_vocabulary_stay_at_the_door(room, feed):
    """Whatever property holds them, with consent or without, and the hash is that of what is kept."""
    feed.create("z", "z", consent="2026-01-01", **{"http://schema.org/email": "a@b.example", "sameAs": ["mailto:a@b.example"]})
    feed.update("a", "a", **{"schema:department": {"id": f"{feed.iri('a')}#x", "schema:telephone": "+33 1 23"}})
    room.visit()
    kept = json.dumps([room.record("z").document, room.record("a").document])
    assert "@b.example" not in kept
    assert "+33" not in kept


def rows_of(room):
    """All that readers of the journal, of the feed and of the graph could see change."""
    with room.journal.read() as c:
        said = [record.c.id, record.c.document, record.c.content_hash, record.c.state, record.c.version, record.c.modified_at, record.c.raw_digest]
        tables = (select(change), select(version), select(event), select(*said))
        return [[tuple(row) for row in c.execute(question)] for question in tables]


@pytest.mark.parametrize("conditions", [True, False])
def test_a_visit_that_finds_nothing_new_leaves_no_trace(room, peer, conditions):
    """Neither a change for the graph, nor a version, nor an event, whether the server answers 304 or sends the same again."""
    body = json.dumps([{"id": key, "name": f"Groupe {key}"} for key in "abcdef"]).encode()
    peer.answers["/list"] = conditional(json.loads(body)) if conditions else answer(body)
    room.add("peer", f"{peer.url}/list", "jsonlist", mapping=MAPPING)
    room.visit()
    before = rows_of(room)
    assert room.visit().outcome == "unchanged"
    assert rows_of(room) == before


def test_a_file_that_is_written_anew_with_the_same_content_leaves_no_trace(room, peer):
    """Other spaces, another order: every record is read again, and nothing is said again."""
    rows = [{"id": key, "name": f"Groupe {key}", "town": "Ville"} for key in "abcdef"]
    peer.answers["/list"] = conditional(rows)
    room.add("peer", f"{peer.url}/list", "jsonlist", mapping=MAPPING)
    room.visit()
    before = [table[:-1] if at == 3 else table for at, table in enumerate(rows_of(room))][:3]
    peer.answers["/list"] = conditional([dict(reversed(row.items())) for row in reversed(rows)])
    again = room.visit()
    assert (again.outcome, again.counts["unchanged"]) == ("unchanged", 6)
    assert rows_of(room)[:3] == before


def test_nothing_waits_after_any_of_it(room, feed):
    """Settled and scrubbed, no record is pending and no visit is open."""
    feed.delete("a", purge=True)
    room.visit()
    assert erasure.scrub(room.journal)
    assert [record.state for record in (room.record("b"), room.record("c"))] == [LIVE, LIVE]
    with room.journal.read() as c:
        assert pending.count(c) == 0
        assert visits.unfinished(c) == []
