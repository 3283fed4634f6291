"""What the tests of the graph share: the names of an invented node, its journal, and its stores."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.graph import Store
from app.graph.memory import MemoryStore
from app.graph.oxigraph import OxigraphStore
from app.graph.remote_store import RemoteStore
from app.journal import Journal
from app.names import Names
from tests.servers import SERVERS, SparqlServer, emptied


@pytest.fixture
def names() -> Names:
    """The names of an invented node."""
    return Names("http://node.example")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a real file."""
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def oxigraph(tmp_path: Path, names: Names) -> Iterator[OxigraphStore]:
    """An empty store in real files."""
    store = OxigraphStore(tmp_path / "graph", names)
    yield store
    store.close()


@pytest.fixture(scope="session")
def each_server() -> Iterator[dict[str, SparqlServer]]:
    """Servers that were started for some test, by kind; they go with the session."""
    with ExitStack() as stack:
        yield _Started(stack)


class _Started(dict[str, SparqlServer]):
    """Starts a server when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __missing__(self, kind: str) -> SparqlServer:
        self[kind] = self._stack.enter_context(SERVERS[kind]())
        return self[kind]


@pytest.fixture(params=["memory", "oxigraph", *SERVERS])
def store(request: pytest.FixtureRequest, names: Names) -> Iterator[Store]:
    """Each backend in turn."""
    if request.param == "memory":
        yield MemoryStore(names)
    elif request.param == "oxigraph":
        yield request.getfixturevalue("oxigraph")
    else:
        with emptied(request.getfixturevalue("each_server")[request.param], names) as opened:
            yield opened


@pytest.fixture(params=list(SERVERS))
def remote(request: pytest.FixtureRequest, each_server: dict[str, SparqlServer], names: Names) -> Iterator[RemoteStore]:
    """An empty store on each real server in turn."""
    with emptied(each_server[request.param], names) as opened:
        yield opened
