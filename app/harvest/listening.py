"""Being called instead of looking: this node subscribes at the hubs of the nodes that it harvests (WebSub), and visits whoever calls.

A call is never believed for its content: it only makes a visit come sooner. A hub is used only where the peer's own feed is served.
"""

import hmac
import json
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from urllib.parse import urlencode, urljoin, urlsplit

from app.errors import BadRequest, Gone, MaillageError, NotFound, Text
from app.harvest.fetch import Budget, Fetched, Fetcher
from app.harvest.formats import NATIVE, relay
from app.harvest.hub import LONGEST_LEASE_S, SHORTEST_LEASE_S, USUAL_LEASE_S, signature
from app.journal import Journal, listening, sources
from app.journal.listening import Called, Subscription
from app.journal.moments import moment, now
from app.journal.sources import Source, Trust
from app.names import OWN, Names

RENEWED_BEFORE = timedelta(days=2)
ASKED_EVERY = timedelta(hours=1)
ROOT_BYTES = 4_000_000
SECONDS = 30.0
LONGEST_CHALLENGE = 500
CALLING = frozenset({NATIVE, relay.NAME})
"""The formats of nodes, which have a hub."""

FORM = "application/x-www-form-urlencoded"
ACCEPT = {"Accept": "application/ld+json, application/json;q=0.9"}

_LINK = re.compile(r"<([^<>]{1,2000})>\s*;[^<]*?\brel=\"?([a-z ]{1,100})\"?")
_log = logging.getLogger(__name__)

Wake = Callable[[str, int | None], None]
"""What is called with a peer's name, and how far it was read, when it is said to have news."""


class Listening:
    """Our subscriptions; `wake` makes a visit come soon."""

    def __init__(self, journal: Journal, names: Names, fetcher: Fetcher, wake: Wake, stop: Event | None = None) -> None:
        self._journal = journal
        self._names = names
        self._fetcher = fetcher
        self._wake = wake
        self._stop = stop or Event()

    def keep_up(self, name: str) -> None:
        """Subscribe at a peer's hub, or renew it, when that is due and the peer has one. Whatever keeps it from working is tried again later."""
        with self._journal.read() as c:
            source = sources.get(c, name)
            held = listening.of(c, source.id)
        if not _has_a_hub(source) or not _due(source, held):
            return
        if held and _elsewhere(source, held):
            held = None
        token, secret = (held.token, held.secret) if held else (secrets.token_urlsafe(24), secrets.token_urlsafe(32))
        wanted = Subscription(source.id, token, "", source.url or "", secret, "refused", now(), None)
        if held and held.lasts(now()):
            wanted = replace(held, at=now())
        try:
            hub, topic = self._found(source)
            asked = replace(wanted, hub=hub, topic=topic, state="asked" if wanted.state == "refused" else wanted.state)
            self._keep(asked)  # before it is asked for: the hub may want to know whether it is meant while we still wait
            self._subscribe(asked)
        except MaillageError as error:
            _log.info("no calls from %s: %s", name, error)
            self._refused(wanted)

    def confirm(self, token: str, mode: str, topic: str, challenge: str, lease: str) -> str:
        """Answer a hub that asks whether we meant it (WebSub, 5.3); return the challenge. Raises NotFound when we did not, BadRequest."""
        with self._journal.write() as c:
            found = listening.by_token(c, token)
            if found is None or found.topic != topic or mode not in {"subscribe", "denied"}:
                raise NotFound(Text("Ce nœud n'a rien demandé de tel.", "This node asked for no such thing."))
            if mode == "denied":
                listening.put(c, replace(found, state="refused", lease_until=None))
                return ""
            if not 0 < len(challenge) <= LONGEST_CHALLENGE or not lease.isdecimal():
                raise BadRequest(Text("Il manque un défi ou une durée.", "A challenge or a lease is missing."))
            seconds = min(max(int(lease[:9]), SHORTEST_LEASE_S), LONGEST_LEASE_S)
            until = moment(datetime.now(UTC) + timedelta(seconds=seconds))
            listening.put(c, replace(found, state="confirmed", lease_until=until))
            peer = None if found.state == "confirmed" else listening.peer_of(c, found.source_id)
        if peer:
            self._wake(peer.name, peer.read_to)  # for what happened between the last visit and now
        return challenge

    def known(self, token: str) -> Subscription:
        """Return the subscription that a call is for. Raises Gone, which tells a hub to forget it."""
        with self._journal.read() as c:
            found = listening.by_token(c, token)
        if found is None:
            raise Gone(Text("Ce nœud n'écoute plus ici.", "This node does not listen here any more."))
        return found

    def called(self, subscription: Subscription, body: bytes, signed: str | None) -> bool:
        """Wake the peer that a hub calls about, if the call is signed with our secret; say whether it was."""
        expected = signature(subscription.secret, body)
        if not hmac.compare_digest((signed or "").encode(), expected.encode()):
            return False
        with self._journal.read() as c:
            peer = listening.peer_of(c, subscription.source_id)
        return self._woken(peer, None)

    def pinged(self, feed: str, sequence: int) -> bool:
        """Wake the node whose feed is said to have got so far, unless it was read so far already; anybody may say so.

        A map or a file has no number that would say it has no news, and is not read again because a stranger wishes it.
        """
        with self._journal.read() as c:
            peer = listening.publisher_of(c, feed, NATIVE)
        return self._woken(peer, sequence)

    def _woken(self, peer: Called | None, sequence: int | None) -> bool:
        """Wake a peer, if there is one and it has something new."""
        if peer is None or (sequence is not None and sequence == peer.read_to):
            return False
        self._wake(peer.name, peer.read_to)
        return True

    def _found(self, source: Source) -> tuple[str, str]:
        """Return where a peer's hub is, and what it calls its feed. Raises NotFound when it has none."""
        fetched = self._fetcher.read(source.url or "", Budget(SECONDS, stop=self._stop), ROOT_BYTES, ACCEPT)
        said = _LINK.findall(fetched.headers.get("link", ""))
        links = {relation: urljoin(fetched.url, url) for url, relations in said for relation in relations.split()}
        hub, topic = links.get("hub") or _announced(fetched), links.get("self", fetched.url)
        if hub is None or any(urlsplit(url)[:2] != urlsplit(fetched.url)[:2] for url in (hub, topic)):
            raise NotFound(Text("Ce pair n'a pas de hub chez lui.", "This peer has no hub of its own."))
        return hub, topic

    def _subscribe(self, wanted: Subscription) -> None:
        """Post the wish (WebSub, 5.1)."""
        words = {"hub.mode": "subscribe", "hub.topic": wanted.topic, "hub.callback": f"{self._names.base}/listening/{wanted.token}"}
        words |= {"hub.lease_seconds": str(USUAL_LEASE_S), "hub.secret": wanted.secret}
        form, budget = urlencode(words).encode(), Budget(SECONDS, stop=self._stop)
        self._fetcher.ask_once(wanted.hub, budget, post=form, headers={"Content-Type": FORM})

    def _keep(self, wanted: Subscription) -> None:
        """Keep a subscription unless the peer was removed meanwhile. Raises NotFound."""
        with self._journal.write() as c:
            sources.by_id(c, wanted.source_id)
            listening.put(c, wanted)

    def _refused(self, wanted: Subscription) -> None:
        """Note that it did not work, unless the peer was removed meanwhile."""
        try:
            self._keep(wanted)
        except NotFound:
            return


def _has_a_hub(source: Source) -> bool:
    """Tell whether a peer is a node that we listen to."""
    return source.name != OWN and source.format in CALLING and source.enabled and source.trust is not Trust.QUARANTINE and source.failures == 0


def _due(source: Source, held: Subscription | None) -> bool:
    """Tell whether it is time to subscribe, again or at all."""
    if held is None:
        return True
    present = datetime.now(UTC)
    if _elsewhere(source, held):
        return held.at < moment(present - ASKED_EVERY)
    return not held.lasts(moment(present + RENEWED_BEFORE)) and held.at < moment(present - ASKED_EVERY)


def _elsewhere(source: Source, held: Subscription) -> bool:
    """Tell whether a peer's feed has moved to another host since we subscribed."""
    return urlsplit(held.topic)[:2] != urlsplit(source.url or "")[:2]


def _announced(fetched: Fetched) -> str | None:
    """Return the hub that the root itself names, if it does."""
    try:
        value = json.loads(fetched.body)
    except (ValueError, RecursionError):
        return None
    hub = value.get("hub") if isinstance(value, dict) else None
    return hub if isinstance(hub, str) and hub.isascii() and hub.startswith(("http://", "https://")) else None
