"""The graph holds what the journal implies, whatever happens to the process, the disk or the files in between."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, update

from app.graph import Store
from app.graph.memory import MemoryStore
from app.graph.oxigraph import OxigraphStore
from app.graph.projector import POLL_S, Projector
from app.journal import Journal, changes, erasure, meta, pending, records, sources, visits
from app.journal.tables import group, identity, record
from app.journal.text import as_text
from app.names import Names
from tests.graph.town import NAMES, add_source, fuse, say

ROOT = Path(__file__).parents[2]
NAME = "https://schema.org/name"
QUESTIONS_A_LOOK = 12
"""A projector that looks at the journal, as it does every few seconds, asks no more than these; one that always asked would ask sixty."""


@pytest.fixture
def projector(journal: Journal, store: Store, names: Names) -> Projector:
    """A projector into each backend in turn."""
    return Projector(journal, store, names)


def shortest(triples: str) -> set[str]:
    """Return the lines with moments as Oxigraph writes them, without zeros at their end: a server may keep these."""
    return {re.sub(r"\.(\d*?)0*Z", lambda found: f".{found[1]}Z" if found[1] else "Z", line) for line in triples.splitlines()}


def same_as_rebuilt(journal: Journal, store: Store, graphs: list[str | None]) -> bool:
    """Whether a store holds what a rebuild from the journal makes in another of its kind."""
    with tempfile.TemporaryDirectory() as directory:
        fresh = MemoryStore(NAMES) if isinstance(store, MemoryStore) else OxigraphStore(Path(directory), NAMES)
        Projector(journal, fresh, NAMES).rebuild()
        same = all(shortest(store.read(graph)) == shortest(fresh.read(graph)) for graph in [None, NAMES.catalogue, *graphs])
        fresh.close()
    return same


def test_a_record_gets_its_graph_and_its_entry_in_the_catalogue(journal: Journal, projector: Projector, store: Store) -> None:
    """What the source says is in the record's graph; who said it, when and under which licence is in the catalogue."""
    add_source(journal, "carte")
    say(journal, "carte", "jardin", "Le jardin", license="https://licence.example/open")
    projector.catch_up()
    graph = NAMES.record("carte", "jardin")
    assert f'<{NAMES.group("jardin")}> <{NAME}> "Le jardin"@fr .' in store.read(graph)
    catalogue = store.read(NAMES.catalogue)
    assert f"<{graph}> <http://purl.org/dc/terms/source> <{NAMES.source('carte')}> ." in catalogue
    assert f"<{graph}> <http://purl.org/dc/terms/license> <https://licence.example/open> ." in catalogue
    assert f'<{graph}> <https://w3id.org/maillage/ns#contentHash> "sha-256:' in catalogue
    assert f"<{NAMES.source('carte')}> <http://www.w3.org/ns/dcat#accessURL> <https://carte.example/> ." in catalogue
    assert store.read(None) == ""


def test_a_group_is_in_the_default_graph(journal: Journal, projector: Projector, store: Store) -> None:
    """The combined group, and nothing else, is there; once it is gone, nothing is."""
    fuse(journal, "jardin", "Le jardin")
    projector.catch_up()
    assert f'<{NAMES.group("jardin")}> <{NAME}> "Le jardin"@fr .' in store.read(None)
    fuse(journal, "jardin", None)
    projector.catch_up()
    assert store.read(None) == ""


def test_a_withdrawn_record_leaves_nothing(journal: Journal, projector: Projector, store: Store) -> None:
    """Neither its graph nor its entry stays."""
    add_source(journal, "carte")
    say(journal, "carte", "jardin", "Le jardin")
    projector.catch_up()
    with journal.write() as c:
        held = records.get(c, "carte", "jardin")
        assert held is not None
        records.withdraw(c, held.id, "test")
    projector.catch_up()
    assert store.read(NAMES.record("carte", "jardin")) == ""
    assert "jardin" not in store.read(NAMES.catalogue)


def test_nothing_private_reaches_the_graph(journal: Journal, projector: Projector, store: Store) -> None:
    """A contact without consent is kept in the journal and not shown; neither is a source in quarantine."""
    add_source(journal, "carte")
    add_source(journal, "suspecte", trust="quarantine")
    say(journal, "carte", "jardin", "Le jardin", email="mailto:contact@jardin.example")
    say(journal, "suspecte", "jardin", "Autre chose")
    projector.catch_up()
    assert "contact@jardin" not in store.read(NAMES.record("carte", "jardin"))
    assert store.read(NAMES.record("suspecte", "jardin")) == ""
    assert "suspecte" not in store.read(NAMES.catalogue)
    assert same_as_rebuilt(journal, store, [NAMES.record("carte", "jardin"), NAMES.record("suspecte", "jardin")])


def test_addresses_from_peers_cannot_break_the_catalogue(journal: Journal, projector: Projector, store: Store) -> None:
    """What is no web address is left out, and the projection goes on."""
    odd = ["http://a.example/\ufdd0", "https://a.example/> <urn:x> <urn:y", "http://[bad", "http://a.example:port/", "http://a.example/%zz"]
    for number, url in enumerate([*odd, "javascript:x", "http://é.example/ü"]):
        with journal.write() as c:
            sources.add(c, f"s{number}", url, "maillage", licence=url)
    projector.catch_up()
    assert "urn:x" not in store.read(NAMES.catalogue)
    assert store.read(NAMES.catalogue).count("accessURL") == 1
    assert same_as_rebuilt(journal, store, [])


def test_what_cannot_be_written_stops_nothing_else(journal: Journal, projector: Projector, store: Store) -> None:
    """A record and a group that no line can be made of are left out, here and in a rebuild; all others are there."""
    add_source(journal, "carte")
    say(journal, "carte", "jardin", "Le jardin")
    fuse(journal, "jardin", "Le jardin")
    fuse(journal, "verger", "Le verger")
    broken = as_text({"id": NAMES.group("jardin"), "schema:slogan": {"@language": "fr"}})
    with journal.write() as c:
        identity_id = select(identity.c.id).where(identity.c.slug == "jardin").scalar_subquery()
        c.execute(update(group).where(group.c.identity_id == identity_id).values(document=broken))
        c.execute(update(record).values(document=broken))
    projector.catch_up()
    assert "Le verger" in store.read(None)
    assert "Le jardin" not in store.read(None)
    assert same_as_rebuilt(journal, store, [NAMES.record("carte", "jardin")])


def test_a_source_changes_when_a_visit_changed_it(journal: Journal, projector: Projector, store: Store) -> None:
    """What the catalogue says of a source is when it last changed; a visit that changed nothing leaves no trace in the graph."""
    add_source(journal, "carte")
    with journal.write() as c:
        peer = sources.get(c, "carte")
        visits.finish(c, visits.begin(c, peer.id), "applied")
        changes.note(c, "source", ["carte"])
        changed_at = visits.last_change(c, peer.id)
    projector.catch_up()
    assert changed_at  # Oxigraph writes no fraction where it is zero
    assert f'<{NAMES.source("carte")}> <http://purl.org/dc/terms/modified> "{changed_at[:19]}' in store.read(NAMES.catalogue)
    with journal.write() as c:
        visits.finish(c, visits.begin(c, peer.id), "unchanged")
        sources.update(c, "carte", last_visit_at="2030-01-01T00:00:00.000Z", url=peer.url, licence=peer.licence)
    assert projector.step() == 0
    with journal.write() as c:
        sources.update(c, "carte", trust=sources.Trust.QUARANTINE)
    projector.catch_up()
    assert NAMES.source("carte") not in store.read(NAMES.catalogue)


def test_each_thing_is_looked_at_once_as_it_is_now(journal: Journal, projector: Projector, store: Store) -> None:
    """Many changes of one group are one; the position is that of the last."""
    for number in range(5):
        fuse(journal, "jardin", f"Le jardin {number}")
    assert projector.step() > 0
    assert projector.step() == 0
    assert re.findall(r'"Le jardin \d"', store.read(None)) == ['"Le jardin 4"'] * 2
    with journal.read() as c:
        assert store.position() == changes.last(c)


def test_doing_it_again_changes_nothing(journal: Journal, projector: Projector, store: Store) -> None:
    """A batch whose position was lost is applied again without harm."""
    add_source(journal, "carte")
    say(journal, "carte", "jardin", "Le jardin")
    fuse(journal, "jardin", "Le jardin")
    projector.catch_up()
    before = store.read(None), store.read(NAMES.catalogue)
    store.apply([], 1)
    projector.catch_up()
    assert (store.read(None), store.read(NAMES.catalogue)) == before


def test_a_rebuild_makes_the_same_graph(journal: Journal, projector: Projector, store: Store) -> None:
    """Following and rebuilding lead to the same; the progress counts the records."""
    add_source(journal, "carte")
    for number in range(5):
        say(journal, "carte", f"g{number}", f"Groupe {number}")
        fuse(journal, f"g{number}", f"Groupe {number}")
    projector.catch_up()
    graphs: list[str | None] = [NAMES.record("carte", f"g{number}") for number in range(5)]
    before = [store.read(graph) for graph in [None, NAMES.catalogue, *graphs]]
    counted: list[int] = []
    projector.rebuild(counted.append)
    assert [store.read(graph) for graph in [None, NAMES.catalogue, *graphs]] == before
    assert sum(counted) == 5
    assert projector.step() == 0


def test_a_restored_journal_is_projected_anew(tmp_path: Path, journal: Journal, projector: Projector, store: Store) -> None:
    """A journal that is behind the store, or of another epoch, is another story: the graph is rebuilt from it."""
    for number in range(5):
        fuse(journal, "jardin", f"Le jardin {number}")
    projector.catch_up()
    older = Journal(tmp_path / "older.sqlite")
    fuse(older, "atelier", "L'atelier")
    restored = Projector(older, store, NAMES)
    restored.catch_up()
    assert "jardin" not in store.read(None)
    assert "atelier" in store.read(None)
    with older.write() as c:
        meta.next_epoch(c)
    store.apply([], 0, 0)
    restored.catch_up()
    assert (store.epoch(), "atelier" in store.read(None)) == (2, True)
    older.close()


def test_a_store_far_behind_is_rebuilt_in_bulk(journal: Journal, store: Store) -> None:
    """More to do than was done so far, and much of it: one rebuild."""
    fuse(journal, "jardin", "Le jardin")
    projector = Projector(journal, store, NAMES, far_behind=10)
    projector.catch_up()
    for number in range(30):
        fuse(journal, f"g{number}", f"Groupe {number}")
    projector.step()
    assert projector.step() == 0
    assert store.read(None).count(NAME) == 31


def test_it_follows_while_it_runs_and_stops_when_told(journal: Journal, projector: Projector, store: Store) -> None:
    """A change is in the graph soon after it is in the journal."""
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    fuse(journal, "jardin", "Le jardin")
    deadline = time.monotonic() + 20
    while "jardin" not in store.read(None) and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join()
    assert "jardin" in store.read(None)


def test_an_idle_projector_asks_the_journal_nothing(journal: Journal, projector: Projector, store: Store) -> None:
    """While nobody commits it only looks at the file's number; what another process writes beside it is followed all the same."""
    asked: list[int] = []

    def note(*_: object) -> None:
        asked.append(threading.get_ident())

    event.listen(Engine, "before_cursor_execute", note)
    stop = threading.Event()
    thread = threading.Thread(target=projector.run, args=(stop,))
    thread.start()
    fuse(journal, "jardin", "Le jardin")
    wait_for(store, "jardin")
    time.sleep(POLL_S * 3)
    before = asked.count(thread.ident or 0)
    time.sleep(POLL_S * 10)
    idle = asked.count(thread.ident or 0) - before
    beside = Journal(journal.path)
    fuse(beside, "verger", "Le verger")
    beside.close()
    wait_for(store, "verger")
    stop.set()
    thread.join()
    event.remove(Engine, "before_cursor_execute", note)
    assert idle <= QUESTIONS_A_LOOK
    assert before > 0
    assert "Le verger" in store.read(None)


def wait_for(store: Store, slug: str) -> None:
    """Wait until the combined directory holds a group."""
    deadline = time.monotonic() + 20
    while slug not in store.read(None) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_damaged_store_is_rebuilt_from_the_journal(tmp_path: Path, journal: Journal, names: Names) -> None:
    """Files overwritten in the middle: whether the store still opens or not, the graph is whole again after a start."""
    for number in range(300):
        fuse(journal, f"g{number}", f"Groupe {number} {os.urandom(20).hex()}")
    store = OxigraphStore(tmp_path / "graph", names)
    Projector(journal, store, names).rebuild()
    expected = store.read(None)
    store.close()
    for path in (tmp_path / "graph").glob("*/*.sst"):
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 4)
            file.write(os.urandom(path.stat().st_size // 4))
    damaged = OxigraphStore(tmp_path / "graph", names)
    stop = threading.Event()
    thread = threading.Thread(target=Projector(journal, damaged, names).run, args=(stop,))
    thread.start()
    with journal.read() as c:
        last = changes.last(c)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (damaged.position() == last and damaged.verify()):
        time.sleep(0.1)
    stop.set()
    thread.join()
    assert damaged.read(None) == expected
    damaged.close()


@contextmanager
def projecting(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the projector of a directory as a process of its own."""
    command = [sys.executable, "-m", "tests.graph.town", str(directory), *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def kill_in_mid_projection(directory: Path, journal: Journal, round_: int, pause_s: float) -> None:
    """Write while another process projects, kill that, and look at what it left."""
    with projecting(directory) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        for number in range(30):
            say(journal, "carte", f"g{number % 6}", f"tour {round_} {number}")
            fuse(journal, f"g{number % 6}", f"tour {round_} {number}")
        time.sleep(pause_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    store = OxigraphStore(directory / "graph", NAMES)
    graphs: list[str | None] = [NAMES.record("carte", f"g{number}") for number in range(6)]
    for graph in graphs:
        assert len(set(re.findall(r'"(tour [^"]*)"', store.read(graph)))) <= 1
    Projector(journal, store, NAMES).catch_up()
    assert same_as_rebuilt(journal, store, graphs)
    store.close()


def test_a_killed_projector_leaves_no_half_record_and_goes_on(tmp_path: Path, journal: Journal) -> None:
    """After SIGKILL anywhere each graph is one statement whole, and the next projector leads to what a rebuild makes."""
    add_source(journal, "carte")
    for round_, pause_s in enumerate((0.0, 0.15)):
        kill_in_mid_projection(tmp_path, journal, round_, pause_s)


@pytest.mark.slow
def test_a_projector_killed_fifty_times_leads_to_the_same(tmp_path: Path, journal: Journal) -> None:
    """The same fifty times over on one store, at different moments."""
    add_source(journal, "carte")
    for round_ in range(50):
        kill_in_mid_projection(tmp_path, journal, round_, round_ * 0.011)


def test_a_full_disk_is_waited_out(tmp_path: Path, journal: Journal) -> None:
    """While nothing can be written the projector waits where it is; with room again it goes on by itself to the end."""
    fuse(journal, "first", "x")
    with projecting(tmp_path, "200000") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in range(400):
            fuse(journal, f"g{number}", "x" * 1000 + str(number))
        with journal.read() as c:
            process.stdin.write(f"{changes.last(c)}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "waiting True behind True\n"
        assert process.stdout.readline() == "done True\n"
    store = OxigraphStore(tmp_path / "graph", NAMES)
    assert same_as_rebuilt(journal, store, [])
    store.close()


def test_two_who_ask_for_it_at_once_do_not_disturb_each_other(journal: Journal, projector: Projector, store: Store) -> None:
    """Steps and rebuilds asked for by several threads come one after the other."""
    add_source(journal, "carte")
    for number in range(40):
        say(journal, "carte", f"g{number % 10}", f"Groupe {number}")
        fuse(journal, f"g{number % 10}", f"Groupe {number}")
    threads = [threading.Thread(target=target) for target in (projector.catch_up, projector.rebuild, projector.catch_up, projector.rebuild)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert projector.step() == 0
    assert same_as_rebuilt(journal, store, [NAMES.record("carte", f"g{number}") for number in range(10)])


MARK = "zibelinexq7"


def in_files(folder: Path) -> list[str]:
    """The files in which the mark stands."""
    return [path.name for path in folder.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


def test_what_was_erased_leaves_the_files_of_the_store(journal: Journal, oxigraph: OxigraphStore, tmp_path: Path) -> None:
    """Oxigraph keeps every text it ever held: once the groups are settled the store is made anew, and whoever holds copies is told."""
    told: list[int] = []
    projector = Projector(journal, oxigraph, NAMES, cleaned=lambda: told.append(1))
    add_source(journal, "carte")
    say(journal, "carte", "verger", "Le verger")
    projector.catch_up()
    say(journal, "carte", "jardin", f"Le jardin de la {MARK}")
    projector.catch_up()
    assert in_files(tmp_path / "graph")
    with journal.write() as c:
        held = records.get(c, "carte", "jardin")
        assert held is not None
        pending.remove(c, pending.first(c))
        records.withdraw(c, held.id, "test")
        erasure.erase(c, held.id, "test")
    projector.catch_up()
    assert (told, in_files(tmp_path / "graph") != []) == ([], True)  # its group still waits: the store would have to be made anew again
    with journal.write() as c:
        pending.remove(c, [held.id])
    projector.catch_up()
    assert (told, in_files(tmp_path / "graph")) == ([1], [])
    assert projector.step() == 0
    assert "Le verger" in oxigraph.read(NAMES.record("carte", "verger"))


def test_a_rebuild_counts_as_cleaning(journal: Journal, projector: Projector, store: Store) -> None:
    """What an operator asked for, or what a restart found to be done, is not done a second time."""
    add_source(journal, "carte")
    with journal.write() as c:
        meta.put(c, erasure.GRAPH_DUE, "now")
    projector.rebuild()
    with journal.read() as c:
        assert erasure.graph_due(c) == ""
    assert projector.step() == 0
