"""The garbage collector during a run over all records: it looks for cycles seldom, where millions of objects come and hardly any is in one."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_USUAL: Final = gc.get_threshold()
_SELDOM: Final = (100_000, 50, 100)
"""Objects, and collections of the younger ones, between two looks; the usual ones take a fifth of a run's time."""


def seldom() -> None:
    """Look seldom from now on, in a process of our own."""
    gc.set_threshold(*_SELDOM)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look seldom until the block ends; of two blocks at once the first to end has it look as usual again."""
    seldom()
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)
