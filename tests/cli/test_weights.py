"""`weights` as it is typed."""

import json
from contextlib import closing
from pathlib import Path

from app.journal import FILE, Journal
from tests.cli.conftest import Typed
from tests.matching.desk import Desk
from tests.matching.test_learning import taught


def test_weights_are_learnt_shown_adopted_listed_and_taken_back(typed: Typed, tmp_path: Path) -> None:
    """Nothing changes before `adopt`; every change stays in the list."""
    (tmp_path / "data").mkdir()
    with closing(Journal(tmp_path / "data" / FILE)) as journal:
        taught(Desk(journal), 11)
    learnt = typed("weights", "learn")
    assert "phone alone" in learnt.out
    assert "a/one-11 + b/one-11" in learnt.out
    assert "Nothing is changed." in learnt.err
    assert json.loads(typed("weights", "learn", "--json").out)["same"] == 11
    assert json.loads(typed("weights", "list", "--json").out)["history"] == []
    assert typed("weights", "adopt").err.startswith("Version 1: ")
    assert json.loads(typed("weights", "list", "--json").out)["version"] == "1"
    assert "from 22 judgements (command line)" in typed("weights", "list").out
    assert json.loads(typed("weights", "revert", "--json").out)["values"] == {}
    assert len(json.loads(typed("weights", "list", "--json").out)["history"]) == 2
