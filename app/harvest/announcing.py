"""Telling others that our feed, or our relay, moved: a small message to each subscriber, soon, never in the way of whoever writes.

It looks at the log once a second instead of being called by writers, so that a write takes no longer because somebody listens, and what other
processes write is told of too. Many changes within a few seconds are told of once. Who does not answer is tried less and less often.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event

from sqlalchemy import Connection

from app.errors import FetchFailed, MaillageError, Text
from app.feed import pages, relay
from app.harvest.crowd import Crowd
from app.harvest.fetch import Budget, Fetcher
from app.harvest.hub import signature
from app.journal import Journal, subscribers
from app.journal.moments import moment, now
from app.journal.subscribers import Kind, Subscriber, Told
from app.names import Names

LOOK_S = 1.0
PAUSE_S = 3.0
"""Seconds between two messages to one subscriber at least."""

BYTES_A_SECOND = 20_000
"""What one subscriber is sent on average at most: a long message is followed by a longer pause."""

SENDERS = 64
SECONDS = 15.0
FIRST_REST_S, LONGEST_REST_S = 10, 21_600
FAILURES_TO_DROP = 20
"""Failures in a row, two days and a half of them, after which a WebSub subscriber is forgotten."""

EXPIRE_S = 600.0
STOP_S = 3.0
GONE = 410
JSON, JSONLD = "application/json", "application/ld+json"

_log = logging.getLogger(__name__)


class Announcer:
    """Tells every subscriber, from a thread of its own (`run`)."""

    def __init__(self, journal: Journal, names: Names, fetcher: Fetcher, root: Callable[[Connection], pages.Document] | None = None) -> None:
        """`root` returns the feed's root as this node serves it."""
        self._journal = journal
        self._names = names
        self._fetcher = fetcher
        self._root = root or (lambda c: pages.root(c, names))
        self._crowd = Crowd(SENDERS)
        self._told: SimpleQueue[Told] = SimpleQueue()
        self._waiting: set[int] = set()
        self._stop = Event()
        self._expired = 0.0
        self._message: tuple[int, bytes] = (0, b"")

    def run(self, stop: Event) -> None:
        """Look and tell until `stop` is set."""
        self._stop = stop
        while not stop.wait(LOOK_S):
            self._turn()
        self._crowd.wait(STOP_S)
        self._turn(send=False)

    def _turn(self, *, send: bool = True) -> None:
        """Note what came of the last messages, and send the next."""
        try:
            self._note()
            if send:
                self._send()
        except MaillageError as error:
            _log.warning("announcing: %s", error)

    def _note(self) -> None:
        """Keep how telling went, all in one transaction; now and then leases that ended go too."""
        told = []
        try:
            while True:
                told.append(self._told.get_nowait())
        except Empty:
            pass
        expiring = time.monotonic() - self._expired > EXPIRE_S
        if not told and not expiring:
            return
        try:
            with self._journal.write() as c:
                subscribers.note(c, told, FAILURES_TO_DROP)
                if expiring:
                    subscribers.expire(c, now())
        finally:
            self._waiting -= {one.id for one in told}
        self._expired = time.monotonic() if expiring else self._expired

    def _send(self) -> None:
        """Send a message to each subscriber that has not been told of the newest event."""
        with self._journal.read() as c:
            sequence, relayed = pages.state(c).sequence, relay.last(c)
            found = subscribers.due(c, {self._names.relay: relayed}, sequence, now(), SENDERS + len(self._waiting))
            due = [one for one in found if one.id not in self._waiting]
            if any(one.topic == self._names.feed and one.kind is Kind.WEBSUB for one in due) and self._message[0] != sequence:
                root = {"@context": self._names.context, **self._root(c)}
                self._message = (sequence, json.dumps(root, ensure_ascii=False).encode())
        for one in due:
            reached = relayed if one.topic == self._names.relay else sequence
            body = self._body(one, reached)
            self._waiting.add(one.id)
            if not self._crowd.send(str(one.id), lambda one=one, reached=reached, body=body: self._told.put(self._tell(one, reached, body))):  # type: ignore[misc]
                self._waiting.discard(one.id)

    def _body(self, one: Subscriber, reached: int) -> bytes:
        """Return what a subscriber is sent: the root of the feed for those who came by themselves for it, else only how far its topic has got."""
        if one.kind is Kind.WEBHOOK:
            return thin(self._names.feed, reached)
        return thin(one.topic, reached) if one.topic == self._names.relay else self._message[1]

    def _tell(self, one: Subscriber, sequence: int, body: bytes) -> Told:
        """Send one message; return how it went."""
        try:
            self._fetcher.ask_once(one.callback, Budget(SECONDS, stop=self._stop), post=body, headers=self._headers(one, body))
        except FetchFailed as error:
            return Told(one.id, None, _rest(one, error.retry_after), error.text, drop=error.status == GONE)
        except MaillageError as error:
            return Told(one.id, None, _rest(one), error.text)
        except Exception:
            self._told.put(Told(one.id, None, _rest(one), _UNEXPECTED))
            raise
        return Told(one.id, sequence, _in(max(PAUSE_S, len(body) / BYTES_A_SECOND)))

    def _headers(self, one: Subscriber, body: bytes) -> Mapping[str, str]:
        """Return the headers of a message (WebSub, 7)."""
        headers = {"Content-Type": JSON}
        if one.kind is Kind.WEBSUB:
            headers = {"Content-Type": JSONLD, "Link": f'<{self._names.hub}>; rel="hub", <{one.topic}>; rel="self"'}
        return headers | ({"X-Hub-Signature": signature(one.secret, body)} if one.secret else {})


_UNEXPECTED = Text("Une erreur imprévue a empêché l'envoi.", "An unexpected error kept the message from being sent.")


def thin(topic: str, sequence: int) -> bytes:
    """Return the message that only says how far a feed, or a relay, has got."""
    return json.dumps({"feed": topic, "sequence": sequence}).encode()


def _rest(one: Subscriber, retry_after: int | None = None) -> str:
    """Return when a subscriber is tried again: in 10 s, then twice as long each time, to six hours."""
    return _in(max(min(FIRST_REST_S * 2 ** min(one.failures, 20), LONGEST_REST_S), retry_after or 0))


def _in(seconds: float) -> str:
    """Return the moment so many seconds from now."""
    return moment(datetime.now(UTC) + timedelta(seconds=seconds))
