"""Everything counted and scored anew: thought out while others go on writing, then put in the place of what was kept.

The thinking takes a minute for a hundred thousand records and only reads; what it found is written in one go, and the groups follow from it
a bounded transaction at a time, like those of any record that changed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from app.journal import meta
from app.matching import adopted, filing, statistics
from app.matching.keys import filled
from app.matching.score import Score, Subject, promising
from app.matching.scratch import Note, Scratch
from app.matching.statistics import Counting, Statistics

AT_HAND: Final = 10_000
"""Records that are held in memory, ready to be compared."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a full run found of the records there were: their marks, normal forms where they differ from those kept, keys and scored pairs."""

    statistics: Statistics
    scratch: Scratch

    def close(self) -> None:
        """Forget it."""
        self.scratch.close()


def think(c: Connection, progress: Callable[[int], None] | None = None) -> Renewal:
    """Count the words anew and score every pair again; nothing is written. `progress` is told how many more records were compared."""
    scratch = Scratch()
    counting = Counting()
    scratch.add(_notes(c, counting))
    current = replace(filled(scratch, counting.counted()), weights=adopted.current(c))
    subjects: dict[int, Subject] = {}
    for nearby in scratch.neighbours():
        _bring(scratch, subjects, {*nearby}.union(*nearby.values()), current)
        scratch.add_pairs(filing.edge_rows(compared(subjects, nearby, current)))
        if progress:
            progress(len(nearby))
    return Renewal(current, scratch)


def install(c: Connection, found: Renewal) -> dict[int, int]:
    """Put statistics, normal forms, keys and pairs in the place of those kept; return the hashed marks of the records that they are of.

    Records that came, changed or went since are left without: whoever settles them files them as they are.
    """
    scratch = found.scratch
    others = scratch.keep(filing.marks(c))
    statistics.save(c, found.statistics)
    filing.clear(c)
    filing.save_features(c, dict.fromkeys(others, ""))
    for texts in scratch.changed():
        filing.save_features(c, dict(texts))
    filing.empty_others(c)
    for keys in scratch.postings():
        filing.save_keys(c, keys)
    for edges in scratch.pairs():
        filing.add_edges(c, edges)
    return {record_id: hash(mark) for record_id, mark in scratch.marks()}


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


def _notes(c: Connection, counting: Counting) -> Iterator[Note]:
    """Yield what is to be noted of every live record, and count it."""
    secret = meta.secret(c)
    for row in filing.filed(c, filing.live_ids(c)):
        form = row.normal_form(secret)
        counting.add(form, row.reference)
        text = form.as_json()
        yield Note(row.id, row.reference, row.mark, text if text != row.features else None, form)


def _bring(scratch: Scratch, subjects: dict[int, Subject], wanted: set[int], current: Statistics) -> None:
    """Have the records that are wanted at hand; when they are too many, those that are not go."""
    if len(subjects) > AT_HAND:
        for record_id in subjects.keys() - wanted:
            del subjects[record_id]
    for record_id, reference, form in scratch.forms(wanted - subjects.keys()):
        subjects[record_id] = Subject(form, current, reference)
