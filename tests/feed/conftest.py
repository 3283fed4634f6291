"""What the tests of the feed share: an empty journal, the names of an invented node, and records to publish."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from app.feed import compaction, log, pages
from app.journal import Journal, now, tables
from app.names import Names
from app.record import content_hash

Document = dict[str, Any]


class Feed:
    """The log of an invented node; each call is one transaction."""

    def __init__(self, path: Path, page_size: int = log.PAGE_SIZE) -> None:
        self.journal = Journal(path)
        self.page_size = page_size
        self.names = Names("https://a.example")

    def document(self, key: str, text: str = "") -> Document:
        """Return an invented record."""
        return {"id": self.names.group(key), "type": ["Group", "schema:Organization"], "name": {"fr": f"Exemple inventé {key} {text}".strip()}}

    def publish(self, key: str, text: str = "", kind: str = "Create") -> log.Event:
        """Publish or revise a record."""
        document = self.document(key, text)
        with self.journal.write() as c:
            return log.append(c, self.names, kind, key, document, content_hash(document), page_size=self.page_size)

    def publish_many(self, count: int, head: str = "g") -> None:
        """Publish many records in one transaction."""
        with self.journal.write() as c:
            for number in range(count):
                document = self.document(f"{head}{number}")
                log.append(c, self.names, "Create", f"{head}{number}", document, content_hash(document), page_size=self.page_size)

    def withdraw(self, key: str, purge: bool = False) -> log.Event:
        """Withdraw a record."""
        with self.journal.write() as c:
            return log.append(c, self.names, "Delete", key, None, purge=purge, page_size=self.page_size)

    def open_epoch(self, above: int = 0) -> int:
        """Start again as after a restored backup."""
        with self.journal.write() as c:
            return log.open_epoch(c, self.names, above, self.page_size)

    def compact(self, log_before: str, tombstones_before: str | None = None, least: int = 1) -> compaction.Compaction:
        """Drop what is older than these moments."""
        limits = compaction.Limits(log_before, tombstones_before or log_before)
        with self.journal.write() as c:
            return compaction.compact(c, limits, least, self.page_size)

    def root(self) -> Document:
        """Read the root."""
        with self.journal.read() as c:
            return pages.root(c, self.names)

    def page(self, address: str | int) -> pages.Page:
        """Read a page by its address or number."""
        number = int(str(address).removeprefix("https://a.example/feed/pages/"))
        with self.journal.read() as c:
            return pages.page(c, self.names, number)

    def event(self, epoch: int, sequence: int) -> Document:
        """Read one event."""
        with self.journal.read() as c:
            return pages.event(c, self.names, epoch, sequence)

    def chain(self) -> list[Document]:
        """Follow the pages from the first to the last."""
        found = [self.page(self.root()["first"]).document]
        while "next" in found[-1]:
            found.append(self.page(found[-1]["next"]).document)
        return found

    def events(self) -> list[Document]:
        """Read all events in the order of the pages."""
        return [item for page in self.chain() for item in page["orderedItems"]]

    def do(self, what: Any) -> Any:
        """Call a function with a connection that may write."""
        with self.journal.write() as c:
            return what(c)

    def bytes(self) -> bytes:
        """Return all text that the log's tables hold."""

        def read(c: Connection) -> bytes:
            return json.dumps([list(map(str, row)) for row in c.exec_driver_sql("SELECT * FROM event")], ensure_ascii=False).encode()

        return bytes(self.do(read))


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """An empty log in a real journal."""
    opened = Feed(tmp_path / "journal.sqlite")
    yield opened
    opened.journal.close()


@pytest.fixture(scope="session")
def feed_at() -> type[Feed]:
    """Opens a log elsewhere, for tests that make many."""
    return Feed


class Directory(Feed):
    """The journal of an invented node with records of several sources and the groups combined from them."""

    def source(self, name: str, trust: str = "auto") -> None:
        """Add a peer."""
        values = {
            "name": name,
            "trust": trust,
            "every_s": 0,
            "enabled": True,
            "keep_contacts": False,
            "state": "ok",
            "failures": 0,
            "created_at": now(),
        }
        self.do(lambda c: c.execute(insert(tables.source).values(values)))

    def state_many(self, source: str, documents: dict[str, Document], state: str = "live") -> None:
        """Write a source's records as they are."""
        source_id = self.do(lambda c: c.execute(select(tables.source.c.id).where(tables.source.c.name == source)).scalar_one())
        common = {
            "source_id": source_id,
            "content_hash": "",
            "state": state,
            "version": 1,
            "created_at": now(),
            "modified_at": now(),
            "seen_at": now(),
        }
        rows = [common | {"key": key, "iri": document["id"], "document": json.dumps(document), "missed": 0} for key, document in documents.items()]
        self.do(lambda c: c.execute(insert(tables.record), rows))

    def combine_many(self, documents: dict[str, Document]) -> None:
        """Write combined groups as they are, by slug."""
        self.do(lambda c: self._combine(c, documents))

    def _combine(self, c: Connection, documents: dict[str, Document]) -> None:
        first = (c.execute(select(func.max(tables.identity.c.id))).scalar() or 0) + 1
        numbered = list(enumerate(documents.items(), first))
        c.execute(insert(tables.identity), [{"id": number, "slug": slug, "state": "live", "created_at": now()} for number, (slug, _) in numbered])
        common = {"origins": "{}", "content_hash": "", "modified_at": now()}
        rows = [common | {"identity_id": number, "document": json.dumps(d), "name": slug, "sort_name": slug} for number, (slug, d) in numbered]
        c.execute(insert(tables.group), rows)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """An empty directory in a real journal."""
    opened = Directory(tmp_path / "directory.sqlite")
    yield opened
    opened.journal.close()
