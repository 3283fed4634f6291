"""When a peer is visited next: more often where much changes, never two peers in step, and less and less often one that does not answer."""

import random
from datetime import UTC, datetime, timedelta

from app.harvest.holding import Difference

SHORTEST_S = 300
LONGEST_S = 86_400
FAILURES_TO_OPEN = 5
"""Failures in a row after which a peer counts as failing, and is tried once a day."""

JITTER = 0.1

OFTENER, RARER = 24, 4
"""A peer's own interval becomes so many times shorter or longer at most."""

MUCH = 0.02
"""The share of a peer's records that, changed between two visits, makes the next one come four times as soon instead of twice."""


def adapted(every_s: int, pace_s: int | None, found: Difference) -> int:
    """Return the interval after a visit: shorter when something had changed, by half as much again longer when nothing had.

    It starts from what the operator said, and stays between five minutes and a day, or longer only when the operator said longer.

    >>> adapted(21_600, None, Difference(100, {"added": 0, "changed": 0, "gone": 0}, 0))
    32400
    """
    pace = pace_s or every_s
    changes = sum(found.counts[what] for what in ("added", "changed", "gone"))
    wanted = pace * 3 // 2 if not changes else pace // 4 if changes > MUCH * found.held else pace // 2
    shortest = max(SHORTEST_S, every_s // OFTENER)
    longest = max(shortest, every_s, min(LONGEST_S, every_s * RARER))
    return min(max(wanted, shortest), longest)


def pause(every_s: int, failures: int = 0, retry_after: int | None = None) -> float:
    """Return the seconds until the next visit, before jitter: the peer's own interval, or after failures 5, 10, 20 and 40 minutes, then a day.

    A peer's ``Retry-After`` only ever makes it longer, by a day at most.
    """
    if failures == 0:
        wanted = every_s
    elif failures >= FAILURES_TO_OPEN:
        wanted = LONGEST_S
    else:
        wanted = min(SHORTEST_S * 2 ** (failures - 1), max(every_s, SHORTEST_S))
    return max(wanted, SHORTEST_S, min(retry_after or 0, LONGEST_S))


def next_visit(every_s: int, failures: int = 0, retry_after: int | None = None) -> str:
    """Return the moment of the next visit as the journal writes it, up to a tenth later than `pause` says."""
    seconds = pause(every_s, failures, retry_after) * (1 + JITTER * random.random())  # noqa: S311 - spreads load, guards nothing
    return moment(datetime.now(UTC) + timedelta(seconds=seconds))


def moment(when: datetime) -> str:
    """Return a moment as the journal writes it."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
