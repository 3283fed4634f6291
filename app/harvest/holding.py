"""Which differences wait for a person: a source that loses or rewrites much at once was broken, emptied or taken over more often than revised.

So was one that loses as much within a day, a few records at each visit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import Text
from app.journal.sources import Trust

SHARE = 0.2
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """What a visit would do to a source that holds `held` records.

    `lost` counts those withdrawn or not found for the first time.
    `stood` and `before` say the same of the last day: how many records it began with, and how many of them earlier visits lost by themselves.
    `expected`: this node's own settings for the peer changed, so that changed records surprise nobody.
    """

    held: int
    counts: Mapping[str, int]
    lost: int
    expected: bool = False
    stood: int = 0
    before: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.counts["added"] or self.counts["changed"] or self.counts["gone"])

    @property
    def met(self) -> int:
        """How many records the source showed."""
        return sum(self.counts[outcome] for outcome in ("added", "changed", "unchanged", "refused"))


def reason_to_hold(difference: Difference, trust: Trust) -> Text | None:
    """Return why a difference must wait for a person, None when it may be applied."""
    changed = 0 if difference.expected else difference.counts["changed"]
    touched = difference.lost + changed
    if FEWEST <= difference.held <= difference.lost:
        return Text(
            "Toutes les fiches de ce pair disparaîtraient d'un coup : une personne doit le confirmer.",
            "Every record of this peer would vanish at once: a person must confirm it.",
        )
    if touched >= FEWEST and touched > SHARE * difference.held > 0:
        return Text(
            f"{difference.lost} fiches disparaissent et {changed} changent d'un coup, sur {difference.held} : une personne doit le confirmer.",
            f"{difference.lost} records vanish and {changed} change at once, out of {difference.held}: a person must confirm it.",
        )
    lost = difference.before + difference.lost
    if difference.before and difference.lost and lost >= FEWEST and lost > SHARE * difference.stood:
        return Text(
            f"Depuis hier, {lost} fiches sur {difference.stood} disparaissent, peu à la fois : une personne doit le confirmer.",
            f"Since yesterday {lost} of {difference.stood} records vanish, a few at a time: a person must confirm it.",
        )
    if trust is Trust.REVIEW and not difference.is_empty:
        return Text(
            "Ce pair est sous relecture : une personne doit accepter ce qui change.", "This peer is under review: a person must accept what changes."
        )
    return None
