"""A node's rooms over a real journal, without HTTP."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app import loading
from app.node import Node, open_node
from app.settings import Settings

BASE = "https://annuaire.example"
Loaded = Callable[..., list[loading.Line]]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node without groups."""
    monkeypatch.chdir(tmp_path)
    opened = open_node(Settings(base_url=BASE, data_dir=tmp_path / "data"))
    yield opened
    opened.journal.close()


@pytest.fixture
def load(node: Node, tmp_path: Path) -> Loaded:
    """Load a file, or a text as one."""

    def run(what: str | Path, name: str | None = None, mapping: Mapping[str, Any] | None = None) -> list[loading.Line]:
        if isinstance(what, str):
            path = tmp_path / "file"
            path.write_text(what, "utf-8")
        else:
            path = what
        with loading.opened(str(path), name, mapping, node.fetcher) as records:
            return list(loading.load(node.directory, node.combined, node.journal, node.names, records))

    return run
