"""Our WebSub hub: strangers ask to be told when our feed moves, and must show that the address they name wants to be told.

A callback is a stranger's address, so all that is done to it is bounded: one guarded request of a few bytes to find out the intent, one request for
whoever asked, few subscribers in all and at one host, and leases that end. Nothing is ever sent to an address that did not answer with our challenge.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from urllib.parse import urlencode, urlsplit

from app.errors import BadRequest, Busy, MaillageError, Text
from app.feed import pages
from app.harvest.crowd import Crowd
from app.harvest.fetch import Budget, Fetcher
from app.harvest.telling import address
from app.journal import Journal, subscribers
from app.journal.moments import moment, now
from app.journal.subscribers import Kind
from app.names import Names

SUBSCRIBERS = 500
AT_ONE_HOST = 10
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
        if topic != self._names.feed:
            raise BadRequest(Text(f"« hub.topic » ne peut être que {self._names.feed}.", f"'hub.topic' can only be {self._names.feed}."))
        if secret is not None and not 0 < len(secret.encode()) <= LONGEST_SECRET:
            raise BadRequest(Text("« hub.secret » a de 1 à 199 octets.", "'hub.secret' has 1 to 199 bytes."))
        if "#" in callback or "@" in urlsplit(callback).netloc or host_of(callback) == host_of(self._names.base):
            raise BadRequest(
                Text(
                    "« hub.callback » est une adresse d'un autre serveur, sans « # », ni nom, ni mot de passe.",
                    "'hub.callback' is an address of another server, without '#', user or password.",
                )
            )
        return Wish(mode, callback, topic, _lease(form.get("hub.lease_seconds")), secret)

    def _require_room(self, wish: Wish) -> None:
        """Refuse one subscriber too many. Raises Busy."""
        with self._journal.read() as c:
            held = [one.callback for one in subscribers.list_(c) if one.kind is Kind.WEBSUB]
        host = host_of(wish.callback)
        full = len(held) >= SUBSCRIBERS or sum(host_of(callback) == host for callback in held) >= AT_ONE_HOST
        if full and wish.mode == "subscribe" and wish.callback not in held:
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
            self._keep(wish)
        except MaillageError as error:
            _log.info("hub: %s", error)

    def _keep(self, wish: Wish) -> None:
        """Do what was asked and meant."""
        with self._journal.write() as c:
            if wish.mode == "unsubscribe":
                subscribers.forget(c, wish.callback, wish.topic)
                return
            until = moment(datetime.now(UTC) + timedelta(seconds=wish.lease_s))
            subscribers.expire(c, now())
            if subscribers.count(c) < 2 * SUBSCRIBERS:  # several may have been verified at the same moment
                subscribers.keep(c, Kind.WEBSUB, wish.callback, wish.topic, wish.secret, until, pages.state(c).sequence)


def host_of(url: str) -> str:
    """Return the host and port of an address, in lower case."""
    return urlsplit(url).netloc.lower()


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
