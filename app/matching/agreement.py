"""Whether two records say the same of one thing, field by field: what a reader sees at a glance beside the reasons of the score."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from rapidfuzz import fuzz

from app.matching.choosing import folded
from app.matching.places import Located
from app.matching.rules import PLACE, RULES

WORDY: Final = frozenset({"name", "alternateName", "description", "keywords"})
"""Keys of which the words are compared, not the whole."""

ENOUGH: Final = 75.0
"""Per cent of likeness from which two texts are near each other."""

LOOKED_AT: Final = 2000
"""Characters of a text that are compared."""


class Agreement(StrEnum):
    """How far two records agree on one key."""

    SAME = "same"
    NEAR = "near"
    APART = "apart"
    ALONE = "alone"  # only one of them says it


def agreement(key: str, left: Any, right: Any) -> Agreement:
    """Compare what two records say under one key."""
    if not left or not right:
        return Agreement.ALONE
    if key == PLACE:
        return _places(left, right)
    mine, theirs = _normal(key, left), _normal(key, right)
    if mine == theirs:
        return Agreement.SAME
    if mine & theirs or (key in WORDY and _alike(mine, theirs)):
        return Agreement.NEAR
    return Agreement.APART


def _places(left: Any, right: Any) -> Agreement:
    """Compare addresses: the same when nothing that both say differs, near in one town."""
    mine, theirs = ([Located(one, "", "", own=False) for one in _listed(said) if isinstance(one, dict)] for said in (left, right))
    pairs = [(one, other) for one in mine for other in theirs]
    if any(one.agrees(other) for one, other in pairs):
        return Agreement.SAME
    towns = ("postalCode", "addressLocality")
    return Agreement.NEAR if any(one.area.get(key, "") == other.area.get(key) for key in towns for one, other in pairs) else Agreement.APART


def _normal(key: str, said: Any) -> set[Any]:
    """Return the values of a key in the form in which equal ones are equal, whatever their language."""
    rule = RULES.get(key)
    values: Iterable[Any] = said.values() if isinstance(said, Mapping) and key in WORDY else (said,)
    flat = [one for value in values for one in _listed(value)]
    return {rule.normal(one) if rule and key != "description" else folded(one) for one in flat}


def _alike(mine: set[Any], theirs: set[Any]) -> bool:
    """Tell whether any text of the one is like any of the other, the order of words aside."""
    return any(fuzz.token_sort_ratio(str(one)[:LOOKED_AT], str(other)[:LOOKED_AT]) >= ENOUGH for one in mine for other in theirs)


def _listed(value: Any) -> list[Any]:
    """Return a JSON value that may be one or several as a list."""
    return value if isinstance(value, list) else [value]
