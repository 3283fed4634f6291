"""A small native feed on a loopback peer, honest unless a test makes it lie. Every group in it is invented."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from tests.harvest.loopback import Peer, Request, answer


def group(iri: str, name: str, **more: Any) -> dict[str, Any]:
    """A small record of an invented group."""
    dates = {"created": "2026-01-01T10:00:00.000Z", "modified": "2026-01-01T10:00:00.000Z", "license": "https://creativecommons.org/licenses/by/4.0/"}
    return {"id": iri, "type": ["Group", "schema:Organization"], "name": {"fr": name}} | dates | more


@dataclass
class Feed:
    """A log of events, served in pages of `size`."""

    peer: Peer
    epoch: int = 1
    size: int = 3
    events: list[dict[str, Any]] = field(default_factory=list)

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
            "published": f"2026-01-01T10:00:00.{number:03}Z",
        }
        self.events.append(event | ({"record": record} if record else {}) | more)
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

    def serve(self) -> None:
        """Answer at the root and at every page."""
        pages = [self.events[at : at + self.size] for at in range(0, len(self.events), self.size)]
        stream = {"id": f"{self.url}#e{self.epoch}", "type": "EventStream", "origin": f"{self.peer.url}/node", "epoch": self.epoch}
        root = {"id": self.url, "type": ["OrderedCollection", "tree:Node", "EventSource"], "totalItems": len(self.events), "stream": stream}
        if pages:
            root |= {"first": self.page(1), "last": self.page(len(pages))}
        self.peer.answers["/feed"] = conditional(root)
        for number, events in enumerate(pages, start=1):
            page = {
                "id": self.page(number),
                "type": ["OrderedCollectionPage"],
                "partOf": self.url,
                "stream": {"id": stream["id"]},
                "orderedItems": events,
            }
            if number < len(pages):
                page |= {"next": self.page(number + 1), "immutable": True}
            self.peer.answers[f"/feed/pages/{number}"] = conditional(page)

    def page(self, number: int) -> str:
        return f"{self.url}/pages/{number}"


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
