"""Normal forms of very many rows, made by one process or by several, in the rows' order."""

import marshal
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from app.matching.features import Features
from app.matching.workers import hired, in_order

Row = TypeVar("Row")
Form = tuple[str, Features]
"""A reference ``source/key``, and the normal form."""

PART: Final = 1000
"""Rows that a process is given at once."""


def normal_forms(rows: Iterable[Row], form_of: Callable[[Row], Form], processes: int = 1) -> Iterator[Form]:
    """Yield the form of each row; `form_of` is a function of a module, and rows can be pickled, where there are several processes."""
    if processes == 1:
        yield from map(form_of, rows)
        return
    with hired(processes) as pool:
        for part in in_order(pool, processes, _made, ((form_of, some) for some in _parts(rows))):
            yield from ((reference, Features(*form)) for reference, form in marshal.loads(part))  # noqa: S302 - written by a process of our own


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into parts."""
    waiting = iter(rows)
    while part := [*islice(waiting, PART)]:
        yield part


def _made(form_of: Callable[[Any], Form], rows: list[Any]) -> bytes:
    """Make forms; as bytes they cross to the other process in a fifth of the time."""
    return marshal.dumps([(reference, (*form,)) for reference, form in map(form_of, rows)])
