"""The journal's file: opened, brought up to date, read in snapshots, written in transactions that are durable once they end.

It exists so that every caller has the same promises: what was committed survives kill -9 and a full disk, what was not is not there.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.errors import JournalUnavailable, Text
from app.journal.migrating import migrate

FILE = "journal.sqlite"
BUSY_TIMEOUT_MS = 60_000
PATIENCE_MS = 2_000
"""How long to wait for readers before the log is emptied another time."""

WAL_KEPT = 64 * 1024 * 1024


class Journal:
    """One open journal; `read` and `write` give a connection whose transaction ends with the block."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, creating it and bringing its tables up to date.

        Raises JournalUnavailable when it cannot be opened or was written by a newer version.
        """
        self.path = path
        with _explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make_wal(path)
            self._writer = _engine(path, pool_size=1, max_overflow=0)
            self._readers = _engine(path, "query_only=ON", pool_size=8, max_overflow=64)
            try:
                migrate(self._writer, path)
            except BaseException:
                self.close()
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent snapshot; nothing can be written through it."""
        with _transaction(self._readers, "BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one writer's transaction: committed when the block ends well, rolled back otherwise.

        Threads of this process wait in line for it. Raises JournalUnavailable when the disk is full or another writer does
        not finish within a minute.
        """
        with _transaction(self._writer, "BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def watched(self) -> Iterator[Callable[[], int]]:
        """Give a function whose number differs once anybody, in any process, has committed: a hundred times cheaper than a question."""
        with _explained(), closing(sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)) as connection:
            yield lambda: int(connection.execute("PRAGMA data_version").fetchone()[0])

    def vacuum(self) -> bool:
        """Rewrite the file without what was deleted and empty the write-ahead log; False when a reader or a full disk puts it off."""
        try:
            with _explained(), closing(sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
                connection.execute("VACUUM")
                connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except JournalUnavailable:
            return False
        return bool(busy == 0)

    def close(self) -> None:
        """Close every connection."""
        self._readers.dispose()
        self._writer.dispose()


def _make_wal(path: Path) -> None:
    """Put the file in WAL mode, which it keeps; a second process that does so at the same moment waits."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _engine(path: Path, *pragmas: str, **pool: Any) -> Engine:
    """An engine whose transactions are begun by us (pysqlite's own habit breaks snapshots), tuned for durability."""
    seconds = BUSY_TIMEOUT_MS / 1000
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": seconds, "check_same_thread": False}, pool_timeout=seconds, **pool)
    tuning = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-32768", "temp_store=MEMORY", f"journal_size_limit={WAL_KEPT}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in tuning + pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def _transaction(engine: Engine, begin: str) -> Iterator[Connection]:
    """One transaction, begun as told and ended with the block."""
    with _explained(), engine.connect() as connection:
        connection.exec_driver_sql(begin)
        yield connection
        connection.commit()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what keeps the database from being used into JournalUnavailable; a faulty statement of ours stays the error it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        sentence = _sentence(error.orig if isinstance(error, DBAPIError) else error)
        if sentence is None:
            raise
        raise JournalUnavailable(sentence) from error
    except OSError as error:
        raise JournalUnavailable(_NO_ACCESS) from error
    except PoolTimeoutError as error:
        raise JournalUnavailable(_BUSY) from error


_FULL = Text(
    "Le disque est plein : rien n'a été enregistré. Libérez de la place, puis recommencez ; ce qui était enregistré est intact.",
    "The disk is full: nothing was saved. Free some space, then try again; what was saved before is intact.",
)
_BUSY = Text(
    "Le journal est occupé par une autre écriture depuis plus d'une minute : réessayez dans un moment.",
    "The journal has been busy with another write for more than a minute: try again in a moment.",
)
_NO_ACCESS = Text(
    "Le journal ne peut pas être ouvert ou écrit : vérifiez que le dossier de données existe et que Maillage a le droit d'y écrire.",
    "The journal cannot be opened or written: check that the data directory exists and that Maillage may write there.",
)
_BROKEN = Text(
    "Le fichier du journal est abîmé ou n'est pas un journal : remettez une sauvegarde (maillage restore).",
    "The journal's file is damaged or is not a journal: put a backup back (maillage restore).",
)
_DISK = Text(
    "Le disque refuse de lire ou d'écrire le journal (place, quota ou panne) : rien n'a été enregistré. Vérifiez le disque, puis recommencez.",
    "The disk refuses to read or write the journal (space, quota or fault): nothing was saved. Check the disk, then try again.",
)
_SENTENCES = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CANTOPEN: _NO_ACCESS,
    sqlite3.SQLITE_READONLY: _NO_ACCESS,
    sqlite3.SQLITE_PERM: _NO_ACCESS,
    sqlite3.SQLITE_CORRUPT: _BROKEN,
    sqlite3.SQLITE_NOTADB: _BROKEN,
    sqlite3.SQLITE_IOERR: _DISK,
}


def _sentence(error: BaseException | None) -> Text | None:
    """Say what keeps the database from being used; None when it is not the database's state. The low byte is the primary code."""
    return _SENTENCES.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF)
