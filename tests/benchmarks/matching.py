"""`matching`: an invented crowd matched at once, and a journal matched anew with changed records settled, in records a second of one core.

``python -m tests.benchmarks.matching RECORDS [PROCESSES]`` prints the first alone, of 100,000 or a million records.
"""

import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.journal import Journal, pending
from app.journal.tables import record
from app.matching.bulk import Matched, match
from app.matching.features import Features
from app.matching.normalise import features
from app.matching.normalising import normal_forms
from app.node import Node, open_node
from app.settings import Settings
from tests.benchmarks.crowd import crowd
from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import table


@dataclass(frozen=True, slots=True)
class Quality:
    """How true clusters are: shares of pairs, and the records of the biggest cluster that is wrong."""

    block_recall: float
    precision: float
    recall: float
    biggest_wrong: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def run(groups: int = 10_000, times: int = 100) -> str:
    """Match a crowd and a journal, and return the tables."""
    return f"{at_once(2 * groups)}\n\n{kept(groups, times)}"


def at_once(records: int, processes: int = 1) -> str:
    """Match a crowd of so many records without a journal, and return the table; inventing them is not counted."""
    truth: dict[int, str] = {}
    outside = [0.0]
    begun, wall = _spent(), time.perf_counter()
    forms = normal_forms(_told(records, truth, outside), _form, processes)
    found = match(((number, *form) for number, form in enumerate(forms, 1)), processes=processes)  # numbered as the crowd is
    spent, wall = _spent() - begun - outside[0], time.perf_counter() - wall - outside[0]
    measured = quality(found, truth)
    rows = [
        ("normal forms, keys, scores and groups", f"{records / spent:,.0f} records a second and core"),
        ("processor in all; by the clock", f"{spent:.1f} s; {wall:.1f} s"),
        ("memory at most: this process; each of its own", f"{_memory(resource.RUSAGE_SELF)} MB; {_memory(resource.RUSAGE_CHILDREN)} MB"),
        ("pairs compared; block recall", f"{len(found.candidates):,}; {measured.block_recall:.4f}"),
        ("precision; recall; F1", f"{measured.precision:.4f}; {measured.recall:.4f}; {measured.f1:.4f}"),
        ("biggest wrong cluster", f"{measured.biggest_wrong} records"),
    ]
    goals = "goals: 2,500 a second and core, 1 GB and 15 records at 100,000; 10 minutes, 6 GB and block recall .97 at a million"
    return table(f"Matching {records:,} invented records with {processes} process(es) ({goals})", ("what", "measured"), rows)


def quality(found: Matched, truth: dict[int, str]) -> Quality:
    """Compare what was found with the truth."""
    groups: dict[str, list[int]] = {}
    for number, group in truth.items():
        groups.setdefault(group, []).append(number)
    cluster_of = {one: place for place, cluster in enumerate(found.clusters) for one in cluster}
    true = _pairs(map(len, groups.values()))
    near = sum(pair in found.candidates for group in groups.values() for pair in combinations(sorted(group), 2))
    right = _pairs(Counter((cluster_of[one], group) for one, group in truth.items()).values())
    wrong = (len(cluster) for cluster in found.clusters if len({truth[one] for one in cluster}) > 1)
    return Quality(near / max(1, true), right / max(1, _pairs(map(len, found.clusters))), right / max(1, true), max(wrong, default=0))


def _told(records: int, truth: dict[int, str], outside: list[float]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what a crowd tells; note the truth, and how long inventing took."""
    members = crowd(records)
    while True:
        begun = time.process_time()
        member = next(members, None)
        outside[0] += time.process_time() - begun
        if member is None:
            return
        truth[member.id] = member.truth
        yield member.reference, member.document


def _form(told: tuple[str, dict[str, Any]]) -> tuple[str, Features]:
    """Return a reference and a normal form."""
    return told[0], features(told[1], None, b"benchmark")


def _pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def _spent() -> float:
    """Return the processor seconds of this process and of those it started that ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _memory(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def kept(groups: int, times: int) -> str:
    """Match a journal anew, settle changed records, and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        base = "http://node.example"
        count = filled(Path(folder), base, groups)
        node = open_node(Settings(data_dir=Path(folder), base_url=base))
        whole = _cpu(lambda: node.combined.rebuild(node.journal))
        ids = _ids(node.journal)
        some = ids[: len(ids) // 10]
        changed = _cpu(lambda: _settle(node, some)) / len(some)
        alone = sorted(_cpu(lambda one=one: _settle(node, [one])) * 1000 for one in ids[:: max(1, len(ids) // times)])
        node.journal.close()
    rows = [
        ("everything anew, side tables included", f"{count / whole:,.0f} records a second and core"),
        (f"{len(some):,} records settled again", f"{1 / changed:,.0f} records a second and core"),
        ("one record settled again", f"median {alone[len(alone) // 2]:.1f} ms, p95 {alone[int(len(alone) * 0.95)]:.1f} ms of processor"),
        ("memory of the process, all in all", f"{_memory(resource.RUSAGE_SELF)} MB"),
    ]
    return table(f"Matching {count:,} records of {groups:,} groups (goals: 2,500 a second and core; 10 ms a record)", ("what", "measured"), rows)


def _ids(journal: Journal) -> list[int]:
    with journal.read() as c:
        return list(c.execute(select(record.c.id).order_by(record.c.id)).scalars())


def _settle(node: Node, ids: list[int]) -> None:
    """Settle records as if they had just been put."""
    with node.journal.write() as c:
        pending.add(c, ids)
    node.combined.settle_pending(node.journal)


def _cpu(do: Callable[[], object]) -> float:
    """Return the processor seconds of doing it."""
    begun = time.process_time()
    do()
    return time.process_time() - begun


if __name__ == "__main__":
    sys.stdout.write(at_once(*map(int, sys.argv[1:])) + "\n")
