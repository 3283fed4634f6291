"""How much of the query processes one client may use: seconds in hand, which come back one a second."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from app.errors import OverBudget, Text

MOST_CLIENTS = 10_000
"""Clients that are remembered; who asked longest ago is forgotten first."""


class Budget:
    """Seconds that each client has spent lately, against what it has in hand; from any thread.

    A client may keep one process busy for ever, and has `seconds` beyond that.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def refuse_spent(self, client: str) -> None:
        """Raise OverBudget when nothing is left, with the seconds after which there is something again."""
        with self._lock:
            over = self._now_spent(client) - self._seconds
        if over >= 0:
            wait = max(1, math.ceil(over))
            raise OverBudget(
                Text(
                    f"Vos requêtes ont beaucoup occupé ce nœud : attendez {wait} s, ou précisez-les.",
                    f"Your queries have kept this node very busy: wait {wait} s, or make them narrower.",
                ),
                wait,
            )

    def spend(self, client: str, seconds: float) -> None:
        """Note that a query of the client took so long."""
        with self._lock:
            self._spent[client] = (self._now_spent(client) + seconds, self._clock())
            self._spent.move_to_end(client)
            if len(self._spent) > MOST_CLIENTS:
                self._spent.popitem(last=False)

    def _now_spent(self, client: str) -> float:
        """Return the seconds spent that have not come back; the lock is held."""
        spent, at = self._spent.get(client, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - at))
