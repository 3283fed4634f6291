"""What the embedded store survives: another node, SIGKILL, a full disk, damaged files, lines that are none."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyoxigraph
import pytest

from app.errors import DataDirectoryBusy, StoreUnavailable
from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.names import Names

ROOT = Path(__file__).parents[2]
WRITER = Path(__file__).with_name("writer.py")
LINE = '<http://node.example/groups/a> <https://schema.org/name> "Jardin" .\n'


@contextmanager
def writing(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the writer on a store."""
    command = [sys.executable, str(WRITER), str(directory), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_node_is_told_that_the_directory_is_taken(tmp_path: Path, names: Names) -> None:
    """While a process has the store open, another one gets DataDirectoryBusy, with a sentence that says what to do."""
    with writing(tmp_path) as process:
        said(process)
        with pytest.raises(DataDirectoryBusy, match="Another node is already using"):
            OxigraphStore(tmp_path, names)


def kill_in_mid_write(directory: Path, names: Names, pause_s: float) -> None:
    """Kill a writer, open its store, and compare it with what the writer had told."""
    with writing(directory) as process:
        told = int(said(process))
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        told = max([told, *(int(line) for line in process.stdout.read().split())])
    store = OxigraphStore(directory, names)
    position = store.position()
    assert position in {told, told + 1}
    graphs = [None, *(names.record("a", str(index)) for index in range(5))]
    assert {value for graph in graphs for value in re.findall(r'"(\d+)"', store.read(graph))} == {str(position)}
    assert [store.read(graph).count("\n") for graph in graphs] == [200, 40, 40, 40, 40, 40]
    store.close()


def test_a_killed_writer_leaves_whole_batches(tmp_path: Path, names: Names) -> None:
    """After SIGKILL the store opens, holds every batch that was told, no half of one, and the position that belongs to it."""
    for pause_s in (0.0, 0.05):
        kill_in_mid_write(tmp_path, names, pause_s)


@pytest.mark.slow
def test_thirty_killed_writers_leave_whole_batches(tmp_path: Path, names: Names) -> None:
    """The same thirty times over, at different moments, on one store."""
    for round_ in range(30):
        kill_in_mid_write(tmp_path, names, round_ * 0.013)


def test_after_a_full_disk_a_reopened_store_goes_on(tmp_path: Path) -> None:
    """When files may not grow the batch is refused and the ones before it are kept; reopened with room again, the store goes on."""
    with writing(tmp_path, "300000") as process:
        full = re.fullmatch(r"full after (\d+), at (\d+)", said(process))
        assert full is not None
        assert full[1] == full[2] != "0"
        assert said(process) == f"reopened at {full[1]}"
        assert said(process) == f"went on to {int(full[1]) + 1}"


def test_a_store_that_cannot_be_opened_is_left_for_an_empty_one(tmp_path: Path, names: Names) -> None:
    """Without its list of files a store cannot be opened: an empty one, at position 0, waits for the rebuild; the damaged one is removed."""
    store = OxigraphStore(tmp_path, names)
    store.apply([Change(None, LINE)], 5)
    store.close()
    for name in ("CURRENT", *(path.name for path in (tmp_path / "1").glob("MANIFEST-*"))):
        (tmp_path / "1" / name).write_bytes(b"garbage")
    opened = OxigraphStore(tmp_path, names)
    assert opened.position() == 0
    assert not (tmp_path / "1").exists()
    opened.load([LINE], 5)
    opened.close()
    again = OxigraphStore(tmp_path, names)
    assert (again.position(), again.read(None)) == (5, LINE)
    again.close()


def test_damage_inside_a_file_is_seen_when_all_is_read(tmp_path: Path, names: Names) -> None:
    """A store whose blocks were overwritten opens, and `verify` tells that it cannot be read."""
    store = OxigraphStore(tmp_path, names)
    store.load((f'<http://node.example/groups/{n}> <https://schema.org/name> "{os.urandom(40).hex()}" .\n' for n in range(2000)), 1)
    assert store.verify()
    store.close()
    for path in (tmp_path / "2").glob("*.sst"):
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 4)
            file.write(os.urandom(path.stat().st_size // 4))
    damaged = OxigraphStore(tmp_path, names)
    assert damaged.position() == 0 or not damaged.verify()
    damaged.close()


def test_a_load_that_fails_leaves_what_was_there(oxigraph: OxigraphStore) -> None:
    """Lines that cannot be read, or a reader that fails, leave the old store in use."""
    oxigraph.apply([Change(None, LINE)], 5)
    with pytest.raises(StoreUnavailable):
        oxigraph.load(["this is no quad\n"], 6)
    with pytest.raises(ZeroDivisionError):
        oxigraph.load((str(1 // 0) for _ in range(1)), 6)
    assert (oxigraph.position(), oxigraph.read(None)) == (5, LINE)


def test_leftovers_of_a_crash_are_removed(tmp_path: Path, names: Names) -> None:
    """A half-made store beside the one in use is removed at the next start."""
    OxigraphStore(tmp_path, names).close()
    (tmp_path / "7").mkdir()
    (tmp_path / "current").write_text("1")
    OxigraphStore(tmp_path, names).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "current"]


@pytest.mark.parametrize(
    "text",
    [
        LINE.replace(" .", " . } } ; DROP ALL ; INSERT DATA { GRAPH <http://node.example/x> { <a:b> <a:b> <a:b> ."),
        "_:b <https://schema.org/name> <a:b> .\n",
        "<no iri> <https://schema.org/name> <a:b> .\n",
        "<relative> <https://schema.org/name> <a:b> .\n",
        'nonsense "',
    ],
)
def test_lines_that_are_no_triples_change_nothing(oxigraph: OxigraphStore, text: str) -> None:
    """A change that cannot be read never reaches the update as text: its place stays as it is, and the rest of the batch is applied."""
    oxigraph.apply([Change(None, LINE, "http://node.example/groups/a")], 1)
    oxigraph.apply([Change(None, text, "http://node.example/groups/a"), Change("http://node.example/records/a/1", LINE)], 2)
    assert oxigraph.read(None) == LINE
    assert oxigraph.read("http://node.example/records/a/1") == LINE
    assert oxigraph.read("http://node.example/x") == ""


def test_a_graph_whose_name_is_no_iri_is_refused(oxigraph: OxigraphStore) -> None:
    """The name of a graph never becomes part of an update unchecked."""
    with pytest.raises(ValueError, match="IRI"):
        oxigraph.apply([Change("http://node.example/> { } } ; DROP ALL #", LINE)], 1)


def test_a_batch_survives_many_values(oxigraph: OxigraphStore) -> None:
    """Literals that the store writes otherwise than they came are not written again and again, and never twice."""
    text = '<a:b> <a:c> "48.90"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n<a:b> <a:c> "48.900"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n'
    for position in (1, 2):
        oxigraph.apply([Change(None, text, "a:b")], position)
    assert oxigraph.read(None) == '<a:b> <a:c> "48.9"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n'


def test_a_copy_is_whole_although_the_store_is_replaced_meanwhile(tmp_path: Path) -> None:
    """A rebuild throws the old store away; whoever copies it at that moment gets it, or the new one."""
    store = OxigraphStore(tmp_path / "graph", Names("http://node.example"))
    store.load([LINE], 1)
    replacing = threading.Thread(target=lambda: [store.load([LINE], number) for number in range(2, 42)])
    replacing.start()
    number = 0
    while replacing.is_alive():
        number += 1
        store.backup(tmp_path / f"copy-{number}")
    replacing.join()
    assert number > 0
    assert all(len(pyoxigraph.Store.read_only(str(tmp_path / f"copy-{one}"))) >= 1 for one in range(1, number + 1))
    store.close()
