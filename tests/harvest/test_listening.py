"""A node asks to be called where its peers offer it, believes only calls that are signed with its secret, and visits; content is never believed."""

from urllib.parse import parse_qs

import pytest

from app.errors import BadRequest, Gone, NotFound
from app.harvest.hub import signature
from app.harvest.listening import Listening
from app.journal import listening as held
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.loopback import answer

NAMES = Names(BASE)
LEASE = "864000"


class Ear:
    """Our side, and what it woke."""

    def __init__(self, room, fetcher) -> None:
        self.journal = room.journal
        self.woken: list[tuple[str, int | None]] = []
        self.listening = Listening(room.journal, NAMES, fetcher, lambda name, read_to: self.woken.append((name, read_to)))

    def subscription(self, source_id: int) -> held.Subscription | None:
        """What is kept of the subscription at a peer."""
        with self.journal.read() as c:
            return held.of(c, source_id)


@pytest.fixture
def ear(room, fetcher):
    """A node that may contact the one loopback peer."""
    return Ear(room, fetcher)


@pytest.fixture
def hub(peer, feed):
    """The peer's hub, announced by its root; the wishes posted there are its requests."""
    plain = peer.answers["/feed"]

    def root(request):
        found = plain(request) if callable(plain) else plain
        head, _, body = found.partition(b"\r\n\r\n")
        return head + f'\r\nLink: <{feed.url}.atom>; rel="alternate", </hub>; rel="hub", <{feed.url}>; rel="self"\r\n\r\n'.encode() + body

    peer.answers["/feed"] = root
    peer.answers["/hub"] = answer("", "202 Accepted")
    return peer


@pytest.fixture
def confirmed(ear, room, hub, feed):
    """A subscription that the peer's hub confirmed."""
    room.visit()
    ear.listening.keep_up("peer")
    found = ear.subscription(room.source().id)
    assert ear.listening.confirm(found.token, "subscribe", feed.url, "ch", LEASE) == "ch"
    ear.woken.clear()
    return ear.subscription(room.source().id)


def test_it_subscribes_where_the_root_says(ear, room, hub, feed):
    """Once: the wish names our callback, the peer's own name of its feed, and a secret; it is not repeated meanwhile."""
    room.visit()
    ear.listening.keep_up("peer")
    ear.listening.keep_up("peer")
    (request,) = (request for request in hub.requests if request.path == "/hub")
    wish = {key: value for key, (value,) in parse_qs(request.body.decode()).items()}
    found = ear.subscription(room.source().id)
    assert (wish["hub.mode"], wish["hub.topic"], wish["hub.callback"]) == ("subscribe", feed.url, f"{BASE}/listening/{found.token}")
    assert len(wish["hub.secret"]) >= 32
    assert (found.state, found.hub) == ("asked", f"{hub.url}/hub")


def test_it_confirms_only_what_it_asked_for(ear, room, hub, feed):
    """Another token, topic or mode is none of ours; the first confirmation wakes the peer, for what happened in between."""
    room.visit()
    ear.listening.keep_up("peer")
    token = ear.subscription(room.source().id).token
    for question in (("nonsense", "subscribe", feed.url), (token, "unsubscribe", feed.url), (token, "subscribe", "https://c.example/feed")):
        with pytest.raises(NotFound):
            ear.listening.confirm(*question, "ch", LEASE)
    with pytest.raises(BadRequest):
        ear.listening.confirm(token, "subscribe", feed.url, "x" * 501, LEASE)
    assert ear.woken == []
    assert ear.listening.confirm(token, "subscribe", feed.url, "ch", LEASE) == "ch"
    assert ear.listening.confirm(token, "subscribe", feed.url, "ch2", LEASE) == "ch2"
    assert ear.woken == [("peer", 6)]


def test_only_a_signed_call_wakes(ear, room, confirmed):
    """Without our secret's signature nothing comes of a call."""
    body = b'{"id": "whatever"}'
    for signed in (None, "", "sha256=00", signature("another", body), signature(confirmed.secret, b"{}"), "sha1=é"):
        assert not ear.listening.called(confirmed, body, signed)
    assert ear.woken == []
    assert ear.listening.called(confirmed, body, signature(confirmed.secret, body))
    assert ear.woken == [("peer", 6)]


def test_a_peer_that_was_removed_or_switched_off_wakes_nobody(ear, room, confirmed):
    """Its hub is told that nobody listens any more; one that is only switched off is not visited."""
    body = b"{}"
    room.set("peer", enabled=False)
    assert not ear.listening.called(confirmed, body, signature(confirmed.secret, body))
    room.harvester.remove("peer")
    with pytest.raises(Gone):
        ear.listening.known(confirmed.token)
    assert ear.woken == []


def test_a_ping_wakes_only_a_known_peer_with_something_new(ear, room, hub, feed):
    """Of other feeds, of what was read already, of peers that fail, nothing comes."""
    room.visit()
    assert not ear.listening.pinged("https://c.example/feed", 7)
    assert not ear.listening.pinged(feed.url, 6)
    assert ear.listening.pinged(feed.url, 7)
    room.set("peer", failures=1)
    assert not ear.listening.pinged(feed.url, 8)
    assert ear.woken == [("peer", 6)]


def test_a_stranger_s_ping_does_not_send_us_to_a_map(ear, room, peer):
    """It has no number by which pings for nothing would be told: anybody could have us read it every few seconds."""
    room.add("map", f"{peer.url}/map.json", "gogocarto")
    assert not ear.listening.pinged(f"{peer.url}/map.json", 1)
    assert ear.woken == []


@pytest.mark.parametrize("hub_url", ["https://other.example/hub", "http://127.0.0.1:1/hub"])
def test_a_hub_elsewhere_is_not_used(ear, room, peer, feed, hub_url):
    """Nothing but the named peer is ever contacted."""
    body = {"id": feed.url, "hub": hub_url}
    peer.answers["/feed"] = answer(body, Link=f'<{hub_url}>; rel="hub"')
    ear.listening.keep_up("peer")
    found = ear.subscription(room.source().id)
    assert (found.state, found.hub) == ("refused", "")
    assert [request.path for request in peer.requests] == ["/feed"]


def test_a_peer_without_a_hub_is_not_asked_again_at_once(ear, room, peer, feed):
    """It is looked at as ever."""
    ear.listening.keep_up("peer")
    ear.listening.keep_up("peer")
    assert [request.path for request in peer.requests] == ["/feed"]


def test_a_lease_is_renewed_before_it_ends(ear, room, confirmed, hub):
    """The same callback and secret are used again, and calls count meanwhile."""
    with ear.journal.write() as c:
        c.execute(held.table.update().values(at="2026-01-01T00:00:00.000Z", lease_until="2126-01-01T00:00:00.000Z"))
    ear.listening.keep_up("peer")
    assert len([request for request in hub.requests if request.path == "/hub"]) == 1
    with ear.journal.write() as c:
        c.execute(held.table.update().values(lease_until="2026-01-02T00:00:00.000Z"))
    ear.listening.keep_up("peer")
    assert len([request for request in hub.requests if request.path == "/hub"]) == 2
    again = ear.subscription(confirmed.source_id)
    assert (again.token, again.secret) == (confirmed.token, confirmed.secret)


def test_who_calls_is_not_looked_at_more_often(room, ear, confirmed, feed):
    """A peer whose hub calls keeps the operator's interval however much changes there."""
    for slug in ("x", "y"):
        feed.create(slug)
        room.visit()
    assert room.source().pace_s == room.source().every_s
