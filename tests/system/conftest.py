"""What the tests of whole nodes share."""

import socket
from collections.abc import Iterator

import pytest

from tests.harvest.loopback import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server of feeds and files on loopback."""
    found = Peer(socket.create_server(("127.0.0.1", 0)))
    found.start()
    yield found
    found.stop()
