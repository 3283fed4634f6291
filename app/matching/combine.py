"""Keeps the combined directory true to the records: only what changed, and whom it resembles, is looked at again.

A changed record is filed anew and compared with those that share its keys; the groups it touches are rebuilt, no other.
With the same statistics and identities this gives what a full run gives, in whatever order records arrived.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, delete

from app.journal import meta
from app.journal.tables import pending
from app.journal.text import from_text
from app.matching import filing, groups, statistics
from app.matching.features import Features
from app.matching.filing import Filed
from app.matching.keys import filled, keys
from app.matching.linking import closure
from app.matching.normalise import features
from app.matching.score import Score, Subject, promising
from app.matching.statistics import Statistics
from app.names import Names

CROWD: Final = 1000
"""A record to be compared with more than this calls for new statistics: keys have filled up since the last ones."""

BATCH: Final = 2000
"""Records whose groups a full run rebuilds at once."""


class Matcher:
    """Matches the records of one node; the frozen statistics are read once and kept until another run replaces them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._statistics = Statistics()

    def combine(self, c: Connection, record_ids: Collection[int]) -> set[int]:
        """Bring the groups of these records up to date; return the identities whose group was written or removed.

        When the directory has grown or shrunk by more than a fifth (and by more than 20 records) since the statistics were
        counted, or a key has filled up, everything is matched anew with new ones first.
        """
        current = self._current(c)
        if current.outgrown(filing.roughly(c)) and current.outgrown(len(filing.live_ids(c))):
            return self.combine_all(c)
        touched = set(record_ids)
        renewed = _refile(c, touched, current)
        nearby = filing.neighbours(c, renewed)
        if max(map(len, nearby.values()), default=0) > CROWD:
            return self.combine_all(c)
        filing.save_edges(c, _compared(_loaded(c, renewed, nearby, current), nearby, current))
        return groups.rebuild(c, self._names, closure(c, touched), current)

    def combine_all(self, c: Connection, progress: Callable[[int], None] | None = None) -> set[int]:
        """Count the words anew, score every pair again and rebuild all groups; return the identities written or removed.

        `progress` is told how many more records were compared. Nothing is pending afterwards.
        """
        with _no_collection():
            return self._match_all(c, progress)

    def _match_all(self, c: Connection, progress: Callable[[int], None] | None) -> set[int]:
        """Do what `combine_all` promises."""
        filed = _normal_forms(c)
        current, filed_under = filled(filed, statistics.gathered(found for _, found in filed.values()))
        statistics.save(c, current)
        filing.clear(c)
        filing.save_keys(c, filed_under)
        subjects = {record_id: Subject(found, current, reference) for record_id, (reference, found) in filed.items()}
        for nearby in _all_neighbours(filed_under):
            filing.save_edges(c, _compared(subjects, nearby, current))
            if progress:
                progress(len(nearby))
        self._statistics = current
        written = groups.rebuild_all(c, self._names, subjects, current, BATCH)
        c.execute(delete(pending))
        return written

    def _current(self, c: Connection) -> Statistics:
        """Return the statistics that hold in this transaction."""
        if self._statistics.version != statistics.version(c):
            self._statistics = statistics.load(c)
        return self._statistics


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the search for cycles: a full run makes millions of objects that all live to its end, which costs a sixth of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _refile(c: Connection, record_ids: Iterable[int], current: Statistics) -> set[int]:
    """File records whose normal form changed under their new keys, take those that went out; return the former."""
    secret = meta.secret(c)
    texts: dict[int, str] = {}
    filed_under: dict[int, set[int]] = {}
    gone: list[int] = []
    for row in filing.filed(c, record_ids):
        if row.state != filing.LIVE:
            gone.append(row.id)
            texts.update({row.id: ""} if row.features else {})
            continue
        found = _normal_form(row, secret)
        text = found.as_json()
        if text != row.features:
            texts[row.id] = text
            filed_under[row.id] = keys(found, row.reference, current)
    filing.unfile(c, [*gone, *filed_under])
    filing.save_features(c, texts)
    filing.save_keys(c, filed_under)
    return {*filed_under}


def _normal_form(row: Filed, secret: bytes) -> Features:
    """Return the normal form of one record."""
    return features(from_text(row.document), row.contacts, secret)


def _normal_forms(c: Connection) -> dict[int, tuple[str, Features]]:
    """Compute and keep the normal form of every live record, and take the others out."""
    secret = meta.secret(c)
    filed: dict[int, tuple[str, Features]] = {}
    texts: dict[int, str] = {}
    for row in filing.filed(c, filing.live_ids(c)):
        found = _normal_form(row, secret)
        filed[row.id] = row.reference, found
        text = found.as_json()
        if text != row.features:
            texts[row.id] = text
        if len(texts) >= BATCH:
            filing.save_features(c, texts)
            texts.clear()
    filing.save_features(c, texts)
    filing.empty_others(c)
    return filed


def _loaded(c: Connection, renewed: Iterable[int], nearby: Mapping[int, list[int]], current: Statistics) -> dict[int, Subject]:
    """Return the records to be compared, ready for it."""
    wanted = {*renewed}.union(*nearby.values())
    return {record_id: Subject(found, current, reference) for record_id, reference, found in filing.subjects(c, wanted)}


def _compared(subjects: Mapping[int, Subject], nearby: Mapping[int, list[int]], current: Statistics) -> dict[tuple[int, int], Score]:
    """Score pairs, and return those that reach REVIEW."""
    found: dict[tuple[int, int], Score] = {}
    for left, others in nearby.items():
        mine = subjects[left]
        for right in others:
            scored = promising(mine, subjects[right], current)
            if scored is not None:
                found[min(left, right), max(left, right)] = scored
    return found


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
