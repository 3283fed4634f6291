"""What the tests of the journal share: an empty journal, and statements of an invented source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a real file."""
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()
