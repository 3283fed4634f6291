"""A difference that looks like an accident waits for a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.harvest.holding import Difference, reason_to_hold
from app.harvest.lines import OUTCOMES
from app.journal.sources import Trust


def difference(held, lost=0, expected=False, **counts):
    return Difference(held, dict.fromkeys(OUTCOMES, 0) | counts | {"gone": lost}, lost, expected)


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (difference(0, added=1000), False),
        (difference(100, added=1000), False),
        (difference(100, lost=20), False),
        (difference(100, lost=21), True),
        (difference(100, changed=21), True),
        (difference(100, lost=11, changed=10), True),
        (difference(100, changed=100, expected=True), False),
        (difference(100, lost=33, changed=60, expected=True), True),
        (difference(10, lost=4), False),
        (difference(10, lost=5), True),
        (difference(5, lost=5), True),
        (difference(4, lost=4), False),
    ],
)
def test_much_at_once_waits(found, waits):
    """More than a fifth, and at least five, lost or changed at once. New records never make a visit wait."""
    assert (reason_to_hold(found, Trust.AUTO) is not None) is waits


def test_a_peer_under_review_always_waits():
    """Under review any difference waits, and none does not."""
    assert reason_to_hold(difference(10, added=1), Trust.REVIEW)
    assert reason_to_hold(difference(10, unchanged=10), Trust.REVIEW) is None


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_third_never_passes(held, lost):
    """Losing a third or more of fifteen records or more always waits."""
    waits = reason_to_hold(difference(held, lost=min(lost, held)), Trust.AUTO) is not None
    assert waits or held < 15 or min(lost, held) < held / 3
