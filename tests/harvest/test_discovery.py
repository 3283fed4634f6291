"""Nodes that peers speak of become proposals: few, new, plain addresses, and nobody but the peer is contacted."""

import pytest

from app.errors import NotFound
from app.harvest.discovery import Discovery
from app.journal import proposals
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.loopback import answer

VOID = "/.well-known/void"


def description(*iris: object) -> dict[str, object]:
    """A node's description as it writes it."""
    return {"@context": {}, "@graph": [{"@id": "x", "mlg:peer": [{"@id": iri} for iri in iris]}]}


@pytest.fixture
def discovery(room, fetcher):
    """One that may contact the one loopback peer."""
    return Discovery(room.journal, Names(BASE), fetcher)


def proposed(room) -> list[str]:
    """The addresses that are proposed."""
    with room.journal.read() as c:
        return sorted(one.url for one in proposals.list_(c))


def test_peers_of_a_peer_are_proposed(discovery, room, peer, feed):
    """This node, the peer itself and those that are peers already are left out; what is no node's plain address too."""
    room.add("known", "https://known.example/feed")
    odd = [
        "https://b.example/other",
        "ftp://b.example/node",
        "https://me@b.example/node",
        "https://b.example/x y/node",
        7,
        "https://" + "b" * 400 + "/node",
    ]
    good = ["https://new.example/node", "https://deep.example/directory/node"]
    peer.answers[VOID] = answer(description(*good, f"{BASE}/node", f"{peer.url}/node", "https://known.example/node", *odd))
    discovery.look("peer")
    assert proposed(room) == ["https://deep.example/directory", "https://new.example"]
    with room.journal.read() as c:
        assert {one.found_through for one in proposals.list_(c)} == {"peer"}
    assert {request.path for request in peer.requests} == {VOID}


def test_a_list_is_read_once_a_day(discovery, room, peer, feed):
    """However often the peer is visited."""
    peer.answers[VOID] = answer(description("https://new.example/node"))
    for _ in range(3):
        discovery.look("peer")
    assert len(peer.requests) == 1


def test_lists_are_bounded(discovery, room, peer, feed):
    """A peer that names a hundred thousand nodes fills neither the table nor the operator's screen."""
    peer.answers[VOID] = answer(description(*(f"https://n{number}.example/node" for number in range(30_000))))
    discovery.look("peer")
    assert len(proposed(room)) == proposals.MOST_A_PEER
    with room.journal.write() as c:
        assert proposals.note(c, (f"https://m{number}.example" for number in range(5000)), "peer") == 0


def test_a_peer_that_lies_keeps_no_other_from_proposing(new_peer, new_fetcher, room):
    """However much one has said, dismissed or not, what another speaks of is shown."""
    liar, honest = new_peer(), new_peer()
    discovery = Discovery(room.journal, Names(BASE), new_fetcher(liar, honest))
    for name, one, nodes in (("liar", liar, [f"https://n{n}.example/node" for n in range(200)]), ("honest", honest, ["https://new.example/node"])):
        one.answers[VOID] = answer(description(*nodes))
        room.add(name, f"{one.url}/feed")
        discovery.look(name)
    assert len(proposed(room)) == proposals.MOST_A_PEER + 1
    assert "https://new.example" in proposed(room)


def test_dismissing_makes_room_and_is_remembered_within_bounds(room, monkeypatch):
    """What was dismissed does not count against a peer and is not shown again; of too many the oldest is forgotten."""
    monkeypatch.setattr(proposals, "MOST_DISMISSED", 150)
    with room.journal.write() as c:
        for batch in range(3):
            urls = [f"https://n{batch}-{number}.example" for number in range(proposals.MOST_A_PEER)]
            assert proposals.note(c, urls, "peer") == len(urls)
            for url in urls:
                proposals.dismiss(c, url)
            assert proposals.note(c, urls, "peer") == 0
        assert proposals.list_(c) == []
        assert proposals.note(c, ["https://n0-0.example"], "peer") == 1


@pytest.mark.parametrize("reply", [answer("nothing", "404 Not Found"), answer("{"), answer("[" * 100_000), answer("<html>")])
def test_a_list_that_cannot_be_read_is_nothing(discovery, room, peer, feed, reply):
    """The peer is none the worse for it."""
    peer.answers[VOID] = reply
    discovery.look("peer")
    assert (proposed(room), room.source().failures) == ([], 0)


def test_peers_in_quarantine_and_other_kinds_are_not_asked(discovery, room, peer, feed):
    """Only nodes that are trusted to be shown are."""
    room.add("map", f"{peer.url}/map.json", "geojson")
    room.set("peer", trust="quarantine")
    discovery.look("peer")
    discovery.look("map")
    assert peer.requests == []


def test_dismissed_is_dismissed(discovery, room, peer, feed):
    """Spoken of again, it stays away; what became a peer is no proposal any more."""
    peer.answers[VOID] = answer(description("https://one.example/node", "https://two.example/node"))
    discovery.look("peer")
    with room.journal.write() as c:
        proposals.dismiss(c, "https://one.example")
        with pytest.raises(NotFound):
            proposals.dismiss(c, "https://never.example")
        assert proposals.note(c, ["https://one.example"], "peer") == 0
    assert proposed(room) == ["https://two.example"]
    room.add("two", "https://two.example/feed")
    assert proposed(room) == []
