"""The embedded store: Oxigraph on disk, opened by one process, rebuildable at any moment from the journal.

Its directory holds numbered stores and the file ``current`` that names the one in use: a rebuilt store takes the
place of the old one by one atomic rename, and whatever a crash left half-made is removed at the next start.
"""

import io
import logging
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, cast

import pyoxigraph
from pyoxigraph import BlankNode, DefaultGraph, NamedNode, RdfFormat, Triple

from app.errors import DataDirectoryBusy, StoreUnavailable, Text
from app.graph import Change
from app.names import Names

POSITION = NamedNode("urn:x-maillage:position")
EPOCH = NamedNode("urn:x-maillage:epoch")
CURRENT = "current"
XSD_INTEGER = "<http://www.w3.org/2001/XMLSchema#integer>"

Graph = NamedNode | DefaultGraph

_log = logging.getLogger(__name__)


class OxigraphStore:
    """The store in `path`. Raises DataDirectoryBusy when another process has it open; a damaged one is left for an empty one."""

    def __init__(self, path: Path, names: Names) -> None:
        self._path = path
        self._catalogue = NamedNode(names.catalogue)
        path.mkdir(parents=True, exist_ok=True)
        self._replacing = threading.Lock()  # a store is not replaced while it is copied
        self._number, self._store = self._open()
        self._standing = self._read_standing()
        self._clear_leftovers()

    def _open(self) -> tuple[int, pyoxigraph.Store]:
        """Open the store in use; one that cannot be opened is left aside and an empty one started, for the projector to fill."""
        number = self._in_use()
        try:
            return number, _open(self._directory(number))
        except StoreUnavailable as error:
            _log.warning("The graph store is damaged and will be rebuilt from the journal: %s", error)
        shutil.rmtree(self._directory(number + 1), ignore_errors=True)
        self._point_at(number + 1)
        return number + 1, _open(self._directory(number + 1))

    def _in_use(self) -> int:
        """Return the number in the file ``current``."""
        try:
            return int((self._path / CURRENT).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return max((int(entry.name) for entry in self._path.iterdir() if entry.name.isdecimal()), default=1)

    def _point_at(self, number: int) -> None:
        """Make `number` the store in use, durably and at once."""
        partial = self._path / f"{CURRENT}.part"
        with partial.open("w") as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path / CURRENT)

    def _directory(self, number: int) -> Path:
        """Return where the store of that number is."""
        return self._path / str(number)

    def _clear_leftovers(self) -> None:
        """Remove the stores that are not in use; only the process that holds the one in use does it."""
        for entry in self._path.iterdir():
            if entry.name.isdecimal() and int(entry.name) != self._number:
                shutil.rmtree(entry, ignore_errors=True)

    def apply(self, changes: Sequence[Change], position: int, epoch: int = 1) -> None:
        """See `Store`: one update, hence one transaction."""
        with _unavailable_on_failure():
            last = {(change.graph, change.subject): change for change in changes}
            operations = _operations(self._store, last.values())
            self._store.update(";\n".join(chain(operations, self._position_operations(position, epoch))))
        self._standing = position, epoch

    def _position_operations(self, position: int, epoch: int) -> Iterator[str]:
        """Say how far the journal was read, in the same update."""
        catalogue = self._catalogue
        yield f"DELETE WHERE {{ GRAPH {catalogue} {{ {catalogue} {POSITION} ?position }} }}"
        yield f"DELETE WHERE {{ GRAPH {catalogue} {{ {catalogue} {EPOCH} ?epoch }} }}"
        yield f"INSERT DATA {{ GRAPH {catalogue} {{ {catalogue} {POSITION} {position} ; {EPOCH} {epoch} }} }}"

    def position(self) -> int:
        """See `Store`; remembered, since nobody else writes and every question asks for it."""
        return self._standing[0]

    def epoch(self) -> int:
        """See `Store`."""
        return self._standing[1]

    def _read_standing(self) -> tuple[int, int]:
        """Return the position and the epoch that the store holds; zeros when they cannot be read, so that it is made anew."""
        try:
            return self._number_said(POSITION), self._number_said(EPOCH)
        except StoreUnavailable as error:
            _log.warning("The graph store is damaged: %s", error)
            return 0, 0

    def _number_said(self, predicate: NamedNode) -> int:
        """Return the number that the catalogue says of itself."""
        with _unavailable_on_failure():
            quad = next(self._store.quads_for_pattern(self._catalogue, predicate, None, self._catalogue), None)
        return 0 if quad is None else int(cast(pyoxigraph.Literal, quad.object).value)

    def load(self, quads: Iterable[str], position: int, epoch: int = 1) -> None:
        """See `Store`: a new store is filled beside the old one and takes its place."""
        number = self._number + 1
        directory = self._directory(number)
        shutil.rmtree(directory, ignore_errors=True)
        with _unavailable_on_failure():
            store = pyoxigraph.Store(os.fspath(directory))
            tail = self._position_quads(position, epoch)
            store.bulk_load(cast(IO[bytes], io.BufferedReader(_Stream(chain(quads, [tail])), 1 << 20)), RdfFormat.N_QUADS)
            store.flush()
        with self._replacing, _unavailable_on_failure():
            self._point_at(number)
            self._number, self._store = number, store
            self._standing = position, epoch
            self._clear_leftovers()

    def _position_quads(self, position: int, epoch: int) -> str:
        """The position as N-Quads lines."""
        catalogue = self._catalogue
        said = ((POSITION, position), (EPOCH, epoch))
        return "".join(f'{catalogue} {predicate} "{value}"^^{XSD_INTEGER} {catalogue} .\n' for predicate, value in said)

    def read(self, graph: str | None) -> str:
        """See `Store`."""
        with _unavailable_on_failure():
            lines = sorted(f"{quad.triple} ." for quad in self._store.quads_for_pattern(None, None, None, _named(graph)))
        return "".join(f"{line}\n" for line in lines if f" {POSITION} " not in line and f" {EPOCH} " not in line)

    def backup(self, path: Path) -> None:
        """See `Store`: hard links, so a copy takes no room until the store moves on."""
        with self._replacing, _unavailable_on_failure():
            self._store.backup(os.fspath(path))

    def verify(self) -> bool:
        """See `Store`: every block that is read is checked against its checksum."""
        try:
            self._store.dump(cast(IO[bytes], _Nowhere()), RdfFormat.N_QUADS)
        except (OSError, RuntimeError) as error:
            _log.warning("The graph store cannot be read: %s", error)
            return False
        return True

    def reopen(self) -> None:
        """See `Store`: Oxigraph refuses every write after a full disk until it is opened anew."""
        self._store = pyoxigraph.Store()
        self._store = _open(self._directory(self._number))
        self._standing = self._read_standing()

    def close(self) -> None:
        """See `Store`."""
        self._store = pyoxigraph.Store()


class _unavailable_on_failure:  # noqa: N801 - reads as what the block does
    """Turn the engine's errors inside the block into StoreUnavailable."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """Raise the sentence instead of the engine's error."""
        if isinstance(error, OSError | RuntimeError | SyntaxError):
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> StoreUnavailable:
    """Say that the store cannot be used, and why."""
    return StoreUnavailable(
        Text(
            f"Le graphe ne peut pas être lu ou écrit ({error}) : vérifiez la place libre, ou lancez « maillage rebuild ».",
            f"The graph cannot be read or written ({error}): check the free space, or run 'maillage rebuild'.",
        )
    )


def _open(directory: Path) -> pyoxigraph.Store:
    """Open a store, making it when it is not there. Raises DataDirectoryBusy or StoreUnavailable."""
    try:
        return pyoxigraph.Store(os.fspath(directory))
    except (OSError, RuntimeError) as error:
        if "LOCK" in str(error):
            raise DataDirectoryBusy(
                Text(
                    f"Un autre nœud utilise déjà le graphe {directory.parent} : arrêtez-le, ou choisissez un autre dossier (DATA_DIR).",
                    f"Another node is already using the graph {directory.parent}: stop it, or choose another directory (DATA_DIR).",
                )
            ) from error
        raise _unavailable(error) from error


def _named(graph: str | None) -> Graph:
    """Return the engine's name of a graph; raises ValueError when it is not an IRI."""
    return DefaultGraph() if graph is None else NamedNode(graph)


def _operations(store: pyoxigraph.Store, changes: Iterable[Change]) -> Iterator[str]:
    """Say changes as update operations: whole graphs that are gone, then all triples that are, then all that are new."""
    gone: list[str] = []
    new: list[str] = []
    for change in changes:
        graph = _named(change.graph)
        if not change.triples and change.subject is None:
            yield "DROP DEFAULT" if change.graph is None else f"DROP SILENT GRAPH {graph}"
        else:
            _compare(store, change, graph, gone, new)
    if gone:
        yield f"DELETE DATA {{\n{''.join(gone)}}}"
    if new:
        yield f"INSERT DATA {{\n{''.join(new)}}}"


def _compare(store: pyoxigraph.Store, change: Change, graph: Graph, gone: list[str], new: list[str]) -> None:
    """Add to `gone` and `new` the triples in which a change differs from what the store holds."""
    try:
        wanted = _read(change.triples)
    except SyntaxError:
        _log.exception("What the graph should hold of %s cannot be read; it stays as it is.", change.subject or change.graph)
        return
    held = set(_held(store, graph, change.subject))
    if superfluous := held - wanted:
        gone.append(_block(graph, _lines(superfluous)))
    if missing := wanted - held:
        new.append(_block(graph, change.triples if len(missing) == len(wanted) else _lines(missing)))


def _read(triples: str) -> set[Triple]:
    """Read N-Triples lines. Raises SyntaxError when they are none, or when they hold blank nodes."""
    found = {quad.triple for quad in pyoxigraph.parse(triples, RdfFormat.N_TRIPLES)}
    if "_:" in triples and any(isinstance(term, BlankNode) for triple in found for term in triple):
        raise SyntaxError("blank node")
    return found


def _lines(triples: Iterable[Triple]) -> str:
    """Return triples as N-Triples lines."""
    return cast(bytes, pyoxigraph.serialize(triples, format=RdfFormat.N_TRIPLES)).decode()


def _block(graph: Graph, lines: str) -> str:
    """Write lines as the data of one graph."""
    return lines if isinstance(graph, DefaultGraph) else f"GRAPH {graph} {{\n{lines}}}\n"


def _held(store: pyoxigraph.Store, graph: Graph, subject: str | None) -> Iterator[Triple]:
    """Yield what a graph holds, all of it or what is about a subject and the parts that it leads to."""
    if subject is None:
        yield from (quad.triple for quad in store.quads_for_pattern(None, None, None, graph))
        return
    waiting, seen = [subject], {subject}
    while waiting:
        for quad in store.quads_for_pattern(NamedNode(waiting.pop()), None, None, graph):
            yield quad.triple
            part = quad.object.value if isinstance(quad.object, NamedNode) else ""
            if part.startswith(f"{subject}#") and part not in seen:
                seen.add(part)
                waiting.append(part)


class _Nowhere:
    """Where bytes go that only had to be read."""

    def write(self, data: bytes) -> int:
        """Take them."""
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


class _Stream(io.RawIOBase):
    """Chunks of text as a file to read from, so that a whole store passes through little memory."""

    def __init__(self, chunks: Iterable[str]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer type is private
        """Fill `buffer` from the next chunk that is not empty."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk.encode()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
