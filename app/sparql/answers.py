"""What was asked and what was answered; answers that can be given again while the copy of the store they came from is the newest."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.sparql.generations import Generation

MOST_BYTES = 32 << 20
"""Bytes of answers that are held at once."""

OVERHEAD = 1 << 10
"""Bytes that an answer takes besides its body and its question."""

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its dataset and an Accept header; `partial` takes the first rows of an answer that is too long."""

    query: str
    accept: str = "*/*"
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; a large one is in a file, which is removed once `read` or `chunks` has given it out, or by `close`.

    `position` is how much of the journal it knows, `created_at` when its copy of the graph was made, in seconds since 1970.
    """

    media_type: str
    truncated: bool
    size: int
    position: int
    created_at: float
    body: bytes | Path

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces, never all of a large one at once."""
        if isinstance(self.body, bytes):
            yield self.body
            return
        try:
            with self.body.open("rb") as file:
                while piece := file.read(_CHUNK):
                    yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Forget the answer."""
        if isinstance(self.body, Path):
            self.body.unlink(missing_ok=True)


class Asked(Protocol):
    """Who answers strangers' questions. From any thread."""

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises BadQuery, QueryRefused or NotAcceptable for what is wrong with it, QueryStopped when a limit was reached,
        Busy when too many wait, StoreUnavailable when the graph cannot be read.
        """
        ...

    def held(self, question: Question) -> Answer | None:
        """Return the answer when it was given before and is still good enough; nothing waits."""
        ...

    def forget(self) -> None:
        """Let go of everything that may hold what was erased."""
        ...

    def processes(self) -> list[int]:
        """Return the numbers of the processes that run."""
        ...

    def close(self) -> None:
        """End every process; whoever still waits for an answer is told that the query was stopped."""
        ...


class Answers:
    """Small answers on one copy of the store; those that nobody asked for longest go first. From any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._held: OrderedDict[Question, Answer] = OrderedDict()

    def given(self, generation: Generation, question: Question) -> Answer | None:
        """Return what was answered before on this very copy."""
        with self._lock:
            if generation is not self._generation or question not in self._held:
                return None
            self._held.move_to_end(question)
            return self._held[question]

    def keep(self, generation: Generation, question: Question, answer: Answer) -> None:
        """Hold an answer, unless it is in a file, or of a copy that is not the newest any more."""
        if isinstance(answer.body, Path):
            return
        with self._lock:
            if generation is not self._generation and not self._begin(generation):
                return
            if question not in self._held:
                self._size += _weight(question, answer)
            self._held[question] = answer
            while self._size > self._most:
                self._size -= _weight(*self._held.popitem(last=False))

    def forget(self) -> None:
        """Let go of every answer: something in them was erased."""
        with self._lock:
            self._generation, self._size = None, 0
            self._held.clear()

    def _begin(self, generation: Generation) -> bool:
        """Forget the answers of an older copy; return whether this one is newer."""
        if self._generation is not None and generation.created_at < self._generation.created_at:
            return False
        self._generation, self._size = generation, 0
        self._held.clear()
        return True


def _weight(question: Question, answer: Answer) -> int:
    """Return about how many bytes an answer takes."""
    return answer.size + 2 * len(question.query) + OVERHEAD
