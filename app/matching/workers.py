"""Several processes that work for one run: they hear no Ctrl-C, and end with the one that hired them."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final, TypeVar

from app.matching.collecting import seldom

AHEAD: Final = 3
"""Tasks that wait for each process."""

Found = TypeVar("Found")


def hired(processes: int, prepare: Callable[..., None] | None = None, *given: object) -> ProcessPoolExecutor:
    """Return so many processes, each of which calls `prepare` first; to be shut down."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(prepare, given))


def in_order(pool: ProcessPoolExecutor, processes: int, do: Callable[..., Found], tasks: Iterable[tuple[object, ...]]) -> Iterator[Found]:
    """Yield what each task gives, in order; only so many are begun before the first is asked for."""
    begun: deque[Future[Found]] = deque()
    for task in tasks:
        begun.append(pool.submit(do, *task))
        if len(begun) >= processes * AHEAD:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _begin(prepare: Callable[..., None] | None, given: tuple[object, ...]) -> None:
    """Sit down: the process ends with the one that started it, which alone hears Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    seldom()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare:
        prepare(*given)


def _end_with_parent() -> None:
    """Wait for the process that started this one to end, and end at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
