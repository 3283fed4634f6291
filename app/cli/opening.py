"""The node that a command is about, open while the command runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.cli.place import existing
from app.cli.speech import tell
from app.node import Node, open_node
from app.settings import Settings


@contextmanager
def opened(settings: Settings | None = None, *, waits: bool = True) -> Iterator[Node]:
    """Open the node of these settings, or the one that must be there already; close it at the end.

    A command `waits` for a visit of somebody else to the peer it is about.

    Raises SettingsError when there is none, and what `open_node` raises.
    """
    node = open_node(settings or existing())
    node.harvester.waiting = _tell_waiting if waits else None
    try:
        yield node
    finally:
        node.journal.close()


def _tell_waiting(name: str) -> None:
    """Say what a command waits for."""
    tell(
        f"Une visite de « {name} » est déjà en cours : on attend qu'elle finisse (Ctrl-C pour renoncer).",
        f"A visit to '{name}' is already under way: waiting until it ends (Ctrl-C to give up).",
    )
