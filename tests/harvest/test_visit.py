"""A visit takes what its peer may say, all of it or nothing, and accounts for every record."""

import threading

import pytest
from sqlalchemy import select, update

from app.errors import Conflict, NotFound
from app.harvest.lines import OUTCOMES
from app.journal import visits
from app.journal.records import GONE
from app.journal.sources import Trust
from app.journal.tables import group as combined
from app.journal.tables import record as record_table
from app.journal.tables import visit_item
from tests.harvest.feeds import group


def counts(**given):
    return dict.fromkeys(OUTCOMES, 0) | given


def names_of_groups(journal):
    with journal.read() as c:
        return sorted(c.execute(select(combined.c.name)).scalars())


def test_a_first_visit_takes_everything(room, feed):
    """Every record is live under its own IRI, with its origin, and in the combined directory at once."""
    visit = room.visit()
    assert (visit.outcome, visit.counts, visit.requests) == ("applied", counts(added=6), 3)
    assert sorted(room.live()) == list("abcdef")
    record = room.record("a")
    assert (record.iri, record.origin, record.document["id"]) == (feed.iri("a"), (1, 1), feed.iri("a"))
    assert names_of_groups(room.journal) == list("abcdef")
    source = room.source()
    assert (source.state, source.failures, source.message) == ("ok", 0, None)
    assert source.next_visit_at > source.last_visit_at


def test_a_second_visit_costs_one_request(room, feed):
    """Nothing changed: one request, nothing written, and the report still accounts for all records."""
    room.visit()
    before = [record_version(room, key) for key in "abcdef"]
    visit = room.visit()
    assert (visit.outcome, visit.counts, visit.requests) == ("unchanged", counts(unchanged=6), 1)
    assert visit.bytes == 0
    assert [record_version(room, key) for key in "abcdef"] == before


def record_version(room, key):
    return room.record(key).version


def test_changes_are_followed(room, feed):
    """A revision, a withdrawal and a new group: exactly these are touched."""
    room.visit()
    feed.update("a", "A new name")
    feed.delete("b")
    feed.create("g")
    visit = room.visit()
    assert (visit.outcome, visit.counts) == ("applied", counts(added=1, changed=1, gone=1))
    assert room.lines(visit)["a"].message.en == "Changes: name."
    assert room.live() == {"a": "A new name", "c": "c", "d": "d", "e": "e", "f": "f", "g": "g"}
    assert room.record("b").state == GONE
    assert names_of_groups(room.journal) == ["A new name", "c", "d", "e", "f", "g"]


def test_the_last_word_of_one_visit_counts(room, feed):
    """Of several events about one record in one visit only the newest is applied; one that came and went leaves nothing."""
    feed.update("a", "second")
    feed.update("a", "third")
    feed.delete("b")
    feed.create("g")
    feed.delete("g")
    feed.delete("h")
    visit = room.visit()
    assert visit.counts == counts(added=5)
    assert room.live()["a"] == "third"
    assert not {"b", "g", "h"} & room.live().keys()


def test_a_withdrawn_record_can_come_back(room, feed):
    """Created again with a higher number, it is live again."""
    room.visit()
    feed.delete("a")
    room.visit()
    feed.create("a", "back")
    assert room.visit().counts == counts(added=1)
    assert room.live()["a"] == "back"


def test_a_purge_erases_what_was_said(room, feed):
    """After a Delete with purge no statement of the record is left, only that it is gone."""
    feed.update("a", "A secret name")
    room.visit()
    feed.delete("a", purge=True)
    room.visit()
    record = room.record("a")
    assert (record.state, record.document, record.origin) == (GONE, {}, (1, 8))
    assert b"A secret name" not in room.journal.path.read_bytes()


def test_nothing_older_than_what_is_held_is_believed(room, feed):
    """A replayed log, read anew as a whole, does not bring an old statement back."""
    feed.update("a", "newest")
    room.visit()
    feed.events = [*feed.events[:1], feed.events[0] | {"sequence": 2}, *feed.events[2:6]]
    feed.events.append(feed.events[1] | {"sequence": 7})
    with room.journal.write() as c:
        c.execute(update(record_table).where(record_table.c.key == "a").values(origin_sequence=99))
    feed.serve()
    room.set("peer", cursor={})
    room.visit()
    assert room.live()["a"] == "newest"


# --- authority ----------------------------------------------------------------------------------------------------


def test_a_peer_is_believed_only_about_its_own(room, feed, peer):
    """Records under another base, tricks with dots, and our own records coming back are refused, each with its reason."""
    for iri in (
        "https://other.example/groups/x",
        f"{peer.url}/../groups/x",
        f"{peer.url}/a/%2E%2e/groups/x",
        f"{peer.url}.evil.example/groups/x",
        "https://node.example/groups/ours",
    ):
        event = feed.say("Create", "x", group(iri, "Impostor"))
        event["object"] = iri
    feed.serve()
    visit = room.visit()
    assert visit.counts == counts(added=6, refused=5)
    refused = [line.message.en for line in room.lines(visit).values() if line.outcome == "refused"]
    assert sum("believed only about its own records" in text for text in refused) == 4
    assert sum("coming back" in text for text in refused) == 1


def test_the_operator_may_name_another_base(room, feed, peer):
    """A base given by the operator replaces the one read from the feed's address."""
    room.set("peer", base="https://other.example")
    event = feed.say("Create", "x", group("https://other.example/groups/x", "Elsewhere"))
    event["object"] = "https://other.example/groups/x"
    feed.serve()
    assert room.visit().counts == counts(added=1, refused=6)


def test_a_record_speaks_of_itself_only(room, feed):
    """Statements about another subject, however they are nested, do not come in."""
    feed.create("x", memberOf={"id": "https://victim.example/groups/v", "name": {"fr": "PWNED"}})
    feed.create("y", **{"@included": [{"id": "https://victim.example/groups/v", "name": {"fr": "PWNED"}}]})
    feed.create("z", **{"@reverse": {"memberOf": {"id": "https://victim.example/groups/v"}}})
    visit = room.visit()
    assert visit.counts == counts(added=6, refused=3)
    assert b"PWNED" not in room.journal.path.read_bytes()


def test_nobody_withdraws_what_is_not_theirs(room, feed):
    """A Delete of an IRI outside the peer's base is refused."""
    event = feed.say("Delete", "x")
    event["object"] = "https://other.example/groups/a"
    feed.serve()
    assert room.visit().counts == counts(added=6, refused=1)


# --- one bad record ------------------------------------------------------------------------------------------------


def test_one_bad_record_stops_no_other(room, feed):
    """What breaks the shapes or the limits is one refused line, in both languages; what was held of it stays."""
    room.visit()
    feed.update("a", "n" * 500)
    feed.say("Create", "x", {"id": feed.iri("x"), "type": ["Group"], "name": {"fr": "x"}, "sameAs": [f"https://a.example/{n}" for n in range(300)]})
    feed.create("y", **{"https://schema.org/givenName": "Ada"})
    feed.create("z")
    visit = room.visit()
    assert visit.outcome == "applied"
    assert {key: line.outcome for key, line in room.lines(visit).items()}["a"] == "refused"
    assert visit.counts["added"] == 1
    assert visit.counts["refused"] == 3
    assert room.live()["a"] == "a"
    line = room.lines(visit)["a"]
    assert line.message.fr.startswith("name")
    assert line.message.fr != line.message.en


@pytest.mark.parametrize("sign", ["\u0007", "\u202e"])
def test_a_character_that_nobody_sees_is_named(room, feed, sign):
    """The report says which it is, in which field and after which words, and does not write it again."""
    feed.update("a", f"Ruche {sign}bleue{sign}")
    line = room.lines(room.visit())["a"]
    code = f"U+{ord(sign):04X}"
    assert line.outcome == "refused"
    assert line.message.en == (
        f"“name.fr”: This text holds the invisible character {code}, forbidden here, after “Ruche ”, and 1 more of the kind: "
        "remove it from the record, where it is published."
    )
    assert code in line.message.fr
    assert sign not in line.message.fr + line.message.en


def test_unknown_fields_are_said_not_dropped_in_silence(room, feed):
    """A record with fields nobody maps is taken, and its line names them."""
    feed.create("x", favouriteColour="blue")
    visit = room.visit()
    assert visit.counts == counts(added=7, unmapped=1)
    assert "favouriteColour" in room.lines(visit)["x"].message.en


def test_contacts_stay_at_the_door(room, feed):
    """E-mail and telephone are dropped, and only keyed hashes of them stay, unless the peer's settings keep them."""
    feed.create("x", email="contact@asso.example", telephone="0102030405", consent="2026-01-01")
    visit = room.visit()
    assert visit.counts["added"] == 7
    assert not {"email", "telephone"} & room.record("x").document.keys()
    data = room.journal.path.read_bytes()
    assert b"contact@asso.example" not in data
    assert b"0102030405" not in data
    room.set("peer", keep_contacts=True)
    assert room.visit().counts["changed"] == 1
    assert room.record("x").document["email"] == "contact@asso.example"


def test_a_date_in_the_future_is_noted(room, feed):
    """A peer's clock decides nothing; a date far ahead is said in the line."""
    feed.create("x", modified="2999-01-01T00:00:00.000Z")
    visit = room.visit()
    assert "future" in room.lines(visit)["x"].message.en


# --- losing much at once ---------------------------------------------------------------------------------------------


def test_losing_much_at_once_waits_for_a_person(room, feed):
    """Five of six gone: nothing changes, the difference is there to be seen, and a person applies or discards it."""
    room.visit()
    for slug in "abcde":
        feed.delete(slug)
    visit = room.visit()
    assert (visit.outcome, visit.counts) == ("held", counts(gone=5))
    assert len(room.live()) == 6
    assert room.source().state == "held"
    again = room.visit()
    assert again.outcome == "held"
    assert room.again(visit).outcome == "discarded", "the newer visit says the same, and more recently"
    room.harvester.apply(again.id, "Ada's token")
    assert room.live() == {"f": "f"}
    assert names_of_groups(room.journal) == ["f"]
    assert (room.again(again).outcome, room.source().state) == ("applied", "ok")
    assert room.visit().outcome == "unchanged"


def test_a_held_visit_can_be_discarded(room, feed):
    """Discarded, nothing changes; the next visit sees the same difference again."""
    room.visit()
    for slug in "abcde":
        feed.delete(slug)
    visit = room.visit()
    room.harvester.discard(visit.id, "Ada's token")
    assert (room.again(visit).outcome, len(room.live()), room.source().state) == ("discarded", 6, "ok")
    for decide in (room.harvester.apply, room.harvester.discard):
        with pytest.raises(Conflict):
            decide(visit.id, "Ada's token")
        with pytest.raises(NotFound):
            decide(999, "Ada's token")
    assert room.visit().outcome == "held"


def test_a_peer_under_review_is_never_applied_by_itself(room, feed):
    """Trust "review": whatever changes waits."""
    room.set("peer", trust=Trust.REVIEW)
    visit = room.visit()
    assert (visit.outcome, room.live()) == ("held", {})
    room.harvester.apply(visit.id, "Ada's token")
    assert len(room.live()) == 6
    assert room.visit().outcome == "unchanged"


def test_a_peer_in_quarantine_is_kept_apart(room, feed):
    """Trust "quarantine": stored, seen by nobody, combined with nothing; once trusted it is combined."""
    room.set("peer", trust=Trust.QUARANTINE)
    visit = room.visit()
    assert (visit.outcome, visit.counts) == ("applied", counts(added=6))
    assert (room.live(), room.record("a").state, names_of_groups(room.journal)) == ({}, "quarantined", [])
    assert room.visit().outcome == "unchanged"
    room.set("peer", trust=Trust.AUTO)
    room.visit()
    assert len(room.live()) == len(names_of_groups(room.journal)) == 6
    room.set("peer", trust=Trust.QUARANTINE)
    room.visit()
    assert (room.live(), names_of_groups(room.journal)) == ({}, [])


def test_a_peer_put_in_quarantine_disappears_at_once(room, feed):
    """What it said leaves the combined directory when the operator decides, not at the next visit; trusted again, it comes back."""
    room.visit()
    room.harvester.change("peer", trust=Trust.QUARANTINE)
    assert (names_of_groups(room.journal), room.live()) == ([], {})
    room.harvester.change("peer", trust=Trust.AUTO)
    room.visit()
    assert names_of_groups(room.journal) == list("abcdef")


def test_a_dry_run_changes_nothing(room, feed):
    """The difference is reported, record by record, and neither records nor peer nor cursor move."""
    before = room.source()
    visit = room.visit(dry_run=True)
    assert (visit.outcome, visit.counts, visit.dry_run) == ("dry-run", counts(added=6), True)
    assert (room.live(), room.source()) == ({}, before)
    room.visit()
    for slug in "abcde":
        feed.delete(slug)
    visit = room.visit(dry_run=True)
    assert "a person must confirm" in visit.message.en
    assert len(room.live()) == 6


def test_a_rewritten_log_withdraws_what_it_does_not_hold(room, feed):
    """After a new epoch the log is read as a whole; what it holds no more is withdrawn, and what is the same is unchanged."""
    room.visit()
    feed.epoch, feed.events = 2, []
    for slug in "abcde":
        feed.create(slug)
    visit = room.visit()
    assert (visit.outcome, visit.counts) == ("applied", counts(unchanged=5, gone=1))
    assert room.record("f").state == GONE
    assert room.record("a").origin == (2, 1)


# --- everything that breaks --------------------------------------------------------------------------------------------


def test_a_failing_peer_keeps_its_last_good_state(room, feed, peer):
    """A web page, half a page, an error: the visit fails with a sentence, the records stay, and the peer rests."""
    room.visit()
    good = dict(peer.answers)
    feed.create("g")
    for broken in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>...",
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"",
    ):
        peer.answers["/feed"] = lambda _, broken=broken: iter([broken])
        visit = room.visit()
        assert visit.outcome == "failed"
        assert visit.message.fr
        assert len(room.live()) == 6
    source = room.source()
    assert (source.failures, source.state) == (4, "ok")
    assert source.message == visit.message
    room.visit()
    assert room.source().state == "failing"
    peer.answers = good
    feed.serve()
    assert room.visit().counts == counts(added=1)
    assert (room.source().state, room.source().failures) == ("ok", 0)


def test_half_a_feed_is_not_applied(room, feed, peer):
    """When the third page fails, not even the first is applied."""
    feed.create("g")
    peer.answers["/feed/pages/3"] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    visit = room.visit()
    assert (visit.outcome, room.live()) == ("failed", {})


def test_an_unknown_format_fails_plainly(room, peer):
    """A peer whose format this node does not read is said to be so."""
    room.add("odd", peer.url, "smoke-signals")
    assert "does not read the format" in room.visit("odd").message.en


def test_what_a_crash_left_is_closed(room, feed):
    """A visit that never ended is marked as failed at the next start, its lines are dropped, and the next visit goes through."""
    with room.journal.write() as c:
        left = visits.begin(c, room.source().id)
        visits.add_items(c, left, [visits.Item("a", "added", feed.iri("a"), document=group(feed.iri("a"), "half"), content_hash="x")])
    assert room.harvester.recover() == 1
    with room.journal.read() as c:
        visit = visits.get(c, left)
        assert c.execute(select(visit_item.c.document).where(visit_item.c.visit_id == left)).scalars().all() == [None]
    assert (visit.outcome, room.live()) == ("failed", {})
    assert room.visit().outcome == "applied"


def test_one_peer_is_visited_by_one_at_a_time(room, feed):
    """While a visit is under way another one to the same peer is refused, and so is its removal."""
    with room.harvester._alone("peer"):
        for attempt in (room.harvester.visit, room.harvester.remove):
            with pytest.raises(Conflict):
                attempt("peer")
        assert room.harvester.recover() == 0
    with pytest.raises(NotFound):
        room.harvester.visit("nobody")
    with pytest.raises(Conflict):
        room.harvester.visit("own")


def test_who_may_wait_visits_after_the_other_visit(room, feed):
    """A harvester that tells somebody about waiting waits; one that is stopped meanwhile does not go on."""
    told: list[str] = []
    released = threading.Event()

    def hold() -> None:
        with room.harvester._alone("peer"):
            held.set()
            released.wait(20)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)

    def waiting(name: str) -> None:
        told.append(name)
        released.set()

    room.harvester.waiting = waiting
    assert room.visit().outcome == "applied"
    holder.join()
    assert told == ["peer"]
    with room.harvester._alone("peer"):
        room.harvester.stopping.set()
        with pytest.raises(Conflict, match="under way"):
            room.harvester.visit("peer")


def test_a_removed_peer_leaves_nothing(room, feed):
    """Its records, visits and groups are gone."""
    room.visit()
    room.harvester.remove("peer")
    assert names_of_groups(room.journal) == []
    with pytest.raises(NotFound):
        room.source()


def test_an_old_page_from_a_cache_is_not_the_last_word(room, feed, peer):
    """A new root beside an old copy of its last page: the root is not taken for read, so that the next visit finds what was missing."""
    feed.create("y")
    room.visit()
    old = dict(peer.answers)
    feed.create("z")
    new, peer.answers["/feed/pages/3"] = peer.answers["/feed/pages/3"], old["/feed/pages/3"]
    assert room.visit().outcome == "unchanged"
    peer.answers["/feed/pages/3"] = new
    assert (room.visit().counts["added"], room.visit().requests) == (1, 1)
    assert "z" in room.live()
