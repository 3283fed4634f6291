"""A node killed while its editors write: record, history, log, group and search agree, and nothing acknowledged is missing."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from app.journal import Journal, records
from app.journal.tables import event, group, identity, member, pending

WRITER = Path(__file__).with_name("writer.py")


def killed(path: Path, name: str, lines: int) -> int:
    """Let a process write, kill it without warning, and return how many rounds it had been told were done."""
    process = subprocess.Popen([sys.executable, str(WRITER), str(path), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(lines):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    more = len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    return lines + more


def states(c: Connection) -> dict[str, str]:
    """The state of each of our records, after checking that every other room says the same of it."""
    found = {}
    for row in c.execute(text("SELECT id, key, state, document FROM record")).all():
        history = records.history(c, row.id)
        last = c.execute(select(event).where(event.c.key == row.key).order_by(event.c.sequence.desc()).limit(1)).one()
        live = row.state == "live"
        assert (history[-1].kind != "delete") is live
        assert (last.kind != "Delete") is live
        if live:
            assert history[-1].document == json.loads(row.document)
            assert last.document is not None and json.loads(last.document) == json.loads(row.document)
        shown = select(group.c.identity_id).join(identity, identity.c.id == group.c.identity_id).join(member, member.c.identity_id == identity.c.id)
        number = c.execute(shown.where(member.c.record_id == row.id)).scalar()
        assert (number is not None) is live
        if live:
            assert c.execute(text("SELECT count(*) FROM search_text WHERE rowid = :n"), {"n": number}).scalar() == 1
        found[row.key] = row.state
    return found


@pytest.mark.parametrize("rounds", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_a_node_killed_in_mid_write_has_whole_groups_and_all_acknowledged_ones(tmp_path: Path, rounds: int) -> None:
    """After kill -9 at any moment every acknowledged change is there, and no room knows of a change that another does not."""
    path = tmp_path / "journal.sqlite"
    chance = random.Random(11)
    for round_ in range(rounds):
        name = f"r{round_}"
        done = killed(path, name, chance.randint(1, 6))
        journal = Journal(path)
        with journal.read() as c:
            found = states(c)
            assert c.execute(select(pending.c.record_id)).all() == []
        journal.close()
        for number in range(done):
            expected = {"kept": "live", "revised": "live", "withdrawn": "gone"}
            assert {part: found[f"{name}-{number}-{part}"] for part in expected} == expected
