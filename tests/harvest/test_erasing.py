"""What was erased here on request is not harvested again, wherever it comes from."""

import fcntl

import pytest
from sqlalchemy import select

from app.errors import Conflict, Gone, NotFound
from app.harvest import erasing
from app.journal import records
from app.journal.tables import identity, member, record
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.feeds import group
from tests.harvest.loopback import answer

NAMES = Names(BASE)


def test_an_erased_record_is_refused_with_a_plain_sentence(room, feed):
    """Read anew, revised or created again by its source: it stays erased, the visit says why, and the others go on."""
    room.visit()
    room.harvester.erase("peer", "a", "someone")
    assert (room.record("a").state, room.record("a").document) == ("gone", {})
    room.set("peer", cursor={})
    feed.update("a", "revised")
    feed.create("g")
    visit = room.visit()
    assert (visit.outcome, visit.counts["refused"], visit.counts["added"]) == ("applied", 1, 1)
    line = room.lines(visit)["a"]
    assert (line.outcome, line.document) == ("refused", None)
    assert line.message.en == "This record was erased here on request: it is not taken again."
    assert set(room.live()) == set("bcdefg")


def test_a_peer_that_is_added_again_does_not_bring_it_back(room, feed):
    """Under its name or another one, at its address."""
    room.visit()
    room.harvester.erase("peer", "a", "someone")
    room.harvester.remove("peer")
    for name in ("peer", "renamed"):
        room.add(name, feed.url)
        room.visit(name)
        assert set(room.live(name)) == set("bcdef")


def test_another_peer_does_not_bring_it_back(room, feed, peer):
    """A list that holds the same record under the same IRI is refused that one."""
    room.visit()
    room.harvester.erase("peer", "a", "someone")
    context = f"{peer.url}/vocab/context/v1.jsonld"
    listed = {"@context": context, "@graph": [group(feed.iri("a"), "a again"), group(feed.iri("z"), "z")]}
    peer.answers["/list.jsonld"] = answer(listed)
    room.add("list", f"{peer.url}/list.jsonld", "jsonld", base=peer.url)
    visit = room.visit("list")
    assert (visit.counts["refused"], list(room.live("list").values())) == (1, ["z"])


def test_the_same_words_elsewhere_are_known(room, peer):
    """A file whose records were numbered anew, at another address, does not bring back what it says word for word."""
    mapping = {"key": "id", "fields": {"name": "name", "description": "text", "keywords": "words"}}
    said = {"name": "Le jardin secret", "text": "Un jardin au fond de la cour.", "words": "jardin"}
    peer.answers["/one.json"] = answer([said | {"id": "1"}, {"id": "2", "name": "Le verger", "text": "Un verger.", "words": "verger"}])
    peer.answers["/two.json"] = answer([said | {"id": "77"}, {"id": "78", "name": "Le verger", "text": "Un verger.", "words": "verger"}])
    room.add("one", f"{peer.url}/one.json", "jsonlist", mapping=mapping)
    room.visit("one")
    room.harvester.erase("one", "1", "someone")
    room.add("two", f"{peer.url}/two.json", "jsonlist", mapping=mapping)
    room.visit("two")
    assert (set(room.live("one")), set(room.live("two"))) == ({"2"}, {"78"})


def test_a_purge_of_what_was_never_taken_erases_what_was_reported(room, feed):
    """A record that was refused is named in the report until its source erases it."""
    feed.create("odd", siren="12")
    assert room.lines(before := room.visit())["odd"].outcome == "refused"
    feed.delete("odd", purge=True)
    room.visit()
    assert "odd" not in room.lines(before)


def test_erasing_waits_for_no_visit(room, feed):
    """While a peer is being visited it is refused, with a sentence; what is not there, or erased already, is said so."""
    room.visit()
    with room.harvester._lock_file("peer").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="under way"):
            room.harvester.erase("peer", "a", "someone")
    room.harvester.erase("peer", "a", "someone")
    with pytest.raises(Gone):
        room.harvester.erase("peer", "a", "someone")
    with pytest.raises(NotFound):
        room.harvester.erase("peer", "nothing", "someone")


def test_an_address_means_a_record_a_source_or_a_whole_group(room, feed, peer):
    """The record at its source, its graph here, the group here with all that is said of it; nothing else."""
    room.visit()
    with room.journal.read() as c:
        (slug,) = c.execute(select(identity.c.slug).select_from(identity.join(member).join(record)).where(record.c.key == "a")).one()
        for address in (feed.iri("a"), NAMES.record("peer", "a"), f"{NAMES.record('peer', 'a')}#group", NAMES.group(slug)):
            assert [held.key for held in erasing.meant(c, NAMES, address)] == ["a"]
        for address in ("https://nobody.example/", NAMES.group("nobody"), NAMES.record("peer", "nobody"), "a"):
            with pytest.raises(NotFound):
                erasing.meant(c, NAMES, address)
    room.harvester.erase("peer", "a", "someone")
    with room.journal.read() as c, pytest.raises(Gone):
        erasing.meant(c, NAMES, feed.iri("a"))
    assert room.record("a").state == records.GONE


def test_erasing_what_was_withdrawn_before_is_no_loss(room, feed):
    """Five withdrawn one after the other, then all purged at once, and the log read anew: nothing that anybody sees vanishes, so nobody is asked."""
    for slug in "abcde":
        room.visit()
        feed.delete(slug)
    room.harvester.apply(room.visit().id, "someone")  # five of six in a day
    for slug in "abcde":
        feed.delete(slug, purge=True)
    assert room.visit().outcome == "applied"
    assert {room.record(slug).content_hash for slug in "abcde"} == {""}
    room.set("peer", cursor={})
    again = room.visit()
    assert (again.outcome, again.counts["gone"], room.record("a").origin) == ("unchanged", 0, (1, 12))


def test_what_waits_for_a_person_does_not_bring_it_back(room, feed, peer):
    """A visit held before the erasure, of the same peer or of another that sends the same, is applied without it."""
    room.visit()
    context = f"{peer.url}/vocab/context/v1.jsonld"
    peer.answers["/list.jsonld"] = answer({"@context": context, "@graph": [group(feed.iri("a"), "a again"), group(feed.iri("z"), "z")]})
    room.add("list", f"{peer.url}/list.jsonld", "jsonld", base=peer.url, trust="review")
    for slug in "abcdef":
        feed.update(slug, f"revised {slug}")
    held, other = room.visit(), room.visit("list")
    assert (held.outcome, other.outcome) == ("held", "held")
    room.harvester.erase("peer", "a", "someone")
    for waiting in (held, other):
        room.harvester.apply(waiting.id, "someone")
    assert set(room.live().values()) == {f"revised {slug}" for slug in "bcdef"}
    assert list(room.live("list").values()) == ["z"]


def test_what_its_source_publishes_again_is_another_group(room, feed):
    """Purged, then created anew by those who may: it bears a new name and a new address, and the old address is given to nobody."""
    feed.create("x", "Le jardin secret")
    room.visit()
    feed.delete("x", purge=True)
    room.visit()
    feed.create("x", "Le jardin ouvert")
    feed.create("y", "Le jardin secret")
    room.visit()
    slugs = select(record.c.key, identity.c.slug).select_from(identity.join(member).join(record)).where(record.c.key.in_(["x", "y"]))
    with room.journal.read() as c:
        assert {row.key: row.slug for row in c.execute(slugs)} == {"x": "le-jardin-ouvert", "y": "le-jardin-secret-2"}


def test_an_erasure_can_be_taken_back(room, feed):
    """Lifted, the next visit takes the record again as its source says it now, and no other erased one; erased anew, it stays away again."""
    room.visit()
    for key in ("a", "b"):
        room.harvester.erase("peer", key, "someone")
    room.harvester.lift("peer", "a", "someone")
    with pytest.raises(Conflict, match="nothing to lift"):
        room.harvester.lift("peer", "a", "someone")
    visit = room.visit()
    assert (visit.outcome, visit.counts["added"], visit.counts["refused"]) == ("applied", 1, 1)
    assert set(room.live()) == set("acdef")
    room.harvester.erase("peer", "a", "someone")
    room.set("peer", cursor={})
    assert room.visit().counts["refused"] == 2
    assert set(room.live()) == set("cdef")


def test_only_what_was_erased_on_request_is_lifted(room, feed):
    """A record that stands, one that its source purged, and one that nobody knows are not kept out."""
    room.visit()
    feed.delete("b", purge=True)
    room.visit()
    for key in ("a", "b"):
        with pytest.raises(Conflict, match="nothing to lift"):
            room.harvester.lift("peer", key, "someone")
    with pytest.raises(NotFound):
        room.harvester.lift("peer", "z", "someone")
