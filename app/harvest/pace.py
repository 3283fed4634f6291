"""When a peer is visited next: regularly, never two peers in step, and less and less often one that does not answer."""

import random
from datetime import UTC, datetime, timedelta

SHORTEST_S = 300
LONGEST_S = 86_400
FAILURES_TO_OPEN = 5
"""Failures in a row after which a peer counts as failing, and is tried once a day."""

JITTER = 0.1


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
