"""The documents of an event stream, read strictly: its root, its pages, and the dump that saves a new reader most of the pages.

All of them come from the host of the feed. What cannot be read, or says two things at once, raises FormatError in one sentence.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from app.errors import FetchFailed, FormatError, Text
from app.harvest.fetch import LIST_BYTES, Budget, Fetched, Fetcher
from app.harvest.inflate import inflate

ACCEPT: Final = {"Accept": "application/ld+json, application/json;q=0.9"}
LARGEST: Final = 2**53
LINE_BYTES: Final = 10_000_000

DECISIONS: Final = "decisions"
"""Under this a root says where the node tells what its people judged, and a reader's cursor keeps that with the moment of the last entry."""

TRIES: Final = 3
HICCUPS: Final = 10
PAUSE_SECONDS: Final = 0.2
"""A page that does not arrive is asked for again, so often in one reading: a log of a thousand pages would hardly ever be read without."""


@dataclass(frozen=True, slots=True)
class Root:
    """What the root of a feed says; `since` holds the pages with the date from which on each has events, the oldest first."""

    url: str
    stream: str
    epoch: int
    origin: str | None
    first: str | None
    last: str | None
    dump: str | None
    resync_below: int
    since: tuple[tuple[datetime, str], ...]
    etag: str | None
    sequence: int = 0
    """How far the log has got, 0 when the feed does not say."""

    decisions: tuple[str, str] | None = None
    """Where the node tells what its people judged, and when it last did."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log; `etag` is None once the page is closed."""

    url: str
    events: tuple[Mapping[str, Any], ...]
    next: str | None
    etag: str | None


class Log:
    """Reads the root, the pages and the dump of one feed, which must all be served by the same host."""

    def __init__(self, url: str, fetcher: Fetcher, budget: Budget) -> None:
        self._url = url
        self._fetcher = fetcher
        self._budget = budget
        self._hiccups = 0

    def root(self, etag: str | None = None) -> Root | None:
        """Read the root; None when it is still the one that `etag` names."""
        fetched = self._read(self._url, etag)
        if fetched.status == 304:
            return None
        value = parsed(fetched)
        stream = value.get("stream")
        if not isinstance(stream, dict) or not isinstance(stream.get("id"), str):
            raise broken("il ne nomme pas son flux", "it does not name its stream")
        origin = stream.get("origin")
        first, last, dump = (self._same_host(value[key]) if value.get(key) else None for key in ("first", "last", "dump"))
        since = self._since(value.get("relation"))
        return Root(
            url=self._url,
            stream=stream["id"],
            epoch=number(stream, "epoch"),
            origin=origin if isinstance(origin, str) else None,
            first=first or (since[0][1] if since else None),
            last=last,
            dump=dump,
            resync_below=_limit(value.get("retentionPolicy")),
            since=since,
            etag=fetched.etag,
            sequence=number(value, "sequence") if value.get("sequence") else 0,
            decisions=self._decisions(value),
        )

    def page(self, url: str, root: Root, etag: str | None = None) -> Page | None:
        """Read one page; None when it is still the one that `etag` names."""
        fetched = self._patiently(url, etag)
        if fetched.status == 304:
            return None
        value = parsed(fetched)
        stream, events = value.get("stream"), value.get("orderedItems", [])
        if isinstance(stream, dict) and stream.get("id") != root.stream:
            raise broken("une de ses pages appartient à une autre époque", "one of its pages belongs to another epoch")
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise broken("une de ses pages n'est pas une liste d'événements", "one of its pages is no list of events")
        following = self._same_host(value["next"]) if value.get("next") else None
        return Page(url, tuple(events), following, None if following else fetched.etag)

    @contextmanager
    def dump(self, root: Root) -> Iterator[tuple[int, Iterator[Mapping[str, Any]]]]:
        """Receive the dump whole and hand over the sequence it stands at (0 when it does not say, or says another epoch) and its documents."""
        assert root.dump is not None
        with self._fetcher.open(root.dump, self._budget) as fetched:
            stands, epoch = (fetched.headers.get(f"maillage-{name}", "") for name in ("sequence", "epoch"))
            said = stands.isascii() and stands.isdecimal() and int(stands[:17]) < LARGEST and epoch == str(root.epoch)
            yield int(stands) if said else 0, _documents(_unpacked(fetched.chunks))

    def _read(self, url: str, etag: str | None) -> Fetched:
        """Ask for one document, on the condition that it changed."""
        return self._fetcher.read(url, self._budget, headers=ACCEPT | ({"If-None-Match": etag} if etag else {}))

    def _patiently(self, url: str, etag: str | None) -> Fetched:
        """Ask for one page, again when the connection fails; what its server answers, and the limits of the visit, are final."""
        for attempt in range(1, TRIES):
            try:
                return self._read(url, etag)
            except FetchFailed as error:
                self._hiccups += 1
                if error.status is not None or self._hiccups > HICCUPS or self._budget.is_used_up:
                    raise
                self._budget.stop.wait(PAUSE_SECONDS * attempt)
        return self._read(url, etag)

    def _decisions(self, value: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return where decisions are told and when the last one was made, None when none are."""
        place, decided = value.get(DECISIONS), value.get("decidedAt")
        return (self._same_host(place), decided) if isinstance(place, str) and isinstance(decided, str) else None

    def _since(self, relations: object) -> tuple[tuple[datetime, str], ...]:
        """Return the pages of the root's relations by date; none when a relation is not of the kind that helps."""
        listed = relations if isinstance(relations, list) else [relations]
        wanted = [one for one in listed if isinstance(one, dict)]
        dated = [(moment(one.get("value")), one.get("node")) for one in wanted if str(one.get("type")).endswith("GreaterThanOrEqualToRelation")]
        return tuple(sorted((date, self._same_host(page)) for date, page in dated if date and page))

    def _same_host(self, url: object) -> str:
        """Return an address within the feed. Raises FormatError when it leads elsewhere."""
        return same_host(self._url, url)


# --- reading strictly ---------------------------------------------------------------------------------------------------


def same_host(here: str, url: object) -> str:
    """Return an address that a document at `here` gives. Raises FormatError when it leads to another server."""
    address = urljoin(here, str(url))
    if urlsplit(address)[:2] != urlsplit(here)[:2]:
        raise broken("il renvoie à un autre serveur", "it points to another server")
    return address


def parsed(fetched: Fetched) -> dict[str, Any]:
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
        return _object(fetched.body)
    except (ValueError, RecursionError):
        raise FormatError(Text(f"{fetched.url} n'est pas du JSON complet et correct.", f"{fetched.url} is not complete, correct JSON.")) from None


def number(value: Mapping[str, Any], key: str) -> int:
    """Return a positive whole number. Raises FormatError."""
    found = value.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < LARGEST:
        raise broken(f"« {key} » n'est pas un numéro", f"'{key}' is no number")
    return found


def moment(value: object) -> datetime | None:
    """Read a date and time, typed or plain; None when it is none."""
    text = value.get("@value") if isinstance(value, dict) else value
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read and read.tzinfo is None else read


def broken(fr: str, en: str) -> FormatError:
    """Say what a feed does against its own rules."""
    return FormatError(Text(f"Le flux du pair se contredit : {fr}.", f"The peer's feed contradicts itself: {en}."))


def _object(data: bytes) -> dict[str, Any]:
    """Read one JSON object. Raises ValueError, RecursionError."""
    value = json.loads(data, object_pairs_hook=_unique, parse_constant=_refused)
    if b"\\u" in data:
        json.dumps(value, ensure_ascii=False).encode()  # halves of characters, which nothing can write down again
    if not isinstance(value, dict):
        raise ValueError("no object")
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


def _limit(policy: object) -> int:
    """Return the number of the newest withdrawal that was forgotten; 0 when none was."""
    found = policy.get("resyncBelow", 0) if isinstance(policy, dict) else 0
    return number({"resyncBelow": found}, "resyncBelow") if found else 0


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Undo gzip where the file itself is compressed, as its name says, and no header does. Raises FormatError when it grows without end."""
    first, size = next(chunks, b""), 0
    whole = (part for parts in ((first,), chunks) for part in parts)
    for piece in inflate(whole) if first[:2] == b"\x1f\x8b" else whole:
        size += len(piece)
        if size > LIST_BYTES:
            raise broken("sa copie complète est trop longue", "its dump is too long")
        yield piece


def _documents(chunks: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield one JSON object a line. Raises FormatError: of a line that cannot be read nobody knows which record it was."""
    rest, at = b"", 0
    for chunk in _ended(chunks):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            at += 1
            if line.strip():
                yield _document(line, at)
        if len(rest) > LINE_BYTES:
            raise broken(f"la ligne {at + 1} de sa copie complète est trop longue", f"line {at + 1} of its dump is too long")


def _ended(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """End the last line, should nobody have."""
    yield from chunks
    yield b"\n"


def _document(line: bytes, at: int) -> Mapping[str, Any]:
    """Read one line of the dump. Raises FormatError."""
    try:
        return _object(line)
    except (ValueError, RecursionError):
        raise broken(f"la ligne {at} de sa copie complète n'est pas du JSON", f"line {at} of its dump is not JSON") from None
