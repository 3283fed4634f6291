"""One answer by somebody who sees two records: nothing is lost when two people answer, and a step is taken back whole."""

from typing import Any

import pytest

from app.errors import Conflict, NotFound, StaleVersion
from app.journal import judgements
from app.matching import deciding
from app.matching.deciding import Decided
from tests.matching.desk import NAMES, Desk

OTHER = {"name": {"fr": "Repair Café de la Butte"}, "location": [{"postalCode": "69001", "addressLocality": "Lyon"}]}
PAIR = ("a/1", "b/1")


@pytest.fixture
def two(desk: Desk, atelier: dict[str, Any]) -> Desk:
    """Two records with nothing in common."""
    desk.say("a/1", atelier)
    desk.say("b/1", OTHER)
    return desk


def seen(desk: Desk, *pair: str) -> str:
    """Return what somebody sees now."""
    with desk.journal.read() as c:
        return deciding.mark(c, *pair)


def decide(desk: Desk, verdict: str, author: str, mark: str) -> Decided:
    """Answer."""
    with desk.journal.write() as c:
        found = deciding.decide(c, NAMES, PAIR, verdict, f"said {verdict}", author, mark)
        desk.settle(c)
    return found


def standing(desk: Desk, *pair: str) -> judgements.Judgement | None:
    """Return what holds."""
    with desk.journal.read() as c:
        return deciding.between(c, *pair)


def test_the_second_of_two_people_sees_what_the_first_said(two: Desk) -> None:
    """Both saw the same question: the first answer holds, the second is told it, and replaces it only once it was seen."""
    both = seen(two, *PAIR)
    decide(two, "same", "Awa", both)
    with pytest.raises(StaleVersion) as refused:
        decide(two, "different", "Bilal", both)
    assert "Awa" in refused.value.text.fr
    assert "said same" in refused.value.text.en
    held = standing(two, *PAIR)
    assert held is not None
    assert (held.author, held.verdict) == ("Awa", "same")
    decide(two, "different", "Bilal", seen(two, *PAIR))
    assert len(two.groups()) == 2
    with two.journal.read() as c:
        assert [(one.author, one.revoked_by) for one in judgements.list_(c)] == [("Awa", "Bilal"), ("Bilal", None)]


def test_an_answer_about_what_a_record_no_longer_says_is_not_kept(two: Desk) -> None:
    """A record that changed under one's eyes is to be read again; one that vanished is not judged."""
    before = seen(two, *PAIR)
    two.say("b/1", {**OTHER, "keywords": ["réparation"]})
    with pytest.raises(StaleVersion, match="changed meanwhile"):
        decide(two, "same", "Awa", before)
    before = seen(two, *PAIR)
    two.withdraw("b/1")
    with pytest.raises(StaleVersion):
        decide(two, "same", "Awa", before)
    with pytest.raises(NotFound):
        seen(two, "a/1", "b/2")
    assert standing(two, *PAIR) is None


def test_undoing_brings_back_what_held_before(two: Desk) -> None:
    """The judgement that an answer replaced holds again; undone twice, nothing more happens, and all of it stays in the ledger."""
    decide(two, "same", "Awa", seen(two, *PAIR))
    step = decide(two, "different", "Bilal", seen(two, *PAIR))
    for _ in range(2):
        with two.journal.write() as c:
            deciding.undo(c, NAMES, step, "Bilal")
            two.settle(c)
        assert two.groups() == {frozenset(PAIR)}
    held = standing(two, *PAIR)
    assert held is not None
    assert (held.verdict, held.reason) == ("same", "said same")
    with two.journal.read() as c:
        assert len(judgements.list_(c)) == 3


def test_records_are_taken_out_of_a_group_and_put_back(desk: Desk, atelier: dict[str, Any]) -> None:
    """Two of four leave together, and one step brings them back."""
    for name in "abcd":
        desk.say(f"{name}/1", atelier)
    whole = desk.groups()
    with desk.journal.write() as c:
        step = deciding.separate(c, NAMES, ["c/1", "d/1"], ["a/1", "b/1"], None, "Awa")
        desk.settle(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"}), frozenset({"c/1", "d/1"})}
    assert len(step.steps) == 4
    with desk.journal.write() as c:
        assert deciding.separate(c, NAMES, ["c/1"], ["a/1"], None, "Awa").steps == ()
        deciding.undo(c, NAMES, step, "Awa")
        desk.settle(c)
    assert desk.groups() == whole


def test_what_was_judged_the_same_is_taken_apart_on_purpose(desk: Desk, atelier: dict[str, Any]) -> None:
    """A record that two judgements hold in its group leaves it: the judgement on the pair itself is replaced, and comes back with the step."""
    for name in "abc":
        desk.say(f"{name}/1", atelier)
    desk.judge("a/1", "b/1", "same")
    desk.judge("b/1", "c/1", "same")
    with desk.journal.write() as c:
        step = deciding.separate(c, NAMES, ["c/1"], ["a/1", "b/1"], None, "Awa")
        desk.settle(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"}), frozenset({"c/1"})}
    with desk.journal.write() as c:
        deciding.undo(c, NAMES, step, "Awa")
        desk.settle(c)
    assert len(desk.groups()) == 1
    held = standing(desk, "b/1", "c/1")
    assert held is not None
    assert held.verdict == "same"


def test_a_separation_that_contradicts_changes_nothing(desk: Desk, atelier: dict[str, Any]) -> None:
    """What a third record holds together is not taken apart: the answer names the chain, and no other part of the step is kept."""
    for name in "abcx":
        desk.say(f"{name}/1", atelier)
    desk.judge("b/1", "x/1", "same", author="Awa")
    desk.judge("c/1", "x/1", "same", author="Bilal")
    desk.withdraw("x/1")
    with pytest.raises(Conflict) as refused, desk.journal.write() as c:
        deciding.separate(c, NAMES, ["c/1"], ["a/1", "b/1"], None, "Camille")
    assert "b/1 = x/1" in refused.value.text.fr
    assert "Bilal" in refused.value.text.en
    assert standing(desk, "a/1", "c/1") is None
    assert len(desk.groups()) == 1
