"""Subscribers hear soon, once, and truly that the feed moved; who does not answer is left alone for longer and longer."""

import hmac
import json
import threading
from dataclasses import replace

import pytest

from app.feed import log
from app.feed.log import Kind as EventKind
from app.harvest import announcing
from app.harvest.announcing import FAILURES_TO_DROP, Announcer
from app.journal import subscribers
from app.journal.subscribers import Kind
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.feeds import group
from tests.harvest.loopback import answer
from tests.harvest.test_clock import eventually

NAMES = Names(BASE)


class Desk:
    """An announcer at work over a journal to which events are added."""

    def __init__(self, journal, fetcher) -> None:
        self.journal = journal
        self.announcer = Announcer(journal, NAMES, fetcher)

    def publish(self, slug: str) -> int:
        """Add an event of an invented group to the log."""
        document = group(NAMES.group(slug), slug)
        with self.journal.write() as c:
            return log.append(c, NAMES, EventKind.CREATE, slug, document, f"sha-256:{slug}").sequence

    def subscribe(self, kind: Kind, url: str, secret: str | None = None, **columns) -> int:
        """Add a subscriber."""
        with self.journal.write() as c:
            one = subscribers.keep(c, kind, url, NAMES.feed, secret, None, 0)
            if columns:
                c.execute(subscribers.table.update().values(**columns))
            return one.id

    def held(self) -> list[subscribers.Subscriber]:
        """Who is subscribed."""
        with self.journal.read() as c:
            return subscribers.list_(c)

    def turn(self) -> None:
        """Send what is due, wait for it, and note how it went."""
        self.announcer._turn()
        self.announcer._crowd.wait(30)
        self.announcer._note()


@pytest.fixture
def desk(journal, fetcher, room):
    """An announcer that may contact the one loopback peer."""
    return Desk(journal, fetcher)


def test_a_websub_subscriber_gets_the_root_signed(desk, peer):
    """The body is the feed's root as JSON-LD, the signature that of the secret (WebSub, 7)."""
    peer.answers["/called"] = answer("", "204 No Content", Content_Length=None)
    desk.subscribe(Kind.WEBSUB, f"{peer.url}/called", "s3cret")
    desk.publish("a")
    desk.turn()
    (request,) = peer.requests
    root = json.loads(request.body)
    assert (root["id"], root["@context"], root["totalItems"]) == (NAMES.feed, NAMES.context, 1)
    assert request.headers["x-hub-signature"] == "sha256=" + hmac.new(b"s3cret", request.body, "sha256").hexdigest()
    assert request.headers["content-type"] == "application/ld+json"
    assert request.headers["link"] == f'<{BASE}/hub>; rel="hub", <{NAMES.feed}>; rel="self"'
    assert [(one.sequence, one.state, one.failures) for one in desk.held()] == [(1, "active", 0)]


def test_a_webhook_gets_a_thin_message(desk, peer):
    """Which feed, how far; nothing of what changed."""
    peer.answers["/hook"] = answer("ok")
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/hook")
    sequence = desk.publish("a")
    desk.turn()
    assert json.loads(peer.requests[0].body) == {"feed": NAMES.feed, "sequence": sequence}
    assert "x-hub-signature" not in peer.requests[0].headers


def test_many_changes_are_told_of_once(desk, peer):
    """A second message within three seconds waits, and then tells of all that came meanwhile."""
    peer.answers["/hook"] = answer("ok")
    number = desk.subscribe(Kind.WEBHOOK, f"{peer.url}/hook")
    for slug in ("a", "b", "c"):
        desk.publish(slug)
        desk.turn()
    assert len(peer.requests) == 1
    with desk.journal.write() as c:
        c.execute(subscribers.table.update().where(subscribers.table.c.id == number).values(next_at=None))
    desk.turn()
    desk.turn()
    assert [json.loads(request.body)["sequence"] for request in peer.requests] == [1, 3]


@pytest.mark.parametrize("reply", [answer("", "500 Internal Server Error"), answer("", "307 Temporary Redirect", Location="/other")])
def test_who_does_not_take_it_is_tried_later(desk, peer, reply):
    """The failure is said, the next try put off; a redirect is not followed."""
    peer.answers |= {"/hook": reply, "/other": answer("ok")}
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/hook")
    desk.publish("a")
    desk.turn()
    desk.turn()
    (one,) = desk.held()
    assert (one.state, one.failures, one.sequence) == ("failing", 1, 0)
    assert one.message
    assert [request.path for request in peer.requests] == ["/hook"]


def test_who_fails_for_long_is_dropped_unless_the_operator_named_it(desk, peer):
    """WebSub subscribers go after twenty failures, or at once when they answer 410; webhooks stay."""
    peer.answers |= {"/dead": answer("", "500 Internal Server Error"), "/gone": answer("", "410 Gone")}
    desk.subscribe(Kind.WEBSUB, f"{peer.url}/dead")
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/dead?hook")
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/gone?hook")
    with desk.journal.write() as c:
        c.execute(subscribers.table.update().values(failures=FAILURES_TO_DROP - 1))
    desk.subscribe(Kind.WEBSUB, f"{peer.url}/gone")
    desk.publish("a")
    desk.turn()
    assert [(one.kind, one.state) for one in desk.held()] == [(Kind.WEBHOOK, "failing"), (Kind.WEBHOOK, "failing")]


def test_rests_double_up_to_six_hours(desk):
    """Ten seconds, twenty, and so on; what a subscriber asks for is respected."""
    with desk.journal.write() as c:
        one = subscribers.keep(c, Kind.WEBHOOK, "https://b.example/x", NAMES.feed, None, None, 0)
    texts = [announcing._rest(replace(one, failures=failures)) for failures in (0, 1, 8, 60)]
    assert texts == sorted(texts)
    assert announcing._in(announcing.LONGEST_REST_S - 60) < texts[-1] < announcing._in(announcing.LONGEST_REST_S + 60)
    assert announcing._rest(one, 50_000) > announcing._in(49_000)


def test_a_lease_ends(desk, peer):
    """Whoever did not renew is told no more, and forgotten."""
    peer.answers["/called"] = answer("ok")
    desk.subscribe(Kind.WEBSUB, f"{peer.url}/called", lease_until="2026-01-01T00:00:00.000Z")
    desk.announcer._expired = -1e9
    desk.publish("a")
    desk.turn()
    assert (desk.held(), peer.requests) == ([], [])


def test_a_silent_subscriber_delays_neither_writing_nor_the_others(desk, peer):
    """While one callback says nothing, groups are published and the other subscriber is told."""
    leave, stop = threading.Event(), threading.Event()
    peer.answers |= {"/silent": lambda _: (leave.wait(30) and b"" for _ in range(1)), "/hook": answer("ok")}
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/silent")
    desk.subscribe(Kind.WEBHOOK, f"{peer.url}/hook")
    thread = threading.Thread(target=desk.announcer.run, args=(stop,))
    thread.start()
    sequence = desk.publish("a")
    eventually(lambda: any(one.sequence == sequence for one in desk.held()))
    assert [one.callback.rpartition("/")[2] for one in desk.held() if one.sequence != sequence] == ["silent"]
    leave.set()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_long_message_is_followed_by_a_longer_pause(desk, peer):
    """A feed of many pages has a long root: no subscriber gets more than twenty kilobytes a second of it."""
    peer.answers["/called"] = answer("ok")
    desk.announcer._root = lambda _: {"id": NAMES.feed, "relation": "x" * 2_000_000}
    desk.subscribe(Kind.WEBSUB, f"{peer.url}/called")
    desk.publish("a")
    desk.turn()
    (one,) = desk.held()
    assert announcing._in(90) < one.next_at < announcing._in(110)
