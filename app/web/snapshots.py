"""Long answers, streamed from one moment of the journal; not many at a time, since each holds that moment open."""

import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from sqlalchemy import Connection

from app.errors import Busy, Text
from app.web.asking import Asking

T = TypeVar("T")

AT_ONCE = threading.BoundedSemaphore(8)
"""Long answers that are being read now."""

RETRY_S = 60
TOO_MANY = Text("Trop de copies sont lues en ce moment : réessayez dans une minute.", "Too many dumps are being read: try again in a minute.")


def opened(here: Asking, start: Callable[[Connection], T], parts: Callable[[Connection], Iterator[bytes]]) -> tuple[T, Generator[bytes, None, None]]:
    """Return what `start` says of a moment, and the parts read from the very same one; close them when they are not wanted.

    `start` must read something: that opens the moment. Raises Busy when too many are being read.
    """
    said: list[T] = []
    stream = _stream(here, lambda connection: said.append(start(connection)), parts)
    next(stream)
    return said[0], stream


def _stream(here: Asking, start: Callable[[Connection], None], parts: Callable[[Connection], Iterator[bytes]]) -> Generator[bytes, None, None]:
    """Yield nothing once the moment is open, then the parts; however it ends, the moment is let go."""
    if not AT_ONCE.acquire(blocking=False):
        raise Busy(TOO_MANY, RETRY_S)
    try:
        with here.node.journal.read() as connection:
            start(connection)
            yield b""
            yield from parts(connection)
    finally:
        AT_ONCE.release()
