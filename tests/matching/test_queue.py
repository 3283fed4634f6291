"""What is asked of people, and in which order."""

from typing import Any

import pytest
from sqlalchemy import update

from app.errors import BadRequest
from app.journal.tables import edge, record
from app.matching import queue
from app.matching.queue import Choice, Question
from app.matching.score import MATCH
from tests.matching.desk import Desk, identify

LYON = [{"postalCode": "69001", "addressLocality": "Lyon"}]


def apart(name: str) -> dict[str, Any]:
    """Return an invented group that is like no other."""
    return {"name": {"fr": name}, "location": LYON}


def leave_open(desk: Desk, left: str, right: str, score: float = MATCH - 0.5, reasons: str = "[]") -> None:
    """Have the machine doubt two records, whatever they say."""
    with desk.journal.write() as c:
        ids = sorted((identify(c, left), identify(c, right)))
        values = {"left_id": ids[0], "right_id": ids[1], "score": score, "reasons": reasons, "state": "review"}
        c.execute(edge.delete().where(edge.c.left_id == ids[0], edge.c.right_id == ids[1]))
        c.execute(edge.insert().values(values))


def asked(desk: Desk, choice: Choice | None = None) -> list[Question]:
    """Return the questions in their order."""
    with desk.journal.read() as c:
        return list(queue.waiting(c, choice or Choice()).questions)


def pairs(desk: Desk) -> list[tuple[str, str]]:
    """Return the pairs asked, in their order."""
    return [(one.pair.left, one.pair.right) for one in asked(desk)]


@pytest.fixture
def town(desk: Desk, atelier: dict[str, Any]) -> Desk:
    """A group that two directories know, and four that one knows each."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    for number, name in enumerate(("Repair Café de la Butte", "Jardin du Zèbre", "Chorale Ocarina", "Fanfare Quetsche"), start=2):
        desk.say(f"c/{number}", apart(name))
    return desk


def test_what_settles_most_is_asked_first(town: Desk) -> None:
    """A question about a group of two settles two pairs of records; among equals the nearer to the threshold, then the more alike."""
    leave_open(town, "c/2", "c/3", MATCH - 1)
    leave_open(town, "c/4", "c/5", MATCH - 0.5)
    leave_open(town, "a/1", "c/4", MATCH - 0.5)
    assert pairs(town) == [("a/1", "c/4"), ("c/4", "c/5"), ("c/2", "c/3")]
    assert [one.settles for one in asked(town)] == [2, 1, 1]


def test_an_answer_settles_all_pairs_of_two_groups(town: Desk) -> None:
    """Two groups are one question, however many pairs are open between them; no verdict leaves any of them open."""
    leave_open(town, "a/1", "c/2", MATCH - 1.5)
    leave_open(town, "b/1", "c/2", MATCH - 0.5)
    (question,) = asked(town)
    assert (question.pair.left, question.open, question.sizes) == ("b/1", 2, (2, 1))
    for verdict in ("unsure", "different", "same"):
        town.judge("b/1", "c/2", verdict)
        assert asked(town) == [], verdict


def test_a_refused_match_is_asked_with_its_reason(desk: Desk, atelier: dict[str, Any]) -> None:
    """Two official identifiers that differ: a person decides, and the queue says why it asks."""
    desk.say("a/1", {**atelier, "rna": "W931111111"})
    desk.say("b/1", {**atelier, "rna": "W932222222"})
    with desk.journal.write() as c:
        c.execute(update(edge).values(score=MATCH + 1, state="refused", message='{"fr":"Parce que.","en":"Because it is so."}'))
    with desk.journal.read() as c:
        found = queue.waiting(c)
    (question,) = found.questions
    assert (question.why, question.doubt, question.band) == ("because-it-is-so", 1.0, "above")
    assert found.sentences["because-it-is-so"].fr == "Parce que."


def test_a_withdrawn_record_is_no_longer_asked_about(town: Desk) -> None:
    """What its source took back, nobody needs to judge."""
    leave_open(town, "c/2", "c/3")
    with town.journal.write() as c:
        c.execute(record.update().where(record.c.id == identify(c, "c/3")).values(state="hidden"))
    assert asked(town) == []


def test_facets_count_what_each_choice_would_leave(town: Desk) -> None:
    """Each facet counts the questions that the other choices leave, and its own choice narrows the list."""
    leave_open(town, "c/2", "c/3", MATCH - 0.5, '[["branch","",-1.0]]')
    leave_open(town, "c/2", "c/4", MATCH - 1.5)
    leave_open(town, "a/1", "c/5", MATCH - 0.5)
    with town.journal.read() as c:
        found = queue.waiting(c, Choice(sources="c+c"))
    assert found.facets["sources"] == {"c+c": 2, "a+c": 1}
    assert found.facets["band"] == {"near": 1, "far": 1}
    assert found.facets["candidates"] == {"few": 2}
    assert found.facets["why"] == {"relation": 1, "doubt": 1}
    assert len(found.questions) == 2
    assert [one.band for one in asked(town, Choice(sources="c+c", band="far"))] == ["far"]
    with pytest.raises(BadRequest, match="near"):
        Choice(band="cheese")
