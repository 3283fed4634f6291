"""One real node and a fleet of light peers, a third of them dead, silent or dripping: a full round by the node's own clock, twice."""

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.journal import FILE
from tests.benchmarks.fleet import fleet, kind_of
from tests.federation.watch import resident
from tests.nodes import NodeProcess, serving

RECORDS = 40
LONGEST_ROUND_S = 600
ROUNDS_A_DAY = 4
EXCHANGE_BYTES = 600
"""What one HTTP exchange costs beside its body, as in the project's table of traffic."""

GROWTH = 60_000_000
"""Bytes that a round in which nothing is new may leave behind."""


@dataclass(frozen=True)
class Round:
    """What one round of visits was: how long until the good ones were read, and until all were done; what it cost."""

    good_after: float
    seconds: float
    good: int
    failed: int
    requests: int
    bytes: int
    records: int


@contextmanager
def sailing(peers: int) -> Iterator[list[str]]:
    """Serve that many peers from a process of its own; yield their hosts and ports."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    wire = context.Value("q", 0)  # held here until the child has it
    process = context.Process(target=fleet, args=(theirs, peers, RECORDS, wire), daemon=True)
    process.start()
    theirs.close()  # its end is the child's: should that die, nobody waits for it
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()


def one_round(node: NodeProcess, peers: int, since: int) -> Round:
    """Wait until the clock has visited every peer once more, after the visit `since`."""
    start, good_after = time.monotonic(), 0.0
    good = sum(kind_of(number) is None for number in range(peers))
    question = "SELECT outcome, count(*), sum(requests), sum(bytes) FROM visit WHERE id > ? AND finished_at IS NOT NULL GROUP BY outcome"
    while True:
        assert time.monotonic() - start < LONGEST_ROUND_S, f"a round takes more than {LONGEST_ROUND_S} s"
        found = {outcome: rest for outcome, *rest in asked(node, question, since)}
        well = sum(rest[0] for outcome, rest in found.items() if outcome in {"applied", "unchanged"})
        good_after = good_after or (time.monotonic() - start if well == good else 0.0)
        if sum(rest[0] for rest in found.values()) == peers:
            break
        time.sleep(0.5)
    ((records,),) = asked(node, "SELECT count(*) FROM record WHERE state = 'live'")
    requests, sent = (sum(rest[at] or 0 for rest in found.values()) for at in (1, 2))
    return Round(good_after, time.monotonic() - start, well, found.get("failed", [0])[0], requests, sent, records)


def asked(node: NodeProcess, question: str, *values: object) -> list[Any]:
    """Ask the journal."""
    with closing(sqlite3.connect(node.data_dir / FILE, timeout=60)) as journal:
        return journal.execute(question, values).fetchall()


def enrol(node: NodeProcess, hosts: list[str]) -> None:
    """Write every peer into the journal, as `maillage peers add` does one by one; all are due."""
    row = "INSERT INTO source (name, url, format, trust, every_s, enabled, keep_contacts, state, failures, cursor, created_at)"
    values = "VALUES (?, ?, 'maillage', 'auto', 21600, 1, 0, 'new', 0, '{}', '2026-01-01T00:00:00.000Z')"
    with closing(sqlite3.connect(node.data_dir / FILE, timeout=60)) as journal, journal:
        journal.executemany(f"{row} {values}", [(f"p{number}", f"http://{host}/feed") for number, host in enumerate(hosts)])


def all_due(node: NodeProcess) -> int:
    """Make every peer due now, and return the newest visit so far."""
    with closing(sqlite3.connect(node.data_dir / FILE, timeout=60)) as journal, journal:
        journal.execute("UPDATE source SET next_visit_at = NULL WHERE url IS NOT NULL")
        return int(journal.execute("SELECT max(id) FROM visit").fetchone()[0])


def prove(folder: Path, peers: int, record_property: Any) -> None:
    """Two rounds: everything is new, then nothing is. The good ones are read, the others fail and harm nobody."""
    with sailing(peers) as hosts, serving(folder, allow_private_peers=",".join(hosts), sparql_workers=1) as node:
        assert node.process is not None
        good = sum(kind_of(number) is None for number in range(peers))
        memory = [resident(node.process.pid)]
        enrol(node, hosts)
        first = one_round(node, peers, 0)
        memory.append(resident(node.process.pid))
        second = one_round(node, peers, all_due(node))
        memory.append(resident(node.process.pid))
    for found in (first, second):
        assert (found.good, found.failed, found.records) == (good, peers - good, good * RECORDS)
    assert second.requests <= first.requests
    assert second.bytes == 0
    assert memory[2] - memory[1] < GROWTH
    record_property("told", sentence(peers, first, second, memory))


def sentence(peers: int, first: Round, second: Round, memory: list[int]) -> str:
    """Say what was measured."""
    requests, sent = second.requests * ROUNDS_A_DAY, (second.bytes + second.requests * EXCHANGE_BYTES) * ROUNDS_A_DAY
    return (
        f"fleet of {peers} peers, {first.failed} of them dead or slow, {RECORDS} groups each: first round {first.seconds:.0f} s, good ones after "
        f"{first.good_after:.0f} s, {first.requests} requests, {first.bytes / 1e6:.1f} MB; with nothing new {second.seconds:.0f} s, good ones after "
        f"{second.good_after:.0f} s, {second.requests} requests, {second.bytes} bytes; a day at 6 h: {requests} requests, {sent / 1e6:.2f} MB; "
        f"memory {' -> '.join(f'{size / 1e6:.0f}' for size in memory)} MB"
    )


def test_a_round_ends_although_a_third_is_dead_or_slow(tmp_path: Path, record_property: Any) -> None:
    """The small form: thirty peers."""
    prove(tmp_path, 30, record_property)


@pytest.mark.slow
def test_a_round_of_three_hundred_ends_in_minutes(tmp_path: Path, record_property: Any) -> None:
    """The whole fleet."""
    prove(tmp_path, 300, record_property)
