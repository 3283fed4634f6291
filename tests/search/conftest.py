"""What the tests of the search share: a journal into which combined groups are written as the matching writes them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select

from app.journal import Journal, changes, now
from app.journal.tables import group, identity, member, record, source
from app.search import index
from app.search.ask import Search, Selection

Document = dict[str, Any]


class Groups:
    """Writes invented groups into a journal; each call of `add` and `remove` is one transaction."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path / "journal.sqlite")
        self.search = Search(self.journal)
        self.documents: dict[str, Document] = {}

    def add(self, slug: str, name: str = "", sources: tuple[str, ...] = ("own",), modified_at: str | None = None, **more: Any) -> None:
        """Write a group, or write it anew."""
        self.add_many([{"slug": slug, "name": {"fr": name or slug}, "sources": sources, "modified_at": modified_at} | more])

    def add_many(self, groups: list[Document]) -> None:
        """Write many groups in one transaction."""
        with self.journal.write() as c:
            known = {name: source_id for source_id, name in c.execute(select(source.c.id, source.c.name))}
            ids = [self._write(c, dict(one), known) for one in groups]
            index.refresh(c, ids)
            changes.note(c, "group", [one["slug"] for one in groups])

    def _write(self, c: Connection, document: Document, known: dict[str, int]) -> int:
        slug, sources = document.pop("slug"), document.pop("sources", ("own",))
        at = document.pop("modified_at", None) or now()
        identity_id = c.execute(select(identity.c.id).where(identity.c.slug == slug)).scalar()
        if identity_id is None:
            identity_id = c.execute(insert(identity).values(slug=slug, state="live", created_at=at)).lastrowid
        self._erase(c, identity_id)
        for name in sources:
            if name not in known:
                known[name] = _source(c, name)
            made = c.execute(insert(record).values(_record(known[name], f"{slug}-{name}", at))).lastrowid
            c.execute(insert(member).values(record_id=made, identity_id=identity_id))
        place = (document.get("location") or [{}])[0]
        columns = {"latitude": place.get("latitude"), "longitude": place.get("longitude"), "modified_at": at}
        columns = {key: float(value) if key != "modified_at" and value is not None else value for key, value in columns.items()}
        name = document["name"]["fr"]
        row = {
            "identity_id": identity_id,
            "document": json.dumps(document),
            "origins": "{}",
            "content_hash": "",
            "name": name,
            "sort_name": name.casefold(),
        }
        c.execute(insert(group).values(row | columns))
        self.documents[slug] = document | {"sources": sources, "modified_at": at}
        return int(identity_id)

    def _erase(self, c: Connection, identity_id: int) -> None:
        c.execute(delete(record).where(record.c.id.in_(select(member.c.record_id).where(member.c.identity_id == identity_id))))
        c.execute(delete(group).where(group.c.identity_id == identity_id))

    def remove(self, slug: str) -> None:
        """Take a group away."""
        with self.journal.write() as c:
            identity_id = c.execute(select(identity.c.id).where(identity.c.slug == slug)).scalar_one()
            self._erase(c, identity_id)
            index.refresh(c, [identity_id])
            changes.note(c, "group", [slug])
        self.documents.pop(slug, None)

    def found(self, *query: tuple[str, str]) -> list[str]:
        """Return the slugs of one page."""
        return [row.slug for row in self.search.find(self.selection(*query)).groups]

    def selection(self, *query: tuple[str, str]) -> Selection:
        return Selection.from_query(query, default_limit=1000)

    def count(self, table: str) -> int:
        """Return the number of rows of a side table."""
        with self.journal.read() as c:
            return int(c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def close(self) -> None:
        self.journal.close()


def _source(c: Connection, name: str) -> int:
    values = {"name": name, "trust": "auto", "every_s": 0, "enabled": True, "keep_contacts": False, "state": "ok", "failures": 0, "created_at": now()}
    return int(c.execute(insert(source).values(values)).lastrowid)


def _record(source_id: int, key: str, at: str) -> Document:
    written = {
        "source_id": source_id,
        "key": key,
        "iri": f"https://a.example/{key}",
        "document": "{}",
        "content_hash": "",
        "state": "live",
        "version": 1,
    }
    return written | {"created_at": at, "modified_at": at, "seen_at": at, "missed": 0}


@pytest.fixture
def groups(tmp_path: Path) -> Iterator[Groups]:
    """An empty directory in a real journal."""
    opened = Groups(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def groups_at() -> type[Groups]:
    """Opens a directory elsewhere, for tests that make many."""
    return Groups
