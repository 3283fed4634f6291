"""`generations`: copies of a big store, asked for while it is being written: how long one takes to make, how old it is, what it costs."""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph

from app import record
from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.names import Names
from app.sparql.generations import Generations
from tests.benchmarks import invented
from tests.benchmarks.measuring import table

NAMES = Names("http://annuaire.example")
QUADS_A_GROUP = 44
"""About: each group is there twice, in the default graph and in its record's."""

LOOK_UP = f"SELECT ?p ?o {{ <{NAMES.group('g7')}> ?p ?o }}"
EVERY_S = 0.5


@dataclass(slots=True)
class _Writer:
    """Writes one group after another into the store, as fast as it takes them, until told to stop; how long each took is kept."""

    store: OxigraphStore
    groups: int
    stop: threading.Event = field(default_factory=threading.Event)
    taken: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Write."""
        position = self.store.position()
        while not self.stop.is_set():
            for number, document in enumerate(invented.groups(self.groups, seed=position, base=NAMES.base)):
                if self.stop.is_set():
                    return
                position += 1
                lines = record.n_triples(record.read(document).document)
                begun = time.perf_counter()
                self.store.apply([Change(NAMES.record("a", f"g{number}"), lines), Change(None, lines, document["id"])], position)
                self.taken.append((time.perf_counter() - begun) * 1000)


def run(groups: int = 25_000, seconds: float | None = None) -> str:
    """Fill a store, write into it while copies of it are asked for, and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        store = OxigraphStore(Path(folder) / "graph", NAMES)
        store.load(_quads(groups), 1)
        generations = Generations(store, Path(folder) / "generations")
        quiet = _Asked(generations, Path(folder))
        quiet.ask_for(2.0 if seconds is None else seconds)
        writer = _Writer(store, groups)
        thread = threading.Thread(target=writer.run)
        thread.start()
        busy = _Asked(generations, Path(folder))
        busy.ask_for((60.0 if groups > 1000 else 1.0) if seconds is None else seconds)
        writer.stop.set()
        thread.join()
        rows = _rows(quiet, busy, writer)
        store.close()
    return table(f"Copies of a store of about {groups * QUADS_A_GROUP:,} quads", ("what", "median", "p95", "longest"), rows)


@dataclass(slots=True)
class _Asked:
    """Asks for the current copy and looks one group up in it, over and over: what each part took, in milliseconds."""

    generations: Generations
    folder: Path
    same: list[float] = field(default_factory=list)
    made: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    looked_up: list[float] = field(default_factory=list)
    age: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def ask_for(self, seconds: float) -> None:
        """Ask for so long, at least twice."""
        end, last, held = time.monotonic() + seconds, None, None
        while time.monotonic() < end or len(self.made) + len(self.same) < 2:
            begun = time.perf_counter()
            with self.generations.reading(EVERY_S) as generation:
                (self.same if generation is last else self.made).append((time.perf_counter() - begun) * 1000)
                if held is None or generation is not last:
                    begun = time.perf_counter()
                    held = pyoxigraph.Store.read_only(str(generation.path))
                    self.opened.append((time.perf_counter() - begun) * 1000)
                    self._measure_files()
                last = generation
                begun = time.perf_counter()
                assert list(held.query(LOOK_UP))  # type: ignore[arg-type]  # a SELECT's answer can be gone through
                self.looked_up.append((time.perf_counter() - begun) * 1000)
                self.age.append((time.time() - generation.created_at) * 1000)
            time.sleep(0.01)

    def _measure_files(self) -> None:
        """Count what store and copies take on the disk, a file with several names once, and the files this process has open."""
        found = [path.stat() for path in self.folder.rglob("*") if path.is_file()]
        self.megabytes.append(sum({stat.st_ino: stat.st_size for stat in found}.values()) / 1e6)
        self.files.append(float(len(list(Path("/proc/self/fd").iterdir()))))


def _quads(groups: int) -> Iterator[str]:
    """Yield the groups in the default graph and in a graph each."""
    for number, document in enumerate(invented.groups(groups, base=NAMES.base)):
        lines = record.n_triples(record.read(document).document)
        yield lines + lines.replace(" .\n", f" <{NAMES.record('a', f'g{number}')}> .\n")


def _rows(quiet: _Asked, busy: _Asked, writer: _Writer) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table."""
    yield _row("a copy is made while nobody writes, ms", quiet.made)
    yield _row("a copy is made while groups are written, ms", busy.made)
    yield _row("the copy there is is good enough, ms", busy.same)
    yield _row("a process opens a new copy, ms", busy.opened)
    yield _row("look-up while nobody writes, ms", quiet.looked_up)
    yield _row("look-up while groups are written, ms", busy.looked_up)
    yield _row("age of the copy that was asked, ms", busy.age)
    yield _row(f"one group is written ({len(writer.taken):,} of them), ms", writer.taken)
    yield _row("store and copies on the disk, MB", busy.megabytes)
    yield _row("open files of the process", busy.files)


def _row(name: str, values: list[float]) -> tuple[object, ...]:
    """Return one line."""
    values = values or [0.0]
    return name, statistics.median(values), sorted(values)[int(len(values) * 0.95)], max(values)
