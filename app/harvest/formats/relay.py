"""The relay of a hub: a thin list of what happened at nodes that this one does not know, each event to be read at its origin.

A relay is believed about nothing: it says where to look. What it lists comes in only as its origin says it, under the origin's own addresses.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from app.errors import AddressRefused, FetchFailed, FormatError, Malformed, RecordError, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats.elements import RECORD_BYTES
from app.harvest.items import Bad, End, Found, Gone, Item, Known, Peer, Sample
from app.harvest.origins import MOST, May, Origins
from app.harvest.stream import ACCEPT, broken, number, parsed
from app.names import key_for
from app.record import content_hash, read

NAME = "relay"
OWN_IRIS = True
PLACES: tuple[str, ...] = ()

HOPS: Final = 4
"""An event that passed through more nodes than this is left to its neighbours."""

FETCHES: Final = 1000
"""Events read at their origins in one visit; the rest is for the next."""

WAITING: Final = 500
WAITING_AT_ONE: Final = 250
TRIES: Final = 20
"""How many events of origins that do not answer are kept for the next visit, in all and of one host, and for how many attempts."""

WITHDRAWN: Final = 410
LOST: Final = frozenset({404, WITHDRAWN})
PAGE: Final = 250
LONGEST: Final = 2048
KINDS: Final = frozenset({"Create", "Update", "Delete"})

_EVENT = re.compile(r"(https?://[^\s?#]{1,1000})/feed/events/([1-9][0-9]{0,14})/([1-9][0-9]{0,14})\Z")


def recognise(sample: Sample) -> int:
    """A relay numbers what it lists by itself."""
    marks = (b'"OrderedCollectionPage"', b'"relaySequence"')
    return 3 if sample.head.lstrip()[:1] == b"{" and all(mark in sample.head for mark in marks) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Yield what origins confirm of the events listed since `cursor`.

    The cursor is ``{"after", "url", "etag", "waiting", "via", "origins"}``: the relay's number of the last event read, the page asked for last with
    its tag, the events of origins that did not answer, through which nodes each record of this visit came, and which hosts it names. Own events,
    those of peers that are visited themselves and those already held cost no request.
    """
    reading = _Reading(peer, fetcher, budget, Origins.of(cursor.get("origins")))
    said = 0
    for item in reading.items(cursor):
        said += 1
        yield item
    yield End(reading.cursor(), complete=False, unchanged=not said and reading.unchanged)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a relay, of which nothing is believed yet; `base` is that of the node it is said to come from."""

    event: str
    kind: str
    object: str
    base: str
    origin: tuple[int, int]
    content_hash: str | None
    via: tuple[str, ...]
    tries: int = 0

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Listed | Text":
        """Read a line, or say what is wrong with it: event, node and record must be of one origin."""
        event, kind, about, node, via = (line.get(key) for key in ("id", "type", "object", "origin", "via"))
        found = _EVENT.match(event) if isinstance(event, str) else None
        if found is None or kind not in KINDS or not isinstance(about, str) or len(about) > LONGEST:
            return Text("Le relais ne dit pas quel événement lire, ni où.", "The relay does not say which event to read, nor where.")
        base, origin = found[1], (int(found[2]), int(found[3]))
        if node != f"{base}/node" or not about.startswith(f"{base}/") or origin != (line.get("epoch"), line.get("sequence")):
            return Text(
                "Le relais attribue cet événement à un autre nœud que celui de la fiche.",
                "The relay gives this event to another node than that of its record.",
            )
        passed = tuple(one for one in via if isinstance(one, str)) if isinstance(via, list) else ()
        stated = line.get("contentHash")
        tries = line.get("tries")
        return cls(
            str(event), str(kind), about, base, origin, stated if isinstance(stated, str) else None, passed, tries if isinstance(tries, int) else 0
        )

    def as_json(self) -> dict[str, Any]:
        """Return the line as it is kept for another try."""
        line = {"id": self.event, "type": self.kind, "object": self.object, "origin": f"{self.base}/node", "contentHash": self.content_hash}
        return line | {"epoch": self.origin[0], "sequence": self.origin[1], "via": list(self.via), "tries": self.tries}


@dataclass(slots=True)
class _Reading:
    """One visit to a relay: how far it got, and which origins do not answer."""

    peer: Peer
    fetcher: Fetcher
    budget: Budget
    origins: Origins
    unchanged: bool = False
    after: int = 0
    url: str | None = None
    etag: str | None = None
    waiting: dict[str, Listed] = field(default_factory=dict)
    taken: dict[str, tuple[int, int]] = field(default_factory=dict)
    passed: dict[str, list[str]] = field(default_factory=dict)
    fetched: int = 0
    full: bool = False

    @property
    def known(self) -> Known:
        """What this node knows already."""
        assert self.peer.known is not None
        return self.peer.known

    def cursor(self) -> dict[str, Any]:
        """Where the next visit goes on."""
        waiting = [one.as_json() for one in self.waiting.values()]
        return {"after": self.after, "url": self.url, "etag": self.etag, "waiting": waiting, "via": self.passed} | {"origins": self.origins.as_json()}

    def items(self, cursor: Mapping[str, Any]) -> Iterator[Item]:
        """Yield what is confirmed: the copies that are told better elsewhere now, what waited, what is new."""
        for key, iri, base in self.known.outdated():
            yield Gone(key, iri, base=base, elsewhere=True)
        again = [one for line in cursor.get("waiting") or () if isinstance(one := Listed.of(line), Listed)]
        yield from self._judged([(0, one) for one in again])
        self.after = int(cursor.get("after") or 0)
        for lines in self._pages(cursor):
            yield from self._judged(lines)
            if self.full or self.fetched >= FETCHES:
                self.etag = None
                return

    def _pages(self, cursor: Mapping[str, Any]) -> Iterator[list[tuple[int, Listed | Text]]]:
        """Yield what is listed after the last line read, page by page. The last one is asked for again: without it the list went back."""
        url: str | None = self._place(max(0, self.after - 1))
        etag = cursor.get("etag") if cursor.get("url") == url else None
        first = True
        while url is not None:
            fetched = self.fetcher.read(url, self.budget, headers=ACCEPT | ({"If-None-Match": etag} if etag else {}))
            if first:
                self.url, self.etag = url, fetched.etag or etag
            if fetched.status == 304:
                self.unchanged = True
                return
            page = parsed(fetched)
            lines = page.get("orderedItems")
            if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
                raise broken("une de ses pages n'est pas une liste d'événements", "one of its pages is no list of events")
            if first and not lines and self.after:
                self.after, url, etag, first = 0, self._place(0), None, True
                continue
            following = page.get("next")
            if following and not lines:
                raise broken("une page vide en annonce une autre", "an empty page announces another one")
            news = self._new(lines)
            if following and not news and not first:
                raise broken("ses pages tournent en rond", "its pages go round in a circle")
            yield news
            url, etag, first = self._same_host(following) if following else None, None, False

    def _new(self, lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, Listed | Text]]:
        """Return the lines that were not read before. Raises FormatError when the relay's numbers do not grow."""
        numbers = [number(line, "relaySequence") for line in lines]
        if any(later <= earlier for earlier, later in pairwise(numbers)) or (numbers and numbers[-1] < self.after):
            raise broken("ses numéros ne croissent pas", "its numbers do not grow")
        return [(at, Listed.of(line)) for at, line in zip(numbers, lines, strict=True) if at > self.after]

    def _judged(self, lines: Sequence[tuple[int, Listed | Text]]) -> Iterator[Item]:
        """Yield what becomes of each line, and note how far reading got."""
        held = self.known.newest([line.object for _, line in lines if isinstance(line, Listed)])
        for at, line in lines:
            if self.fetched >= FETCHES:
                if not at and isinstance(line, Listed):
                    self._wait(line)
                    continue
                return
            if isinstance(line, Text):
                yield Bad(f"relay-{at}", line)
            elif self._matters(line, max(held.get(line.object, (0, 0)), self.taken.get(line.object, (0, 0)))):
                yield from self._judged_one(at, line)
            if self.full:
                return
            self.after = max(self.after, at)

    def _matters(self, line: Listed, held: tuple[int, int]) -> bool:
        """Say whether a line tells of something that this node does not know, and may learn in this way."""
        if line.base == self.known.base or f"{self.known.base}/node" in line.via or self.known.is_direct(line.base):
            return False
        if line.kind == "Delete" and line.object not in self.taken and not self.known.holds(line.object):
            return False
        return line.origin > held

    def _judged_one(self, at: int, line: Listed) -> Iterator[Item]:
        """Yield what comes of a line that matters, if its origin may be asked now; where no more can be kept for later, reading ends before it."""
        key, host = key_for(line.object), _host(line)
        may = self.origins.may(host)
        if len(line.via) > HOPS:
            yield Bad(key, Text(f"Elle est passée par plus de {HOPS} nœuds : elle est laissée.", f"It passed through more than {HOPS} nodes: left."))
        elif may is May.NEVER:
            yield Bad(
                key, Text(f"Ce relais parle de plus de {MOST} nœuds : elle est laissée.", f"This relay speaks of more than {MOST} nodes: left.")
            )
        elif may is May.REST:
            self._wait(replace(line, tries=line.tries + (host in self.origins.silent)))
        elif may is May.LATER:
            self.full = not self._wait(line) and at > 0
        else:
            yield from self._confirmed(key, host, line)

    def _confirmed(self, key: str, host: str, line: Listed) -> Iterator[Item]:
        """Ask the origin, and yield what it says; an origin that does not answer is asked again at the next visit."""
        self.fetched += 1
        self.origins.ask(host)
        try:
            said = self._at_origin(key, line)
        except (FormatError, AddressRefused, RecordError) as error:
            self.origins.refused(host)
            yield Bad(key, error.text)
        except FetchFailed as error:
            self.budget.check_time()
            if error.status is not None and error.status < 500 and error.status != 429:
                self.origins.refused(host)
                text = Text(f"Son nœud d'origine ne la connaît pas ({error.status}).", f"Its node of origin does not know it ({error.status}).")
                yield Bad(key, text)
            else:
                self.origins.missed(host)
                self._wait(replace(line, tries=line.tries + 1))
        else:
            self.origins.confirmed(host)
            self.taken[line.object] = line.origin
            self.passed[line.object] = list(line.via)
            yield said

    def _wait(self, line: Listed) -> bool:
        """Keep a line for the next visit, a newer one about the same record in its place; say whether there was room for it."""
        before = self.waiting.get(line.object)
        here = sum(_host(one) == _host(line) for one in self.waiting.values()) if before is None else 0
        if line.tries >= TRIES or here >= WAITING_AT_ONE or (before is None and len(self.waiting) >= WAITING):
            return False
        self.waiting[line.object] = before if before and before.origin > line.origin else line
        return True

    def _at_origin(self, key: str, line: Listed) -> Found | Gone:
        """Read what the relay listed where it comes from. Raises Malformed when its origin says something else, FetchFailed, FormatError."""
        said = self._event(line)
        if said is None:
            return self._as_it_stands(key, line)
        if (said.get("type") == "Delete") != (line.kind == "Delete") or said.get("type") not in KINDS:
            raise Malformed(
                Text("Son nœud d'origine dit autre chose que ce que dit le relais.", "Its node of origin says something else than the relay does.")
            )
        if line.kind == "Delete":
            return Gone(key, line.object, line.origin, purge=said.get("purge") is True, base=line.base)
        document = said.get("record")
        stated = said.get("contentHash")
        if isinstance(document, dict) and (stated != (line.content_hash or stated) or stated != _hash(document, line)):
            raise Malformed(Text("L'empreinte de la fiche n'est pas celle qui est annoncée.", "The record's hash is not the one that is stated."))
        return self._found(key, line, document)

    def _as_it_stands(self, key: str, line: Listed) -> Found | Gone:
        """Read the record itself; 410 is its origin's word that it was withdrawn. Raises Malformed, FetchFailed, FormatError."""
        try:
            document = self._read(f"{line.base}/records/own/{line.object.removeprefix(f'{line.base}/groups/')}")
        except FetchFailed as error:
            if error.status == WITHDRAWN:
                return Gone(key, line.object, line.origin, base=line.base)
            raise
        return self._found(key, line, document)

    def _event(self, line: Listed) -> Mapping[str, Any] | None:
        """Read the event; None when the origin's own record is to be read instead.

        So it is when the event was superseded and dropped, or is about another record: a relay that read the origin's dump knows how far that
        went, and not which event was the record's own.
        """
        try:
            said = self._read(line.event)
        except FetchFailed as error:
            if error.status in LOST:
                return None
            raise
        same = {"id": line.event, "origin": f"{line.base}/node", "sequence": line.origin[1]}
        if any(said.get(name) != value for name, value in same.items()):
            raise Malformed(
                Text("Son nœud d'origine dit autre chose que ce que dit le relais.", "Its node of origin says something else than the relay does.")
            )
        return said if said.get("object") == line.object else None

    def _read(self, url: str) -> Mapping[str, Any]:
        """Read one document at its origin, and nowhere else. Raises Malformed, FetchFailed, FormatError."""
        fetched = self.fetcher.read(url, self.budget, 2 * RECORD_BYTES, ACCEPT)
        if urlsplit(fetched.url)[:2] != urlsplit(url)[:2]:
            raise Malformed(Text("Son nœud d'origine renvoie à un autre serveur.", "Its node of origin points to another server."))
        return parsed(fetched)

    def _found(self, key: str, line: Listed, document: object) -> Found:
        """Take the record that an origin gives. Raises Malformed when it is another one."""
        if not isinstance(document, dict) or document.get("id", document.get("@id")) != line.object:
            raise Malformed(Text("L'événement ne contient pas la fiche dont il parle.", "The event does not hold the record that it is about."))
        bare = {name: value for name, value in document.items() if name != "@context"}
        written = json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()
        return Found(key, bare, line.object, hashlib.sha256(written).hexdigest(), origin=line.origin, size=len(written), base=line.base)

    def _place(self, after: int) -> str:
        """Where what comes after a number is listed."""
        return f"{self.peer.url}?{urlencode({'after': after, 'limit': PAGE})}"

    def _same_host(self, url: object) -> str:
        """Return an address of the relay. Raises FormatError when it leads elsewhere."""
        address = urljoin(self.peer.url, str(url))
        if urlsplit(address)[:2] != urlsplit(self.peer.url)[:2]:
            raise broken("il renvoie à un autre serveur", "it points to another server")
        return address


def _host(line: Listed) -> str:
    """Return the host that a line would have us ask."""
    return urlsplit(line.base).netloc.lower()


def _hash(document: Mapping[str, Any], line: Listed) -> str:
    """Return the content hash of a record as it was received. Raises RecordError when it cannot be read."""
    return content_hash(read(document, iri=line.object, contexts=[f"{line.base}/vocab/context/v1.jsonld"]).document)
