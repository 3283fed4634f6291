"""Copies of the store for the query processes to read: made when somebody asks and the last one is too old, removed when nobody reads them.

A copy is made of hard links, in a fraction of a second; its readers never meet the one writer.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.graph import Store

MAX_AGE_S = 0.5
"""Age up to which a copy is good enough although the store has moved on."""

SPOOL = "answers"
"""Where query processes leave large answers, beside the copies."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One copy: where it is, the journal's position that it holds at least, and when it was made, in seconds since 1970."""

    path: Path
    position: int
    created_at: float


class Copies(Protocol):
    """What questions are asked of: `Generations`, or the states of a server (`app.sparql.remote`)."""

    @property
    def spool(self) -> Path:
        """Where query processes leave large answers."""
        ...

    def current(self) -> Generation:
        """Return what may be asked now, and count its reader. Raises StoreUnavailable."""
        ...

    def newest(self) -> Generation | None:
        """Return what may be asked now when that is known at once."""
        ...

    def release(self, generation: Generation) -> None:
        """One reader is done."""
        ...

    def forget(self) -> None:
        """Let nobody begin to read what there is."""
        ...

    def forgotten(self, generation: Generation | None) -> bool:
        """Tell whether it should be let go of."""
        ...


@dataclass(slots=True)
class _Copy:
    """A copy and how many read it."""

    generation: Generation
    readers: int = 0
    forgotten: bool = False
    made: float = field(default_factory=time.monotonic)


class Generations:
    """The copies of `store`, in `directory`; whatever an earlier process left there is removed."""

    def __init__(self, store: Store, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._copies: list[_Copy] = []
        self._number = 0
        shutil.rmtree(directory, ignore_errors=True)
        self.spool.mkdir(parents=True)

    @property
    def spool(self) -> Path:
        """Where query processes leave large answers."""
        return self._directory / SPOOL

    def current(self, max_age_s: float = MAX_AGE_S) -> Generation:
        """Return a copy that holds what the store held at most `max_age_s` ago, and count its reader: `release` it.

        Raises StoreUnavailable when none can be made.
        """
        found = self._take(max_age_s)
        if found is not None:
            return found
        with self._making:
            return self._take(max_age_s) or self._made()

    def newest(self, max_age_s: float = MAX_AGE_S) -> Generation | None:
        """Return what `current` would, when no copy has to be made for it; nobody is counted as its reader."""
        position = self._store.position()
        with self._lock:
            copy = self._good(position, max_age_s)
            return copy.generation if copy else None

    def _take(self, max_age_s: float) -> Generation | None:
        """Count one more reader of the newest copy, if it is good enough."""
        position = self._store.position()
        with self._lock:
            copy = self._good(position, max_age_s)
            if copy is None:
                return None
            copy.readers += 1
            return copy.generation

    def _good(self, position: int, max_age_s: float) -> _Copy | None:
        """Return the newest copy unless the store has moved on and it is too old; the lock is held."""
        newest = self._copies[-1] if self._copies else None
        if newest is None or newest.forgotten or (newest.generation.position != position and time.monotonic() - newest.made > max_age_s):
            return None
        return newest

    def _made(self) -> Generation:
        """Make a copy, with its first reader; the copies before it go as soon as nobody reads them."""
        position = self._store.position()
        with self._lock:
            self._number += 1
            path = self._directory / str(self._number)
        copy = _Copy(Generation(path, position, time.time()), readers=1)
        self._store.backup(path)
        with self._lock:
            self._copies.append(copy)
        self._remove_unread()
        return copy.generation

    def release(self, generation: Generation) -> None:
        """One reader is done with a copy."""
        with self._lock:
            for copy in self._copies:
                if copy.generation is generation:
                    copy.readers -= 1
        self._remove_unread()

    def forget(self) -> None:
        """Let nobody begin to read the copies there are: they hold what was erased since. They go with their last readers."""
        with self._making, self._lock:
            for copy in self._copies:
                copy.forgotten = True
        self._remove_unread()

    def forgotten(self, generation: Generation | None) -> bool:
        """Tell whether a copy should be let go of."""
        with self._lock:
            return any(copy.forgotten for copy in self._copies if copy.generation is generation)

    def _remove_unread(self) -> None:
        """Remove the copies that nobody reads, except the newest, which stays unless it is to be forgotten."""
        with self._lock:
            gone = [copy for copy in self._copies if copy.readers <= 0 and (copy.forgotten or copy is not self._copies[-1])]
            self._copies = [copy for copy in self._copies if copy not in gone]
        for copy in gone:
            shutil.rmtree(copy.generation.path, ignore_errors=True)

    @contextmanager
    def reading(self, max_age_s: float = MAX_AGE_S) -> Iterator[Generation]:
        """Hold a copy while the block runs."""
        generation = self.current(max_age_s)
        try:
            yield generation
        finally:
            self.release(generation)
