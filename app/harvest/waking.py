"""Which peers were woken: anybody may say that a peer has news, so a call is worth one visit now and then, and less when it was for nothing.

It is kept in memory only: what is forgotten when the process ends is seen at the next regular visit.
"""

from dataclasses import dataclass
from threading import Lock

QUIET_S = 5.0
"""Seconds between two visits to a peer that calls make."""

LONGEST_QUIET_S = 600.0
"""The same for a peer about which nothing but false calls come."""

IDLE_S = 3600.0


@dataclass(slots=True)
class _Call:
    """What is known of one peer: when it may be visited again because of calls, and how far it was read when it last was."""

    at: float
    waiting: bool = True
    quiet: float = QUIET_S
    read_to: int | None = None
    visited: bool = False


class Waking:
    """The calls that wait, by peer; every moment is one of the monotonic clock."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self._lock = Lock()

    def ask(self, name: str, read_to: int | None, at: float) -> None:
        """Note a call. A call that comes too soon waits; when a visit before it brought nothing (`read_to` is the same), the pauses double."""
        with self._lock:
            call = self._calls.get(name)
            if call is None or at - call.at > IDLE_S:
                self._calls[name] = _Call(at, read_to=read_to)
                return
            if call.waiting:
                return
            if read_to is not None and call.visited:
                call.quiet = min(call.quiet * 2, LONGEST_QUIET_S) if read_to == call.read_to else QUIET_S
                call.read_to = read_to
            call.at, call.waiting = max(at, call.at + call.quiet), True

    def due(self, at: float) -> list[str]:
        """Return the peers to visit now."""
        with self._lock:
            return [name for name, call in self._calls.items() if call.waiting and call.at <= at]

    def waits(self, name: str) -> bool:
        """Tell whether a call about this peer waits."""
        with self._lock:
            return name in self._calls and self._calls[name].waiting

    def heard(self, name: str, at: float) -> None:
        """Note that a visit to this peer begins: what was called for before is seen by it."""
        with self._lock:
            if call := self._calls.get(name):
                call.at, call.waiting, call.visited = at, False, True

    def pause(self, at: float) -> float:
        """Return the seconds until the next call is due; a long time when none waits."""
        with self._lock:
            return max(min((call.at - at for call in self._calls.values() if call.waiting), default=IDLE_S), 0.0)
