"""Who works now: a node waits for hundreds of peers at once, but checks and writes the records of a few at a time.

Memory and processor go with the few. Turns are taken in the order in which they were asked for, so that a peer with much to read
gives way to those with little after each piece of it.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

HANDS = 2


class Turns:
    """At most `hands` threads are between `held` and its end, those in `away` not counted."""

    def __init__(self, hands: int = HANDS) -> None:
        self._free = hands
        self._line: deque[Event] = deque()
        self._lock = Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work, once it is one's turn."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Wait for something inside `held`, while others work."""
        self._give()
        try:
            yield
        finally:
            self._take()

    def pass_on(self) -> None:
        """Give way to those who wait, if any, and stand in line again."""
        with self._lock:
            if not self._line:
                return
        with self.away():
            pass

    def _take(self) -> None:
        """Take a free hand, or stand in line for one."""
        with self._lock:
            if self._free and not self._line:
                self._free -= 1
                return
            mine = Event()
            self._line.append(mine)
        mine.wait()

    def _give(self) -> None:
        """Hand it to the first in line."""
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1
