"""The feed of another Maillage node: a log of its own records, followed by the number of the last event read, never by a clock.

It needs next to nothing of this node but the guarded fetch, so that it can live on its own: LDES 1.0.0-alpha whose members are ActivityStreams
Create, Update and Delete, in pages that are also plain ordered JSON. What a feed does against its own rules fails the visit; nothing is applied then.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from app.errors import FetchFailed, FormatError, Text
from app.harvest.fetch import Budget, Fetched, Fetcher
from app.harvest.formats.elements import RECORD_BYTES, TOO_LONG
from app.harvest.items import Bad, End, Found, Gone, Item, Peer, Sample
from app.names import key_for

NAME = "maillage"
OWN_IRIS = True
PLACES = ("/feed",)

ACCEPT = {"Accept": "application/ld+json, application/json;q=0.9"}
LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class _Root:
    """What the root of a feed says; `etag` is its entity tag."""

    stream: str
    epoch: int
    origin: str | None
    first: str | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of the log; `etag` is None once the page is closed."""

    url: str
    events: tuple[Mapping[str, Any], ...]
    next: str | None
    etag: str | None


def recognise(sample: Sample) -> int:
    """The root of a feed names its event stream."""
    marks = (b'"EventStream"', b'"OrderedCollection"')
    return 3 if sample.head.lstrip()[:1] == b"{" and all(mark in sample.head for mark in marks) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Yield what happened since `cursor`, or everything when there is none, the epoch is new, or the page it stopped at was rewritten.

    The cursor is ``{"stream", "epoch", "sequence", "page", "etag", "root"}``: the last event read, its page, the tags of that page and of the root.
    """
    log = _Log(peer, fetcher, budget)
    root = log.root(cursor.get("root") if cursor.get("page") else None)
    if root is None:
        yield End(cursor, complete=False, unchanged=True)
        return
    resumed, page = _resume(log, root, cursor)
    if resumed and page is None:
        yield End({**cursor, "root": root.etag}, complete=False, unchanged=True)
        return
    if not resumed and root.first:
        page = log.page(root.first, root)
    read_before = int(cursor["sequence"]) if cursor.get("stream") == root.stream else 0
    yield from _walk(log, root, page, read_before, resumed=resumed)


def _resume(log: "_Log", root: _Root, cursor: Mapping[str, Any]) -> tuple[bool, _Page | None]:
    """Return whether reading goes on where it stopped, and that page, or None when it has not changed.

    A log rewritten since (its page is gone) is read anew as a whole: what it does not hold any more was withdrawn.
    """
    if cursor.get("stream") and not (root.epoch == int(cursor["epoch"]) if cursor["stream"] == root.stream else root.epoch > int(cursor["epoch"])):
        raise _broken(f"son époque est revenue de {cursor['epoch']} à {root.epoch}", f"its epoch went back from {cursor['epoch']} to {root.epoch}")
    if cursor.get("stream") != root.stream or not cursor.get("page"):
        return False, None
    try:
        return True, log.page(str(cursor["page"]), root, cursor.get("etag"))
    except FetchFailed as error:
        if error.status in {404, 410}:
            return False, None
        raise


def _walk(log: "_Log", root: _Root, page: _Page | None, read_before: int, *, resumed: bool) -> Iterator[Item]:
    """Yield the events, those that were `read_before` only when reading anew, page by page, then the end.

    Raises FormatError when the numbers do not grow, or end before those that were read before.
    """
    last, seen, reached, after = 0, set[str](), page, read_before if resumed else 0
    while page is not None:
        if page.url in seen:
            raise _broken("ses pages tournent en rond", "its pages go round in a circle")
        seen.add(page.url)
        for event in page.events:
            number = _number(event, "sequence")
            if number <= last:
                raise _broken(f"l'événement {number} suit l'événement {last}", f"event {number} follows event {last}")
            last = number
            if number > after:
                yield _item(event, root, number, log)
        if page.next and not page.events:
            raise _broken("une page vide en annonce une autre", "an empty page announces another one")
        reached = page
        page = log.page(page.next, root) if page.next else None
    if last < read_before:
        french = f"il s'arrête à l'événement {last} alors que {read_before} avait été lu"
        raise _broken(french, f"it ends at event {last} although {read_before} was read before")
    cursor = {"stream": root.stream, "epoch": root.epoch, "sequence": last, "root": root.etag}
    pages = {"page": reached.url, "etag": reached.etag} if reached else {"page": None, "etag": None}
    yield End(cursor | pages, complete=not resumed, withdrawn=not resumed)


def _item(event: Mapping[str, Any], root: _Root, number: int, log: "_Log") -> Item:
    """Read one event."""
    kind, iri, origin = event.get("type"), event.get("object"), (root.epoch, number)
    if not isinstance(iri, str) or not 0 < len(iri) <= 2048:
        return Bad(
            f"event-{number}",
            Text(f"L'événement {number} ne dit pas de quelle fiche il parle.", f"Event {number} does not say which record it is about."),
        )
    key = log.key(iri)
    if event.get("origin", root.origin) != root.origin:
        return Bad(
            key,
            Text(
                f"L'événement {number} vient d'un autre nœud : il n'est cru que chez lui.",
                f"Event {number} comes from another node: it is believed only there.",
            ),
        )
    if kind == "Delete":
        return Gone(key, iri, origin, purge=event.get("purge") is True)
    record = event.get("record")
    if kind not in {"Create", "Update"} or not isinstance(record, dict):
        return Bad(
            key,
            Text(
                f"L'événement {number} n'est ni création, ni révision, ni retrait.",
                f"Event {number} is no Create, Update or Delete that can be read.",
            ),
        )
    if record.get("id", record.get("@id", iri)) != iri:
        return Bad(
            key, Text(f"L'événement {number} parle d'une fiche et en contient une autre.", f"Event {number} is about one record and holds another.")
        )
    return _found(key, record, iri, origin)


def _found(key: str, record: Mapping[str, Any], iri: str, origin: tuple[int, int]) -> Found | Bad:
    """Take a record of bearable length; its digest is that of what the peer sent, whatever the order of its keys."""
    written = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    if len(written) > RECORD_BYTES:
        return Bad(key, TOO_LONG)
    return Found(key, record, iri, hashlib.sha256(written).hexdigest(), origin=origin, size=len(written))


class _Log:
    """Reads the root and the pages of one feed, which must all be served by the same host."""

    def __init__(self, peer: Peer, fetcher: Fetcher, budget: Budget) -> None:
        self._url = peer.url
        self._groups = f"{peer.base}/groups/" if peer.base else None
        self._fetcher = fetcher
        self._budget = budget

    def key(self, iri: str) -> str:
        """Return the key of a record: the last part of a group's IRI where it is one."""
        return key_for(iri.removeprefix(self._groups) if self._groups and iri != self._groups else iri)

    def root(self, etag: str | None) -> _Root | None:
        """Read the root; None when it is still the one that `etag` names."""
        fetched = self._read(self._url, etag)
        if fetched.status == 304:
            return None
        value = _parsed(fetched)
        stream = value.get("stream")
        if not isinstance(stream, dict) or not isinstance(stream.get("id"), str):
            raise _broken("il ne nomme pas son flux", "it does not name its stream")
        origin = stream.get("origin")
        first = self._same_host(value["first"]) if value.get("first") else None
        return _Root(stream["id"], _number(stream, "epoch"), origin if isinstance(origin, str) else None, first, fetched.etag)

    def page(self, url: str, root: _Root, etag: str | None = None) -> _Page | None:
        """Read one page; None when it is still the one that `etag` names."""
        fetched = self._read(url, etag)
        if fetched.status == 304:
            return None
        value = _parsed(fetched)
        stream, events = value.get("stream"), value.get("orderedItems", [])
        if isinstance(stream, dict) and stream.get("id") != root.stream:
            raise _broken("une de ses pages appartient à une autre époque", "one of its pages belongs to another epoch")
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise _broken("une de ses pages n'est pas une liste d'événements", "one of its pages is no list of events")
        following = self._same_host(value["next"]) if value.get("next") else None
        return _Page(url, tuple(events), following, None if following else fetched.etag)

    def _read(self, url: str, etag: str | None) -> Fetched:
        """Ask for one document, on the condition that it changed."""
        return self._fetcher.read(url, self._budget, headers=ACCEPT | ({"If-None-Match": etag} if etag else {}))

    def _same_host(self, url: object) -> str:
        """Return an address within the feed. Raises FormatError when it leads elsewhere."""
        address = urljoin(self._url, str(url))
        if urlsplit(address)[:2] != urlsplit(self._url)[:2]:
            raise _broken("il renvoie à un autre serveur", "it points to another server")
        return address


def _parsed(fetched: Fetched) -> dict[str, Any]:
    """Read a JSON object strictly. Raises FormatError."""
    if fetched.body.lstrip()[:1] != b"{":
        what = Text("une page web", "a web page") if b"<" in fetched.body[:200] else Text("autre chose", "something else")
        raise FormatError(
            Text(
                f"{fetched.url} répond {what.fr}, pas un flux : vérifiez l'adresse du pair.",
                f"{fetched.url} answers {what.en}, not a feed: check the peer's address.",
            )
        )
    try:
        value = json.loads(fetched.body, object_pairs_hook=_unique, parse_constant=_refused)
        if b"\\u" in fetched.body:
            json.dumps(value, ensure_ascii=False).encode()  # halves of characters, which nothing can write down again
    except (ValueError, RecursionError):
        raise FormatError(Text(f"{fetched.url} n'est pas du JSON complet et correct.", f"{fetched.url} is not complete, correct JSON.")) from None
    assert isinstance(value, dict)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says the same key twice: two readers would understand two things."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _refused(constant: str) -> Any:
    """NaN and Infinity are not JSON."""
    raise ValueError(constant)


def _number(value: Mapping[str, Any], key: str) -> int:
    """Return a positive whole number. Raises FormatError."""
    number = value.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < LARGEST:
        raise _broken(f"« {key} » n'est pas un numéro", f"'{key}' is no number")
    return number


def _broken(fr: str, en: str) -> FormatError:
    """Say what the feed does against its own rules."""
    return FormatError(Text(f"Le flux du pair se contredit : {fr}.", f"The peer's feed contradicts itself: {en}."))
