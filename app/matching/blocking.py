"""Which records are to be compared, however many there are: the table of keys, and its join with itself, in a private DuckDB database.

Memory stays within a limit; what is more goes to the folder it is given, which its owner removes.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb

MEMORY: Final = "384MB"
"""What of it is held in memory at most."""

SLICE: Final = 100_000
"""Records that are joined with all others at once."""

AT_ONCE: Final = 2000
"""Records whose neighbours are handed out together."""

_TABLES: Final = "create table posting (id bigint, key bigint); create table place (id bigint, rank bigint)"
_READ: Final = "insert into {table} select * from read_csv('{file}', header = false, columns = {{'one': 'bigint', 'other': 'bigint'}})"
_FULL: Final = "select key from posting group by key having count(*) > ?"
_UNDER: Final = "select distinct id from posting where key in (select one from wanted) order by id"
_RANKED: Final = "create or replace table ranked as select rank, id, key from posting join place using (id) order by rank"
_NEIGHBOURS: Final = """
with mine as (select * from ranked where rank >= $begin and rank < $end),
near as (
  select mine.rank as rank, mine.id as id, theirs.id as other
  from mine join ranked as theirs on theirs.key = mine.key and theirs.rank < mine.rank
  group by all having count(*) > 1 or max(mine.key & 1) = 1
)
select id, list(other order by other) from near group by rank, id order by rank
"""


class Blocks:
    """The keys of one run; to be closed before its folder is removed."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._folder = folder
        self._places: list[int] = []
        self._c = duckdb.connect(
            folder / "keys.duckdb", config={"threads": threads, "memory_limit": MEMORY, "temp_directory": str(folder / "spilled")}
        )
        self._c.execute(_TABLES)

    def close(self) -> None:
        """Let go of the database."""
        self._c.close()

    def read(self, files: Iterable[Path]) -> None:
        """File records under keys: lines of ``record,key``; the files are removed."""
        for file in files:
            self._read(file, "posting")

    def unfile(self, ids: Iterable[int]) -> None:
        """Forget the keys of these records."""
        self._wanted(ids)
        self._c.execute("delete from posting where id in (select one from wanted)")

    def shared_by_more_than(self, most: int) -> frozenset[int]:
        """Return the keys that more records share."""
        return frozenset(key for (key,) in self._rows(_FULL, [most]))

    def under(self, keys: Collection[int]) -> list[int]:
        """Return the records under any of these keys, in order."""
        self._wanted(keys)
        return [record_id for (record_id,) in self._rows(_UNDER)]

    def postings(self) -> Iterator[list[tuple[int, int]]]:
        """Yield keys with their records, in order."""
        rows = self._c.execute("select key, id from posting order by key, id")
        while part := rows.fetchmany(AT_ONCE):
            yield part

    def neighbours(self, order: Iterable[int]) -> Iterator[dict[int, list[int]]]:
        """Yield for each record those before it in `order` that it is to be compared with; the same rule as `filing.neighbours`."""
        ids = [*order]
        self._c.execute("delete from place")
        self._read(self._written((record_id, rank) for rank, record_id in enumerate(ids)), "place")
        self._c.execute(_RANKED)
        for begin in range(0, len(ids), SLICE):
            found = self._rows(_NEIGHBOURS, {"begin": begin, "end": begin + SLICE})
            ahead = next(found, None)
            for start in range(begin, min(begin + SLICE, len(ids)), AT_ONCE):
                nearby: dict[int, list[int]] = {record_id: [] for record_id in ids[start : min(start + AT_ONCE, begin + SLICE)]}
                while ahead is not None and ahead[0] in nearby:
                    nearby[ahead[0]] = ahead[1]
                    ahead = next(found, None)
                yield nearby

    def keep(self, ids: Iterable[int]) -> None:
        """Forget the keys of all other records."""
        self._wanted(ids)
        self._c.execute("delete from posting where id not in (select one from wanted)")

    def _wanted(self, numbers: Iterable[int]) -> None:
        """Note which numbers a question is about."""
        self._c.execute("create or replace table wanted (one bigint, other bigint)")
        self._read(self._written((number, 0) for number in numbers), "wanted")

    def _written(self, rows: Iterable[tuple[int, int]]) -> Path:
        """Write rows to a file: DuckDB reads one much faster than it takes values."""
        return written(self._folder / "rows.csv", rows)

    def _read(self, file: Path, table: str) -> None:
        """Add a file's lines to a table, and remove it."""
        if file.stat().st_size:
            self._c.execute(_READ.format(table=table, file=file))
        file.unlink()

    def _rows(self, question: str, values: object = None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of an answer."""
        cursor = self._c.execute(question, values)
        while part := cursor.fetchmany(AT_ONCE):
            yield from part


def written(file: Path, rows: Iterable[tuple[int, int]]) -> Path:
    """Write pairs of numbers as lines."""
    pending = iter(rows)
    with file.open("w", encoding="ascii") as lines:
        while part := [*islice(pending, AT_ONCE)]:
            lines.write("".join([f"{one},{other}\n" for one, other in part]))
    return file
