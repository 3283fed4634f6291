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


class Process:
    """A running ``python -m app.sparql.worker``, or another `module` that does its work; `generation` is the copy it has open."""

    def __init__(self, memory: int, file_size: int, module: str = "app.sparql.worker") -> None:
        command = [sys.executable, "-m", module, str(memory), str(file_size)]
        self._process = subprocess.Popen(  # noqa: S603 - our own modules, with two numbers
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), close_fds=True, bufsize=0
        )
        self._ready = False
        self.spent = False
        """Whether it was asked something that it has not answered: it cannot be asked again."""
        self._buffer = b""
        self.generation: Generation | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait_ready(self) -> None:
        """Wait until it can be asked. Raises StoreUnavailable when it does not start."""
        if self._ready:
            return
        try:
            self._answer(time.monotonic() + START_S)
        except QueryStopped as error:
            self.spent = True
            raise _not_started() from error
        self._ready = True

    def ask(self, task: Task) -> tuple[Outcome | Refusal, bytes]:
        """Return the frame that answers `task`, and the body that follows it. Raises QueryStopped; the process is dead then."""
        deadline = time.monotonic() + task.timeout_s
        self.spent = True
        self._send(frame_of(task))
        answer = self._answer(deadline)
        self.spent = False
        return answer

    def _send(self, data: bytes) -> None:
        """Write all of it."""
        assert self._process.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        except OSError as error:
            raise self._stopped() from error

    def _answer(self, deadline: float) -> tuple[Outcome | Refusal, bytes]:
        """Read one frame and its body before the deadline."""
        reply = reply_of(self._read(header_size(self._read(4, deadline)), deadline))
        size = reply.size if isinstance(reply, Outcome) and not reply.spooled else 0
        return reply, self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        """Read so many bytes. Raises QueryStopped when they do not come in time."""
        assert self._process.stdout is not None
        pieces, have = [self._buffer], len(self._buffer)
        self._buffer = b""
        descriptor = self._process.stdout.fileno()
        while have < size:
            _wait_readable(descriptor, deadline)
            piece = os.read(descriptor, _MOST)
            if not piece:
                raise self._stopped()
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self._buffer = data[size:]
        return data[:size]

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


def _wait_readable(descriptor: int, deadline: float) -> None:
    """Wait for bytes. Raises QueryStopped at the deadline."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise out_of_time()


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
