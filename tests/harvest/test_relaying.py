"""What visits teach is listed for the readers of this node's relay: the newest event of each record, nothing that nobody can read."""

from typing import Any

import pytest
from sqlalchemy import Connection

from app.feed import relay
from app.feed.log import Kind
from app.feed.relay import Notice
from app.harvest import relaying
from app.journal import records, sources, visits
from app.journal.sources import Trust
from app.names import Names
from tests.harvest.conftest import BASE, Room
from tests.harvest.feeds import Feed, group

HERE = f"{BASE}/node"


def listed(room: Room, after: int = 0, limit: int = relay.PAGE) -> dict[str, Any]:
    """Read the relay."""
    with room.journal.read() as c:
        return relay.page(c, Names(BASE), after, limit)


def told(room: Room) -> list[tuple[str, str, int]]:
    """Return what is listed: kind, slug, sequence at the origin."""
    return [(item["type"], item["object"].rpartition("/")[2], item["sequence"]) for item in listed(room)["orderedItems"]]


@pytest.fixture
def hub(room: Room) -> Room:
    """A node that relays."""
    relaying.prepare(room.journal, on=True)
    return room


def test_a_visit_is_listed_in_the_transaction_that_applies_it(hub: Room, feed: Feed) -> None:
    """Each event under the address at its origin, numbered by this node, without the record; what is renewed moves to the end."""
    hub.visit()
    page = listed(hub)
    assert [item["object"] for item in page["orderedItems"]] == [feed.iri(slug) for slug in "abcdef"]
    first = page["orderedItems"][0]
    assert first | {"published": ""} == {
        "id": f"{feed.peer.url}/feed/events/1/1",
        "type": "Create",
        "object": feed.iri("a"),
        "origin": f"{feed.peer.url}/node",
        "epoch": 1,
        "sequence": 1,
        "published": "",
        "relaySequence": 1,
        "via": [HERE],
    }
    feed.update("a", "révisé")
    feed.delete("b")
    hub.visit()
    assert told(hub) == [*(("Create", slug, number) for number, slug in enumerate("cdef", 3)), ("Update", "a", 7), ("Delete", "b", 8)]
    numbers = [item["relaySequence"] for item in listed(hub)["orderedItems"]]
    assert numbers == sorted(numbers)
    assert numbers[-2:] == [7, 8]


def test_a_purge_is_listed_like_any_withdrawal(hub: Room, feed: Feed) -> None:
    """Though the lines of the visit that say so are erased with the record."""
    hub.visit()
    feed.say("Delete", "b", purge=True)
    visit = hub.visit()
    assert "b" not in hub.lines(visit)
    assert told(hub)[-1] == ("Delete", "b", 7)


def test_it_is_read_in_pages(hub: Room, feed: Feed) -> None:
    """From a number on, so many at once, with the address of the next; nothing is listed twice."""
    hub.visit()
    first = listed(hub, limit=4)
    assert first["next"] == f"{BASE}/relay?after=4&limit=4"
    second = listed(hub, after=4, limit=4)
    assert [item["relaySequence"] for page in (first, second) for item in page["orderedItems"]] == [1, 2, 3, 4, 5, 6]
    assert "next" not in second
    assert listed(hub, after=6)["orderedItems"] == []
    assert (first["node"], first["partOf"], listed(hub)["id"]) == (HERE, f"{BASE}/relay", f"{BASE}/relay")


def test_a_node_that_does_not_relay_keeps_no_list(room: Room, feed: Feed) -> None:
    """Switched on it lists what it holds; switched off it forgets all."""
    room.visit()
    assert told(room) == []
    relaying.prepare(room.journal, on=True)
    relaying.prepare(room.journal, on=True)
    assert told(room) == [("Create", slug, number) for number, slug in enumerate("abcdef", 1)]
    relaying.prepare(room.journal, on=False)
    assert told(room) == []


def test_a_new_epoch_renews_what_is_listed(hub: Room, feed: Feed) -> None:
    """Equal records have other events now; of what is absent in the new log there is nothing to pass on."""
    hub.visit()
    feed.epoch, feed.events = 2, []
    for slug in "abcde":
        feed.create(slug)
    visit = hub.visit()
    assert (visit.outcome, visit.counts["unchanged"], visit.counts["gone"]) == ("applied", 5, 1)
    items = listed(hub)["orderedItems"]
    assert {(item["object"], item["epoch"]) for item in items} == {(feed.iri(slug), 2) for slug in "abcde"}


def test_what_a_removed_or_doubtful_peer_said_is_not_passed_on(hub: Room, feed: Feed) -> None:
    """Removed, or put in quarantine: nothing of it is listed any more."""
    hub.visit()
    hub.harvester.change("peer", trust=Trust.QUARANTINE)
    assert told(hub) == []
    hub.visit()
    assert told(hub) == []
    hub.harvester.change("peer", trust=Trust.AUTO)
    hub.visit()
    assert len(told(hub)) == 6
    hub.harvester.remove("peer")
    assert told(hub) == []


def test_a_failed_visit_lists_nothing(hub: Room, feed: Feed) -> None:
    """A visit is applied as a whole or not at all, its list too."""
    feed.peer.answers[f"/feed/pages/{2}"] = b""
    assert hub.visit().outcome == "failed"
    assert told(hub) == []


def notice(slug: str, epoch: int, sequence: int, via: tuple[str, ...] = (), kind: Kind = Kind.CREATE) -> Notice:
    """Return an invented event of a node far away."""
    return Notice(kind, f"https://far.example/groups/{slug}", "https://far.example", epoch, sequence, via)


def test_only_what_is_newer_at_the_origin_is_listed_anew(hub: Room) -> None:
    """Repeats, old news and withdrawals of what was never listed change nothing, in whatever order they come."""
    with hub.journal.write() as c:
        relay.note(c, [notice("a", 1, 5), notice("b", 1, 6, kind=Kind.DELETE)])
        relay.note(c, [notice("a", 1, 5), notice("a", 1, 4)])
    assert told(hub) == [("Create", "a", 5)]
    with hub.journal.write() as c:
        relay.note(c, [notice("a", 2, 1, kind=Kind.DELETE)])
        relay.note(c, [notice("a", 1, 9)])
    assert [(item["type"], item["epoch"], item["relaySequence"]) for item in listed(hub)["orderedItems"]] == [("Delete", 2, 2)]


def test_a_restored_node_gives_no_number_twice(hub: Room) -> None:
    """A reader of what came after the backup meets everything again, under greater numbers, in the same order; so does one of a second restore."""
    before = 0
    for epoch in (2, 3):
        with hub.journal.write() as c:
            relay.note(c, [notice(slug, epoch, number) for number, slug in enumerate("abc", 1)])
            after = listed_by(c)[-1]
            relay.renumber(c, epoch)
            assert listed_by(c)[0] > after > before
            assert listed_by(c) == sorted(listed_by(c))
            relay.note(c, [notice("d", epoch, 9)])
            before = listed_by(c)[-1]
        assert [item["object"][-1] for item in listed(hub)["orderedItems"]] == list("abcd")
    with hub.journal.write() as c:
        relay.forget(c, [f"https://far.example/groups/{slug}" for slug in "abcd"])
        relay.renumber(c, 4)
        relay.note(c, [notice("e", 1, 1)])
        assert listed_by(c)[0] > before


def listed_by(c: Connection) -> list[int]:
    """Return the relay's numbers, in their order."""
    return [item["relaySequence"] for item in relay.page(c, Names(BASE))["orderedItems"]]


def test_what_came_a_long_way_goes_no_further(hub: Room) -> None:
    """Four nodes may pass an event on; this one is the last of those it names."""
    way = tuple(f"https://{number}.example/node" for number in range(4))
    with hub.journal.write() as c:
        relay.note(c, [notice("a", 1, 1, way[:3]), notice("b", 1, 2, way)])
    (item,) = listed(hub)["orderedItems"]
    assert item["via"] == [*way[:3], HERE]


def test_what_came_through_a_relay_says_how_it_came(hub: Room) -> None:
    """The nodes that passed it on, the relay itself the nearest; what came nobody knows how is not listed; it goes with the relay."""
    hub.add("far", "https://hub.example/relay", "relay")
    known = {"https://far.example/groups/a": ["https://first.example/node", "https://hub.example/node"]}
    with hub.journal.write() as c:
        source = sources.get(c, "far")
        visit_id = visits.begin(c, source.id)
        for slug in "ab":
            iri = f"https://far.example/groups/{slug}"
            records.put_many(c, source.id, [records.Statement(slug, iri, group(iri, slug), slug, slug, (1, 3), None)], "test")
            visits.add_items(c, visit_id, [visits.Item(slug, "added", iri, origin=(1, 3))])
        relaying.note(c, visit_id, source, known)
    (item,) = listed(hub)["orderedItems"]
    assert (item["id"], item["via"]) == (
        "https://far.example/feed/events/1/3",
        ["https://first.example/node", "https://hub.example/node", HERE],
    )
    hub.harvester.remove("far")
    assert told(hub) == []


def test_what_was_taken_back_is_not_passed_on(hub: Room, feed: Feed) -> None:
    """After an undo the list names none of what the visit said, what stood before and after it stays; told and accepted again, it is listed again."""
    hub.visit()
    feed.update("a", "pirated")
    feed.update("b", "pirated")
    feed.delete("c")
    feed.create("g")
    visit = hub.visit()
    feed.update("b", "put right")
    hub.visit()
    hub.harvester.undo(visit.id, "a person")
    assert told(hub) == [*(("Create", slug, number) for number, slug in enumerate("def", 4)), ("Update", "b", 11)]
    feed.update("a", "put right")
    hub.harvester.apply(hub.visit().id, "a person")
    assert ("Update", "a", 12) in told(hub)
