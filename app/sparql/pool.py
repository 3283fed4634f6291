"""The query processes as one: a bounded queue before them, a wall clock over them, a fresh one for each that dies."""

import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from app.errors import BadQuery, Busy, MaillageError, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable, Text
from app.sparql import guard
from app.sparql.answers import Answer, Answers, Question
from app.sparql.budget import Budget
from app.sparql.generations import Copies, Generation
from app.sparql.processes import Process
from app.sparql.tasks import Outcome, Refusal, Task
from app.sparql.turns import Turn

_ERRORS: dict[str, type[MaillageError]] = {kind.slug: kind for kind in (BadQuery, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable)}
LEAST_S, START_S = 0.25, 0.75
"""Seconds that a query has in any case, however long it stood in the line, and that a process which is starting may take beyond its time."""

_MAX_GRAPHS = 100
_MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use, how many may run or wait at once, and how many seconds of a process a client has in hand."""

    timeout_s: float = 10
    memory_mb: int = 1024
    max_rows: int = 10_000
    workers: int = 2
    max_bytes: int = 10_000_000
    waiting: int = 64
    budget_s: float = 120


class Pool:
    """The processes, started at once; `ask` may be called from any thread. Relative addresses are resolved against `base`."""

    module: ClassVar[str] = "app.sparql.worker"
    """What its processes run."""

    local: ClassVar[bool] = True
    """Whether a process answers by itself, and nobody else is waited for."""

    def __init__(self, generations: Copies, limits: Limits, base: str | None = None) -> None:
        self._base = base
        self._generations = generations
        self._limits = limits
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._free: queue.LifoQueue[Process] = queue.LifoQueue()  # who answered last has the newest copy open
        self._processes: set[Process] = set()
        self._answers = Answers()
        self._budget = Budget(limits.budget_s)
        for _ in range(limits.workers):
            self._free.put(self._started())

    @property
    def limits(self) -> Limits:
        """What one query may use, and how many may wait."""
        return self._limits

    def standing(self) -> tuple[int, int]:
        """Return the position and the epoch of the graph as far as they are known at once; zeros when they are not."""
        return self._generations.standing()

    def _started(self) -> Process:
        """Start one process; it gets ready while nobody waits for it."""
        process = Process(self._limits.memory_mb << 20, self._limits.max_bytes + (1 << 20), self.module)
        with self._lock:
            self._processes.add(process)
        return process

    def ask(self, question: Question, client: str = "", until: float | None = None) -> Answer:
        """Answer a question of a client, waiting for a process and for a newer copy of the graph where that is needed.

        All of it is over `until` then, on the monotonic clock: after the time that one query may take, when nothing else is said.

        Raises BadQuery, QueryRefused or NotAcceptable for what is wrong with it, QueryStopped when a limit was reached,
        Busy when too many wait, OverBudget when the client asked for too much lately, StoreUnavailable when the graph cannot be read.
        """
        _refuse_oversized(question)
        held = self.held(question)
        if held is not None:
            return held
        self._budget.refuse_spent(client)
        until = self.until() if until is None else until
        with self._turn(client, until) as process:
            if not process.wait_ready(until + START_S):
                raise busy()
            generation = self._moved(process)
            spool = self._spool()
            try:
                reply, body = self._replied(process, self._task(question, generation, spool, until))
            except BaseException:
                spool.unlink(missing_ok=True)
                raise
        return self._answered(question, generation, spool, reply, body)

    def until(self) -> float:
        """Return when a question that comes now must have been answered, on the monotonic clock."""
        return time.monotonic() + self._limits.timeout_s

    def asked(self, question: Question, client: str, until: float) -> Turn | None:
        """Hand a small question to a process that is free and whose copy of the graph is good enough; None when `ask` would wait.

        Raises BadQuery and QueryRefused for what is too large, OverBudget when the client asked for too much lately.
        """
        _refuse_oversized(question)
        self._budget.refuse_spent(client)
        generation = self._generations.newest()
        if not self.local or generation is None or question.default_graphs or question.named_graphs:
            return None
        process = self._reading(generation)
        if process is None:
            return None
        spool = self._spool()
        answered = partial(self._answered, question, generation, spool)
        return Turn(process, self._task(question, generation, spool, until), answered, partial(self._end_turn, process, client))

    def _reading(self, generation: Generation) -> Process | None:
        """Return a free process that has this copy open; nobody who waits is overtaken."""
        with self._lock:
            if self._closed or self._waiting >= self._limits.workers:
                return None
            try:
                process = self._free.get_nowait()
            except queue.Empty:
                return None
            if process.generation is generation and process.ready and process.alive:
                self._waiting += 1
                return process
        self._free.put(process)
        return None

    def _replied(self, process: Process, task: Task) -> tuple[Outcome | Refusal, bytes]:
        """Have a process do a task."""
        return process.ask(task)

    def held(self, question: Question) -> Answer | None:
        """Return the answer when it was given before, on a copy of the graph that is still good enough; nothing waits."""
        generation = self._generations.newest()
        return None if generation is None else self._answers.given(generation, question)

    def _answered(self, question: Question, generation: Generation, spool: Path, reply: Outcome | Refusal, body: bytes) -> Answer:
        """Make the answer of a reply, and hold it for the next who asks; or raise the error that it tells."""
        answer = _answer(reply, body, spool, generation)
        if answer.lasting and not self._generations.forgotten(generation):
            self._answers.keep(generation, question, answer)
        return answer

    def _spool(self) -> Path:
        """Return where a large answer may be left."""
        return self._generations.spool / uuid.uuid4().hex

    @contextmanager
    def _turn(self, client: str, until: float) -> Iterator[Process]:
        """Wait for a process, and have it replaced if it does not survive the block."""
        process = self._free_one(until)
        began = time.monotonic()
        try:
            yield process
        finally:
            self._end_turn(process, client, time.monotonic() - began)

    def _end_turn(self, process: Process, client: str, seconds: float) -> None:
        """Let the next one ask: this process, or another if it was spent."""
        self._budget.spend(client, seconds)
        lost = process.spent or not process.alive or self._generations.forgotten(process.generation)
        self._put_back(self._renewed(process) if lost else process)

    def _free_one(self, until: float) -> Process:
        """Return a living process. Raises Busy when too many wait already, or none gets free in time."""
        with self._lock:
            if self._closed or self._waiting >= self._limits.waiting + self._limits.workers:
                raise busy()
            self._waiting += 1
        try:
            process = self._free.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            with self._lock:
                self._waiting -= 1
            raise busy() from None
        if process.alive:
            return process
        return self._renewed(process)

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

    def _task(self, question: Question, generation: Generation, spool: Path, until: float) -> Task:
        """Put a question in the words of the pipe; who waited has so much less time, but a moment in any case."""
        return Task(
            generation=str(generation.path),
            query=question.query,
            accept=question.accept,
            default_graphs=question.default_graphs,
            named_graphs=question.named_graphs,
            partial=question.partial,
            max_rows=self._limits.max_rows,
            max_bytes=self._limits.max_bytes,
            timeout_s=max(LEAST_S, until - time.monotonic()),
            spool=str(spool),
            base=self._base,
        )

    def forget(self) -> None:
        """Let go of every copy of the graph made so far, and of the processes that have read it: those at work end with their answer."""
        self._generations.forget()
        self._answers.forget()
        for process in self._idle():
            self._free.put(self._renewed(process) if self._generations.forgotten(process.generation) else process)

    def _idle(self) -> list[Process]:
        """Take the processes that are free at this moment."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._free.get_nowait())
        return found

    def _renewed(self, process: Process) -> Process:
        """End a process and start another in its place."""
        self._end(process)
        return self._started()

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
    known = generation.position, generation.created_at
    return Answer(reply.media_type, reply.truncated, reply.size, *known, whole, reply.lasting, tuple(reply.unknown))


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


def busy() -> Busy:
    """Say that too many ask at once."""
    return Busy(Text("Trop de requêtes à la fois : réessayez dans un instant.", "Too many queries at once: try again in a moment."))
