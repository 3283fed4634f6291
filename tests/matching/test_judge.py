"""Human judgements are hard constraints; contradictions are refused with what they contradict."""

from typing import Any

import pytest
from sqlalchemy import select

from app.errors import BadRequest, Conflict, NotFound
from app.journal.tables import edge
from app.matching import filing
from app.matching.explain import explain
from app.matching.judge import judge, revoke
from tests.benchmarks.invented import directories
from tests.matching.desk import NAMES, Desk, graph, put

OTHER = {"name": {"fr": "Repair Café de la Butte"}, "location": [{"postalCode": "69001", "addressLocality": "Lyon"}]}


def test_different_separates_and_revoking_unites(desk: Desk, atelier: dict[str, Any]) -> None:
    """What the machine would merge stays apart as long as the judgement holds, and comes back together when it is revoked."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    number = desk.judge("a/1", "b/1", "different")
    assert desk.groups() == {frozenset({"a/1"}), frozenset({"b/1"})}
    with desk.journal.write() as c:
        revoke(c, number, "test")
        desk.settle(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}


def test_same_unites_what_nothing_else_would(desk: Desk, atelier: dict[str, Any]) -> None:
    """Two records with nothing in common are one group when a person says so, also after a full run."""
    desk.say("a/1", atelier)
    desk.say("b/1", OTHER)
    assert len(desk.groups()) == 2
    desk.judge("a/1", "b/1", "same")
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}


def test_unsure_keeps_the_machine_from_merging(desk: Desk, atelier: dict[str, Any]) -> None:
    """What a person is not sure of, the machine does not decide."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    desk.judge("a/1", "b/1", "unsure")
    assert len(desk.groups()) == 2


def test_a_contradiction_is_refused_with_its_chain(desk: Desk, atelier: dict[str, Any]) -> None:
    """A = b, b = c and then a different from c: the third is refused, and the two that it contradicts are named."""
    for name in "abcd":
        desk.say(f"{name}/1", {**OTHER, "name": {"fr": f"Groupe {name * 6}"}})
    desk.judge("a/1", "b/1", "same", author="Awa")
    desk.judge("b/1", "c/1", "same", author="Bilal")
    with pytest.raises(Conflict) as refused:
        desk.judge("a/1", "c/1", "different")
    assert "a/1 = b/1" in refused.value.text.fr
    assert "Bilal" in refused.value.text.en
    desk.judge("c/1", "d/1", "different")
    with pytest.raises(Conflict) as refused:
        desk.judge("a/1", "d/1", "same")
    assert "c/1 ≠ d/1" in refused.value.text.fr
    assert desk.groups() == {frozenset({"a/1", "b/1", "c/1"}), frozenset({"d/1"})}


def test_a_judgement_holds_through_a_record_that_is_gone(desk: Desk) -> None:
    """A = x and x = b unite a and b also while x is withdrawn."""
    for name in "abx":
        desk.say(f"{name}/1", {**OTHER, "name": {"fr": f"Groupe {name * 6}"}, "location": []})
    desk.judge("a/1", "x/1", "same")
    desk.judge("b/1", "x/1", "same")
    desk.withdraw("x/1")
    assert desk.groups() == {frozenset({"a/1", "b/1"})}


def test_a_group_can_be_judged_by_its_address(desk: Desk, atelier: dict[str, Any]) -> None:
    """The address of a group means its own record, else its oldest one; a wrong address and a wrong verdict get a sentence."""
    desk.say("a/1", atelier)
    desk.say("b/1", OTHER)
    with desk.journal.write() as c:
        judge(c, NAMES, NAMES.group(desk.slug("a/1")), NAMES.group(desk.slug("b/1")), "same", "seen on their site", "test")
        desk.settle(c)
    assert len(desk.groups()) == 1
    with desk.journal.write() as c:
        with pytest.raises(NotFound):
            judge(c, NAMES, NAMES.group("nobody"), graph("a/1"), "same", None, "test")
        with pytest.raises(BadRequest):
            judge(c, NAMES, graph("a/1"), graph("b/1"), "maybe", None, "test")
        with pytest.raises(BadRequest):
            judge(c, NAMES, graph("a/1"), graph("a/1"), "same", None, "test")


def test_an_explanation_says_what_was_judged_and_why_it_was_refused(desk: Desk, atelier: dict[str, Any]) -> None:
    """Explaining gives score, reasons with labels, verdict, and the sentence of a refusal."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    desk.judge("a/1", "b/1", "different")
    with desk.journal.read() as c:
        found = explain(c, NAMES, graph("a/1"), graph("b/1"))
    assert (found.verdict, found.same_group) == ("different", False)
    assert found.refusal is not None
    shown = found.as_json()
    assert shown["score"] == pytest.approx(sum(reason["weight"] for reason in shown["reasons"]), abs=0.01)
    assert all(reason["label"]["fr"] for reason in shown["reasons"])


def test_an_explanation_gives_the_score_that_decided(desk: Desk) -> None:
    """It asks for what is known of two records only; the reasons are those by which the pair was kept."""
    with desk.journal.write() as c:
        for told in directories(300, NAMES.base, sources=5):
            put(c, f"{told.source}/{told.key}", told.document)
        desk.matcher.combine_all(c)
        pairs = c.execute(select(edge.c.left_id, edge.c.right_id, edge.c.score, edge.c.reasons).limit(100)).all()
        named = {one.id: one.reference for one in filing.filed(c, filing.live_ids(c))}
    assert len(pairs) > 50
    with desk.journal.read() as c:
        for left, right, score, reasons in pairs:
            found = explain(c, NAMES, graph(named[left]), graph(named[right]))
            assert found.score == score
            assert {*found.reasons} <= {*filing.reasons_of(reasons)}


def test_official_identifiers_that_differ_forbid_a_merge(desk: Desk, atelier: dict[str, Any]) -> None:
    """Two RNA numbers are two associations, and a record without one joins only one of them."""
    desk.say("a/1", {**atelier, "rna": "W931111111"})
    desk.say("b/1", {**atelier, "rna": "W932222222"})
    desk.say("c/1", atelier)
    groups = desk.groups()
    assert len(groups) == 2
    assert not any({"a/1", "b/1"} <= group for group in groups)
