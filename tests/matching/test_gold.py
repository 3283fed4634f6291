"""How true the groups are, on records whose truth is known."""

from pathlib import Path

import pytest

from app.matching.evaluating import grouped, report
from app.matching.reading import Row, document
from tests.matching.gold import GOLD, measured
from tests.matching.invented import directory, wrong_relatives
from tests.shared import need


@pytest.mark.parametrize(("name", "least"), [("fr_dev", 0.985), ("fodors_zagat", 0.985), ("chicago_odd", 0.92)])
def test_groups_are_true(name: str, least: float, tmp_path: Path) -> None:
    """The whole road, from documents in the journal to groups, keeps its F1 on every gold set."""
    need(GOLD / name)
    found = measured(name, tmp_path)
    assert found.f1 >= least, found


@pytest.mark.parametrize(("groups", "seed"), [(1200, 3), (2400, 7)])
def test_groups_of_invented_directories_are_true(groups: int, seed: int) -> None:
    """Of other names, towns and habits than those of the gold sets: F1 holds, and federations and branches stay apart."""
    invented = directory(groups, seed)
    found = grouped([Row(row["id"], row["source"], row["name"], row["entity"], document(row)) for row in invented])
    assert report(found, 0, learnt=False).quality.f1 >= 0.985
    assert wrong_relatives(invented, list(found.groups)) <= 10
