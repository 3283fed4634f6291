"""Links found on the way: what two records are to each other when they are not one group."""

from typing import Any

import pytest
from sqlalchemy import select

from app.journal.tables import edge
from app.matching.filing import RELATED, reasons_of
from app.matching.normalise import features
from app.matching.relations import BRANCH, NETWORK, UNIT, Relation, from_detail
from app.matching.score import MATCH, Subject, score
from app.matching.statistics import Statistics
from tests.matching.desk import Desk


def _at(postcode: str, town: str) -> list[dict[str, str]]:
    return [{"postalCode": postcode, "addressLocality": town}]


SITE = {"url": ["https://semeurs.example/"]}
HEAD = {"name": {"fr": "Fédération nationale des Semeurs de Haies"}, "location": _at("75005", "Paris"), **SITE, "siret": "86000000100017"}
BLOIS = {"name": {"fr": "Semeurs de Haies - antenne de Blois"}, "location": _at("41000", "Blois"), **SITE}
NEVERS = {"name": {"fr": "Semeurs de Haies Nevers"}, "location": _at("58000", "Nevers"), **SITE}


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (HEAD, BLOIS, Relation(BRANCH, "a/1")),
        (BLOIS, HEAD, Relation(BRANCH, "b/1")),
        ({**BLOIS, "siret": "86000000100025"}, HEAD, Relation(UNIT, "b/1")),
        (NEVERS, {**BLOIS, "name": {"fr": "Semeurs de Haies Blois"}}, Relation(NETWORK)),
        ({**NEVERS, "siret": "86000000100033"}, {"name": {"fr": "Autre chose"}, "siret": "86000000100041"}, Relation(NETWORK)),
        (HEAD, {**BLOIS, "url": []}, None),
        (NEVERS, {**NEVERS, "url": ["https://semeurs.example/nevers"]}, None),
        (HEAD, {**NEVERS, "name": {"fr": "Jardin des Lucioles"}}, None),
    ],
)
def test_what_two_records_are_to_each_other(left: dict[str, Any], right: dict[str, Any], expected: Relation | None) -> None:
    """A branch and its head, an establishment and its enterprise, two of one network, or nothing; the whole is named."""
    statistics = Statistics()
    mine, theirs = (Subject(features(one, None, b"k"), statistics, reference) for one, reference in ((left, "a/1"), (right, "b/1")))
    assert score(mine, theirs, statistics).relation == expected
    assert score(theirs, mine, statistics).relation == expected


def test_a_relation_is_kept_as_a_proposal_and_never_merges(desk: Desk) -> None:
    """The pair stands among the related ones, with which is the whole; the two stay two groups."""
    desk.say("a/1", HEAD)
    desk.say("b/1", BLOIS)
    with desk.journal.read() as c:
        (row,) = c.execute(select(edge)).all()
    assert row.state == RELATED
    assert row.score < MATCH
    kept = reasons_of(row.reasons)[-1]
    assert (kept.name, kept.weight, from_detail(kept.detail)) == ("relation", 0.0, Relation(BRANCH, "a/1"))
    assert len(desk.groups()) == 2
