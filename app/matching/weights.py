"""The weights of matching in one table: what each reason counts, about in log2 odds, by name.

A node may adopt others, learnt from its own judgements; the table of the program stays what they are compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

Found: TypeAlias = list[tuple[str, str | float, str, float]]
"""What was found of two records: the reason, its detail, the name of its weight, and how many times the weight counts."""

BUILT_IN: Final[Mapping[str, float]] = {
    "prior": -2.5,
    "size": -1.0,
    "name 0.98": 5.6,
    "name 0.9": 5.6,
    "name 0.8": 3.0,
    "name 0.68": 2.0,
    "name 0.5": -1.0,
    "name 0.35": -4.0,
    "name 0": -7.0,
    "name usual": -6.5,
    "name within": 1.6,
    "name rarity": 0.2,
    "own words": -0.15,
    "numbers differ": -5.0,
    "acronym 3": 3.5,
    "acronym 4": 5.6,
    "name alone": -2.0,
    "weak name alone": -1.1,
    "email alone": 5.0,
    "email few": 3.5,
    "email many": 1.0,
    "email host": 1.1,
    "email nearly": 3.0,
    "email differs": -1.2,
    "phone alone": 5.2,
    "phone few": 3.2,
    "phone many": 2.0,
    "phone differs": -0.8,
    "page alone": 4.6,
    "page few": 3.4,
    "page many": 1.0,
    "page of the same site": -0.5,
    "page differs": -1.4,
    "page differs on a platform": -1.1,
    "link": 6.0,
    "further contact": -2.0,
    "contacts of a house": -3.0,
    "further difference": 0.6,
    "street and number": 4.7,
    "street": 1.1,
    "street, other number": 0.1,
    "street differs": -2.2,
    "distance 0.25": 2.7,
    "distance 1": 1.7,
    "distance 5": 0.5,
    "distance 20": -1.1,
    "distance": -6.0,
    "distance and street": 0.0,
    "postcode": 1.3,
    "postcode differs": -1.9,
    "postcode of another region": -6.1,
    "town": 1.2,
    "town near": 0.9,
    "town differs": -4.9,
    "town differs too": -2.6,
    "street of another town": -4.0,
    "town of one street": -0.9,
    "country differs": -4.0,
    "place unknown": -1.8,
    "subjects": 0.6,
    "subjects differ": -0.8,
    "umbrella": -4.2,
    "branch": -4.0,
    "towns in the names differ": -4.0,
    "town hall": -9.0,
    "same source": -1.1,
    "same source alone": -0.7,
    "identifier": 11.0,
    "identifier differs": -9.1,
    "renamed": 7.0,
    "renamed, one SIREN": 3.0,
    "siren": 4.0,
    "siren differs": -8.5,
    "siret of one siren": -3.0,
}
"""What holds where nothing was learnt."""


@dataclass(frozen=True)
class Weights:
    """A table of weights; `version` is empty for the built-in one."""

    version: str = ""
    values: Mapping[str, float] = field(default_factory=lambda: BUILT_IN)

    @cached_property
    def best_name(self) -> float:
        """Return the most that names can speak for a pair."""
        steps = max(value for name, value in self.values.items() if name.startswith(("name ", "acronym ")))
        return steps + MOST_RARE * max(0.0, self.values["name rarity"])


MOST_RARE: Final = 6.0
"""How much rarer than usual shared words count, at most."""
