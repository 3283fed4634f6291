"""Everything counted and scored anew: thought out while others go on writing, then put in the place of what was kept.

The thinking takes a minute for a hundred thousand records and only reads; what it found is written in one go, and the groups follow from it
a bounded transaction at a time, like those of any record that changed.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from app.journal import meta
from app.matching import filing, statistics
from app.matching.features import Features
from app.matching.filing import EdgeRow, Mark
from app.matching.keys import filled
from app.matching.score import Score, Subject, promising
from app.matching.statistics import Statistics

BATCH: Final = 2000
"""Records that are compared before progress is told."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a full run found of the records there were: their marks, normal forms where they differ from those kept, keys and scored pairs."""

    statistics: Statistics
    subjects: Mapping[int, Subject]
    marks: Mapping[int, Mark]
    texts: Mapping[int, str]
    keys: Mapping[int, set[int]]
    edges: list[EdgeRow]


def think(c: Connection, progress: Callable[[int], None] | None = None) -> Renewal:
    """Count the words anew and score every pair again; nothing is written. `progress` is told how many more records were compared."""
    marks: dict[int, Mark] = {}
    texts: dict[int, str] = {}
    filed = dict(_normal_forms(c, marks, texts))
    current, keys = filled(filed, statistics.gathered(found for _, found in filed.values()))
    subjects = {record_id: Subject(found, current, reference) for record_id, (reference, found) in filed.items()}
    edges: list[EdgeRow] = []
    for nearby in _all_neighbours(keys):
        edges += filing.edge_rows(compared(subjects, nearby, current))
        if progress:
            progress(len(nearby))
    return Renewal(current, subjects, marks, texts, keys, edges)


def install(c: Connection, found: Renewal) -> dict[int, Mark]:
    """Put statistics, normal forms, keys and pairs in the place of those kept; return the marks of the records that they are of.

    Records that came, changed or went since are left without: whoever settles them files them as they are.
    """
    standing = filing.marks(c)
    same = {record_id: mark for record_id, mark in found.marks.items() if standing.get(record_id) == mark}
    statistics.save(c, found.statistics)
    filing.clear(c)
    filing.save_features(c, dict.fromkeys(standing.keys() - same.keys(), "") | {one: text for one, text in found.texts.items() if one in same})
    filing.empty_others(c)
    filing.save_keys(c, {record_id: keys for record_id, keys in found.keys.items() if record_id in same})
    filing.add_edges(c, [edge for edge in found.edges if edge[0] in same and edge[1] in same])
    return same


def compared(subjects: Mapping[int, Subject], nearby: Mapping[int, list[int]], current: Statistics) -> dict[tuple[int, int], Score]:
    """Score pairs, and return those that reach REVIEW."""
    found: dict[tuple[int, int], Score] = {}
    for left, others in nearby.items():
        mine = subjects[left]
        for right in others:
            scored = promising(mine, subjects[right], current)
            if scored is not None:
                found[min(left, right), max(left, right)] = scored
    return found


@contextmanager
def no_collection() -> Iterator[None]:
    """Pause the search for cycles: a full run makes millions of objects that all live to its end, which costs a sixth of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _normal_forms(c: Connection, marks: dict[int, Mark], texts: dict[int, str]) -> Iterator[tuple[int, tuple[str, Features]]]:
    """Yield reference and normal form of every live record; note its mark, and its text when it differs from the one kept."""
    secret = meta.secret(c)
    for row in filing.filed(c, filing.live_ids(c)):
        found = row.normal_form(secret)
        marks[row.id] = row.mark
        text = found.as_json()
        if text != row.features:
            texts[row.id] = text
        yield row.id, (row.reference, found)


def _all_neighbours(filed_under: Mapping[int, Iterable[int]]) -> Iterator[dict[int, list[int]]]:
    """Yield for each record those before it that it is to be compared with, in batches; the same rule as `filing.neighbours`."""
    filed: dict[int, list[int]] = {}
    batch: dict[int, list[int]] = {}
    for record_id, found in filed_under.items():
        enough: set[int] = set()
        once: set[int] = set()
        for key in found:
            others = filed.setdefault(key, [])
            enough.update(others if key & 1 else once.intersection(others))
            if not key & 1:
                once.update(others)
            others.append(record_id)
        batch[record_id] = [*enough]
        if len(batch) >= BATCH:
            yield batch
            batch = {}
    yield batch
