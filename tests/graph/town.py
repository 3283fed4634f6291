"""An invented town's journal: what the tests of the projector write into it, and the process that projects it."""

import logging
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert

from app import record
from app.graph.oxigraph import OxigraphStore
from app.graph.projector import Projector
from app.journal import Journal, changes, identities, records, sources
from app.journal.tables import group as group_table
from app.journal.text import as_text
from app.names import Names

NAMES = Names("http://node.example")


def statement(slug: str, text: str, **more: Any) -> dict[str, Any]:
    """What somebody says of a group: its name and its description, in the same words."""
    return {"id": NAMES.group(slug), "type": ["Group", "schema:Organization"], "name": {"fr": text}, "description": {"fr": text}} | more


def say(journal: Journal, source: str, slug: str, text: str, **more: Any) -> None:
    """A source says something of a group."""
    reading = record.read(statement(slug, text, **more), iri=NAMES.group(slug))
    with journal.write() as c:
        records.put(c, sources.get(c, source).id, slug, reading.iri, reading.document, reading.content_hash, "test")


def fuse(journal: Journal, slug: str, text: str | None) -> None:
    """The combined directory holds this group, or no longer."""
    with journal.write() as c:
        line = identities.exact(c, slug)
        identity_id = line.id if line else identities.create(c, slug)
        c.execute(delete(group_table).where(group_table.c.identity_id == identity_id))
        if text is not None:
            row = {"document": as_text(record.read(statement(slug, text), iri=NAMES.group(slug)).document), "origins": "{}", "content_hash": text}
            c.execute(
                insert(group_table).values(
                    row | {"identity_id": identity_id, "name": text, "sort_name": text, "modified_at": "2026-01-01T00:00:00.000Z"}
                )
            )
        changes.note(c, "group", [slug])


def add_source(journal: Journal, name: str, **more: Any) -> None:
    """A peer is added."""
    with journal.write() as c:
        sources.add(c, name, f"https://{name}.example/", "maillage", **more)


def project(directory: Path) -> None:
    """Follow the journal of `directory` for ever."""
    projector = Projector(Journal(directory / "journal.sqlite"), OxigraphStore(directory / "graph", NAMES), NAMES)
    print("started", flush=True)
    projector.run(threading.Event())


class Raising(logging.Handler):
    """Raises a flag at the first thing that is logged."""

    def __init__(self, flag: threading.Event) -> None:
        super().__init__()
        self._flag = flag

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - what is logged is of no interest
        """Raise it."""
        self._flag.set()


def project_on_a_full_disk(directory: Path, size: int) -> None:
    """Follow the journal while files may not grow beyond `size` and, once that was met, while they may; tell each step."""
    journal, store = Journal(directory / "journal.sqlite"), OxigraphStore(directory / "graph", NAMES)
    projector = Projector(journal, store, NAMES)
    projector.catch_up()
    began = store.position()
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    waiting = threading.Event()
    logging.getLogger("app.graph.projector").addHandler(Raising(waiting))
    print("ready", flush=True)
    last = int(sys.stdin.readline())
    threading.Thread(target=projector.run, args=(threading.Event(),), daemon=True).start()
    waiting.wait(60)
    print(f"waiting {waiting.is_set()} behind {began <= store.position() < last}", flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and store.position() < last:
        time.sleep(0.1)
    print(f"done {store.position() == last}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        project_on_a_full_disk(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        project(Path(sys.argv[1]))
