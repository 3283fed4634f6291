"""The journal: everything the node knows, in one SQLite database in WAL mode, which is the truth.

A write is acknowledged when its transaction is committed here. Several processes may write; SQLite lets one in at a time.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from app.errors import JournalUnavailable, Text

FILE = "journal.sqlite"
BUSY_TIMEOUT_MS = 60_000


def now() -> str:
    """Return the present moment as the journal writes it: UTC, milliseconds, ``Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """One open journal; `read` and `write` give a connection whose transaction ends with the block."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, creating it and bringing its tables up to date.

        Raises JournalUnavailable when it cannot be opened or was written by a newer version.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(path)
        try:
            _migrate(self._engine)
        except (OperationalError, sqlite3.OperationalError) as error:
            raise _unavailable(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot; nothing may be written through it."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one writer's transaction: committed when the block ends well, rolled back otherwise.

        Raises JournalUnavailable when the disk is full or another writer does not finish within a minute.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(begin)
                yield connection
                connection.commit()
        except OperationalError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    """An engine whose transactions are begun by us (pysqlite's own habit breaks snapshots), tuned for durability."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}, pool_size=8, max_overflow=64)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}", "cache_size=-65536", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _migrate(engine: Engine) -> None:
    """Bring the tables to this version; refuse a journal written by a newer one."""
    config = Config()
    config.set_main_option("script_location", os.fspath(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        found = MigrationContext.configure(connection).get_current_revision()
        if found == script.get_current_head():
            return
        if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
            raise JournalUnavailable(Text("Ce journal a été écrit par une version plus récente de Maillage : mettez Maillage à jour.", "This journal was written by a newer version of Maillage: update Maillage."))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _unavailable(error: Exception) -> JournalUnavailable:
    """Say in a sentence why the journal cannot be used."""
    return JournalUnavailable(Text(f"Le journal ne peut pas être lu ou écrit ({error.__cause__ or error}) : vérifiez la place libre et les droits du dossier de données.", f"The journal cannot be read or written ({error.__cause__ or error}): check the free space and the rights of the data directory."))
