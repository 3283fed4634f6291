"""How many groups and records there are, by source and by concept: followed from the journal's side tables, a change at a time.

Counting a hundred thousand groups anew takes a tenth of a second and more; following what changed takes a thousandth.
"""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection, Select, select, text

from app.journal import sources
from app.journal.bitmaps import Facets
from app.journal.records import LIVE
from app.journal.sources import Trust
from app.journal.tables import change, record

SOURCE = "source"
"""The facet that holds the sources of each group."""

MANY = 5_000
"""Changed records above which all are read anew."""

AT_ONCE = 500

_LIVE = text(f"SELECT source_id, json_group_array(id) FROM record WHERE state = '{LIVE}' GROUP BY source_id")  # noqa: S608 - our own word


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted: groups in all, by facet and value; and of each source that is shown, in the order of their names."""

    groups: int
    values: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, "OfSource"]

    @property
    def records(self) -> int:
        """The live records of all sources that are shown."""
        return sum(one.records for one in self.sources.values())


@dataclass(frozen=True, slots=True)
class OfSource:
    """The live records of one source, and the groups that they are part of."""

    records: int
    groups: int


class Counting:
    """Keeps what was counted last; any number of threads may ask."""

    def __init__(self) -> None:
        self._facets = Facets()
        self._records = _LiveRecords()
        self._lock = threading.Lock()

    def at(self, c: Connection) -> Figures:
        """Return the figures as the connection's transaction sees them; it must not have read anything before."""
        with self._lock:
            snapshot = self._facets.at(c)
            live = self._records.at(c, snapshot.position)
            shown = [source for source in sources.list_(c) if source.trust != Trust.QUARANTINE]
        values = {facet: {value: len(groups) for value, groups in sets.items()} for facet, sets in snapshot.values.items()}
        of_source = values.get(SOURCE, {})
        return Figures(len(snapshot.everything), values, {one.name: OfSource(len(live.get(one.id, ())), of_source.get(one.name, 0)) for one in shown})


@dataclass(slots=True)
class _LiveRecords:
    """The live records of each source, by the numbers of both, after the change numbered `position`."""

    position: int | None = None
    held: dict[int, BitMap] = field(default_factory=dict)

    def at(self, c: Connection, position: int) -> Mapping[int, BitMap]:
        """Return them as the connection sees them, at `position`."""
        if position != self.position and not self._follow(c):
            self.held = {source_id: BitMap(json.loads(ids)) for source_id, ids in c.execute(_LIVE)}
        self.position = position
        return self.held

    def _follow(self, c: Connection) -> bool:
        """Look at the records that changed since; False when there are too many, or when one is gone without a trace."""
        if self.position is None:
            return False
        since = select(change.c.name).where(change.c.sequence > self.position, change.c.kind == "record").distinct().limit(MANY + 1)
        references = list(c.execute(since).scalars())
        if len(references) > MANY:
            return False
        numbers = {source.name: source.id for source in sources.list_(c)}
        by_source: dict[str, list[str]] = {}
        for reference in references:
            source, _, key = reference.partition("/")
            by_source.setdefault(source, []).append(key)
        return all(source in numbers and self._look(c, numbers[source], keys) for source, keys in by_source.items())

    def _look(self, c: Connection, source_id: int, keys: list[str]) -> bool:
        """Look at these records of a source; False when one is not there any more."""
        found = [row for some in _batches(keys) for row in c.execute(_some(source_id, some))]
        live = BitMap(record_id for record_id, state in found if state == LIVE)
        self.held[source_id] = self.held.get(source_id, BitMap()) - BitMap(record_id for record_id, _ in found) | live
        return len(found) == len(keys)


def _batches(keys: list[str]) -> Iterable[list[str]]:
    """Cut a long list of keys into pieces that one question can name."""
    return (keys[begin : begin + AT_ONCE] for begin in range(0, len(keys), AT_ONCE))


def _some(source_id: int, keys: list[str]) -> Select[Any]:
    """Ask for the states of some records of a source."""
    return select(record.c.id, record.c.state).where(record.c.source_id == source_id, record.c.key.in_(keys))
