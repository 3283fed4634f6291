"""The query processes as one: a bounded queue before them, a wall clock over them, a fresh one for each that dies."""

import queue
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from app.errors import BadQuery, Busy, MaillageError, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable, Text
from app.sparql import guard
from app.sparql.answers import Answer, Answers, Question
from app.sparql.generations import Copies, Generation
from app.sparql.processes import Process
from app.sparql.tasks import Outcome, Refusal, Task

_ERRORS: dict[str, type[MaillageError]] = {kind.slug: kind for kind in (BadQuery, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable)}
_MAX_GRAPHS = 100
_MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use, and how many may run or wait at once."""

    timeout_s: float = 10
    memory_mb: int = 1024
    max_rows: int = 10_000
    workers: int = 2
    max_bytes: int = 10_000_000
    waiting: int = 8


class Pool:
    """The processes, started at once; `ask` may be called from any thread."""

    module: ClassVar[str] = "app.sparql.worker"
    """What its processes run."""

    def __init__(self, generations: Copies, limits: Limits) -> None:
        self._generations = generations
        self._limits = limits
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._free: queue.Queue[Process] = queue.Queue()
        self._processes: set[Process] = set()
        self._answers = Answers()
        for _ in range(limits.workers):
            self._free.put(self._started())

    def _started(self) -> Process:
        """Start one process; it gets ready while nobody waits for it."""
        process = Process(self._limits.memory_mb << 20, self._limits.max_bytes + (1 << 20), self.module)
        with self._lock:
            self._processes.add(process)
        return process

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises BadQuery, QueryRefused or NotAcceptable for what is wrong with it, QueryStopped when a limit was reached,
        Busy when too many wait, StoreUnavailable when the graph cannot be read.
        """
        _refuse_oversized(question)
        held = self.held(question)
        if held is not None:
            return held
        with self._turn() as process:
            process.wait_ready()
            generation = self._moved(process)
            spool = self._generations.spool / uuid.uuid4().hex
            try:
                reply, body = self._replied(process, self._task(question, generation, spool))
            except BaseException:
                spool.unlink(missing_ok=True)
                raise
        answer = _answer(reply, body, spool, generation)
        if isinstance(reply, Outcome) and reply.lasting and not self._generations.forgotten(generation):
            self._answers.keep(generation, question, answer)
        return answer

    def _replied(self, process: Process, task: Task) -> tuple[Outcome | Refusal, bytes]:
        """Have a process do a task."""
        return process.ask(task)

    def held(self, question: Question) -> Answer | None:
        """Return the answer when it was given before, on a copy of the graph that is still good enough; nothing waits."""
        generation = self._generations.newest()
        return None if generation is None else self._answers.given(generation, question)

    @contextmanager
    def _turn(self) -> Iterator[Process]:
        """Wait for a process, and have it replaced if it does not survive the block."""
        process = self._free_one()
        try:
            yield process
        finally:
            if process.spent or not process.alive or self._generations.forgotten(process.generation):
                self._end(process)
                process = self._started()
            self._put_back(process)

    def _free_one(self) -> Process:
        """Return a living process. Raises Busy when too many wait already, or none gets free in time."""
        with self._lock:
            if self._closed or self._waiting >= self._limits.waiting + self._limits.workers:
                raise _busy()
            self._waiting += 1
        try:
            process = self._free.get(timeout=self._limits.timeout_s)
        except queue.Empty:
            with self._lock:
                self._waiting -= 1
            raise _busy() from None
        if process.alive:
            return process
        self._end(process)
        return self._started()

    def _put_back(self, process: Process) -> None:
        """Let the next one ask."""
        with self._lock:
            self._waiting -= 1
            closed = self._closed
        if closed:
            self._end(process)
        else:
            self._free.put(process)

    def _moved(self, process: Process) -> Generation:
        """Give the process the current copy to read; the one it read before is nobody's then."""
        generation = self._generations.current()
        before, process.generation = process.generation, generation
        if before is not None:
            self._generations.release(before)
        return generation

    def _task(self, question: Question, generation: Generation, spool: Path) -> Task:
        """Put a question in the words of the pipe."""
        return Task(
            generation=str(generation.path),
            query=question.query,
            accept=question.accept,
            default_graphs=question.default_graphs,
            named_graphs=question.named_graphs,
            partial=question.partial,
            max_rows=self._limits.max_rows,
            max_bytes=self._limits.max_bytes,
            timeout_s=self._limits.timeout_s,
            spool=str(spool),
        )

    def forget(self) -> None:
        """Let go of every copy of the graph made so far, and of the processes that have read it: those at work end with their answer."""
        self._generations.forget()
        self._answers.forget()
        for _ in range(self._limits.workers):
            try:
                process = self._free.get_nowait()
            except queue.Empty:
                return
            if self._generations.forgotten(process.generation):
                self._end(process)
                process = self._started()
            self._free.put(process)

    def _end(self, process: Process) -> None:
        """End a process and give back what it held."""
        process.end()
        with self._lock:
            self._processes.discard(process)
        if process.generation is not None:
            self._generations.release(process.generation)
            process.generation = None

    def processes(self) -> list[int]:
        """Return the numbers of the processes that run."""
        with self._lock:
            return sorted(process.pid for process in self._processes)

    def close(self) -> None:
        """End every process; whoever still waits for an answer is told that the query was stopped."""
        with self._lock:
            self._closed = True
            processes = list(self._processes)
        for process in processes:
            self._end(process)


def _answer(reply: Outcome | Refusal, body: bytes, spool: Path, generation: Generation) -> Answer:
    """Make the answer of a reply, or raise the error that it tells."""
    if isinstance(reply, Refusal):
        raise _ERRORS[reply.slug](Text(reply.fr, reply.en))
    whole = spool if reply.spooled else body
    return Answer(reply.media_type, reply.truncated, reply.size, generation.position, generation.created_at, whole)


def _refuse_oversized(question: Question) -> None:
    """Refuse what is too large to be worth a process's time. Raises QueryRefused."""
    guard.refuse_long(question.query)
    graphs = (*question.default_graphs, *question.named_graphs)
    if len(graphs) > _MAX_GRAPHS or any(len(text) > _MAX_LENGTH or not _is_text(text) for text in (*graphs, question.accept)):
        raise QueryRefused(
            Text("La requête nomme trop de graphes, ou des adresses impossibles.", "The query names too many graphs, or impossible addresses.")
        )


def _is_text(value: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _busy() -> Busy:
    """Say that too many ask at once."""
    return Busy(Text("Trop de requêtes à la fois : réessayez dans un instant.", "Too many queries at once: try again in a moment."))
