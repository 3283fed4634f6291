"""What was acknowledged stays: after kill -9, on a full disk, under many writers."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import JournalUnavailable
from app.journal import Journal, records
from app.journal.records import Statement

WRITER = Path(__file__).with_name("writer.py")
WIDTH = 3
OWN = 1


def start(what: str, path: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WRITER), what, str(path), name], stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], lines: int) -> list[int]:
    """Read some acknowledgements, kill without warning, and return all that had been given."""
    assert process.stdout is not None
    seen = [int(process.stdout.readline()) for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    seen += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    process.wait()
    process.stdout.close()
    return seen


def assert_whole(path: Path, name: str, acknowledged: list[int]) -> None:
    """Every acknowledged transaction is there, every one that is there is there in full."""
    with closing(sqlite3.connect(path)) as c:
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        keys = [key for (key,) in c.execute("SELECT key FROM record WHERE key LIKE ?", (f"{name}-%",))]
        numbers = {int(key.split("-")[1]) for key in keys}
        assert numbers >= set(acknowledged)
        assert len(keys) == WIDTH * len(numbers)
        for table in ("version", "pending"):
            (count,) = c.execute(f"SELECT count(*) FROM {table} JOIN record ON record.id = record_id WHERE key LIKE ?", (f"{name}-%",)).fetchone()
            assert count == len(keys)
        (noted,) = c.execute("SELECT count(*) FROM change WHERE name LIKE ?", (f"own/{name}-%",)).fetchone()
        assert noted == len(keys)


@pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_kill_9_loses_no_acknowledged_write_and_leaves_nothing_half_done(tmp_path: Path, rounds: int) -> None:
    """A process killed in mid-write leaves every acknowledged transaction, whole ones only, and a journal that opens at once."""
    path = tmp_path / "journal.sqlite"
    chance = random.Random(7)
    for number in range(rounds):
        name = f"round{number}"
        assert_whole(path, name, kill_after(start("endless", path, name), chance.randint(1, 40)))
        Journal(path).close()


def test_writers_of_several_processes_and_threads_lose_nothing(tmp_path: Path) -> None:
    """Three processes that also make the journal, four threads each, all at once: everything they were told is there."""
    path = tmp_path / "journal.sqlite"
    processes = [start("some", path, f"p{number}") for number in range(3)]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    for number in range(3):
        for thread in range(4):
            assert_whole(path, f"p{number}t{thread}", list(range(10)))


def test_a_refused_write_is_said_and_the_next_one_works_once_there_is_room(tmp_path: Path) -> None:
    """When the system refuses more bytes, the writer gets a sentence, reads on, and writes again by itself afterwards."""
    path = tmp_path / "journal.sqlite"
    output, _ = start("starved", path, "starved").communicate(timeout=120)
    *acknowledged, sentence, readable, after = output.splitlines()
    assert "disk" in json.loads(sentence)["en"]
    assert int(readable) == WIDTH * len(acknowledged)
    assert_whole(path, "starved", [*map(int, acknowledged), int(after)])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not umount:
        pytest.skip("only root can mount a small disk; the test above proves the same by a limit on file size")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("this machine refuses to mount a small disk; the test above proves the same by a limit on file size")
    yield disk
    subprocess.run([umount, str(disk)], check=True)


def test_a_full_disk_gives_a_clear_error_and_recovers_by_itself(small_disk: Path) -> None:
    """On a disk that is full, writing says so, reading goes on, nothing acknowledged is lost, and freed space is enough to go on."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2_000_000)
    journal = Journal(small_disk / "journal.sqlite")
    written = 0
    with pytest.raises(JournalUnavailable) as refused:
        for number in range(10_000):
            with journal.write() as c:
                records.put(c, OWN, f"full-{number}", f"https://a.example/{number}", {"description": "x" * 5000}, str(number), "test")
            written = number + 1
    assert "full" in refused.value.text.en
    assert "plein" in refused.value.text.fr
    with journal.read() as c:
        assert records.count(c, "own") == written
    ballast.unlink()
    with journal.write() as c:
        records.put_many(c, OWN, [Statement(f"full-after-{number}", "https://a.example/a", {}, "h") for number in range(100)], "test")
    with journal.read() as c:
        assert records.count(c, "own") == written + 100
    journal.close()
