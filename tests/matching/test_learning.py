"""Weights learnt from judged pairs."""

from app.matching.learning import learn


def test_weights_follow_the_judgements_and_stay_where_nobody_judged() -> None:
    """A reason that always tells same from different gains weight; one that no pair shows keeps its own; a kept one too."""
    present = {"prior": -4.0, "phone": 0.0, "street": 1.5, "town": 1.0}
    examples = [({"prior": 1.0, "phone": 1.0, "town": 1.0}, True)] * 20 + [({"prior": 1.0, "town": 1.0}, False)] * 20
    learnt = learn(examples, present, kept=("town",))
    assert learnt["phone"] > 3
    assert (learnt["street"], learnt["town"]) == (1.5, 1.0)
    assert learnt["prior"] + learnt["phone"] + 1 > 2 > learnt["prior"] + 1
