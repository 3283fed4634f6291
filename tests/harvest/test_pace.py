"""Peers are visited regularly, spread out, and less and less often when they do not answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.harvest.pace import moment, next_visit, pause


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
