"""Copies of the journal, and starting again from one.

A copy is the whole truth of a node; the graph is made anew from it. A node that starts again from a copy forgets the
numbers it gave out since, so it opens a new epoch: its peers then read it in full.
"""

import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from app.combined import Combined
from app.errors import Conflict, JournalUnavailable, Text, why
from app.feed import log, relay
from app.journal import FILE, Journal, erasure, meta, now, records, sources, suppression
from app.journal.erased import Erased, Returning, erased_in, returning, take_over
from app.matching.combine import Matcher
from app.names import OWN, Names, place_of
from app.node import held

BESIDE = ("", "-wal", "-shm")
"""What SQLite keeps beside a database, by the ending of its name."""

_log = logging.getLogger(__name__)

_AUTHOR = "restore"
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_NOTHING = Erased(b"", {}, {})

_EPOCH = f"SELECT value FROM meta WHERE key = '{meta.EPOCH}'"  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the epoch that is open now, where the journal that was there is kept, and how many records were erased again.

    `erased` is None when the journal that was there cannot be read: what was erased from it since the copy may be back.
    """

    epoch: int
    replaced: Path | None
    erased: int | None = 0


def backup(journal: Journal, directory: Path) -> Path:
    """Copy the journal into `directory` while others go on writing; return the copy's path.

    The copy appears under its name only once it is whole and on the disk. Raises Conflict when the directory is the
    node's own, JournalUnavailable when it cannot be written.
    """
    target = directory / FILE
    partial = directory / f"{FILE}.{os.getpid()}.part"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _refuse_itself(journal.path, target)
        with closing(sqlite3.connect(journal.path)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        _put_in_place(partial, target)
    except OSError as error:
        raise _not_written(why(error)) from error
    except sqlite3.Error as error:
        raise _not_written(Text(str(error), str(error))) from error
    finally:
        _forget(partial)
    return target


def restore(data_dir: Path, directory: Path, base_url: str) -> Restored:
    """Make the copy in `directory` the journal of `data_dir`.

    Everything is done to a second copy beside the journal, which takes its place at the very end: whatever goes wrong
    before, nothing is touched. What was there is kept, under a name that says when it was replaced. Raises
    JournalUnavailable when the copy is not a whole journal or there is no room for it, Conflict when it is the node's
    own or another node's, DataDirectoryBusy when a node is running.
    """
    copy, current = directory / FILE, data_dir / FILE
    _refuse_itself(current, copy)
    if not copy.is_file():
        raise _not_whole(copy)
    with _made(data_dir), held(data_dir), _second(copy, data_dir / f"{FILE}.{os.getpid()}.part") as partial:
        erased = erased_in(current) if current.exists() else _NOTHING
        epoch, again = _begin_anew(partial, Names(base_url), _epoch_of(current), erased or _NOTHING)
        replaced = _set_aside(current)
        _put_in_place(partial, current)
        for projected in ("graph", "generations"):
            shutil.rmtree(data_dir / projected, ignore_errors=True)
    return Restored(epoch, replaced, None if erased is None else again)


@contextmanager
def _made(data_dir: Path) -> Iterator[None]:
    """Make the data directory, and take it away again when nothing could be restored into it; say what the system refuses."""
    new = not data_dir.exists()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = why(error)
        raise JournalUnavailable(
            Text(f"Rien n'est rétabli dans {data_dir} : {reason.fr}.", f"Nothing was restored into {data_dir}: {reason.en}.")
        ) from error
    finally:
        if new and not (data_dir / FILE).exists():
            shutil.rmtree(data_dir, ignore_errors=True)


@contextmanager
def _second(copy: Path, partial: Path) -> Iterator[Path]:
    """Copy the copy, with the write-ahead log that somebody may have copied with it, and see that it is whole; forget it at the end."""
    try:
        for ending in ("", "-wal"):
            beside = copy.with_name(copy.name + ending)
            if beside.exists():
                shutil.copyfile(beside, partial.with_name(partial.name + ending))
        if not _is_whole(partial):
            raise _not_whole(copy)
        yield partial
    finally:
        _forget(partial)


def _refuse_itself(journal: Path, copy: Path) -> None:
    """A copy of a journal is not that journal. Raises Conflict."""
    if copy.exists() and journal.exists() and copy.samefile(journal):
        raise Conflict(
            Text(
                "Ce dossier est celui du nœud lui-même : choisissez-en un autre, de préférence sur un autre disque.",
                "This directory is the node's own: choose another one, best on another disk.",
            )
        )


def _is_whole(path: Path) -> bool:
    """Tell whether a database is a journal of which nothing is damaged."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return sound and connection.execute(_EPOCH).fetchone() is not None
    except sqlite3.Error:
        return False


def _not_whole(copy: Path) -> JournalUnavailable:
    """Say that there is nothing to start again from."""
    return JournalUnavailable(Text(f"{copy} n'est pas une copie entière d'un journal.", f"{copy} is not a whole copy of a journal."))


def _begin_anew(path: Path, names: Names, above: int, erased: Erased) -> tuple[int, int]:
    """Open a new epoch in the copy that becomes the journal, and erase there what was erased since; return the epoch, and how many records.

    Raises Conflict when it is another node's.
    """
    with _journal(path) as journal:
        with journal.write() as connection:
            _refuse_foreign(connection, names)
            epoch = log.open_epoch(connection, names, above)
            relay.renumber(connection, epoch)
            take_over(connection, erased)
            again = list(returning(connection, erased))
            for one in again:
                _erase_again(connection, names, one)
        if again:
            Combined(Matcher(names)).settle_pending(journal)
            erasure.scrub(journal)
    return epoch, len(again)


def _erase_again(c: Connection, names: Names, one: Returning) -> None:
    """Erase a record that a copy brought back, as it was erased before; peers are told of ours.

    The moment of the first erasure stands: what was published anew after it is not erased, should another copy hold it.
    """
    if one.requested and one.source != OWN:
        erasure.erase_on_request(c, one.id, _AUTHOR)
    else:
        records.withdraw(c, one.id, _AUTHOR)
        erasure.erase(c, one.id, _AUTHOR)
    suppression.note(c, [suppression.digest(meta.secret(c), suppression.PAST, place_of(one.iri))], _AUTHOR, one.at)
    if one.source == OWN:
        log.append(c, names, log.Kind.DELETE, one.key, None, None, purge=True)


def _refuse_foreign(connection: Connection, names: Names) -> None:
    """See that a copy is this node's. Raises Conflict."""
    ours = next(records.live(connection, sources.own(connection).name), None)
    if ours is not None and not ours.iri.startswith(f"{names.groups}/"):
        raise Conflict(
            Text(
                f"Cette copie est celle d'un autre nœud ({ours.iri}) ; celui-ci est {names.base} : corrigez BASE_URL.",
                f"This copy is another node's ({ours.iri}); this one is {names.base}: mend BASE_URL.",
            )
        )


def _epoch_of(current: Path) -> int:
    """Return the epoch of the journal that is about to be replaced.

    When there is none, or none that can be read, nobody knows which epochs were opened since the copy was made: the clock gives one that is
    greater than all of them, the seconds since the year of the first release, so that a disk that is lost twice opens two.
    """
    try:
        if current.exists():
            with closing(sqlite3.connect(current)) as connection:
                return int(connection.execute(_EPOCH).fetchone()[0])
    except (sqlite3.Error, ValueError, TypeError):
        _log.warning("The journal that is replaced does not say its epoch: the clock gives one")
    return int((datetime.now(UTC) - _BEGINNING) / timedelta(seconds=1))


@contextmanager
def _journal(path: Path) -> Iterator[Journal]:
    """Open a journal for a moment."""
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()


def _set_aside(current: Path) -> Path | None:
    """Keep the journal that is being replaced, with its write-ahead log; return where."""
    kept = current.with_name(f"{FILE}.replaced-{now().replace(':', '').replace('.', '-')}")
    for ending in BESIDE:
        old = current.with_name(current.name + ending)
        if old.exists():
            old.replace(kept.with_name(kept.name + ending))
    return kept if kept.exists() else None


def _put_in_place(partial: Path, target: Path) -> None:
    """Give a finished file its name, once all of it is on the disk."""
    for path in (partial, target.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if path == partial:
            partial.replace(target)


def _forget(partial: Path) -> None:
    """Leave nothing half-done behind."""
    for ending in BESIDE:
        with suppress(OSError):
            partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _not_written(reason: Text) -> JournalUnavailable:
    """Say that a copy cannot be written."""
    return JournalUnavailable(Text(f"La copie ne peut pas être écrite : {reason.fr}.", f"The copy cannot be written: {reason.en}."))
