"""The node that a command is about, open while the command runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.cli.place import existing
from app.node import Node, open_node
from app.settings import Settings


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Node]:
    """Open the node of these settings, or the one that must be there already; close it at the end.

    Raises SettingsError when there is none, and what `open_node` raises.
    """
    node = open_node(settings or existing())
    try:
        yield node
    finally:
        node.journal.close()
