"""Real SPARQL servers for tests: `oxigraph serve` and Virtuoso, each on free loopback ports, ended by pid."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.graph.remote import Server
from app.graph.remote_store import RemoteStore
from app.names import Names
from tests.nodes import free_port

START_S = 120
PASSWORD = "invented"
"""Of the test servers' administrator, who can be reached from this machine only."""

VIRTUOSO = """
[Database]
DatabaseFile = {folder}/virtuoso.db
ErrorLogFile = {folder}/virtuoso.log
LockFile = {folder}/virtuoso.lck
TransactionFile = {folder}/virtuoso.trx
xa_persistent_file = {folder}/virtuoso.pxa
FileExtend = 200
[TempDatabase]
DatabaseFile = {folder}/temporary.db
TransactionFile = {folder}/temporary.trx
[Parameters]
ServerPort = 127.0.0.1:{port}
ServerThreads = 20
NumberOfBuffers = 20000
MaxDirtyBuffers = 15000
DirsAllowed = {folder}
MaxSortedTopRows = 100000
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerRoot = {folder}
ServerThreads = 10
[SPARQL]
ResultSetMaxRows = 100000
MaxQueryCostEstimationTime = 0
"""


@dataclass(frozen=True, slots=True)
class SparqlServer:
    """A running server, as settings name it; `restart` ends it as a power cut would and starts it anew, `stop` only ends it."""

    query_url: str
    update_url: str
    stop: Callable[[], None]
    start: Callable[[], None]


class _Running:
    """A command that is run again on the same files."""

    def __init__(self, command: list[str], probe: str) -> None:
        self._command, self._probe = command, probe
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"{self._command[0]} ended with {self._process.returncode}"
            try:
                if httpx.get(self._probe, params={"query": "ASK {}"}, timeout=5, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"{self._command[0]} was not ready within {START_S} s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def oxigraph() -> Iterator[SparqlServer]:
    """`oxigraph serve`, from the wheel of that name: its default graph is its own."""
    with _oxigraph() as server:
        yield server


@contextmanager
def oxigraph_union() -> Iterator[SparqlServer]:
    """The same server told that its default graph is the union of all graphs; strict about what a dataset is."""
    with _oxigraph("--union-default-graph") as server:
        yield server


@contextmanager
def _oxigraph(*options: str) -> Iterator[SparqlServer]:
    program, port = Path(sys.executable).with_name("oxigraph"), free_port()
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{port}"
        running = _Running([str(program), "serve", "--location", folder, "--bind", f"127.0.0.1:{port}", *options], f"{url}/query")
        running.start()
        try:
            yield SparqlServer(f"{url}/query", f"{url}/update", running.stop, running.start)
        finally:
            running.stop()


@contextmanager
def virtuoso() -> Iterator[SparqlServer]:
    """Virtuoso, from Debian: its default graph is the union of all graphs; updates need a user and a password, by digest."""
    program = shutil.which("virtuoso-t")
    assert program, "the tests need virtuoso-t (Debian: apt-get install virtuoso-opensource-7-bin)"
    port, http = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder, "virtuoso.ini")
        ini.write_text(VIRTUOSO.format(folder=folder, port=port, http=http))
        url = f"127.0.0.1:{http}"
        running = _Running([program, "-f", "-c", str(ini)], f"http://{url}/sparql")
        running.start()
        try:
            say = f"user_set_password ('dba', '{PASSWORD}'); checkpoint;"
            subprocess.run(["isql-vt", f"127.0.0.1:{port}", "dba", "dba", f"EXEC={say}"], check=True, capture_output=True, timeout=60)
            yield SparqlServer(f"http://{url}/sparql", f"http://dba:{PASSWORD}@{url}/sparql-auth", running.stop, running.start)
        finally:
            running.stop()


SERVERS: dict[str, Callable[[], AbstractContextManager[SparqlServer]]] = {
    "oxigraph serve": oxigraph,
    "oxigraph serve, union": oxigraph_union,
    "virtuoso": virtuoso,
}


@contextmanager
def emptied(server: SparqlServer, names: Names) -> Iterator[RemoteStore]:
    """A store on a running server, which holds nothing of this node's before and after."""
    asked = Server(server.query_url, server.update_url)
    store = RemoteStore(asked, names)
    try:
        _empty(asked, names)
        yield store
        _empty(asked, names)
    finally:
        store.close()


def _empty(server: Server, names: Names) -> None:
    """Take away every graph of the node."""
    question = f"SELECT DISTINCT ?g WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?g), '{names.base}/')) }}"
    graphs = [row["g"] for row in server.rows(question)]
    operations = [*(["DROP DEFAULT"] if "/query" in server.address else []), *(f"DROP SILENT GRAPH <{graph}>" for graph in graphs)]
    if operations:
        server.update(";\n".join(operations))
