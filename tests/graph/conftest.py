"""What the tests of the graph share: the names of an invented node, and its stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.graph import Store
from app.graph.memory import MemoryStore
from app.graph.oxigraph import OxigraphStore
from app.names import Names


@pytest.fixture
def names() -> Names:
    """The names of an invented node."""
    return Names("http://node.example")


@pytest.fixture
def oxigraph(tmp_path: Path, names: Names) -> Iterator[OxigraphStore]:
    """An empty store in real files."""
    store = OxigraphStore(tmp_path / "graph", names)
    yield store
    store.close()


@pytest.fixture(params=["memory", "oxigraph"])
def store(request: pytest.FixtureRequest, names: Names) -> Store:
    """Each backend in turn."""
    if request.param == "memory":
        return MemoryStore(names)
    found: OxigraphStore = request.getfixturevalue("oxigraph")
    return found
