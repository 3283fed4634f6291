"""What a test does to a directory: say, withdraw, judge, combine; and what it then asks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from app.journal import Journal, identities, pending, records, sources
from app.journal.tables import group
from app.matching.combine import Matcher
from app.matching.judge import judge
from app.names import Names
from tests.matching.gold import partition

NAMES = Names("http://127.0.0.1:8000")


@dataclass
class Desk:
    """One directory; after every act its groups are up to date."""

    journal: Journal
    matcher: Matcher = field(default_factory=lambda: Matcher(NAMES))

    def say(self, reference: str, document: Mapping[str, Any], contacts: Mapping[str, Any] | None = None) -> set[int]:
        """A source says something of one of its records; return the identities written."""
        with self.journal.write() as c:
            return self.settle(c, put(c, reference, document, contacts))

    def withdraw(self, reference: str) -> set[int]:
        """A source takes a record back."""
        with self.journal.write() as c:
            record_id = identify(c, reference)
            records.withdraw(c, record_id, "test")
            return self.settle(c, record_id)

    def judge(self, left: str, right: str, verdict: str, author: str = "test") -> int:
        """A person judges two references."""
        with self.journal.write() as c:
            number = judge(c, NAMES, graph(left), graph(right), verdict, None, author)
            self.settle(c)
        return number

    def settle(self, c: Connection, *record_ids: int) -> set[int]:
        """Combine what waits."""
        waiting = pending.first(c)
        written = self.matcher.combine(c, [*record_ids, *waiting])
        pending.remove(c, waiting)
        return written

    def groups(self) -> set[frozenset[str]]:
        """Return the groups as sets of references."""
        with self.journal.read() as c:
            found = partition(c)
        return {frozenset(one for one, identity in found.items() if identity == wanted) for wanted in found.values()}

    def slug(self, reference: str) -> str:
        """Return the slug of the group that a record is part of."""
        with self.journal.read() as c:
            line = identities.by_id(c, partition(c)[reference])
        assert line is not None
        return line.slug

    def line(self, slug: str) -> identities.Identity:
        """Return the line of the ledger that bears this slug."""
        with self.journal.read() as c:
            found = identities.exact(c, slug)
        assert found is not None
        return found

    def document(self, slug: str) -> dict[str, Any]:
        """Return the fused document of a group."""
        return self._group(slug, "document")

    def origins(self, slug: str) -> dict[str, Any]:
        """Return the origins of a group's values."""
        return self._group(slug, "origins")

    def _group(self, slug: str, column: str) -> dict[str, Any]:
        with self.journal.read() as c:
            found: dict[str, Any] = json.loads(c.execute(select(group.c[column]).where(group.c.identity_id == self.line(slug).id)).scalar_one())
        return found


def put(c: Connection, reference: str, document: Mapping[str, Any], contacts: Mapping[str, Any] | None = None) -> int:
    """Keep a statement, its source being added when it is new; return the record's id."""
    name, _, key = reference.partition("/")
    known = {one.name for one in sources.list_(c)}
    origin = sources.get(c, name) if name in known else sources.add(c, name, url=f"https://{name}.example/", format="jsonld")
    iri = NAMES.group(key) if name == "own" else graph(reference)
    return records.put(c, origin.id, key, iri, {"id": iri, **document}, f"sha-256:{json.dumps(document)}", "test", contacts=contacts)[0]


def identify(c: Connection, reference: str) -> int:
    """Return the id of a record."""
    found = records.get(c, *reference.split("/", 1))
    assert found is not None
    return found.id


def graph(reference: str) -> str:
    """Return the graph of a record."""
    return NAMES.record(*reference.split("/", 1))
