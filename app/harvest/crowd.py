"""Short errands to strangers, many at once: a thread each, one at a time for the same address, and a bound on all of them."""

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread

_log = logging.getLogger(__name__)


class Crowd:
    """At most `most` errands are under way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._busy: dict[str, Thread] = {}
        self._lock = Lock()

    @property
    def free(self) -> int:
        """How many more could be sent now."""
        return self._most - len(self._busy)

    def send(self, key: str, errand: Callable[[], None]) -> bool:
        """Run an errand in a thread of its own; False when one of this key is under way, or too many are."""
        thread = Thread(target=self._run, args=(key, errand), name=f"errand {key}"[:60], daemon=True)
        with self._lock:
            if key in self._busy or len(self._busy) >= self._most:
                return False
            self._busy[key] = thread
        thread.start()
        return True

    def wait(self, seconds: float) -> None:
        """Wait for those under way, for some seconds in all."""
        until = time.monotonic() + seconds
        for thread in list(self._busy.values()):
            thread.join(max(until - time.monotonic(), 0))

    def _run(self, key: str, errand: Callable[[], None]) -> None:
        """Run one errand; nothing that goes wrong concerns the others."""
        try:
            errand()
        except Exception:  # noqa: BLE001 - the errand's fault ends the errand
            _log.exception("errand to %s", key)
        finally:
            with self._lock:
                self._busy.pop(key, None)
