"""Copies of the journal, and starting again from one.

A copy is the whole truth of a node; the graph is made anew from it. A node that starts again from a copy forgets the
numbers it gave out since, so it opens a new epoch: its peers then read it in full.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from app.errors import JournalUnavailable, Text
from app.feed import log
from app.journal import FILE, Journal
from app.names import Names
from app.node import held


def backup(journal: Journal, directory: Path) -> Path:
    """Copy the journal into `directory` while others go on writing; return the copy's path.

    The copy appears under its name only once it is whole. Raises JournalUnavailable when it cannot be written.
    """
    target = directory / FILE
    partial = directory / f"{FILE}.part"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(journal.path)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise JournalUnavailable(Text(f"La copie ne peut pas être écrite : {error}", f"The copy cannot be written: {error}")) from error
    return target


def restore(data_dir: Path, directory: Path, base_url: str) -> int:
    """Make the copy in `directory` the journal of `data_dir`; return the number of the epoch it opens.

    What was there is kept beside it, under a name ending in ``.replaced``. Raises JournalUnavailable when the copy
    is not a whole journal, DataDirectoryBusy when a node is running.
    """
    copy = directory / FILE
    _check(copy)
    data_dir.mkdir(parents=True, exist_ok=True)
    with held(data_dir):
        _set_aside(data_dir)
        shutil.copyfile(copy, data_dir / FILE)
        shutil.rmtree(data_dir / "graph", ignore_errors=True)
        journal = Journal(data_dir / FILE)
        try:
            with journal.write() as connection:
                return log.open_epoch(connection, Names(base_url))
        finally:
            journal.close()


def _check(copy: Path) -> None:
    """Refuse a copy that is missing or damaged, before anything is touched."""
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    except sqlite3.Error:
        whole = False
    if not whole:
        raise JournalUnavailable(Text(f"{copy} n'est pas une copie entière d'un journal.", f"{copy} is not a whole copy of a journal."))


def _set_aside(data_dir: Path) -> None:
    """Keep the journal that is being replaced, with its write-ahead log."""
    for suffix in ("", "-wal", "-shm"):
        old = data_dir / f"{FILE}{suffix}"
        if old.exists():
            old.replace(data_dir / f"{FILE}.replaced{suffix}")
