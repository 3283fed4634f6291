"""What a full run notes down while it thinks: normal forms, keys and pairs of all records, on disk where they are many.

A private folder, removed when it is closed: memory stays the same however many records there are.
"""

import fcntl
import json
import marshal
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Final, NamedTuple, TypeAlias

from app.matching.blocking import AT_ONCE, Blocks
from app.matching.features import Features

MEMORY_KB: Final = 32_768
"""What of it is held in memory at most."""

PREFIX: Final = "maillage-matching-"
HELD: Final = "held"
"""A file in each run's folder that the run has locked."""

Mark: TypeAlias = tuple[int, str | None]
"""The version and the contacts that a normal form was made from."""

EdgeRow: TypeAlias = tuple[int, int, float, str, str]

_TABLES: Final = """
create table record (id integer primary key, reference text, place text, version integer, contacts text, changed text, form blob);
create temp table pair (one integer, other integer, score real, reasons text, state text);
"""
_SOME: Final = "select id, reference, form from record where id in (select value from json_each(?))"
_OUTDATED: Final = (
    "delete from record where id not in (select id from standing)",
    "delete from pair where one not in (select id from standing) or other not in (select id from standing)",
)


class Note(NamedTuple):
    """One record; `changed` is its normal form as JSON when it differs from the one kept."""

    id: int
    reference: str
    mark: Mark
    changed: str | None
    form: Features


class Forms:
    """The normal forms that a run noted, in `folder`; to be closed, by the thread that opened it."""

    def __init__(self, folder: Path) -> None:
        self._c = sqlite3.connect(folder / "notes.sqlite", isolation_level=None)
        self._c.execute(f"pragma cache_size = -{MEMORY_KB}")

    def close(self) -> None:
        """Let go of them."""
        self._c.close()

    def some(self, ids: Collection[int]) -> Iterator[tuple[int, str, Features]]:
        """Yield id, reference and normal form of these records."""
        for record_id, reference, form in self._c.execute(_SOME, (_json(ids),)):
            yield record_id, reference, Features(*marshal.loads(form))  # noqa: S302 - written a moment ago, by the same run


def sweep() -> None:
    """Remove what runs left that were killed: whoever still runs holds a lock, which the system lets go of however he ends."""
    for held in Path(gettempdir()).glob(f"{PREFIX}*/{HELD}"):
        with suppress(OSError):
            if held.parent.stat().st_uid == os.getuid():
                with held.open("a") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(held.parent, ignore_errors=True)


class Scratch(Forms):
    """The notes of one run, with its table of keys; to be closed, by the thread that opened it."""

    def __init__(self, threads: int = 1) -> None:
        sweep()
        self._private = TemporaryDirectory(prefix=PREFIX)
        self.folder = Path(self._private.name)
        self._held = (self.folder / HELD).open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        super().__init__(self.folder)
        self._c.executescript(f"pragma journal_mode = off; pragma synchronous = off; {_TABLES}")
        self.blocks = Blocks(self.folder, threads)

    def close(self) -> None:
        """Forget everything."""
        self.blocks.close()
        super().close()
        self._private.cleanup()
        self._held.close()

    def add(self, notes: Iterable[Note]) -> None:
        """Note records down."""
        rows = ((one.id, one.reference, _place(one.form), *one.mark, one.changed, marshal.dumps((*one.form,))) for one in notes)
        self._many("insert into record values (?, ?, ?, ?, ?, ?, ?)", rows)

    def ids(self) -> list[int]:
        """Return the records, those of a place beside each other: those compared with each other are then close to each other."""
        return [row[0] for row in self._c.execute("select id from record order by place, id")]

    def add_pairs(self, rows: Iterable[EdgeRow]) -> None:
        """Note scored pairs down."""
        self._many("insert into pair values (?, ?, ?, ?, ?)", rows)

    def keep(self, standing: Iterable[tuple[int, Mark]]) -> list[int]:
        """Keep what was noted of the records that stand as they were, forget the rest; return those that stand otherwise, or are new."""
        self._c.execute("create temp table standing (id integer primary key, version integer, contacts text)")
        self._many("insert into standing values (?, ?, ?)", ((record_id, *mark) for record_id, mark in standing))
        others = "select id from standing left join record using (id) where record.id is null or standing.version <> record.version"
        others = f"{others} or standing.contacts is not record.contacts"
        found = [row[0] for row in self._c.execute(others)]
        self._c.execute("delete from standing where id in (select value from json_each(?))", (_json(found),))
        for statement in _OUTDATED:
            self._c.execute(statement)
        self.blocks.keep(row[0] for row in self._c.execute("select id from standing"))
        return found

    def marks(self) -> Iterator[tuple[int, Mark]]:
        """Yield the marks of the records."""
        yield from ((record_id, (version, contacts)) for record_id, version, contacts in self._c.execute("select id, version, contacts from record"))

    def changed(self) -> Iterator[list[tuple[int, str]]]:
        """Yield the normal forms that differ from those kept, as JSON."""
        yield from self._parts("select id, changed from record where changed is not null order by id")

    def pairs(self) -> Iterator[list[EdgeRow]]:
        """Yield the scored pairs, in order."""
        yield from self._parts("select one, other, score, reasons, state from pair order by one, other")

    def _many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows in one go."""
        self._c.execute("begin")
        self._c.executemany(statement, rows)
        self._c.execute("commit")

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
