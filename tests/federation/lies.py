"""What a hostile peer may answer, one entry a lie: how it is told, what becomes of the visit, and words of the sentence that says so."""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.harvest.feeds import Feed, conditional, group
from tests.harvest.loopback import Answer, Request, answer, zipped
from tests.harvest.test_addresses import SPELLINGS
from tests.harvest.test_fetch import drip, without_end

CANARY, NODE = "CANARY", "NODE"
"""Stand for the host and port of a listener that must hear nothing, and for the address of the node that is lied to."""

Places = Mapping[str, str]

PWNED = "PWNED"
"""Must be found nowhere."""


@dataclass(frozen=True)
class Lie:
    """`tell` makes an honest feed lie; `words` (a regular expression) are said by the visit, or, when it is applied, by a refused line."""

    tell: Callable[[Feed, Places], None]
    outcome: str
    words: str


def instead(raw: Answer, words: str) -> Lie:
    """The root is this."""
    return Lie(lambda feed, _: feed.peer.answers.__setitem__("/feed", raw), "failed", words)


def redirect(to: str, words: str) -> Lie:
    """The root redirects there."""

    def tell(feed: Feed, places: Places) -> None:
        feed.peer.answers["/feed"] = answer(b"", "302 Found", Location=to.replace(CANARY, places[CANARY]))

    return Lie(tell, "failed", words)


def text(raw: bytes) -> Lie:
    """The root is 200 OK, with a body that is no JSON."""
    return instead(answer(raw), "not complete, correct JSON")


def record(words: str, iri: str | None = None, **more: Any) -> Lie:
    """One more record, which must be refused."""

    def tell(feed: Feed, places: Places) -> None:
        written = json.dumps(group(iri or feed.iri("bad"), PWNED) | more).replace("PEER", feed.peer.url)
        for name, place in places.items():
            written = written.replace(name, place)
        event = feed.say("Create", "bad", json.loads(written))
        event["object"] = event["record"]["id"]
        feed.serve()

    return Lie(tell, "unchanged", words)


def deep(levels: int) -> dict[str, Any]:
    """A value in a value."""
    value: dict[str, Any] = {"name": PWNED}
    for _ in range(levels):
        value = {"isPartOf": value}
    return value


def endless(feed: Feed, _: Places) -> None:
    """Page after page, each with one event, a next page and nine megabytes of nothing."""
    blank = b" " * 9_000_000

    def page(request: Request) -> bytes:
        number = int(request.path.rpartition("/")[2])
        event = {"type": "Delete", "object": feed.iri(f"x{number}"), "sequence": number}
        value = {"stream": {"id": f"{feed.url}#e1"}, "orderedItems": [event], "next": f"{feed.url}/pages/{number + 1}"}
        return answer(json.dumps(value).encode() + blank)

    feed.say("Create", "z", group(feed.iri("z"), "z"))
    feed.peer.answers |= {f"/feed/pages/{number}": page for number in range(1, 500)}


def circle(feed: Feed, _: Places) -> None:
    """The last page announces the first."""
    feed.create("z")
    page = {"stream": {"id": f"{feed.url}#e1"}, "orderedItems": [one for one in feed.events if one["sequence"] > 3], "next": feed.page(2)}
    feed.peer.answers["/feed/pages/2"] = conditional(page)


def elsewhere(feed: Feed, places: Places) -> None:
    """The next page is on another server."""
    feed.create("z")
    page = {"stream": {"id": f"{feed.url}#e1"}, "orderedItems": feed.events[3:6], "next": f"http://{places[CANARY]}/feed/pages/3"}
    feed.peer.answers["/feed/pages/2"] = conditional(page)


def numbered(number: Any) -> Callable[[Feed, Places], None]:
    """The next event has this number."""

    def tell(feed: Feed, _: Places) -> None:
        feed.create("z")
        feed.events[-1]["sequence"] = number
        feed.serve()

    return tell


def mass_deletion(feed: Feed, _: Places) -> None:
    for slug in "abcde":
        feed.delete(slug)


def taken_over(feed: Feed, _: Places) -> None:
    for slug in "abcde":
        feed.update(slug, PWNED)


def emptied(feed: Feed, _: Places) -> None:
    feed.epoch, feed.events = 2, []
    feed.serve()


def turned_back(feed: Feed, _: Places) -> None:
    feed.events = feed.events[:3]
    del feed.peer.answers["/feed/pages/2"]
    feed.serve()


def silence(_: Request) -> Iterator[bytes]:
    """Say nothing for as long as anybody listens."""
    while True:
        time.sleep(0.1)
        yield b""


SCHEME, PRIVATE, SLOW = "only http", "private address|unreadable address|does not exist|Port", "did not answer in time"
INJECTED = 'urn:d> <http://v.example/g> .\n<http://v.example/s> <http://schema.org/name> "PWNED" <http://v.example/g> .\n<urn:a> <urn:b> <urn:c'

LIES: dict[str, Lie] = {
    **{
        f"redirect to {host}": redirect(f"http://{f'[{host}]' if ':' in host else host}/", PRIVATE)
        for host in [*SPELLINGS, "169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "１２７.0.0.1", "127。0。0。1", "10.0.0.1"]
    },
    "redirect to a neighbour": redirect(f"http://{CANARY}/", PRIVATE),
    "redirect to a user": redirect("http://user:word@8.8.8.8/", "user name"),
    "redirect to a file": redirect("file:///etc/passwd", SCHEME),
    "redirect to gopher": redirect(f"gopher://{CANARY}/", SCHEME),
    "redirect in a circle": redirect("/feed", "more than 3"),
    "gzip bomb": instead(zipped(bytes(60_000_000)), "hundredfold"),
    "gzip twice": instead(answer(gzip.compress(zipped(b"x")), Content_Encoding="gzip, gzip"), "not asked for"),
    "brotli": instead(answer(b"\x5b", Content_Encoding="br"), "not asked for"),
    "body without end": instead(without_end(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65_536), "larger than"),
    "early hints without end": instead(without_end(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500), "not HTTP"),
    "dripping head": instead(drip(b"HTTP/1.1 200 OK\r\nX-A: "), SLOW),
    "dripping body": instead(drip(b"HTTP/1.1 200 OK\r\n\r\n"), SLOW),
    "silence": instead(silence, SLOW),
    "half an answer": instead(lambda _: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"]), "half-way"),
    "ssh": instead(lambda _: iter([b"SSH-2.0-OpenSSH_9\r\n\r\n"]), "not HTTP"),
    "page for a parked domain": instead(answer(b"<!doctype html><title>For sale</title>", Content_Type="text/html"), "a web page"),
    "page said to be data": instead(answer(b"<!doctype html><title>For sale</title>"), "a web page"),
    "nothing": instead(answer(b""), "not a feed"),
    "forbidden": instead(answer(b"", "403 Forbidden"), "answered 403"),
    "busy for a century": instead(answer(b"", "503 Busy", Retry_After="3155760000"), "busy"),
    "half JSON": text(b'{"id": "x", "stream": {'),
    "a key twice": text(b'{"stream": {}, "stream": {}}'),
    "not a number": text(b'{"totalItems": NaN}'),
    "number of 9,000 digits": text(b'{"totalItems": ' + b"9" * 9000 + b"}"),
    "half a character": text(b'{"id": "\\ud800", "stream": {}}'),
    "wrong bytes": text(b'{"id": "\xff\xfe"}'),
    "control character": text(b'{"id": "a\x00b"}'),
    "deep nesting": text(b'{"a": ' + b"[" * 200_000),
    "no stream": instead(answer({"type": "OrderedCollection"}), "contradicts itself"),
    "endless pages": Lie(endless, "failed", "more than 600000000 bytes"),
    "pages in a circle": Lie(circle, "failed", "circle"),
    "next page elsewhere": Lie(elsewhere, "failed", "another server"),
    "sequence 1e999": Lie(numbered(1e308 * 10), "failed", "not complete, correct JSON"),
    "sequence beyond all": Lie(numbered(2**60), "failed", "is no number"),
    "sequence again": Lie(numbered(6), "failed", "follows event 6"),
    "log turned back": Lie(turned_back, "failed", "ends at event 3"),
    "mass deletion": Lie(mass_deletion, "held", "5 records vanish"),
    "taken over": Lie(taken_over, "held", "5 change at once"),
    "emptied": Lie(emptied, "held", "Every record"),
    "impersonation": record("only about its own", iri="https://victim.example/groups/v"),
    "impersonation by dots": record("only about its own", iri="PEER/../groups/v"),
    "impersonation by name": record("only about its own", iri="PEER.evil.example/groups/v"),
    "our own record": record("coming back", iri=f"{NODE}/groups/ours"),
    "remote context": record("context", **{"@context": f"http://{CANARY}/context.jsonld"}),
    "context that imports": record("@import", **{"@context": {"@version": 1.1, "@import": f"http://{CANARY}/context.jsonld"}}),
    "context of a property": record("context", location={"@context": f"http://{CANARY}/c", "id": "PEER/groups/bad#place", "latitude": "1.0"}),
    "injected datatype": record(".", description={"@value": "x", "@type": INJECTED}),
    "injected IRI": record(".", url=[INJECTED]),
    "reverse": record(".", **{"@reverse": {"https://schema.org/memberOf": {"id": "https://victim.example/groups/v", "name": {"fr": PWNED}}}}),
    "included": record(".", **{"@included": [{"id": "https://victim.example/groups/v", "name": {"fr": PWNED}}]}),
    "graph in a graph": record(".", **{"@graph": [{"id": "https://victim.example/groups/v", "name": {"fr": PWNED}}]}),
    "deep record": record("levels", isPartOf=deep(40)),
    "long literal": record("64 KiB", description={"fr": PWNED * 20_000}),
    "too many values": record("more than 200 values", topics=[f"urn:t{number}" for number in range(201)]),
    "megabytes": record("more than one megabyte", description=[{"fr": "x" * 60_000} for _ in range(20)]),
    "number bomb": record(
        ".", location={"id": "PEER/groups/bad#place", "latitude": {"@value": "1e999999999", "@type": "http://www.w3.org/2001/XMLSchema#decimal"}}
    ),
    "pattern bomb": record(".", siren="1" * 60_000 + "x", rna="W" + "1" * 60_000),
    "invisible direction marks": record(".", name={"fr": f"{PWNED}\u202egnp.exe"}, url="https://a.example/\u202e"),
    "a person": record(".", type=["Group", "schema:Person"]),
}
