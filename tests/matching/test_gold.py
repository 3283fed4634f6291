"""How true the groups are, on records whose truth is known."""

from pathlib import Path

import pytest

from tests.matching.gold import GOLD, measured
from tests.shared import need


@pytest.mark.parametrize(("name", "least"), [("fr_dev", 0.985), ("fodors_zagat", 0.985), ("chicago_odd", 0.91)])
def test_groups_are_true(name: str, least: float, tmp_path: Path) -> None:
    """The whole road, from documents in the journal to groups, keeps its F1 on every gold set."""
    need(GOLD / name)
    found = measured(name, tmp_path)
    assert found.f1 >= least, found
