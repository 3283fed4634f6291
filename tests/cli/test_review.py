"""`maillage review`: the same questions, at a terminal and for programs."""

import io
import json
from pathlib import Path

import pytest

from app.journal import FILE, Journal, judgements, records, sources
from app.journal.tables import edge
from app.matching.combine import Matcher
from app.matching.deciding import record
from app.names import Names
from tests.cli.conftest import BASE, Typed

NAMES = Names(BASE)
TOWN = {"a/1": "Repair Café de la Butte", "b/1": "Chorale Ocarina", "a/2": "Fanfare Quetsche", "b/2": "Jardin du Zèbre"}
PRIVATE = "prive@butte.example"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Invented groups of two directories, and two open pairs."""
    (tmp_path / "data").mkdir()
    found = Journal(tmp_path / "data" / FILE)
    with found.write() as c:
        known = {name: sources.add(c, name, f"https://{name}.example/", "jsonld", enabled=False).id for name in "ab"}
        ids = []
        for reference, name in TOWN.items():
            iri = NAMES.record(*reference.split("/"))
            said = {"id": iri, "name": {"fr": name}, "email": PRIVATE.replace("prive", reference[0]), "url": [f"https://{reference[0]}.example/"]}
            ids.append(records.put(c, known[reference[0]], reference[2:], iri, said, f"sha-256:{reference}", "test")[0])
        Matcher(NAMES).combine(c, ids)
        c.execute(edge.delete())
        for left, right, score in (("a/1", "b/1", 1.5), ("a/2", "b/2", 0.5)):
            pair = sorted((record(c, left).id, record(c, right).id))
            c.execute(edge.insert().values(left_id=pair[0], right_id=pair[1], score=score, reasons="[]", state="review"))
    return found


def held(journal: Journal) -> list[tuple[str, str, str | None]]:
    """Return the judgements that hold."""
    with journal.read() as c:
        return [(one.left, one.verdict.value, one.reason) for one in judgements.active(c)]


def test_the_questions_are_listed_for_programs(typed: Typed, journal: Journal) -> None:
    """The same keys as the API has; a choice that does not exist gets a sentence."""
    found = json.loads(typed("review", "--list", "--json").out)
    assert [one["left"] for one in found["matches"]] == [NAMES.record("a", "1"), NAMES.record("a", "2")]
    assert found["facets"]["band"] == {"near": 1, "far": 1}
    assert len(json.loads(typed("review", "--list", "--json", "--band", "far").out)["matches"]) == 1
    assert "a/1" in typed("review", "--list").out
    assert "near" in typed("review", "--list", "--band", "cheese").complaint
    assert "--list" in typed("review", "--json").complaint
    journal.close()


def test_answers_are_typed_undone_and_kept(typed: Typed, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both records and the reasons, then a letter and perhaps a reason; z takes it back; no contact is shown that nobody published."""
    monkeypatch.setattr("sys.stdin", io.StringIO("x\nz\nd\nz\nd vu sur place\nU\n"))
    said = typed("review")
    assert said.status == 0
    assert "Repair Café de la Butte  |  Chorale Ocarina" in said.out
    assert "2 left" in said.err
    assert "None left" in said.err
    assert "nothing to undo" in said.err
    assert "@butte.example" not in said.out
    assert held(journal) == [("a/1", "different", "vu sur place"), ("a/2", "unsure", None)]
    journal.close()


def test_stopping_keeps_what_was_answered(typed: Typed, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q stops, and so does the end of the input; the other questions wait."""
    monkeypatch.setattr("sys.stdin", io.StringIO("s\nq\n"))
    assert typed("review", language="fr_FR.UTF-8").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = typed("review", language="fr_FR.UTF-8")
    assert "Il en reste 1." in said.err
    assert held(journal) == [("a/1", "same", None)]
    journal.close()
