"""`merge --evaluate` as it is typed."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Typed
from tests.matching.traps import FIELDS, rows


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "source", *FIELDS, "entity"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows())
    return path


def test_it_prints_figures_and_writes_groups_without_a_node(typed: Typed, gold: Path, tmp_path: Path) -> None:
    """Each record has its group in the file; nothing else is made."""
    written = tmp_path / "out.csv"
    said = typed("merge", "--evaluate", gold, "--clusters", written, "--json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out)["quality"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    groups = list(csv.DictReader(written.read_text("utf-8").splitlines()))
    assert [row["id"] for row in groups] == [row["id"] for row in rows()]
    assert len({row["cluster"] for row in groups}) == len({row["entity"] for row in rows()})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gold.csv", "out.csv"]


def test_the_worst_errors_are_told_with_their_reasons_in_either_language(typed: Typed, gold: Path) -> None:
    """A truth that the records contradict is an error of the program, told in words."""
    text = gold.read_text("utf-8").splitlines()
    gold.write_text("\n".join([text[0], text[1].rpartition(",")[0] + ",other", *text[2:]]), "utf-8")
    english, french = typed("merge", "--evaluate", gold, "--errors", "1").out, typed("merge", "--evaluate", gold, language="fr_FR.UTF-8").out
    assert "Merged and should not be: 1 pairs" in english
    assert "likeness of the names" in english
    assert "Réunies à tort : 1 paires" in french
    assert "ressemblance des noms" in french


def test_without_truth_only_the_groups_are_written(typed: Typed, tmp_path: Path) -> None:
    """There is nothing to compare with."""
    gold, written = tmp_path / "gold.csv", tmp_path / "out.csv"
    gold.write_text("id,name\n1,A\n2,B\n", "utf-8")
    assert "there is nothing to evaluate" in typed("merge", "--evaluate", gold).complaint
    assert typed("merge", "--evaluate", gold, "--clusters", written).out == ""
    assert len(written.read_text("utf-8").splitlines()) == 3
    assert "--clusters goes with --evaluate" in typed("merge", "--clusters", written).complaint
