"""A directory with real parts: a journal in a file, the shapes, matching and search."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.checking import Checker
from app.combined import Combined
from app.directory import Directory
from app.journal import Journal
from app.matching.combine import Matcher
from app.names import Names

BASE = "https://annuaire.example"
LICENCE = "https://licence.example/ouverte"


@pytest.fixture(scope="session")
def checker() -> Checker:
    """The shapes, read once."""
    return Checker()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a real file."""
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def directory(journal: Journal, checker: Checker) -> Directory:
    """Our own groups, over the journal."""
    names = Names(BASE)
    return Directory(journal, names, checker, Combined(Matcher(names)).settle, LICENCE)
