"""The hub believes no stranger: an address is told of changes only once it said itself that it wants to be, and little can be made of asking."""

import json
import socket
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from app.errors import BadRequest, Busy
from app.harvest import hub as hubs
from app.harvest.fetch import Fetcher
from app.harvest.hub import Hub
from app.harvest.neighbourhood import host_of, network_of
from app.journal import meta, now, subscribers
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.loopback import Peer, answer
from tests.harvest.test_clock import eventually

NAMES = Names(BASE)
DAY = 86_400


def echo(request) -> bytes:
    """A callback that confirms whatever it is asked."""
    return answer(parse_qs(urlsplit(request.path).query)["hub.challenge"][0])


@pytest.fixture
def hub(journal, fetcher, room):
    """A hub that may contact the one loopback peer; hosts may be asked again at once."""
    hub = Hub(journal, NAMES, fetcher)
    yield hub
    hub.stop()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(hubs, "ASKED_PAUSE_S", 0.0)


def wish(callback: str, mode: str = "subscribe", **more: str) -> dict[str, str]:
    """What a subscriber posts."""
    return {"hub.mode": mode, "hub.topic": NAMES.feed, "hub.callback": callback} | {f"hub.{key}": value for key, value in more.items()}


def held(journal) -> list[subscribers.Subscriber]:
    """Who is subscribed."""
    with journal.read() as c:
        return subscribers.list_(c)


def test_whoever_answers_with_the_challenge_is_subscribed_and_let_go(hub, journal, peer):
    """Both ways the callback itself is asked; its own query stays."""
    peer.answers["/called"] = echo
    hub.ask(wish(f"{peer.url}/called?who=b", secret="s3cret"))
    eventually(lambda: held(journal))
    (one,) = held(journal)
    assert (one.callback, one.secret, one.topic, one.state) == (f"{peer.url}/called?who=b", "s3cret", NAMES.feed, "active")
    asked = parse_qs(urlsplit(peer.requests[0].path).query)
    assert (asked["who"], asked["hub.mode"], asked["hub.topic"], asked["hub.lease_seconds"]) == (["b"], ["subscribe"], [NAMES.feed], [str(10 * DAY)])
    eventually(lambda: hub._crowd.free == hubs.ASKED_AT_ONCE)
    hub.ask(wish(f"{peer.url}/called?who=b", "unsubscribe"))
    eventually(lambda: not held(journal))


@pytest.mark.parametrize(
    "reply",
    [answer("something else"), answer("", "404 Not Found"), answer("", "302 Found", Location="/yes"), b"nonsense\r\n\r\n", answer("x" * 100_000)],
    ids=["another text", "not found", "redirect", "nonsense", "much"],
)
def test_whoever_does_not_confirm_is_not_subscribed(hub, journal, peer, reply):
    """Nor is anything but the callback contacted, however it answers."""
    peer.answers |= {"/called": reply, "/yes": echo}
    hub.ask(wish(f"{peer.url}/called"))
    eventually(lambda: peer.requests and hub._crowd.free == hubs.ASKED_AT_ONCE)
    assert held(journal) == []
    assert {request.path.partition("?")[0] for request in peer.requests} == {"/called"}


def test_private_addresses_are_never_contacted(journal, new_fetcher, room, peer):
    """A callback in the node's own neighbourhood gets no connection, in whatever spelling."""
    hub = Hub(journal, NAMES, new_fetcher())
    port = urlsplit(peer.url).port
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "169.254.169.254"):
        hub.ask(wish(f"http://{host}:{port}/called"))
    eventually(lambda: hub._crowd.free == hubs.ASKED_AT_ONCE)
    assert (held(journal), peer.connections) == ([], [])
    hub.stop()


@pytest.mark.parametrize(
    "form",
    [
        {},
        wish("https://b.example/x", "publish"),
        wish("ftp://b.example/x"),
        wish("https://me:pw@b.example/x"),
        wish("https://b.example/x#y"),
        wish(f"{BASE}/listening/x"),
        wish("https://b.example/x", secret="s" * 200),
        wish("https://b.example/x", lease_seconds="soon"),
        wish("https://b.example/x") | {"hub.topic": "https://c.example/feed"},
    ],
)
def test_a_wish_that_cannot_be_is_refused(hub, form):
    """Each with a sentence, and nobody is contacted."""
    with pytest.raises(BadRequest):
        hub.ask(form)


def test_leases_are_bounded(hub, journal, peer):
    """An hour at least, thirty days at most."""
    peer.answers["/called"] = echo
    for asked, given in (("1", 3600), (str(10**9), 30 * DAY)):
        hub.ask(wish(f"{peer.url}/called", lease_seconds=asked))
        eventually(lambda: hub._crowd.free == hubs.ASKED_AT_ONCE)
        assert parse_qs(urlsplit(peer.requests[-1].path).query)["hub.lease_seconds"] == [str(given)]
    assert len(held(journal)) == 1


def test_few_subscribers_at_one_host(hub, journal, peer):
    """The eleventh is refused; one of the ten may still renew."""
    peer.answers["/called"] = echo
    for number in range(hubs.AT_ONE_HOST):
        hub.ask(wish(f"{peer.url}/called?{number}"))
        eventually(lambda number=number: len(held(journal)) == number + 1 and hub._crowd.free == hubs.ASKED_AT_ONCE)
    with pytest.raises(Busy):
        hub.ask(wish(f"{peer.url}/called?more"))
    hub.ask(wish(f"{peer.url}/called?0"))


def test_many_names_of_one_host_are_one(hub, journal, peer):
    """Another case, a final dot, a port or another spelling of a number make no other host."""
    peer.answers["/called"] = echo
    for number in range(hubs.AT_ONE_HOST):
        hub.ask(wish(f"{peer.url}/called?{number}"))
        eventually(lambda number=number: len(held(journal)) == number + 1 and hub._crowd.free == hubs.ASKED_AT_ONCE)
    for other in ("http://127.0.0.1/called", "http://127.0.0.1:80/called", "https://127.0.0.1:8443/called"):
        with pytest.raises(Busy):
            hub.ask(wish(other))
    assert len(peer.requests) == hubs.AT_ONE_HOST


@pytest.fixture
def street(tmp_path, journal, monkeypatch):
    """A hub for three subscribers, two a network; every name under `one.example` is one machine, and each of the others is in its own network."""
    monkeypatch.setattr(hubs, "SUBSCRIBERS", 3)
    monkeypatch.setattr(hubs, "IN_ONE_NETWORK", 2)
    places = {"one": "127.0.1.1", "two": "127.0.2.1", "three": "127.0.3.1", "four": "127.0.4.1"}
    peers = {name: Peer(socket.create_server((address, 0)), {"/called": echo}) for name, address in places.items()}
    for one in peers.values():
        one.start()
    names = {f"{word}{name}.example": name for name in places for word in ("", "a.", "b.", "c.")}
    allowed = frozenset(f"{host}:{urlsplit(peers[name].url).port}" for host, name in names.items())
    fetcher = Fetcher(allowed, "Maillage/test", lambda host, _port: [places[names[host]]])
    hub = Hub(journal, NAMES, fetcher)

    def ask(host: str) -> None:
        hub.ask(wish(f"http://{host}:{urlsplit(peers[names[host]].url).port}/called"))
        eventually(lambda: hub._crowd.free == hubs.ASKED_AT_ONCE)

    yield ask
    hub.stop()
    fetcher.close()
    for one in peers.values():
        one.stop()


def hosts(journal) -> list[str | None]:
    """At which hosts the subscribers are."""
    return sorted(urlsplit(one.callback).hostname for one in held(journal))


def test_a_machine_of_many_names_is_one_neighbour(street, journal):
    """Every name below its domain answers from the same network, and that is what is counted; others still come in, and it stays bounded."""
    for host in ("a.one.example", "b.one.example", "c.one.example", "two.example"):
        street(host)
    assert hosts(journal) == ["a.one.example", "b.one.example", "two.example"]
    with journal.read() as c:
        assert sorted(json.loads(meta.get(c, hubs.NETWORKS)).values()) == ["127.0.1.0/24", "127.0.1.0/24", "127.0.2.0/24"]


def test_who_crowds_makes_room_in_a_full_list_and_then_nobody_does(street, journal):
    """The younger of two of one network goes; when each network has one, the next is told to come later."""
    for host in ("a.one.example", "b.one.example", "two.example", "three.example"):
        street(host)
    assert hosts(journal) == ["a.one.example", "three.example", "two.example"]
    with pytest.raises(Busy):
        street("four.example")
    street("two.example")
    with journal.write() as c:
        failing = next(one for one in subscribers.list_(c) if "two" in one.callback)
        subscribers.note(c, [subscribers.Told(failing.id, None, now())], 20)
    street("four.example")
    assert hosts(journal) == ["a.one.example", "four.example", "three.example"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x", "https://A.Example:443/y"),
        ("https://a.example/x", "https://a.example./x"),
        ("https://a.example/x", "http://a.example:8080/x"),
        ("https://élan.example/x", "https://xn--lan-9la.example/x"),
        ("http://[2001:db8::1]/x", "http://[2001:0db8:0:0::1]:80/x"),
    ],
)
def test_hosts_have_one_spelling(one, other):
    """Whatever is written, a host is counted once."""
    assert host_of(one) == host_of(other)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("a.example", "a.example"),
    ],
)
def test_networks_are_what_one_stranger_may_well_own(address, network):
    """A /24 of the shorter addresses, a /48 of the longer."""
    assert network_of(address) == network


def test_a_host_is_not_asked_twice_within_a_moment(hub, monkeypatch, peer):
    """Strangers who name somebody else's address cannot make us knock there again and again."""
    monkeypatch.setattr(hubs, "ASKED_PAUSE_S", 60.0)
    peer.answers["/called"] = echo
    hub.ask(wish(f"{peer.url}/called?1"))
    with pytest.raises(Busy):
        hub.ask(wish(f"{peer.url}/called?2"))


def test_only_so_many_are_asked_at_once(hub, peer):
    """Callbacks that never answer fill the places, and then the hub says that it is busy."""
    leave = threading.Event()
    peer.answers["/called"] = lambda _: (leave.wait(30) and b"" for _ in range(1))
    for number in range(hubs.ASKED_AT_ONCE):
        hub.ask(wish(f"{peer.url}/called?{number}"))
    with pytest.raises(Busy):
        hub.ask(wish(f"{peer.url}/called?more"))
    leave.set()
