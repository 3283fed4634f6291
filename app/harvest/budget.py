"""What one visit may cost, counted as it goes: time, bytes received and requests."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Event

from app.errors import FetchFailed, Text


@dataclass(slots=True)
class Budget:
    """The limits of one visit and what it has used of them; the time runs from the moment it is made, and is over at once when `stop` is set.

    `waiting` surrounds every wait for the peer: whoever has work to do meanwhile gets this visit's turn.
    """

    seconds: float = 1800
    bytes: int = 600_000_000
    requests: int = 20_000
    used_bytes: int = 0
    used_requests: int = 0
    stop: Event = field(default_factory=Event)
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds that remain, negative once they are over."""
        return self.deadline - time.monotonic()

    @property
    def is_used_up(self) -> bool:
        """Whether whatever is asked for next would be refused."""
        return self.stop.is_set() or self.left <= 0 or self.used_requests >= self.requests or self.used_bytes >= self.bytes

    def ask(self) -> None:
        """Count one request. Raises FetchFailed when there were too many, or no time is left."""
        self.check_time()
        self.used_requests += 1
        if self.used_requests > self.requests:
            raise FetchFailed(
                Text(
                    f"La visite demandait plus de {self.requests} pages : elle a été arrêtée.",
                    f"The visit needed more than {self.requests} pages: it was stopped.",
                )
            )

    def receive(self, count: int) -> None:
        """Count `count` bytes. Raises FetchFailed when there were too many, or no time is left."""
        self.check_time()
        self.used_bytes += count
        if self.used_bytes > self.bytes:
            raise FetchFailed(
                Text(
                    f"Le pair a envoyé plus de {self.bytes} octets : la visite a été arrêtée.",
                    f"The peer sent more than {self.bytes} bytes: the visit was stopped.",
                )
            )

    def check_time(self) -> None:
        """Raise FetchFailed when the time is over, or the node is being stopped."""
        if self.stop.is_set():
            raise FetchFailed(Text("La visite a été interrompue par l'arrêt du nœud.", "The visit was interrupted because the node is stopping."))
        if self.left <= 0:
            raise FetchFailed(
                Text(
                    f"La visite a duré plus de {self.seconds:g} secondes : elle a été arrêtée.",
                    f"The visit took more than {self.seconds:g} seconds: it was stopped.",
                )
            )
