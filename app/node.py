"""The parts of one node, put together; the only place that chooses backends and takes the data directory."""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from app import __version__
from app.checking import Checker
from app.combined import Combined
from app.directory import Directory
from app.errors import DataDirectoryBusy, SettingsError, Text, why
from app.feed import compaction, pages
from app.feed.readership import Readership
from app.graph import Store
from app.graph.oxigraph import OxigraphStore
from app.graph.projector import Projector
from app.graph.remote import Server
from app.graph.remote_store import RemoteStore
from app.harvest import relaying
from app.harvest.announcing import Announcer
from app.harvest.clock import Clock
from app.harvest.discovery import Discovery
from app.harvest.fetch import Fetcher
from app.harvest.hub import Hub
from app.harvest.listening import Listening
from app.harvest.visit import Harvester
from app.journal import FILE, Journal, erasure
from app.matching.combine import Matcher
from app.matching.normalise import words
from app.matching.rules import overridden
from app.matching.scratch import sweep
from app.names import Names
from app.search.ask import Search
from app.search.words import stem
from app.settings import Settings
from app.sparql.generations import Generations
from app.sparql.pool import Limits, Pool
from app.sparql.remote import RemotePool

LOCK = "node.lock"
COPIES = "generations"
MOMENT_S = 0.5


@dataclass(frozen=True, slots=True)
class Node:
    """What every command needs: the journal and the rooms that work on it. Several may be open on one data directory."""

    settings: Settings
    names: Names
    journal: Journal
    checker: Checker
    matcher: Matcher
    combined: Combined
    directory: Directory
    fetcher: Fetcher
    harvester: Harvester
    search: Search

    def forget(self) -> None:
        """Forget what this process remembers of texts: something was erased."""
        self.matcher.forget()
        for remembering in (words, stem):
            remembering.cache_clear()


@dataclass(frozen=True, slots=True)
class Graph:
    """The projection of the journal and those who ask it; one process at a time holds it."""

    store: Store
    projector: Projector
    queries: Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningNode(Node):
    """A node at work: what the pages and the API need."""

    store: Store
    projector: Projector
    queries: Pool
    clock: Clock
    hub: Hub
    listening: Listening
    readership: Readership


def open_node(settings: Settings) -> Node:
    """Open the journal of `settings.data_dir`, making it when it is not there, and the rooms above it.

    Raises JournalUnavailable, and SettingsError for what this version cannot serve.
    """
    _refuse_half_a_server(settings)
    names = Names(settings.base_url)
    journal = Journal(settings.data_dir / FILE)
    checker = Checker()
    matcher = Matcher(names, rules=overridden(settings.fusion))
    combined = Combined(matcher)
    fetcher = Fetcher(settings.allow_private_peers, f"Maillage/{__version__} (+{settings.base_url})")
    return Node(
        settings=settings,
        names=names,
        journal=journal,
        checker=checker,
        matcher=matcher,
        combined=combined,
        directory=Directory(journal, names, checker, combined.settle, settings.licence),
        fetcher=fetcher,
        harvester=Harvester(journal, names, checker, combined, fetcher),
        search=Search(journal),
    )


def _refuse_half_a_server(settings: Settings) -> None:
    """A SPARQL server in place of the embedded store is asked at one address and written at another: both are needed."""
    if (settings.graph_url is None) != (settings.graph_update_url is None):
        raise SettingsError(
            Text(
                "Un serveur SPARQL demande deux réglages : GRAPH_URL (les questions) et GRAPH_UPDATE_URL (les mises à jour).",
                "A SPARQL server takes two settings: GRAPH_URL (for questions) and GRAPH_UPDATE_URL (for updates).",
            )
        )


@contextmanager
def open_graph(node: Node) -> Iterator[Graph]:
    """Take the data directory for this process and open the graph store and the query processes on it.

    Raises DataDirectoryBusy when another process holds it.
    """
    settings = node.settings
    with ExitStack() as stack:
        stack.enter_context(held(settings.data_dir))
        limits = Limits(
            timeout_s=settings.sparql_timeout_s,
            memory_mb=settings.sparql_memory_mb,
            max_rows=settings.sparql_max_rows,
            workers=settings.sparql_workers,
            budget_s=settings.sparql_budget_s,
        )
        store, queries = _remote(node, limits, stack) if settings.graph_url else _embedded(node, limits, stack)
        stack.callback(queries.close)
        projector = Projector(node.journal, store, node.names, cleaned=queries.forget, keeps_files=not settings.graph_url)
        yield Graph(store, projector, queries)


def _embedded(node: Node, limits: Limits, stack: ExitStack) -> tuple[Store, Pool]:
    """Open the store in the data directory."""
    store = OxigraphStore(node.settings.data_dir / "graph", node.names)
    stack.callback(store.close)
    return store, Pool(Generations(store, node.settings.data_dir / COPIES), limits, f"{node.names.base}/sparql")


def _remote(node: Node, limits: Limits, stack: ExitStack) -> tuple[Store, Pool]:
    """Use the SPARQL server of the settings, which need not answer yet."""
    store = remote_store(node, node.settings.graph_url or "", node.settings.graph_update_url or "")
    stack.callback(store.close)
    return store, RemotePool(store, node.names, node.settings.data_dir / COPIES, limits)


def remote_store(node: Node, query_url: str, update_url: str) -> RemoteStore:
    """Return the store on a SPARQL server."""
    return RemoteStore(Server(query_url, update_url), node.names)


@contextmanager
def running(node: Node) -> Iterator[RunningNode]:
    """A node at work: what a crash left behind is settled first; projector, matching and clock run until the block ends."""
    with open_graph(node) as graph, ExitStack() as stack:
        node.harvester.recover()
        sweep()
        relaying.prepare(node.journal, on=node.settings.relay)
        node.combined.settle_pending(node.journal)
        erasure.scrub(node.journal)
        stop = threading.Event()
        projecting = threading.Thread(target=graph.projector.run, args=(stop,), name="projector")
        projecting.start()
        stack.callback(projecting.join)
        threading.Thread(target=node.combined.run, args=(node.journal, stop), name="matching", daemon=True).start()
        stack.callback(_compacting(node, stop).join)
        threading.Thread(target=erasure.keep_scrubbed, args=(node.journal, stop, node.forget), name="erasing", daemon=True).start()
        stack.callback(stop.set)
        yield RunningNode(**_parts(node), **_parts(graph), **_neighbours(node, stack))


def _neighbours(node: Node, stack: ExitStack) -> dict[str, Any]:
    """Start what deals with other nodes: the clock, who is told of our changes and tells us of theirs, who reads us."""
    stop = threading.Event()
    parts = node.journal, node.names, node.fetcher
    settings = node.settings
    retention = compaction.Retention(settings.feed_log_days, settings.feed_tombstone_days)
    announcer = Announcer(*parts, lambda c: pages.root(c, node.names, retention, relays=settings.relay))
    hub, readership = Hub(*parts), Readership(node.journal)
    discovery = Discovery(*parts, stop)

    def afterwards(name: str) -> None:
        listening.keep_up(name)
        discovery.look(name)

    clock = Clock(node.journal, node.harvester, afterwards=afterwards)
    listening = Listening(*parts, clock.wake, stop)
    for name, work in (("announcing", announcer.run), ("readership", readership.run)):
        thread = threading.Thread(target=work, args=(stop,), name=name)
        thread.start()
        stack.callback(thread.join)
    stack.callback(hub.stop)
    clock.start()
    stack.callback(clock.stop)
    stack.callback(stop.set)
    return {"clock": clock, "hub": hub, "listening": listening, "readership": readership}


def _compacting(node: Node, stop: threading.Event) -> threading.Thread:
    """Start to keep the feed short, once a day."""
    retention = compaction.Retention(node.settings.feed_log_days, node.settings.feed_tombstone_days)
    thread = threading.Thread(target=compaction.run, args=(node.journal, retention, stop), name="compaction")
    thread.start()
    return thread


def _parts(whole: Node | Graph) -> dict[str, Any]:
    """Return the fields of a dataclass, as they are."""
    return {field.name: getattr(whole, field.name) for field in fields(whole)}


def announce(node: Node, port: int) -> None:
    """Leave the local address of the running node where the other commands look for it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(node.settings.host, node.settings.host)  # noqa: S104 - told from an address, not listened on
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    (node.settings.data_dir / LOCK).write_text(json.dumps({"pid": os.getpid(), "url": url}))


def running_at(data_dir: Path) -> str | None:
    """Return the local address of the node that holds this data directory, or None when nobody does."""
    try:
        with (data_dir / LOCK).open() as lock:
            text = "" if _locked(lock) else lock.read()
    except FileNotFoundError:
        return None
    return str(json.loads(text)["url"]) if text else None


@contextmanager
def held(data_dir: Path) -> Iterator[TextIO]:
    """Hold the data directory's lock; the system lets go of it when the process ends, however it ends.

    Raises DataDirectoryBusy when another process holds it for more than a moment: a command that only looks who does is soon gone.
    """
    deadline = time.monotonic() + MOMENT_S
    with _opened(data_dir / LOCK) as lock:
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise DataDirectoryBusy(
                    Text(
                        f"Un autre nœud utilise déjà le dossier de données {data_dir} : arrêtez-le, ou choisissez un autre dossier (DATA_DIR).",
                        f"Another node is already using the data directory {data_dir}: stop it, or choose another directory (DATA_DIR).",
                    )
                )
            time.sleep(MOMENT_S / 10)
        lock.truncate(0)  # whoever held it before is no longer where it said
        yield lock


def _opened(path: Path) -> TextIO:
    """Open the lock's file. Raises SettingsError when it may not be."""
    try:
        return path.open("a+")
    except OSError as error:
        reason = why(error)
        raise SettingsError(Text(f"{path} ne peut pas être ouvert : {reason.fr}.", f"{path} cannot be opened: {reason.en}.")) from error


def _locked(lock: TextIO) -> bool:
    """Take the lock, or return False when somebody has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
