"""Peers are visited regularly, spread out, and less and less often when they do not answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.harvest.holding import Difference
from app.harvest.pace import adapted, moment, next_visit, pause

HOURS_6 = 21_600


def found(changes: int, held: int = 1000) -> Difference:
    """What a visit found."""
    return Difference(held, {"added": 0, "changed": changes, "gone": 0}, 0)


def test_where_much_changes_the_next_visit_is_sooner():
    """Half the interval after a change, a quarter after many, half as much again after none."""
    assert adapted(HOURS_6, None, found(1)) == HOURS_6 // 2
    assert adapted(HOURS_6, None, found(500)) == HOURS_6 // 4
    assert adapted(HOURS_6, None, found(0)) == HOURS_6 * 3 // 2
    assert adapted(HOURS_6, HOURS_6 // 2, found(1)) == HOURS_6 // 4


def settled(every: int, changes: int) -> int:
    """The interval after many visits that found the same."""
    pace = None
    for _ in range(30):
        pace = adapted(every, pace, found(changes))
    return pace


@given(st.integers(1, 366 * 86_400), st.integers(0, 1000))
def test_the_interval_stays_within_bounds(every, changes):
    """Never under five minutes, nor over a day unless the operator said so."""
    pace = settled(every, changes)
    assert 300 <= pace <= max(86_400, every)


def test_the_interval_follows_the_peer_both_ways():
    """A lively peer is visited every quarter of an hour, a still one daily; each can become the other."""
    assert settled(HOURS_6, 500) == 900
    assert settled(HOURS_6, 0) == 86_400
    assert adapted(HOURS_6, 86_400, found(500)) == HOURS_6
    assert adapted(7 * 86_400, None, found(0)) == 7 * 86_400


def test_failures_are_met_with_patience():
    """5, 10, 20 and 40 minutes, then once a day."""
    assert [pause(21_600, failures) for failures in range(7)] == [21_600, 300, 600, 1200, 2400, 86_400, 86_400]


def test_a_peer_that_asks_for_rest_gets_it():
    """Retry-After makes the pause longer, never shorter, and a day at most."""
    assert pause(21_600, 1, retry_after=3600) == 3600
    assert pause(21_600, 1, retry_after=1) == 300
    assert pause(21_600, 1, retry_after=10**9) == 86_400


@given(st.integers(0, 10**7), st.integers(0, 50), st.none() | st.integers(0, 10**9))
def test_no_peer_is_visited_more_often_than_every_five_minutes(every, failures, rest):
    """Whatever the interval, the failures and the peer's own wish."""
    soon = moment(datetime.now(UTC) + timedelta(seconds=299))
    assert pause(every, failures, rest) >= 300
    assert next_visit(every, failures, rest) > soon
