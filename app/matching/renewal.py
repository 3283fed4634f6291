"""Everything counted and scored anew: thought out while others go on writing, then put in the place of what was kept.

The thinking takes a minute for a hundred thousand records and only reads; what it found is written in one go, and the groups follow from it
a bounded transaction at a time, like those of any record that changed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.journal import meta
from app.journal.evidence import outdate
from app.matching import adopted, evidence, filing, statistics
from app.matching.collecting import seldom_collected
from app.matching.engine import engine
from app.matching.score import Subject
from app.matching.scratch import Note, Scratch
from app.matching.statistics import Counting, Statistics


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a full run found of the records there were: their marks, normal forms where they differ from those kept, keys and scored pairs."""

    statistics: Statistics
    scratch: Scratch

    def close(self) -> None:
        """Forget it."""
        self.scratch.close()


def think(c: Connection, progress: Callable[[int], None] | None = None, processes: int = 1) -> Renewal:
    """Count the words anew and score every pair again; nothing is written. `progress` is told how many more records were compared."""
    scratch = Scratch(processes)
    counting = Counting()
    with seldom_collected():
        scratch.add(_notes(c, counting))
        said = evidence.heard(c, None)
        with engine(scratch, replace(counting.counted(), weights=adopted.current(c)), processes) as run:
            for nearby, scores in run.scores():
                scratch.add_pairs(filing.edge_rows({pair: one for pair, one in scores.items() if pair not in said}))
                if progress:
                    progress(len(nearby))
        scratch.add_pairs(filing.edge_rows(evidence.worth(said, _subjects(scratch, said, run.statistics), said, run.statistics)))
    return Renewal(run.statistics, scratch)


def install(c: Connection, found: Renewal) -> dict[int, int]:
    """Put statistics, normal forms, keys and pairs in the place of those kept; return the hashed marks of the records that they are of.

    Records that came, changed or went since are left without: whoever settles them files them as they are.
    """
    scratch = found.scratch
    others = scratch.keep(filing.marks(c))
    outdated = filing.stale(c)
    statistics.save(c, found.statistics)
    filing.clear(c)
    filing.save_features(c, dict.fromkeys(others, ""))
    for texts in scratch.changed():
        filing.save_features(c, dict(texts))
    filing.empty_others(c)
    for keys in scratch.blocks.postings():
        filing.save_keys(c, keys)
    for edges in scratch.pairs():
        filing.add_edges(c, edges)
    outdate(c, outdated)
    return {record_id: hash(mark) for record_id, mark in scratch.marks()}


def _subjects(scratch: Scratch, pairs: Iterable[tuple[int, int]], statistics: Statistics) -> dict[int, Subject]:
    """Return the records of these pairs, ready to be compared."""
    wanted = {one for pair in pairs for one in pair}
    return {record_id: Subject(form, statistics, reference) for record_id, reference, form in scratch.some(wanted)}


def _notes(c: Connection, counting: Counting) -> Iterator[Note]:
    """Yield what is to be noted of every live record, and count it."""
    secret = meta.secret(c)
    for row in filing.filed(c, filing.live_ids(c)):
        form = row.normal_form(secret)
        counting.add(form, row.reference)
        text = form.as_json()
        yield Note(row.id, row.reference, row.mark, text if text != row.features else None, form)
