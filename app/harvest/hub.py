"""Our WebSub hub: strangers ask to be told when our feed, or our relay, moves, and must show that the address they name wants to be told.

A callback is a stranger's address, so all that is done to it is bounded: one guarded request of a few bytes to find out the intent, one request for
whoever asked, few subscribers in all, at one host and in one network, and leases that end. Nothing is ever sent to an address that did not answer
with our challenge. When the list is full, who failed or crowds makes room for who does not.
"""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from urllib.parse import urlencode, urlsplit

from sqlalchemy import Connection

from app.errors import BadRequest, Busy, MaillageError, Text
from app.feed import pages, relay
from app.harvest.crowd import Crowd
from app.harvest.fetch import Budget, Fetcher
from app.harvest.neighbourhood import host_of, network_of, server_of, weakest
from app.harvest.telling import address
from app.journal import Journal, meta, subscribers
from app.journal.moments import moment, now
from app.journal.subscribers import Kind, Subscriber
from app.names import Names

SUBSCRIBERS = 500
AT_ONE_HOST = 10
IN_ONE_NETWORK = 50
NETWORKS = "hub-networks"
"""Under this the journal keeps which network answered for each callback, in JSON."""

ASKED_AT_ONCE = 32
ASKED_PAUSE_S = 1.0
"""Seconds between two questions to one host, whoever asks for them."""

SHORTEST_LEASE_S, USUAL_LEASE_S, LONGEST_LEASE_S = 3600, 10 * 86_400, 30 * 86_400
LONGEST_SECRET = 199
SECONDS = 10.0
STOP_S = 2.0

_log = logging.getLogger(__name__)
_FULL = Text(
    "Trop d'abonnements sont demandés ou tenus ici : réessayez plus tard.", "Too many subscriptions are asked for or held here: try again later."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks of the hub."""

    mode: str
    callback: str
    topic: str
    lease_s: int
    secret: str | None


class Hub:
    """Takes wishes and finds out whether they are meant; `stop` it once."""

    def __init__(self, journal: Journal, names: Names, fetcher: Fetcher) -> None:
        self._journal = journal
        self._names = names
        self._fetcher = fetcher
        self._crowd = Crowd(ASKED_AT_ONCE)
        self._stop = Event()
        self._asked: dict[str, float] = {}
        self._lock = Lock()

    def ask(self, form: Mapping[str, str]) -> None:
        """Take the form that a subscriber posts (WebSub, 5.1); the intent is verified in the background. Raises BadRequest, Busy."""
        wish = self._wish(form)
        self._require_room(wish)
        self._require_pause(host_of(wish.callback))
        if not self._crowd.send(wish.callback, lambda: self._verify(wish)):
            raise Busy(_FULL, 60)

    def stop(self) -> None:
        """Let go of what is under way."""
        self._stop.set()
        self._crowd.wait(STOP_S)

    def _wish(self, form: Mapping[str, str]) -> Wish:
        """Read the form. Raises BadRequest."""
        mode, topic, secret = form.get("hub.mode", ""), form.get("hub.topic", ""), form.get("hub.secret")
        callback = address(form.get("hub.callback", ""))
        if mode not in {"subscribe", "unsubscribe"}:
            raise BadRequest(Text("« hub.mode » est « subscribe » ou « unsubscribe ».", "'hub.mode' is 'subscribe' or 'unsubscribe'."))
        known = self._topics()
        if topic not in known:
            raise BadRequest(Text(f"« hub.topic » ne peut être que {' ou '.join(known)}.", f"'hub.topic' can only be {' or '.join(known)}."))
        if secret is not None and not 0 < len(secret.encode()) <= LONGEST_SECRET:
            raise BadRequest(Text("« hub.secret » a de 1 à 199 octets.", "'hub.secret' has 1 to 199 bytes."))
        if "#" in callback or "@" in urlsplit(callback).netloc or server_of(callback) == server_of(self._names.base):
            raise BadRequest(
                Text(
                    "« hub.callback » est une adresse d'un autre serveur, sans « # », ni nom, ni mot de passe.",
                    "'hub.callback' is an address of another server, without '#', user or password.",
                )
            )
        return Wish(mode, callback, topic, _lease(form.get("hub.lease_seconds")), secret)

    def _topics(self) -> list[str]:
        """Return what can be subscribed to: the feed, and the relay of a node that has one."""
        with self._journal.read() as c:
            return [self._names.feed, *([self._names.relay] if relay.is_on(c) else [])]

    def _require_room(self, wish: Wish) -> None:
        """Refuse one subscriber too many, as far as can be told before it answered. Raises Busy."""
        with self._journal.read() as c:
            held, networks = _others(c, wish.callback), _networks(c)
        host = host_of(wish.callback)
        full = len(held) >= SUBSCRIBERS and weakest(held, networks, None) is None
        if wish.mode == "subscribe" and (full or sum(host_of(one.callback) == host for one in held) >= AT_ONE_HOST):
            raise Busy(_FULL, 3600)

    def _require_pause(self, host: str) -> None:
        """Refuse to ask the same host again within a moment. Raises Busy."""
        present = time.monotonic()
        with self._lock:
            self._asked = {known: at for known, at in self._asked.items() if present - at < ASKED_PAUSE_S}
            if host in self._asked:
                raise Busy(_FULL, 2)
            self._asked[host] = present

    def _verify(self, wish: Wish) -> None:
        """Ask the callback whether it wants this (WebSub, 5.3), and do it if it does."""
        challenge = secrets.token_urlsafe(32)
        words = {"hub.mode": wish.mode, "hub.topic": wish.topic, "hub.challenge": challenge, "hub.lease_seconds": str(wish.lease_s)}
        url = f"{wish.callback}{'&' if '?' in wish.callback else '?'}{urlencode(words)}"
        try:
            answer = self._fetcher.ask_once(url, Budget(SECONDS, stop=self._stop))
            if not hmac.compare_digest(answer.body.strip(), challenge.encode()):
                return
            self._keep(wish, network_of(answer.address or host_of(wish.callback)))
        except MaillageError as error:
            _log.info("hub: %s", error)

    def _keep(self, wish: Wish, network: str) -> None:
        """Do what was asked and meant. Raises Busy when there is no room for it."""
        with self._journal.write() as c:
            if wish.mode == "unsubscribe":
                subscribers.forget(c, wish.callback, wish.topic)
                return
            subscribers.expire(c, now())
            _make_room(c, wish.callback, network)
            until = moment(datetime.now(UTC) + timedelta(seconds=wish.lease_s))
            reached = relay.last(c) if wish.topic == self._names.relay else pages.state(c).sequence
            subscribers.keep(c, Kind.WEBSUB, wish.callback, wish.topic, wish.secret, until, reached)


def _make_room(c: Connection, callback: str, network: str) -> None:
    """See that a callback of this network may be kept, in the place of a weaker one where all are taken. Raises Busy."""
    held, networks = _others(c, callback), _networks(c)
    leaving = weakest(held, networks, network) if len(held) >= SUBSCRIBERS else None
    crowded = sum(networks.get(one.callback) == network for one in held) >= IN_ONE_NETWORK
    if crowded or (len(held) >= SUBSCRIBERS and leaving is None):
        raise Busy(_FULL, 3600)
    if leaving:
        subscribers.remove(c, leaving.id)
    kept = {one.callback: networks[one.callback] for one in held if one != leaving and one.callback in networks}
    meta.put(c, NETWORKS, json.dumps(kept | {callback: network}))


def _others(c: Connection, callback: str) -> list[Subscriber]:
    """Return the subscribers that came by themselves, this one left out."""
    return [one for one in subscribers.list_(c) if one.kind is Kind.WEBSUB and one.callback != callback]


def _networks(c: Connection) -> dict[str, str]:
    """Return which network answered for each callback."""
    return dict(json.loads(meta.get(c, NETWORKS) or "{}"))


def signature(secret: str, body: bytes) -> str:
    """Return what ``X-Hub-Signature`` says of a body (WebSub, 7.1)."""
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


def _lease(text: str | None) -> int:
    """Read the lease that is asked for, kept within bounds. Raises BadRequest."""
    if text is None or not text.strip():
        return USUAL_LEASE_S
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadRequest(Text("« hub.lease_seconds » est un nombre de secondes.", "'hub.lease_seconds' is a number of seconds."))
    return min(max(int(text), SHORTEST_LEASE_S), LONGEST_LEASE_S)
