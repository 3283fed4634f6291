"""A process of its own that writes a store until it is killed: each batch replaces every graph, and is told once it is done.

Usage: ``writer.py DIRECTORY [MAX_FILE_SIZE]``; with a size it writes until the files may not grow, then lets them, and goes on.
"""

import resource
import sys
from pathlib import Path

from app.errors import StoreUnavailable
from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.names import Names

NAMES = Names("http://node.example")
GRAPHS = 5
LINES = 40


def batch(number: int) -> list[Change]:
    """Every graph, and one group, saying the number of the batch and nothing else."""
    changes = []
    for index in range(GRAPHS):
        subject = NAMES.group(f"g{index}")
        lines = "".join(f'<{subject}> <urn:p:{line}> "{number}" .\n' for line in range(LINES))
        changes += [Change(NAMES.record("a", str(index)), lines), Change(None, lines, subject)]
    return changes


def write_for_ever(store: OxigraphStore) -> None:
    """Write batch after batch from where the store is."""
    number = store.position()
    while True:
        number += 1
        store.apply(batch(number), number)
        print(number, flush=True)


def fill(store: OxigraphStore, size: int) -> None:
    """Write until nothing can be written; then, with room again, show that only a store opened anew takes it."""
    unbounded = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, unbounded[1]))
    number = 0
    try:
        while True:
            store.apply(batch(number + 1), number + 1)
            number += 1
    except StoreUnavailable:
        print(f"full after {number}, at {store.position()}", flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, unbounded)
    store.reopen()
    print(f"reopened at {store.position()}", flush=True)
    store.apply(batch(number + 1), number + 1)
    print(f"went on to {store.position()}", flush=True)


if __name__ == "__main__":
    opened = OxigraphStore(Path(sys.argv[1]), NAMES)
    if len(sys.argv) > 2:
        fill(opened, int(sys.argv[2]))
    else:
        write_for_ever(opened)
