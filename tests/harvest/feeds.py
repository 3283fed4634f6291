"""A small native feed on a loopback peer, honest unless a test makes it lie. Every group in it is invented."""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import RecordError
from app.record import content_hash, read
from tests.harvest.loopback import Peer, Request, answer


def group(iri: str, name: str, **more: Any) -> dict[str, Any]:
    """A small record of an invented group."""
    dates = {"created": "2026-01-01T10:00:00.000Z", "modified": "2026-01-01T10:00:00.000Z", "license": "https://creativecommons.org/licenses/by/4.0/"}
    return {"id": iri, "type": ["Group", "schema:Organization"], "name": {"fr": name}} | dates | more


@dataclass
class Feed:
    """A log of events, served in pages of `size`: with `dates` by which a page is found again, with a `dump` if it offers one.

    `begins` is the number of its first page, `dropped` that of the newest withdrawal which it forgot; the root says what is `announced`, too.
    """

    peer: Peer
    epoch: int = 1
    size: int = 3
    events: list[dict[str, Any]] = field(default_factory=list)
    dates: bool = True
    dump: bool = False
    begins: int = 1
    dropped: int = 0
    announced: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.serve()

    @property
    def url(self) -> str:
        return f"{self.peer.url}/feed"

    def iri(self, slug: str) -> str:
        return f"{self.peer.url}/groups/{slug}"

    def say(self, kind: str, slug: str, record: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Append one event and serve it."""
        number = self.events[-1]["sequence"] + 1 if self.events else 1
        event = {
            "id": f"{self.url}/events/{self.epoch}/{number}",
            "type": kind,
            "object": self.iri(slug),
            "origin": f"{self.peer.url}/node",
            "sequence": number,
        }
        if self.dates:
            event["published"] = (datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
        self.events.append(event | ({"contentHash": hash_of(record), "record": record} if record else {}) | more)
        self.serve()
        return self.events[-1]

    def create(self, slug: str, name: str | None = None, **more: Any) -> None:
        """Publish an invented group."""
        self.say("Create", slug, group(self.iri(slug), name or slug, **more))

    def update(self, slug: str, name: str, **more: Any) -> None:
        """Revise an invented group."""
        self.say("Update", slug, group(self.iri(slug), name, **more))

    def delete(self, slug: str, **more: Any) -> None:
        """Withdraw an invented group."""
        self.say("Delete", slug, **more)

    def compact(self, forget: bool = False) -> None:
        """Keep the newest event of each record, under its own number, in new pages; the old ones are gone. `forget`: withdrawals too."""
        newest = {event["object"]: event for event in self.events}
        kept = sorted(newest.values(), key=lambda event: event["sequence"])
        if forget:
            self.dropped = max([self.dropped, *(event["sequence"] for event in kept if event["type"] == "Delete")])
            kept = [event for event in kept if event["type"] != "Delete"]
        self._rewrite(kept)

    def restore(self, events: list[dict[str, Any]]) -> None:
        """Come back from a backup that held these events: a new epoch, whose numbers begin anew."""
        self.epoch += 1
        self.dropped = 0
        live = {event["object"]: event for event in events}.values()
        self._rewrite([event | {"sequence": number} for number, event in enumerate((one for one in live if one["type"] != "Delete"), start=1)])

    def _rewrite(self, events: list[dict[str, Any]]) -> None:
        pages = -(-len(self.events) // self.size)
        for number in range(self.begins, self.begins + pages):
            self.peer.answers[f"/feed/pages/{number}"] = answer(b"", "410 Gone")
        self.begins += pages
        self.events = events
        self.serve()

    def serve(self) -> None:
        """Answer at the root, at every page, and with the dump."""
        pages = [self.events[at : at + self.size] for at in range(0, len(self.events), self.size)]
        stream = {"id": f"{self.url}#e{self.epoch}", "type": "EventStream", "origin": f"{self.peer.url}/node", "epoch": self.epoch}
        root = {"id": self.url, "type": ["OrderedCollection", "tree:Node", "EventSource"], "totalItems": len(self.events), "stream": stream}
        root["retentionPolicy"] = {"id": f"{self.url}#retention", "resyncBelow": self.dropped}
        last = self.begins + len(pages) - 1
        if pages:
            root |= {"first": self.page(self.begins), "last": self.page(last), "sequence": self.events[-1]["sequence"]}
        if self.dates:
            root["relation"] = [relation(self.page(at), events[0]["published"]) for at, events in enumerate(pages, self.begins)]
        root |= self.announced
        if self.dump:
            root["dump"] = f"{self.peer.url}/dump.ndjson.gz?source=own"
            self.peer.answers["/dump.ndjson.gz?source=own"] = self.dumped()
        self.peer.answers["/feed"] = conditional(root)
        for event in self.events:
            self.peer.answers[f"/feed/events/{self.epoch}/{event['sequence']}"] = answer(event)
        for number, events in enumerate(pages, start=self.begins):
            page = {
                "id": self.page(number),
                "type": ["OrderedCollectionPage"],
                "partOf": self.url,
                "stream": {"id": stream["id"]},
                "orderedItems": events,
            }
            if number < last:
                page |= {"next": self.page(number + 1), "immutable": True}
            self.peer.answers[f"/feed/pages/{number}"] = conditional(page)

    def dumped(self, **headers: str) -> bytes:
        """The dump as it stands now: a record a line."""
        newest = {event["object"]: event for event in self.events}.values()
        context = {"@context": f"{self.peer.url}/vocab/context/v1.jsonld"}
        lines = [json.dumps(context | event["record"]) for event in newest if "record" in event]
        said = {"Maillage_Sequence": str(self.events[-1]["sequence"] if self.events else 0), "Maillage_Epoch": str(self.epoch)} | headers
        return answer(gzip.compress("\n".join(lines).encode()), Content_Type="application/gzip", **said)

    def page(self, number: int) -> str:
        return f"{self.url}/pages/{number}"


@dataclass
class Relay:
    """A thin list of what others said, as a hub keeps it: the newest of each record, under a number of its own."""

    peer: Peer
    size: int = 250
    lines: list[dict[str, Any]] = field(default_factory=list)
    reached: int = 0

    def __post_init__(self) -> None:
        self.serve()

    @property
    def url(self) -> str:
        return f"{self.peer.url}/relay"

    def note(self, feed: Feed, event: dict[str, Any], **more: Any) -> dict[str, Any]:
        """List one event of a feed."""
        self.reached += 1
        line = {key: value for key, value in event.items() if key in {"id", "type", "object", "origin", "sequence", "contentHash"}}
        line |= {"epoch": feed.epoch, "published": "2026-01-02T10:00:00.000Z", "relaySequence": self.reached, "via": [f"{self.peer.url}/node"]} | more
        self.lines = [one for one in self.lines if one["object"] != line["object"]] + [line]
        self.serve()
        return line

    def serve(self) -> None:
        """Answer for every number that may be asked for."""
        for after in range(self.reached + 2):
            wanted = [line for line in self.lines if line["relaySequence"] > after]
            page = {"id": self.url, "type": "OrderedCollectionPage", "node": f"{self.peer.url}/node", "orderedItems": wanted[: self.size]}
            if len(wanted) > self.size:
                page["next"] = f"{self.url}?after={wanted[self.size - 1]['relaySequence']}&limit=250"
            self.peer.answers[f"/relay?after={after}&limit=250"] = conditional(page)


def hash_of(document: dict[str, Any]) -> str | None:
    """The content hash of a record, None when it cannot be read."""
    try:
        return content_hash(read(document).document)
    except RecordError:
        return None


def relation(page: str, since: str) -> dict[str, str]:
    """What a root says of one of its pages."""
    return {"type": "tree:GreaterThanOrEqualToRelation", "node": page, "path": "as:published", "value": since}


def digest_of(body: bytes) -> str:
    """The entity tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def conditional(value: Any):
    """An answer with an entity tag, 304 to who has it."""
    body = json.dumps(value).encode()
    etag = digest_of(body)

    def reply(request: Request) -> bytes:
        if request.headers.get("if-none-match") == etag:
            return answer(b"", "304 Not Modified", ETag=etag, Content_Length="0")
        return answer(body, ETag=etag)

    return reply
