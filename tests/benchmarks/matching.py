"""`matching`: all records matched anew, and changed ones settled, in records a second of one core."""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from app.journal import Journal, pending
from app.journal.tables import record
from app.node import Node, open_node
from app.settings import Settings
from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import table


def run(groups: int = 10_000, times: int = 100) -> str:
    """Match, settle, and return the table."""
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
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = [
        ("everything anew, side tables included", f"{count / whole:,.0f} records a second and core"),
        (f"{len(some):,} records settled again", f"{1 / changed:,.0f} records a second and core"),
        ("one record settled again", f"median {alone[len(alone) // 2]:.1f} ms, p95 {alone[int(len(alone) * 0.95)]:.1f} ms of processor"),
        ("memory of the process, all in all", f"{memory} MB"),
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
