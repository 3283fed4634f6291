"""One query process as the node sees it: started ahead of its first question, asked, and ended when its time is over."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import app
from app.errors import QueryStopped, StoreUnavailable, Text
from app.sparql.generations import Generation
from app.sparql.tasks import Outcome, Refusal, Task, frame_of, header_size, reply_of

START_S = 30.0
"""Seconds that a process may take to start on a busy machine."""

_MOST = 1 << 16
_HEAD = 4
"""Bytes that say how long a frame is."""


class _Inbox:
    """Puts the pieces of one answer together: a frame, and the body that follows it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._reply: Outcome | Refusal | None = None

    def taken(self, piece: bytes) -> tuple[Outcome | Refusal, bytes] | None:
        """Take a piece; return the answer once it is whole. Nothing follows it: the next question was not asked yet."""
        self._data += piece
        self._reply = self._reply or self._frame()
        if self._reply is None or len(self._data) < _body_size(self._reply):
            return None
        answer = self._reply, bytes(self._data)
        self._reply = None
        self._data.clear()
        return answer

    def _frame(self) -> Outcome | Refusal | None:
        """Cut the frame off, once it is whole."""
        end = _HEAD + header_size(self._data[:_HEAD]) if len(self._data) >= _HEAD else 0
        if not end or len(self._data) < end:
            return None
        reply = reply_of(bytes(self._data[_HEAD:end]))
        del self._data[:end]
        return reply


def _body_size(reply: Outcome | Refusal) -> int:
    """Return how many bytes follow the frame."""
    return reply.size if isinstance(reply, Outcome) and not reply.spooled else 0


class Process:
    """A running ``python -m app.sparql.worker``, or another `module` that does its work; `generation` is the copy it has open.

    One asks it at a time.
    """

    def __init__(self, memory: int, file_size: int, module: str = "app.sparql.worker") -> None:
        command = [sys.executable, "-m", module, str(memory), str(file_size)]
        self._process = subprocess.Popen(  # noqa: S603 - our own modules, with two numbers
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), close_fds=True, bufsize=0
        )
        self._ready = False
        self._start_by = time.monotonic() + START_S
        self.spent = False
        """Whether it was asked something that it has not answered: it cannot be asked again."""
        self._inbox = _Inbox()
        self.generation: Generation | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it has said that it can be asked."""
        return self._ready

    @property
    def descriptor(self) -> int:
        """What becomes readable when a part of an answer is there."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def wait_ready(self, until: float) -> bool:
        """Wait until it can be asked, or that moment has come; tell whether it can. Raises StoreUnavailable when it does not start at all."""
        if self._ready:
            return True
        try:
            self._awaited(min(until, self._start_by))
        except QueryStopped as error:
            if self.alive and time.monotonic() < self._start_by:
                return False
            self.spent = True
            raise _not_started() from error
        self._ready = True
        return True

    def ask(self, task: Task) -> tuple[Outcome | Refusal, bytes]:
        """Return the frame that answers `task`, and the body that follows it. Raises QueryStopped; the process is dead then."""
        deadline = time.monotonic() + task.timeout_s
        self.send(task)
        return self._awaited(deadline)

    def send(self, task: Task) -> None:
        """Hand a task over; until its answer is whole the process is spent. Raises QueryStopped."""
        assert self._process.stdin is not None
        self.spent = True
        view = memoryview(frame_of(task))
        try:
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        except OSError as error:
            raise self._stopped() from error

    def _awaited(self, deadline: float) -> tuple[Outcome | Refusal, bytes]:
        """Wait for a whole answer. Raises QueryStopped when it does not come in time."""
        while True:
            if not readable(self.descriptor, max(0.0, deadline - time.monotonic())):
                raise out_of_time()
            if (answer := self.received()) is not None:
                return answer

    def received(self) -> tuple[Outcome | Refusal, bytes] | None:
        """Take what the descriptor has, and return the answer once it is whole. Waits when nothing is there. Raises QueryStopped."""
        piece = os.read(self.descriptor, _MOST)
        if not piece:
            raise self._stopped()
        answer = self._inbox.taken(piece)
        if answer is not None:
            self.spent = False
        return answer

    def _stopped(self) -> QueryStopped:
        """Say why a process that ended by itself did so."""
        self._process.wait()
        return out_of_time() if self._process.returncode == -signal.SIGALRM else _out_of_memory()

    def end(self) -> None:
        """Kill it, and let go of everything."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def readable(descriptor: int, seconds: float) -> bool:
    """Wait for bytes as long as this; return whether some are there."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _environment() -> dict[str, str]:
    """Nothing of the node's own environment: no proxy, no settings, no secret. One arena keeps the address space small."""
    return {"PYTHONPATH": str(Path(app.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}


def _not_started() -> StoreUnavailable:
    """Say that no process can be had."""
    return StoreUnavailable(
        Text(
            "Le processus qui répond aux requêtes ne démarre pas : voyez la mémoire libre de la machine.",
            "The process that answers queries does not start: look at the free memory of the machine.",
        )
    )


def out_of_time() -> QueryStopped:
    """Say that the time is over."""
    return QueryStopped(
        Text(
            "La requête a été interrompue : elle prenait trop de temps. Précisez-la, ou ajoutez LIMIT.",
            "The query was stopped: it took too long. Make it narrower, or add LIMIT.",
        )
    )


def _out_of_memory() -> QueryStopped:
    """Say that the process died of what it was asked: of memory, or of a stack that overflowed."""
    return QueryStopped(
        Text(
            "La requête a été interrompue : elle demandait trop de mémoire. Précisez-la, ou ajoutez LIMIT.",
            "The query was stopped: it wanted too much memory. Make it narrower, or add LIMIT.",
        )
    )
