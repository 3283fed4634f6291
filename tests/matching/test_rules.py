"""The table of rules keeps what is true most often, and an operator may say otherwise."""

import math
from pathlib import Path
from typing import Any

import pytest

from app.errors import SettingsError
from app.journal import Journal
from app.matching.combine import Matcher
from app.matching.fuse import Statement, fuse
from app.matching.rules import NAMED, RULES, digest, overridden
from app.node import open_node
from app.settings import Settings
from tests.matching import fusion
from tests.matching.desk import NAMES, Desk
from tests.matching.gold import GOLD
from tests.shared import need

BEST = {"telephone": 0.77, "location": 0.75, "email": 0.65, "name": 0.65}
"""Shares of true values of the best rule in merging.md, section 6 (another set of the same kind)."""

IRI = "http://127.0.0.1:8000/groups/lucioles"


@pytest.mark.parametrize("key", sorted(BEST))
def test_the_usual_rule_is_as_true_as_the_best_that_was_measured(key: str) -> None:
    """Within two standard errors of the best figure of the research page; and no other rule is that much better on this set."""
    need(GOLD / "fr_dev")
    right, of = fusion.accuracy(key)
    noise = 2 * math.sqrt(BEST[key] * (1 - BEST[key]) / of)
    assert right / of >= BEST[key] - noise
    for other in ("vote", "vote-then-newest", "own-then-newest", "latest"):
        assert right / of >= fusion.accuracy(key, overridden({key: other}))[0] / of - noise, other


def said(reference: str, at: str, **document: Any) -> Statement:
    """Return an invented statement."""
    return Statement(reference, NAMES.record(*reference.split("/", 1)), document, at, reference.startswith("own/"))


@pytest.mark.parametrize(
    ("key", "rule", "expected"),
    [
        ("telephone", "vote", "0199000001"),
        ("telephone", "own-then-newest", "0199000003"),
        ("telephone", "union", ["0199000001", "0199000003"]),
        ("telephone", "unanimous", None),
        ("telephone", "latest", "0199000003"),
        ("keywords", "own-then-newest", ["c"]),
        ("founded", "earliest", "2001"),
        ("name", "own-then-newest", {"fr": "C"}),
    ],
)
def test_an_operator_chooses_the_rule_of_a_key(key: str, rule: str, expected: Any) -> None:
    """Each rule does what its name says, and the origin names it."""
    statements = [
        said("a/1", "2020", telephone="0199000001", keywords=["a"], founded="2003", name={"fr": "A"}),
        said("b/1", "2021", telephone="01 99 00 00 01", keywords=["a", "b"], founded="2001", name={"fr": "A"}),
        said("c/1", "2026", telephone="0199000003", keywords=["c"], founded="2002", name={"fr": "C"}),
    ]
    fused = fuse(IRI, statements, NAMES, overridden({key: rule}))
    assert fused.document.get(key) == expected
    if expected is not None:
        assert {origin["rule"] for origin in fused.origins[key]} == {NAMED[rule].name}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"telefone": "vote"}, "telefone"),
        ({"telephone": "majority"}, "vote-then-newest"),
        ({"siren": "vote"}, "siren"),
        ({"name": "union"}, "union"),
        ({"exactMatch": "vote"}, "exactMatch"),
    ],
)
def test_what_cannot_be_is_refused_at_start(given: dict[str, str], named: str, tmp_path: Path) -> None:
    """An unknown key, an unknown rule, an identifier, several values where one stands: one sentence that names it and what there is."""
    with pytest.raises(SettingsError, match=named):
        open_node(Settings(data_dir=tmp_path, fusion=given))
    assert digest(overridden({})) == digest(RULES)


def test_other_rules_fuse_everything_anew(desk: Desk, journal: Journal, atelier: dict[str, Any]) -> None:
    """A node that starts with another table rewrites the groups that it makes a difference for; back to the usual one, all is as before."""
    desk.say("own/1", {**atelier, "keywords": ["jardin"]})
    desk.say("b/1", {**atelier, "keywords": ["potager"]})
    slug = desk.slug("own/1")
    before = desk.document(slug)
    changed = Matcher(NAMES, rules=overridden({"keywords": "own-then-newest"}))
    for matcher, expected in ((changed, ["jardin"]), (Matcher(NAMES), ["potager", "jardin"])):
        with journal.write() as c:
            assert not matcher.is_ruled(c)
            matcher.rule(c)
            Desk(journal, matcher).settle(c)
            assert matcher.is_ruled(c)
        assert desk.document(slug)["keywords"] == expected
    assert desk.document(slug) == before
