"""`changed`: one changed record against a directory of a million, in milliseconds, and whether its best candidate is the right one.

``python -m tests.benchmarks.changed RECORDS [CHANGES [PROCESSES]]``; the journal is filled as harvests would have left it, and matched whole first.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from app.journal import FILE, Journal, sources
from app.journal.tables import edge
from app.journal.tables import record as record_table
from app.matching import renewal
from app.matching.combine import Matcher
from app.names import Names
from app.search import index
from tests.benchmarks.crowd import HABITS, Document, Member, crowd, told_again
from tests.benchmarks.invented import SEED
from tests.benchmarks.measuring import table

NAMES: Final = Names("http://node.example")
BATCH: Final = 20_000
MOMENT: Final = "2026-01-01T00:00:00.000Z"


def run(records: int = 20_000, changes: int = 500, processes: int = 1) -> str:
    """Change that many records of a directory, each in a transaction of its own, and return the table."""
    with tempfile.TemporaryDirectory() as folder, closing(Journal(Path(folder) / FILE)) as journal:
        truth = filled(journal, records)
        matcher = Matcher(NAMES)
        whole = time.perf_counter()
        with journal.read() as c:
            found = renewal.think(c, processes=processes)
        with closing(found), journal.write() as c:
            matcher.install(c, found)
        whole = time.perf_counter() - whole
        listed = Counter(truth.values())
        draw = random.Random(SEED)
        chosen = draw.sample([one for one, group in truth.items() if listed[group] > 1], changes)
        spent = [_changed(journal, matcher, one, truth, draw) for one in chosen]
        alone, settled = (sorted(one[part] for one in spent) for part in (0, 1))
        right = sum(one[2] for one in spent) / changes
    rows = [
        ("matched whole first", f"{whole:.0f} s by the clock, {processes} process(es)"),
        ("matched, and its groups rebuilt", _spread(alone)),
        ("the same with search and side tables", _spread(settled)),
        ("best candidate right", f"{right:.1%} of {changes}"),
    ]
    title = f"One changed record against {records:,} (goals at a million: p95 10 ms of processor, best candidate right in 98 %)"
    return table(title, ("what", "measured"), rows)


def filled(journal: Journal, records: int) -> dict[int, str]:
    """Fill a journal with a crowd; return which group each record is of."""
    truth: dict[int, str] = {}
    with journal.write() as c:
        ids = {habit.source: sources.add(c, habit.source, f"https://{habit.source}.example/feed", "maillage").id for habit in HABITS}
    members = crowd(records)
    while batch := list(islice(members, BATCH)):
        truth.update((member.id, member.truth) for member in batch)
        with journal.write() as c:
            c.execute(insert(record_table), list(_rows(batch, ids)))
    return truth


def _rows(members: list[Member], ids: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the rows of records as a visit leaves them."""
    for member in members:
        source, _, key = member.reference.partition("/")
        iri = f"https://{source}.example/groups/{key}"
        moments = dict.fromkeys(("created_at", "modified_at", "seen_at"), MOMENT)
        said = {"id": member.id, "source_id": ids[source], "key": key, "iri": iri, "document": _text(iri, member.document)}
        yield {**said, **moments, "content_hash": str(member.id), "state": "live", "version": 1, "missed": 0}


def _changed(journal: Journal, matcher: Matcher, record_id: int, truth: dict[int, str], draw: random.Random) -> tuple[float, float, bool]:
    """Have a record's source tell of its group anew; return the milliseconds of processor, without and with side tables, and if it was found."""
    with journal.write() as c:
        row = c.execute(select(record_table.c.key, record_table.c.iri, record_table.c.version).where(record_table.c.id == record_id)).one()
        source = row.iri.split("/")[2].removesuffix(".example")
        values = {"document": _text(row.iri, told_again(int(truth[record_id]), source, draw)), "version": row.version + 1}
        c.execute(update(record_table).where(record_table.c.id == record_id).values(values))
        begun = time.process_time()
        touched = matcher.combine(c, [record_id])
        matched = time.process_time()
        index.refresh(c, touched)
        ended = time.process_time()
        best = _best(c, record_id)
    return (matched - begun) * 1000, (ended - begun) * 1000, best is not None and truth[best] == truth[record_id]


def _best(c: Connection, record_id: int) -> int | None:
    """Return the candidate that scores highest."""
    mine = select(edge.c.left_id, edge.c.right_id).where(or_(edge.c.left_id == record_id, edge.c.right_id == record_id))
    pair = c.execute(mine.order_by(edge.c.score.desc()).limit(1)).first()
    return None if pair is None else sum(pair) - record_id


def _text(iri: str, document: Document) -> str:
    return json.dumps({"id": iri, "type": ["Group"], **document}, ensure_ascii=False)


def _spread(milliseconds: list[float]) -> str:
    """Say the median and the slowest of twenty, in processor time."""
    return f"median {milliseconds[len(milliseconds) // 2]:.1f} ms, p95 {milliseconds[int(len(milliseconds) * 0.95)]:.1f} ms"


if __name__ == "__main__":
    sys.stdout.write(run(*map(int, sys.argv[1:])) + "\n")
