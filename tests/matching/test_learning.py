"""Weights learnt from judged pairs, and adopted when somebody says so."""

import pytest

from app.errors import Conflict
from app.journal import meta
from app.matching import adopted
from app.matching.learning import learn
from app.matching.proposing import propose
from app.matching.weights import BUILT_IN, Weights
from tests.matching.desk import Desk, put


def test_weights_follow_the_judgements_and_stay_where_nobody_judged() -> None:
    """A reason that always tells same from different gains weight; one that no pair shows keeps its own; a kept one too."""
    present = {"prior": -4.0, "phone": 0.0, "street": 1.5, "town": 1.0}
    examples = [({"prior": 1.0, "phone": 1.0, "town": 1.0}, True)] * 20 + [({"prior": 1.0, "town": 1.0}, False)] * 20
    learnt = learn(examples, present, kept=("town",))
    assert learnt["phone"] > 3
    assert (learnt["street"], learnt["town"]) == (1.5, 1.0)
    assert learnt["prior"] + learnt["phone"] + 1 > 2 > learnt["prior"] + 1


def taught(desk: Desk, pairs: int) -> None:
    """A directory in which people say that a phone in common makes one group, and a name in common does not."""
    place = [{"addressLocality": "Saint-Denis", "postalCode": "93200"}]
    for number in range(pairs + 1):
        names = {"fr": f"Lucioles {WORDS[number]}"}, {"fr": f"Farfadets {WORDS[-1 - number]}"}
        phone = f"01 99 00 {number // 100:02} {number % 100:02}"
        with desk.journal.write() as c:
            put(c, f"a/one-{number}", {"name": names[0], "telephone": phone, "location": place})
            put(c, f"b/one-{number}", {"name": names[1], "telephone": phone, "location": place})
            put(c, f"a/two-{number}", {"name": {"fr": f"Rossignols {WORDS[number]}"}, "location": place})
            put(c, f"b/two-{number}", {"name": {"fr": f"Rossignols {WORDS[number]}"}, "location": place})
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    for number in range(pairs):
        desk.judge(f"a/one-{number}", f"b/one-{number}", "same")
        desk.judge(f"a/two-{number}", f"b/two-{number}", "different")


WORDS = [f"{first}{last}" for first in ("bal", "cor", "dim", "fal", "gus") for last in ("amine", "ovale", "urette", "istrel", "endue")]


def test_what_judgements_ask_for_is_shown_before_anybody_adopts_it(desk: Desk) -> None:
    """The pair that nobody judged changes sides in the proposal, and in the directory only after adoption; going back brings it back."""
    taught(desk, 11)
    judged = frozenset({"a/one-11", "b/one-11"}), frozenset({"a/two-11", "b/two-11"})
    assert judged[1] in desk.groups()
    with desk.journal.read() as c:
        proposal = propose(c)
        assert adopted.current(c) == Weights()
    assert (proposal.same, proposal.different) == (11, 11)
    assert proposal.weights["phone alone"] > proposal.present["phone alone"]
    assert tuple(sorted(judged[0])) in proposal.made
    assert tuple(sorted(judged[1])) in proposal.unmade
    assert judged[0] not in desk.groups()
    with desk.journal.write() as c:
        adopted.adopt(c, proposal.weights, "somebody", proposal.same, proposal.different)
        desk.matcher.combine_all(c)
    assert judged[0] in desk.groups()
    assert judged[1] not in desk.groups()
    with desk.journal.write() as c:
        adopted.revert(c, "somebody")
        desk.matcher.combine_all(c)
        assert [one.number for one in adopted.history(c)] == [1, 2]
        assert dict(adopted.current(c).values) == dict(BUILT_IN)
    assert judged[1] in desk.groups()


def test_a_few_judgements_teach_nothing(desk: Desk) -> None:
    """What is missing is said."""
    taught(desk, 3)
    with desk.journal.read() as c, pytest.raises(Conflict, match="there are 3 and 3"):
        propose(c)


def test_weights_of_another_version_of_the_program_hold_as_far_as_they_are_known(desk: Desk) -> None:
    """A weight that no longer exists is passed over; one that is new is the built-in one."""
    with desk.journal.write() as c:
        adopted.adopt(c, {**BUILT_IN, "prior": -9.0}, "somebody")
        text = meta.get(c, "weights")
        assert text is not None
        meta.put(c, "weights", text.replace('"prior"', '"prior":-8.0,"gone"'))
        current = adopted.current(c)
    assert (current.values["prior"], current.values.keys()) == (-8.0, BUILT_IN.keys())
