"""A file that is the whole of a peer: what it does not show any more is missing first, and gone only much later, or when a person says so."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.harvest.pace import moment
from app.journal.records import HIDDEN, LIVE
from app.journal.tables import record as record_table
from tests.harvest.feeds import conditional
from tests.harvest.loopback import answer

MAPPING = {"key": "id", "fields": {"name": "name", "email": "mail", "location.addressLocality": "town"}}


@pytest.fixture
def file(peer, room):
    """A peer named "peer" that is one JSON file of ten invented groups; the function sets which."""

    def show(*keys, **names):
        rows = [{"id": key, "name": names.get(key, f"Group {key}"), "town": "Ville", "colour": "blue"} for key in keys]
        peer.answers["/groups.json"] = conditional(rows)

    show(*"abcdefghij")
    room.add("peer", f"{peer.url}/groups.json", "jsonlist", mapping=MAPPING)
    return show


def long_ago(room):
    """Let the absence of every missing record have begun eight days ago."""
    with room.journal.write() as c:
        then = moment(datetime.now(UTC) - timedelta(days=8))
        c.execute(update(record_table).where(record_table.c.missed > 0).values(missing_since=then))


def test_foreign_records_get_an_address_here(room, file):
    """Each record is known under its graph at this node, its parts beside it, and every one is accounted for."""
    visit = room.visit()
    assert visit.outcome == "applied", visit.message
    assert (visit.counts["added"], visit.counts["unmapped"]) == (10, 10)
    record = room.record("a")
    assert record.iri == "https://node.example/records/peer/a#group"
    assert record.document["location"][0]["id"] == "https://node.example/records/peer/a#location-1"
    assert room.lines(visit)["*"].outcome == "unmapped"
    assert "colour" in room.lines(visit)["*"].message.en


def test_an_unchanged_file_costs_one_request(room, file, peer):
    """304, or the same bytes from a server that knows no conditions: nothing is read, and the records are all accounted for."""
    room.visit()
    again = room.visit()
    assert (again.outcome, again.requests, again.bytes) == ("unchanged", 1, 0)
    peer.answers["/groups.json"] = answer(room_bytes(peer))
    same = room.visit()
    assert same.outcome == "unchanged"
    assert again.counts == same.counts
    assert (same.counts["unchanged"], same.counts["unmapped"]) == (10, 10)
    assert set(room.lines(same)) == set()


def room_bytes(peer):
    """The body that the peer serves."""
    return peer.answers["/groups.json"](type("Request", (), {"headers": {}})).partition(b"\r\n\r\n")[2]


def test_an_unchanged_record_is_not_read_again(room, file):
    """In a file that changed, only the records that did are changed."""
    room.visit()
    file(*"abcdefghij", a="Another name")
    visit = room.visit()
    assert (visit.counts["changed"], visit.counts["unchanged"]) == (1, 9)
    assert room.live()["a"] == "Another name"
    assert "name" in room.lines(visit)["a"].message.en


def test_silence_is_not_a_withdrawal(room, file):
    """A record that is missing stays for three visits and a week, then it is hidden, and comes back when it is shown again."""
    room.visit()
    file(*"bcdefghij")
    visit = room.visit()
    assert (visit.outcome, visit.counts["gone"], visit.counts["unchanged"]) == ("applied", 1, 9)
    assert room.lines(visit)["a"].message.en.startswith("Missing (1 times): it stays")
    assert room.record("a").missed == 1
    assert room.visit().counts["gone"] == 1, "the file did not change: the record is still missing"
    assert (room.record("a").missed, room.record("a").state) == (2, LIVE)
    room.visit()
    assert (room.record("a").missed, room.record("a").state) == (3, LIVE), "three visits, but no week yet"
    long_ago(room)
    room.visit()
    assert room.record("a").state == HIDDEN
    assert "a" not in room.live()
    assert room.visit().counts["gone"] == 0
    file(*"abcdefghij")
    assert room.visit().counts["added"] == 1
    assert (room.record("a").state, room.record("a").missed) == (LIVE, 0)


def test_a_record_that_comes_back_in_time_was_never_gone(room, file):
    """Found again, it is simply unchanged, and its absence is forgotten."""
    room.visit()
    file(*"bcdefghij")
    room.visit()
    file(*"abcdefghij")
    assert room.visit().counts["unchanged"] == 10
    assert (room.record("a").missed, room.record("a").missing_since) == (0, None)


def test_a_third_of_a_file_gone_waits_for_a_person(room, file):
    """Five of ten missing at once: held; applied by a person, they are hidden at once."""
    room.visit()
    file(*"abcde")
    visit = room.visit()
    assert (visit.outcome, visit.counts["gone"], len(room.live())) == ("held", 5, 10)
    room.harvester.apply(visit.id, "Ada's token")
    assert sorted(room.live()) == list("abcde")
    assert room.record("j").state == HIDDEN
    assert room.visit().outcome == "unchanged"


def test_an_emptied_file_waits_for_a_person(room, file):
    """A list that became empty is held, and a file of nothing fails."""
    room.visit()
    file()
    assert room.visit().outcome == "held"
    assert len(room.live()) == 10


def test_half_a_file_changes_nothing(room, file, peer):
    """A list that stops in the middle without the server saying so is a failure."""
    body = room_bytes(peer)
    room.visit()
    for broken in (body[:-40], b"", b"<html><body>Parked</body></html>", b"null"):
        peer.answers["/groups.json"] = lambda _, broken=broken: iter([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + broken])
        visit = room.visit()
        assert visit.outcome == "failed", broken
        assert len(room.live()) == 10


def test_an_identifier_that_comes_twice_is_refused_once(room, file):
    """The first record of a key is taken, the second is one refused line."""
    file(*"abca")
    visit = room.visit()
    assert (visit.counts["added"], visit.counts["refused"]) == (3, 1)


def test_our_own_settings_surprise_nobody(room, file):
    """When the operator changes the mapping everything is read anew, and the changes do not wait for a person."""
    room.visit()
    room.set("peer", mapping=MAPPING | {"fields": {"name": "name", "alternateName": "colour"}})
    visit = room.visit()
    assert (visit.outcome, visit.counts["changed"]) == ("applied", 10)


def test_every_record_is_accounted_for(room, file, peer):
    """Added, changed, unchanged and refused add up to the records met, whatever they are."""
    rows = [{"id": str(n), "name": "" if n % 7 == 0 else "n" * (n * 3), "mail": "a@b.example"} for n in range(1, 120)]
    peer.answers["/groups.json"] = conditional(rows)
    visit = room.visit()
    assert sum(visit.counts[outcome] for outcome in ("added", "changed", "unchanged", "refused")) == 119
    assert visit.counts["refused"] == len([row for row in rows if not row["name"]])
    assert len(room.lines(visit)) == 119
