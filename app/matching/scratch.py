"""What a full run notes down while it thinks: normal forms, keys and pairs of all records, on disk where they are many.

A private database without a name, gone when it is closed: memory stays the same however many records there are.
"""

import json
import marshal
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from app.matching.features import Features

MEMORY_KB: Final = 32_768
"""What of it is held in memory at most."""

AT_ONCE: Final = 2000
"""Rows that are taken from it together."""

Mark: TypeAlias = tuple[int, str | None]
"""The version and the contacts that a normal form was made from."""

EdgeRow: TypeAlias = tuple[int, int, float, str, str]

_TABLES: Final = """
create table record (id integer primary key, reference text, place text, version integer, contacts text, changed text, form blob);
create table posting (id integer, key integer, primary key (id, key)) without rowid;
create table pair (one integer, other integer, score real, reasons text, state text);
"""
_ALL: Final = "select id, reference, form from record"
_SOME: Final = "select id, reference, form from record where id in (select value from json_each(?))"
_NEIGHBOURS: Final = """
select mine.id, theirs.id
from json_each(?) as asked join posting as mine on mine.id = asked.value join posting as theirs on theirs.key = mine.key and theirs.id < mine.id
group by mine.id, theirs.id having count(*) > 1 or max(mine.key & 1) = 1
"""
_OUTDATED: Final = (
    "delete from record where id not in (select id from standing)",
    "delete from posting where id not in (select id from standing)",
    "delete from pair where one not in (select id from standing) or other not in (select id from standing)",
)


class Note(NamedTuple):
    """One record; `changed` is its normal form as JSON when it differs from the one kept."""

    id: int
    reference: str
    mark: Mark
    changed: str | None
    form: Features


class Scratch:
    """The notes of one run; to be closed, by the thread that opened it."""

    def __init__(self) -> None:
        self._c = sqlite3.connect("", isolation_level=None)
        self._c.executescript(f"pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -{MEMORY_KB};{_TABLES}begin")

    def close(self) -> None:
        """Forget everything."""
        self._c.close()

    def add(self, notes: Iterable[Note]) -> None:
        """Note records down."""
        rows = ((one.id, one.reference, _place(one.form), *one.mark, one.changed, marshal.dumps(one.form.values())) for one in notes)
        self._c.executemany("insert into record values (?, ?, ?, ?, ?, ?, ?)", rows)

    def forms(self, ids: Collection[int] | None = None) -> Iterator[tuple[int, str, Features]]:
        """Yield id, reference and normal form of these records, or of all."""
        rows = self._c.execute(_ALL) if ids is None else self._c.execute(_SOME, (_json(ids),))
        for record_id, reference, form in rows:
            yield record_id, reference, Features(*marshal.loads(form))  # noqa: S302 - written a moment ago, by this very object

    def file(self, filed: Iterable[tuple[int, Iterable[int]]]) -> None:
        """File records under their keys, the most by far the first time: what finds them by key is made after that."""
        self._c.executemany("insert into posting values (?, ?)", ((record_id, key) for record_id, keys in filed for key in sorted(keys)))
        self._c.execute("create index if not exists by_key on posting (key)")

    def unfile(self, ids: Collection[int]) -> None:
        """Forget the keys of these records."""
        self._c.execute("delete from posting where id in (select value from json_each(?))", (_json(ids),))

    def shared_by_more_than(self, most: int) -> frozenset[int]:
        """Return the keys that more records share."""
        return frozenset(row[0] for row in self._c.execute("select key from posting group by key having count(*) > ?", (most,)))

    def under(self, keys: Collection[int]) -> list[int]:
        """Return the records under any of these keys, in order."""
        question = "select distinct id from posting where key in (select value from json_each(?)) order by id"
        return [row[0] for row in self._c.execute(question, (_json(keys),))]

    def neighbours(self) -> Iterator[dict[int, list[int]]]:
        """Yield for each record those before it that it is to be compared with, place by place; the same rule as `filing.neighbours`."""
        ids = (row[0] for row in self._c.execute("select id from record order by place, id"))
        while asked := list(islice(ids, AT_ONCE)):
            found: dict[int, list[int]] = {record_id: [] for record_id in asked}
            for mine, theirs in self._c.execute(_NEIGHBOURS, (_json(asked),)):
                found[mine].append(theirs)
            yield found

    def add_pairs(self, rows: Iterable[EdgeRow]) -> None:
        """Note scored pairs down."""
        self._c.executemany("insert into pair values (?, ?, ?, ?, ?)", rows)

    def keep(self, standing: Iterable[tuple[int, Mark]]) -> list[int]:
        """Keep what was noted of the records that stand as they were, forget the rest; return those that stand otherwise, or are new."""
        self._c.execute("create table standing (id integer primary key, version integer, contacts text)")
        self._c.executemany("insert into standing values (?, ?, ?)", ((record_id, *mark) for record_id, mark in standing))
        others = "select id from standing left join record using (id) where record.id is null or standing.version <> record.version"
        others = f"{others} or standing.contacts is not record.contacts"
        found = [row[0] for row in self._c.execute(others)]
        self._c.execute("delete from standing where id in (select value from json_each(?))", (_json(found),))
        for statement in _OUTDATED:
            self._c.execute(statement)
        return found

    def marks(self) -> Iterator[tuple[int, Mark]]:
        """Yield the marks of the records."""
        yield from ((record_id, (version, contacts)) for record_id, version, contacts in self._c.execute("select id, version, contacts from record"))

    def changed(self) -> Iterator[list[tuple[int, str]]]:
        """Yield the normal forms that differ from those kept, as JSON."""
        yield from self._parts("select id, changed from record where changed is not null order by id")

    def postings(self) -> Iterator[list[tuple[int, int]]]:
        """Yield keys with their records, in order."""
        yield from self._parts("select key, id from posting order by key, id")

    def pairs(self) -> Iterator[list[EdgeRow]]:
        """Yield the scored pairs, in order."""
        yield from self._parts("select one, other, score, reasons, state from pair order by one, other")

    def _parts(self, question: str) -> Iterator[list[Any]]:
        """Yield the rows of an answer, some at a time."""
        rows = self._c.execute(question)
        while part := rows.fetchmany(AT_ONCE):
            yield part


def _place(form: Features) -> str:
    """Return what near records have in common, so that those compared with each other come close to each other."""
    return f"{form.postcode}|{form.city}|{form.core[0] if form.core else ''}"


def _json(numbers: Iterable[int]) -> str:
    """Return numbers as a question takes them."""
    return json.dumps([*numbers])
