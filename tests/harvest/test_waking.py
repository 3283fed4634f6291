"""Calls bring a peer's next visit nearer; those that are for nothing are answered less and less often, and none is lost."""

from app.harvest.waking import LONGEST_QUIET_S, QUIET_S, Waking


def test_a_call_is_answered_at_once_and_the_next_after_a_while():
    """The second call of the same moment waits five seconds; it is not lost."""
    waking = Waking()
    waking.ask("a", 1, 100.0)
    assert waking.due(100.0) == ["a"]
    waking.heard("a", 100.0)
    waking.ask("a", 2, 100.5)
    assert (waking.due(101.0), waking.pause(101.0)) == ([], QUIET_S - 1)
    assert waking.due(100.0 + QUIET_S) == ["a"]


def test_many_calls_are_one_visit():
    """Calls that wait are seen by one visit."""
    waking = Waking()
    for number in range(100):
        waking.ask("a", 1, 100.0 + number / 100)
    waking.heard("a", 101.0)
    assert waking.due(10_000.0) == []


def test_a_call_during_a_visit_is_not_lost():
    """What is called for after a visit began leads to another one."""
    waking = Waking()
    waking.ask("a", 1, 100.0)
    waking.heard("a", 100.0)
    waking.ask("a", 1, 100.1)
    assert waking.due(1000.0) == ["a"]


def test_false_calls_are_answered_ever_more_rarely():
    """As long as visits bring nothing the pause doubles, to ten minutes; news brings it back to five seconds."""
    waking, at, pauses = Waking(), 100.0, []
    for _ in range(12):
        waking.ask("a", 7, at)
        start = at
        at += waking.pause(at)
        pauses.append(at - start)
        assert waking.due(at) == ["a"]
        waking.heard("a", at)
    assert pauses[0] == 0
    assert pauses[-1] == LONGEST_QUIET_S
    waking.ask("a", 8, at)
    assert waking.pause(at) == QUIET_S


def test_nobody_called():
    """Without calls nothing is due."""
    waking = Waking()
    waking.heard("a", 1.0)
    assert (waking.due(1.0), waking.pause(1.0) > 60) == ([], True)
