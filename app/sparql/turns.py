"""A question that a process is answering while nobody waits for it in a thread."""

import time
from collections.abc import Callable
from pathlib import Path

from app.sparql.answers import Answer
from app.sparql.processes import Process, readable
from app.sparql.tasks import Outcome, Refusal, Task


class Turn:
    """Begin it, look at it when it is at hand or its descriptor is readable, and end it in any case."""

    def __init__(self, process: Process, task: Task, answered: Callable[[Outcome | Refusal, bytes], Answer], ended: Callable[[float], None]) -> None:
        self._process = process
        self._task = task
        self._made = answered
        self._ended = ended
        self._began = time.monotonic()
        self.answered = False
        """Whether the answer is whole, so that the process goes on and ending the turn costs nothing."""

    @property
    def seconds_left(self) -> float:
        """How long the answer may still take."""
        return self._began + self._task.timeout_s - time.monotonic()

    @property
    def descriptor(self) -> int:
        """What becomes readable when a part of the answer is there."""
        return self._process.descriptor

    def at_hand(self, seconds: float) -> bool:
        """Wait so long at most for a part of the answer; return whether it is there."""
        return readable(self._process.descriptor, seconds)

    def begin(self) -> None:
        """Hand the question over. Raises QueryStopped."""
        self._process.send(self._task)

    def received(self) -> Answer | None:
        """Take what the descriptor has; return the answer once it is whole. Raises what `Pool.ask` raises."""
        found = self._process.received()
        if found is None:
            return None
        self.answered = True
        return self._made(*found)

    def end(self) -> None:
        """Let the next one ask. A process that was not heard out is ended, which takes a moment."""
        if not self.answered:
            Path(self._task.spool).unlink(missing_ok=True)
        self._ended(time.monotonic() - self._began)
