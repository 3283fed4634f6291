"""A journal of its own for each test of matching, and a short way to say things in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.journal import Journal
from tests.matching.desk import Desk


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal(tmp_path / "journal.sqlite")
    yield found
    found.close()


@pytest.fixture
def desk(journal: Journal) -> Desk:
    return Desk(journal)


@pytest.fixture
def atelier() -> dict[str, Any]:
    """An invented group, as one directory writes it."""
    return {
        "name": {"fr": "Atelier des Lucioles (exemple)"},
        "url": ["https://lucioles.example/"],
        "email": "contact@lucioles.example",
        "telephone": "01 99 00 12 34",
        "consent": "2026-01-01",
        "location": [{"streetAddress": "12 rue des Exemples", "postalCode": "93200", "addressLocality": "Saint-Denis"}],
    }
