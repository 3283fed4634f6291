"""A copy is a whole node; starting again from one is done whole or not at all, and peers are told to read anew."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app import backup
from app.errors import Conflict, DataDirectoryBusy, JournalUnavailable, MaillageError
from app.journal import FILE, Journal, meta, pending, records
from app.names import OWN
from app.node import Node, held, open_node
from app.settings import Settings

BASE = "https://annuaire.example"


@contextmanager
def node_in(folder: Path, base: str = BASE) -> Iterator[Node]:
    """A node whose data are in `folder`."""
    opened = open_node(Settings(base_url=base, data_dir=folder))
    try:
        yield opened
    finally:
        opened.journal.close()


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file is near."""
    monkeypatch.chdir(tmp_path)


def publish(node: Node, *names: str) -> None:
    """Publish groups."""
    for name in names:
        node.directory.publish({"name": {"fr": name}, "topics": ["culture"]}, None, "somebody")


def ours(folder: Path) -> set[str]:
    """Return the slugs of our groups."""
    with closing(Journal(folder / FILE)) as journal, journal.read() as connection:
        return {record.key for record in records.live(connection, OWN)}


def epoch(folder: Path) -> int:
    """Return the feed's epoch."""
    with closing(Journal(folder / FILE)) as journal, journal.read() as connection:
        return meta.epoch(connection)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a node of two groups."""
    with node_in(tmp_path / "first") as node:
        publish(node, "Un", "Deux")
        backup.backup(node.journal, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_copy_restored_elsewhere_is_the_same_node_in_a_new_epoch(copy: Path, tmp_path: Path) -> None:
    """The same groups, and a stream that peers have not read yet."""
    done = backup.restore(tmp_path / "second", copy, BASE)
    assert ours(tmp_path / "second") == {"un", "deux"}
    assert done.replaced is None
    assert epoch(tmp_path / "second") == done.epoch > 1
    assert epoch(copy) == 1


def test_a_disk_that_is_lost_twice_opens_two_epochs(copy: Path, tmp_path: Path) -> None:
    """Nobody knows which epochs were opened since the copy was made: no two histories may go under one number."""
    first = backup.restore(tmp_path / "second", copy, BASE).epoch
    shutil.rmtree(tmp_path / "second")
    time.sleep(1.1)
    assert backup.restore(tmp_path / "second", copy, BASE).epoch > first


def test_what_is_replaced_is_kept_and_its_epoch_never_comes_back(copy: Path, tmp_path: Path) -> None:
    """Each restoring opens an epoch greater than any that was given out here, and keeps the journal that was there, graph apart."""
    data = tmp_path / "data"
    epochs, kept = [], []
    for name in ("Trois", "Quatre"):
        with node_in(data) as node:
            publish(node, name)
        (data / "graph").mkdir()
        done = backup.restore(data, copy, BASE)
        epochs.append(done.epoch)
        kept.append(done.replaced)
        assert not (data / "graph").exists()
    assert epochs == [2, 3]
    assert ours(data) == {"un", "deux"}
    shutil.copy(kept[1], tmp_path / "copy" / FILE)
    assert ours(tmp_path / "copy") == {"un", "deux", "quatre"}
    assert kept[0] != kept[1]


def test_a_copy_made_while_others_write_is_whole(tmp_path: Path) -> None:
    """It holds all that was written before it began, and nothing by half."""
    with node_in(tmp_path / "data") as node:
        publish(node, *(f"Avant {number}" for number in range(20)))
        stop = threading.Event()

        def write() -> None:
            for number in range(1000):
                if stop.is_set():
                    return
                publish(node, f"Pendant {number}")

        writer = threading.Thread(target=write)
        writer.start()
        for _ in range(3):
            backup.backup(node.journal, tmp_path / "copy")
        stop.set()
        writer.join()
    backup.restore(tmp_path / "second", tmp_path / "copy", BASE)
    found = ours(tmp_path / "second")
    assert {f"avant-{number}" for number in range(20)} <= found <= ours(tmp_path / "data")
    assert list((tmp_path / "copy").iterdir()) == [tmp_path / "copy" / FILE]


def cut(path: Path) -> None:
    """Half a copy."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scratched(path: Path) -> None:
    """A page overwritten."""
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xaa" * 4096)


def emptied(path: Path) -> None:
    """Nothing."""
    path.write_bytes(b"")


def another_database(path: Path) -> None:
    """A database of something else."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def of_a_newer_version(path: Path) -> None:
    """A journal that only a newer Maillage can read."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def gone(path: Path) -> None:
    """No copy at all."""
    path.unlink()


@pytest.mark.parametrize("harm", [cut, scratched, emptied, another_database, of_a_newer_version, gone])
def test_what_is_no_whole_copy_changes_nothing(copy: Path, tmp_path: Path, harm: object) -> None:
    """A damaged, empty, foreign or missing copy is refused in a sentence; what was there is there, to the byte."""
    data = tmp_path / "data"
    with node_in(data) as node:
        publish(node, "Trois")
    (data / "graph").mkdir()
    (data / "node.lock").touch()
    harm(copy / FILE)  # type: ignore[operator]
    before = content(data)
    with pytest.raises(JournalUnavailable) as error:
        backup.restore(data, copy, BASE)
    assert "copy" in error.value.text.en or "newer version" in error.value.text.en
    assert content(data) == before
    assert (data / "graph").is_dir()
    with pytest.raises(JournalUnavailable):
        backup.restore(tmp_path / "new", copy, BASE)
    assert not (tmp_path / "new").exists()


def test_the_copy_of_another_node_is_refused(copy: Path, tmp_path: Path) -> None:
    """Its groups have other addresses: the operator is told which setting to mend."""
    with pytest.raises(Conflict, match="mend BASE_URL"):
        backup.restore(tmp_path / "second", copy, "https://other.example")
    assert not (tmp_path / "second").exists()


def test_a_journal_is_no_copy_of_itself(tmp_path: Path) -> None:
    """Neither is it copied over itself nor put in its own place."""
    data = tmp_path / "data"
    with node_in(data) as node:
        publish(node, "Un")
        with pytest.raises(Conflict, match="the node's own"):
            backup.backup(node.journal, data)
    with pytest.raises(Conflict, match="the node's own"):
        backup.restore(data, data, BASE)
    assert ours(data) == {"un"}


def test_a_data_directory_copied_by_hand_can_be_restored(tmp_path: Path) -> None:
    """Its write-ahead log is read too: what is only there is not lost."""
    with node_in(tmp_path / "first") as node:
        publish(node, "Un")
        shutil.copytree(tmp_path / "first", tmp_path / "copy")
    assert (tmp_path / "copy" / f"{FILE}-wal").stat().st_size > 0
    backup.restore(tmp_path / "second", tmp_path / "copy", BASE)
    assert ours(tmp_path / "second") == {"un"}


def test_nothing_is_restored_under_a_running_node(copy: Path, tmp_path: Path) -> None:
    """The one that holds the data directory keeps it."""
    data = tmp_path / "data"
    with node_in(data) as node:
        publish(node, "Trois")
    with held(data), pytest.raises(DataDirectoryBusy):
        backup.restore(data, copy, BASE)
    assert ours(data) == {"trois"}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_copy_that_cannot_be_written_is_said(copy: Path, tmp_path: Path, place: str) -> None:
    """A file in the way, and in a restoring too; nothing is left behind."""
    (tmp_path / "file").touch()
    with node_in(tmp_path / "first") as node, pytest.raises(JournalUnavailable, match="cannot be written: a file stands where"):
        backup.backup(node.journal, tmp_path / place)
    with pytest.raises(MaillageError, match="a file stands where"):
        backup.restore(tmp_path / place, copy, BASE)
    assert (tmp_path / "file").read_bytes() == b""


def test_what_was_erased_since_the_copy_is_erased_again(copy: Path, tmp_path: Path) -> None:
    """Ours, with their events, and peers are told; also one published anew since, of which the copy holds what was erased."""
    data = tmp_path / "data"
    backup.restore(data, copy, BASE)
    with node_in(data) as node:
        for slug in ("un", "deux"):
            node.directory.withdraw(slug, "somebody", purge=True)
        node.directory.publish({"name": {"fr": "Deux"}, "topics": ["culture"]}, "deux", "somebody")
    done = backup.restore(data, copy, BASE)
    assert (done.erased, ours(data)) == (2, set())
    with closing(Journal(data / FILE)) as journal, journal.read() as c:
        told = c.exec_driver_sql("SELECT key, kind, purge, document FROM event ORDER BY sequence").fetchall()
        assert [tuple(row) for row in told] == [("un", "Delete", 1, None), ("deux", "Delete", 1, None)]
        assert pending.first(c) == []


def test_when_what_is_replaced_cannot_be_read_it_is_said(copy: Path, tmp_path: Path) -> None:
    """Nobody knows then what was erased from it; where nothing was, there is nothing to say."""
    data = tmp_path / "data"
    assert backup.restore(data, copy, BASE).erased == 0
    (data / FILE).write_bytes(b"no database")
    assert backup.restore(data, copy, BASE).erased is None


@pytest.mark.parametrize("between", ["before", "without"])
def test_what_was_published_anew_before_the_copy_is_kept(copy: Path, tmp_path: Path, between: str) -> None:
    """Another copy may have been tried in between: one of before the erasure, where it is erased again, or one of after it."""
    copy.rename(tmp_path / "before")
    data = tmp_path / "data"
    backup.restore(data, tmp_path / "before", BASE)
    with node_in(data) as node:
        node.directory.withdraw("un", "somebody", purge=True)
        backup.backup(node.journal, tmp_path / "without")
        node.directory.publish({"name": {"fr": "Un, de nouveau"}, "topics": ["culture"]}, "un", "somebody")
        backup.backup(node.journal, tmp_path / "anew")
    assert backup.restore(data, tmp_path / between, BASE).erased == (between == "before")
    assert ours(data) == {"deux"}
    done = backup.restore(data, tmp_path / "anew", BASE)
    assert (done.erased, ours(data)) == (0, {"un", "deux"})
    done = backup.restore(data, tmp_path / "before", BASE)
    assert (done.erased, ours(data)) == (1, {"deux"})
