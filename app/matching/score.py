"""How likely two records speak of one group: a sum of weights, each with its reason, so that every merge can be explained.

Weights are about log2 odds. The sum of the reasons is the score: nothing is added that is not shown.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from rapidfuzz import fuzz

from app.matching.features import Features
from app.matching.resemblance import Name, same_acronym, similarity
from app.matching.statistics import Statistics

MATCH: Final = 2.0
"""From here on two records merge, unless something forbids it."""

REVIEW: Final = 0.0
"""From here on a pair is kept for a person to look at."""


class Reason(NamedTuple):
    """One thing that speaks for or against; `detail` is what was compared, in short."""

    name: str
    detail: str
    weight: float


@dataclass(frozen=True, slots=True)
class Score:
    """`total` is the sum of the reasons' weights; the heaviest reasons come first."""

    total: float
    reasons: tuple[Reason, ...]


class Subject:
    """One record made ready for many comparisons under the same statistics."""

    __slots__ = ("features", "links", "name", "pages", "placed", "point", "reference", "registers", "source", "subjects")

    def __init__(self, features: Features, statistics: Statistics, reference: str = "") -> None:
        """`reference` is ``source/key``; records without one are of no known source."""
        self.features = features
        self.name = Name(features, statistics)
        self.reference = reference
        self.source = reference.partition("/")[0]
        self.registers = dict(features.identifiers)
        self.pages = frozenset(features.pages)
        self.links = frozenset(features.links)
        self.subjects = frozenset(features.subjects)
        self.point = _point(features)
        self.placed = bool(features.postcode or features.city or features.street or self.point)


Found: TypeAlias = list[tuple[str, str | float, float]]

_PRIOR: Final = -4.0
_LARGE: Final = 5000
_BEST_NAME: Final = 8.5
"""No name weighs more than this: what cannot reach REVIEW with it need not be compared by name."""

_DISTINCTIVE: Final = 18.0
"""Names whose rarest shared words reach this, as three words do that nobody else has, are enough by themselves."""

_NAME_STEPS: Final = ((0.98, 6.5), (0.9, 5.5), (0.8, 4.0), (0.68, 2.0), (0.5, -1.0), (0.35, -4.0), (0.0, -7.0))
_EARTH_KM: Final = 6371.0


def score(left: Subject, right: Subject, statistics: Statistics) -> Score:
    """Compare two records and say why."""
    found = _about(left, right, statistics)
    _name(left, right, found)
    return _scored(found, statistics)


def promising(left: Subject, right: Subject, statistics: Statistics) -> Score | None:
    """Return the score if it reaches REVIEW, else None; most pairs are told apart without comparing their names."""
    found = _about(left, right, statistics)
    known = prior(statistics)
    for _, _, weight in found:
        known += weight
    if known + _BEST_NAME < REVIEW:
        return None
    _name(left, right, found)
    scored = _total(found, statistics)
    return _scored(found, statistics) if scored >= REVIEW else None


def prior(statistics: Statistics) -> float:
    """Return what speaks against any two records being the same: the more records there are, the more it does."""
    return _PRIOR - math.log10(max(1.0, statistics.records / _LARGE))


def _total(found: Found, statistics: Statistics) -> float:
    """Return the sum, rounded so that the order of adding never shows."""
    return round(sum([weight for _, _, weight in found]) + prior(statistics), 3)


def _scored(found: Found, statistics: Statistics) -> Score:
    """Return the sum and its reasons, the heaviest first."""
    reasons = [Reason(name, detail if isinstance(detail, str) else f"{detail:.2f}", round(weight, 3)) for name, detail, weight in found]
    reasons.append(Reason("prior", str(statistics.records), round(prior(statistics), 3)))
    return Score(_total(found, statistics), tuple(sorted(reasons, key=lambda reason: (-abs(reason.weight), reason.name))))


def _about(left: Subject, right: Subject, statistics: Statistics) -> Found:
    """Return all reasons but the name."""
    found: Found = []
    shared = _identifiers(left, right, found)
    shared = _contacts(left, right, statistics, found) or shared
    shared = _pages(left, right, statistics, found) or shared
    street = _street(left.features, right.features, found)
    _place(left, right, street, found)
    if left.subjects and right.subjects:
        found.append(("subjects", "", -0.4 if left.subjects.isdisjoint(right.subjects) else 0.5))
    _hierarchy(left.features, right.features, found)
    if left.source and left.source == right.source:
        found.append(("same source", left.source, -3.0 if shared or street > 3 else -6.0))
    return found


def _identifiers(left: Subject, right: Subject, found: Found) -> bool:
    """Compare official identifiers; tell whether one is shared."""
    shared = False
    one_siren = None
    for register, values in left.registers.items():
        if register not in right.registers:
            continue
        mine, theirs = set(values), set(right.registers[register])
        agree = not mine.isdisjoint(theirs)
        if register == "siren":
            one_siren = agree
            continue
        if register == "siret":
            continue
        found.append((register, ", ".join(sorted(mine & theirs if agree else mine ^ theirs)), 11.0 if agree else -8.0))
        shared = shared or agree
    if one_siren is None:
        return shared
    return _siren(left, right, one_siren, found) or shared


def _siren(left: Subject, right: Subject, agree: bool, found: Found) -> bool:
    """Compare SIRET and SIREN as one: another establishment of the same enterprise may be another group."""
    mine, theirs = {*left.registers.get("siret", ())}, {*right.registers.get("siret", ())}
    if not mine or not theirs:
        found.append(("siren", "", 4.0 if agree else -8.0))
        return agree
    if mine & theirs:
        found.append(("siret", ", ".join(sorted(mine & theirs)), 11.0))
        return True
    found.append(("siret", "", -3.0 if agree else -8.0))
    return False


def _contacts(left: Subject, right: Subject, statistics: Statistics, found: Found) -> bool:
    """Compare e-mail and phone, by hash; tell whether one is shared. One that many addresses use is weak evidence."""
    a, b = left.features, right.features
    shared = False
    if a.emails and b.emails:
        common = _common(a.emails, b.emails)
        if common:
            found.append(("email", "", _by_spread(statistics.spread(common), 6.0, 3.5, 1.0)))
            shared = True
        elif _common(a.hosts, b.hosts):
            found.append(("email host", "", 1.5))
        elif _common(a.near, b.near):
            found.append(("email nearly", "", 3.0))
        else:
            found.append(("email differs", "", -1.2))
    if a.phones and b.phones:
        common = _common(a.phones, b.phones)
        if common:
            found.append(("phone", "", _by_spread(statistics.spread(common), 6.0, 4.0, 1.5)))
            shared = True
        else:
            found.append(("phone differs", "", -1.8))
    return shared


def _pages(left: Subject, right: Subject, statistics: Statistics, found: Found) -> bool:
    """Compare web addresses and links to other directories; tell whether one is shared."""
    a, b = left.features, right.features
    links = not left.links.isdisjoint(right.links)
    if links:
        found.append(("link", min(left.links & right.links), 6.0))
    if not (a.pages and b.pages):
        return links
    common = left.pages & right.pages
    if common:
        found.append(("page", min(common), _by_spread(statistics.spread(common), 5.5, 3.0, 1.0)))
        return True
    if _common(a.sites, b.sites):
        found.append(("page of the same site", a.sites[0], -0.5))
    else:
        found.append(("page differs", "", -2.0 if a.sites and b.sites else -1.0))
    return links


def _by_spread(addresses: int, alone: float, few: float, many: float) -> float:
    """Return the weight of a contact that is used at so many addresses."""
    return alone if addresses <= 2 else few if addresses <= 4 else many


def _common(mine: tuple[str, ...], theirs: tuple[str, ...]) -> Iterable[str]:
    """Return the values that both have; most records have one at most."""
    return [value for value in mine if value in theirs]


def _street(a: Features, b: Features, found: Found) -> float:
    """Compare street and house number; return the weight found."""
    if not (a.street and b.street):
        return 0.0
    same_number = bool(a.number) and a.number == b.number
    alike = 100.0 if a.street == b.street else fuzz.token_sort_ratio(a.street, b.street)
    if same_number and alike < 82:
        alike = fuzz.token_set_ratio(a.street, b.street)
    weight = -1.0 if alike < 82 else 3.5 if same_number else 0.3 if a.number and b.number else 1.0
    found.append(("street", f"{alike:.0f} %", weight))
    return weight


def _place(left: Subject, right: Subject, street: float, found: Found) -> None:
    """Compare coordinates, postcode, town and country."""
    a, b = left.features, right.features
    distance = _distance(left.point, right.point)
    if distance is not None:
        found.append(("distance", f"{distance:.2f} km", _by_distance(distance, street)))
    if a.country and b.country and a.country != b.country:
        found.append(("country differs", f"{a.country}, {b.country}", -4.0))
    if a.postcode and b.postcode:
        found.append(("postcode", "", _by_postcode(a, b)))
    elif a.city and b.city:
        same = _same_city(a.city, b.city)
        if distance is None:
            found.append(("town", "", 1.0 if same else -4.5))
        elif same:
            found.append(("town", a.city, 0.7))
    elif distance is None:
        found.append(("place unknown", "", -1.0))


def _by_distance(kilometres: float, street: float) -> float:
    """Return the weight of a distance; beside an equal street it adds little."""
    weight = 2.5 if kilometres < 0.25 else 1.5 if kilometres < 1 else 0.5 if kilometres < 5 else -1.0 if kilometres < 20 else -6.0
    return min(weight, 1.0) if street >= 3 else weight


def _by_postcode(a: Features, b: Features) -> float:
    """Return the weight of two postcodes; only French ones tell how far apart they are."""
    if a.postcode == b.postcode:
        return 1.5
    return -5.0 if a.area and b.area and a.area != b.area else -1.0


def _same_city(mine: str, theirs: str) -> bool:
    """Tell whether two town names are one: Paris and Paris 18e, Saint-Denis and St Denis."""
    if mine == theirs or fuzz.ratio(mine, theirs) > 88:
        return True
    return min(len(mine), len(theirs)) > 3 and fuzz.token_set_ratio(mine, theirs) == 100


def _hierarchy(a: Features, b: Features, found: Found) -> None:
    """Compare ranks: a federation is not its local branch."""
    if a.umbrella != b.umbrella:
        found.append(("umbrella", "", -3.5))
    if (a.branch and not b.branch and b.umbrella) or (b.branch and not a.branch and a.umbrella):
        found.append(("branch", "", -4.0))


def _point(features: Features) -> tuple[float, float, float] | None:
    """Return latitude and longitude in radians, and the cosine of the first."""
    if features.latitude is None or features.longitude is None:
        return None
    latitude = math.radians(features.latitude)
    return latitude, math.radians(features.longitude), math.cos(latitude)


def _distance(a: tuple[float, float, float] | None, b: tuple[float, float, float] | None) -> float | None:
    """Return the kilometres between two points, as the plane sees them."""
    if a is None or b is None:
        return None
    return _EARTH_KM * math.hypot((b[1] - a[1]) * (a[2] + b[2]) / 2, b[0] - a[0])


def _name(left: Subject, right: Subject, found: Found) -> None:
    """Compare names; the rarer the words they share, the more it weighs."""
    alike = similarity(left.name, right.name)
    acronym = same_acronym(left.features, right.features)
    shared = left.name.shared(right.name)
    if acronym and alike < 0.85:
        weight = min(2 + len(acronym) * 0.7, 5.0)
        found.append(("acronym", acronym, weight))
    else:
        weight = next(value for least, value in _NAME_STEPS if alike >= least)
        if weight < 2 and shared and left.name.contains(right.name) and sum(shared) > 5:
            weight = 2.0
        if weight > 0:
            weight += max(-2.5, min(2.0, (sum(shared[:3]) - 8) * 0.35))
        found.append(("name", alike, weight))
    if weight > 0 and not (left.placed or right.placed) and sum(shared[:3]) < _DISTINCTIVE and not _supported(found):
        found.append(("name alone", "", -3.0))
    if weight < -2 and not any(name in _CONTACTS and value > 0 for name, _, value in found):
        found.append(("weak name alone", "", -3.0))


def _supported(found: Found) -> bool:
    """Tell whether anything but the name speaks for the pair; that both are of one subject is too little."""
    return any(value > 0 and name not in _NO_SUPPORT for name, _, value in found)


_NO_SUPPORT: Final = frozenset({"name", "acronym", "subjects"})
_CONTACTS: Final = frozenset({"email", "phone", "page", "link"})
