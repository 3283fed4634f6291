"""How much a relay may have us ask of others: whoever lists events could aim this node at anybody, so each host has its own small budget.

A host that does not confirm what it is said to have said is left in peace, the longer the oftener that happens, and this is kept between visits.
Few hosts are new in one visit, and few are known of one relay.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

A_VISIT: Final = 250
"""Requests for events at one host in one visit."""

NEW_A_VISIT: Final = 100
MOST: Final = 2000
"""Hosts that a relay may name for the first time in one visit, and in all."""

STRIKES: Final = 5
"""How many more refusals than confirmations are borne from a host in one visit; one, if it was silent at the visit before."""

FREE: Final = 3
FIRST_REST_S, LONGEST_REST_S = 600, 86_400
"""After so many visits in vain a host has a rest, twice as long each time."""

PAUSE_S: Final = 0.02
"""Seconds between two requests to one host at least."""


class May(Enum):
    """What may be done about an event of some host."""

    ASK = auto()
    LATER = auto()  # its budget, or that of new hosts, is spent in this visit
    REST = auto()  # it does not confirm what it is said to say
    NEVER = auto()  # the relay names too many


@dataclass(slots=True)
class Origins:
    """The hosts that a relay names: visits in vain in a row and the end of the rest of each, and what was asked in this visit."""

    known: dict[str, tuple[int, int]]
    silent: set[str] = field(default_factory=set)
    _asked: Counter[str] = field(default_factory=Counter)
    _strikes: Counter[str] = field(default_factory=Counter)
    _new: int = 0
    _last: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: object) -> "Origins":
        """Read what was kept by `as_json`."""
        found = kept if isinstance(kept, Mapping) else {}
        return cls({str(host): (int(misses), int(until)) for host, (misses, until) in found.items()})

    def as_json(self) -> dict[str, Any]:
        """Return what the next visit needs to know."""
        return {host: list(state) for host, state in self.known.items()}

    def may(self, host: str) -> May:
        """Say whether a host may be asked now."""
        if host not in self.known:
            return May.NEVER if len(self.known) >= MOST else May.LATER if self._new >= NEW_A_VISIT else May.ASK
        if host in self.silent or self.known[host][1] > time.time():
            return May.REST
        return May.LATER if self._asked[host] >= A_VISIT else May.ASK

    def ask(self, host: str) -> None:
        """Count a request that is about to be made, a moment after the one before."""
        self._new += host not in self.known
        self.known.setdefault(host, (0, 0))
        self._asked[host] += 1
        time.sleep(max(self._last.get(host, 0) + PAUSE_S - time.monotonic(), 0))
        self._last[host] = time.monotonic()

    def confirmed(self, host: str) -> None:
        """Note that a host said what it was said to say."""
        self.known[host] = (0, 0)
        self._strikes[host] = max(self._strikes[host] - 1, 0)

    def refused(self, host: str) -> None:
        """Note that a host knows nothing of it, or says something else."""
        self._strikes[host] += 1
        if self._strikes[host] >= (1 if self.known[host][0] else STRIKES):
            self.missed(host)

    def missed(self, host: str) -> None:
        """Note that a host does not answer, or nothing that is of use: it is not asked again in this visit."""
        misses = self.known[host][0] + 1
        rest = min(FIRST_REST_S * 2 ** min(misses - FREE - 1, 20), LONGEST_REST_S) if misses > FREE else 0
        self.silent.add(host)
        self.known[host] = (misses, int(time.time() + rest))
