"""How likely two records speak of one group: a sum of weights, each with its reason, so that every merge can be explained.

Weights are about log2 odds and stand in a table. The sum of the reasons is the score: nothing is added that is not shown.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from app.matching.features import Features
from app.matching.relations import Relation, possible, relation
from app.matching.resemblance import Name, likeness, same_acronym
from app.matching.statistics import Statistics
from app.matching.weights import MOST_RARE, Found
from app.matching.whereabouts import compare_places, point_of, same_street, same_town, two
from app.matching.words import TOWN_HALL, USUAL

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
    """`total` is the sum of the reasons' weights; the heaviest reasons come first; `relation` is what the two are if not one group."""

    total: float
    reasons: tuple[Reason, ...]
    relation: Relation | None = None


class Subject:
    """One record made ready for many comparisons under the same statistics."""

    __slots__ = ("features", "links", "name", "pages", "placed", "point", "reference", "registers", "source", "subjects")

    def __init__(self, features: Features, statistics: Statistics, reference: str = "") -> None:
        """`reference` is ``source/key``; records without one are of no known source."""
        self.features = features
        self.name = Name(features, statistics)
        self.reference = reference
        self.source = reference.partition("/")[0]
        self.registers = features.registers()
        self.pages = frozenset(features.pages)
        self.links = frozenset(features.links)
        self.subjects = frozenset(features.subjects)
        self.point = point_of(features)
        self.placed = bool(features.postcode or features.city or features.street or self.point)


_LARGE: Final = 5000
_USUAL_RARITY: Final = 8.0
_LEAST_RARE: Final = -7.0

_DISTINCTIVE: Final = 18.0
"""Names whose rarest shared words reach this, as three words do that nobody else has, are enough by themselves."""

_NAME_STEPS: Final = tuple((step, f"name {step}") for step in (0.98, 0.9, 0.8, 0.68, 0.5, 0.35, 0))
_GOOD: Final = 0.68
"""Names are alike from here on."""

_FAIR: Final = 0.5
"""Names are not unlike from here on."""

_FURTHER: Final = "further contact"

_WITHIN: Final = 0.9
"""One name is within the other from here on, if the shared words are not too usual."""


def score(left: Subject, right: Subject, statistics: Statistics) -> Score:
    """Compare two records and say why."""
    return _scored(left, right, found(left, right, statistics), statistics)


def found(left: Subject, right: Subject, statistics: Statistics) -> Found:
    """Return all that speaks for or against, whatever it weighs."""
    reasons = _about(left, right, statistics)
    _name(left, right, reasons)
    return reasons


def promising(left: Subject, right: Subject, statistics: Statistics) -> Score | None:
    """Return the score if it reaches REVIEW or there is a relation, else None; most pairs are told apart without comparing their names."""
    reasons = _about(left, right, statistics)
    if _hopeless(reasons, statistics) and not possible(left.features, right.features, reasons):
        return None
    _name(left, right, reasons)
    if _total(reasons, statistics.weights.values) < REVIEW and _related(left, right, reasons) is None:
        return None
    return _scored(left, right, reasons, statistics)


def total(left: Subject, right: Subject, statistics: Statistics) -> float:
    """Return the sum alone, where it reaches REVIEW; anything below otherwise."""
    reasons = _about(left, right, statistics)
    if _hopeless(reasons, statistics):
        return -math.inf
    _name(left, right, reasons)
    return _total(reasons, statistics.weights.values)


def _hopeless(reasons: Found, statistics: Statistics) -> bool:
    """Tell whether the best of names would not lead to REVIEW."""
    weights = statistics.weights.values
    return sum([weights[key] * times for _, _, key, times in reasons]) + statistics.weights.best_name < REVIEW


def _related(left: Subject, right: Subject, reasons: Found) -> Relation | None:
    """Return what two records are if they are not one group."""
    if not possible(left.features, right.features, reasons):
        return None
    return relation(left.features, right.features, (left.name, right.name), (left.reference, right.reference), [key for _, _, key, _ in reasons])


def _total(reasons: Found, weights: Mapping[str, float]) -> float:
    """Return the sum, rounded so that the order of adding never shows."""
    return round(sum([weights[key] * times for _, _, key, times in reasons]), 3)


def _scored(left: Subject, right: Subject, reasons: Found, statistics: Statistics) -> Score:
    """Return the sum and its reasons, the heaviest first; what is one group is in no relation with itself."""
    weights = statistics.weights.values
    told = [
        Reason(name, detail if isinstance(detail, str) else f"{detail:.2f}", round(weights[key] * times, 3)) for name, detail, key, times in reasons
    ]
    total = _total(reasons, weights)
    ordered = tuple(sorted(told, key=lambda reason: (-abs(reason.weight), reason.name)))
    return Score(total, ordered, _related(left, right, reasons) if total < MATCH else None)


def _about(left: Subject, right: Subject, statistics: Statistics) -> Found:
    """Return all reasons but the name; the first is what speaks against any two records, the more the more records there are."""
    reasons: Found = [*_opening(statistics.records)]
    official = _identifiers(left, right, reasons)
    contacts = _contacts(left, right, statistics, reasons)
    street = same_street(left.features, right.features, reasons)
    compare_places((left.features, left.point), (right.features, right.point), street, contacts > 0, reasons)
    if left.subjects and right.subjects:
        key = "subjects differ" if left.subjects.isdisjoint(right.subjects) else "subjects"
        reasons.append(("subjects", "", key, 1.0))
    _hierarchy(left.features, right.features, reasons)
    if left.source and left.source == right.source:
        _same_source(left.source, official or contacts > 0 or street, statistics, reasons)
    return reasons


@lru_cache(maxsize=64)
def _opening(records: int) -> tuple[tuple[str, str, str, float], ...]:
    """Return what is to be said of any two of so many records."""
    prior = ("prior", str(records), "prior", 1.0)
    return (prior, ("size", str(records), "size", math.log10(records / _LARGE))) if records > _LARGE else (prior,)


def _same_source(source: str, shared: bool, statistics: Statistics, reasons: Found) -> None:
    """Weigh that a directory lists two records: the less it repeats itself, the more that speaks against."""
    times = max(0.0, -math.log2(10 * statistics.repeat(source)))
    reasons.append(("same source", source, "same source", times))
    if not shared:
        reasons.append(("same source alone", "", "same source alone", times))


def _identifiers(left: Subject, right: Subject, reasons: Found) -> bool:
    """Compare official identifiers; tell whether one is shared."""
    shared = False
    one_siren = None
    for register, values in left.registers.items():
        if register not in right.registers or register == "siret":
            continue
        mine, theirs = set(values), set(right.registers[register])
        agree = not mine.isdisjoint(theirs)
        if register == "siren":
            one_siren = agree
            continue
        key = "identifier" if agree else "identifier differs"
        reasons.append((register, ", ".join(sorted(mine & theirs if agree else mine ^ theirs)), key, 1.0))
        shared = shared or agree
    if one_siren is not None:
        shared = _siren(left, right, one_siren, reasons) or shared
    return shared


def _siren(left: Subject, right: Subject, agree: bool, reasons: Found) -> bool:
    """Compare SIRET and SIREN as one: another establishment of the same enterprise may be another group."""
    mine, theirs = {*left.registers.get("siret", ())}, {*right.registers.get("siret", ())}
    if mine & theirs:
        reasons.append(("siret", ", ".join(sorted(mine & theirs)), "identifier", 1.0))
    elif not agree:
        reasons.append(("siren", "", "siren differs", 1.0))
    elif mine and theirs:
        reasons.append(("siret", "", "siret of one siren", 1.0))
        return False
    else:
        reasons.append(("siren", "", "siren", 1.0))
    return agree


def _contacts(left: Subject, right: Subject, statistics: Statistics, reasons: Found) -> int:
    """Compare e-mail, phone, web address and links; return how many kinds are shared. One that many addresses use is weak evidence."""
    a, b = left.features, right.features
    shared = different = 0
    both = ("email", a.emails, b.emails), ("phone", a.phones, b.phones), ("page", a.pages, b.pages)
    for kind, mine, theirs in [one for one in both if one[1] and one[2]]:
        common = _common(mine, theirs)
        if common:
            reasons.append((kind, min(common) if kind == "page" else "", f"{kind} {_by_spread(statistics.spread(common))}", 1.0))
            shared += 1
            continue
        key = _otherwise(kind, a, b)
        reasons.append((key, "", "page differs on a platform" if key == "page differs" and not (a.sites and b.sites) else key, 1.0))
        different += key.endswith("differs")
    if left.links and not left.links.isdisjoint(right.links):
        reasons.append(("link", min(left.links & right.links), "link", 1.0))
        shared += 1
    if shared > 1:
        reasons.append((_FURTHER, "", _FURTHER, shared - 1.0))
    if different > 1:
        reasons.append(("further difference", "", "further difference", different - 1.0))
    return shared


def _otherwise(kind: str, a: Features, b: Features) -> str:
    """Return what is to be said of contacts that are not equal."""
    if kind == "email":
        return "email host" if _common(a.hosts, b.hosts) else "email nearly" if _common(a.near, b.near) else "email differs"
    return "page of the same site" if kind == "page" and _common(a.sites, b.sites) else f"{kind} differs"


def _by_spread(addresses: int) -> str:
    """Return the name of a contact that is used at so many addresses."""
    return "alone" if addresses <= 2 else "few" if addresses <= 4 else "many"


def _common(mine: tuple[str, ...], theirs: tuple[str, ...]) -> list[str]:
    """Return the values that both have; most records have one at most."""
    return [value for value in mine if value in theirs]


def _hierarchy(a: Features, b: Features, reasons: Found) -> None:
    """Compare ranks: a federation is not its branch, nor are two branches whose names say two towns, nor a town hall and what it houses."""
    if a.umbrella != b.umbrella and not same_acronym(a, b):
        reasons.append(("umbrella", "", "umbrella", 1.0))
    if (a.branch and not b.branch and b.umbrella) or (b.branch and not a.branch and a.umbrella):
        reasons.append(("branch", "", "branch", 1.0))
    if a.local and b.local and a.city != b.city and not same_town(a.city, b.city):
        reasons.append(("towns in the names differ", two(a.city, b.city), "towns in the names differ", 1.0))
    if (a.core == TOWN_HALL) != (b.core == TOWN_HALL):
        reasons.append(("town hall", "", "town hall", 1.0))


def _name(left: Subject, right: Subject, reasons: Found) -> None:
    """Compare names; the rarer the words they share, the more it weighs."""
    names = likeness(left.name, right.name)
    acronym = same_acronym(left.features, right.features)
    shared = left.name.shared(right.name)
    usual = False
    if acronym and names.alike < 0.85:
        reasons.append(("acronym", acronym, f"acronym {min(4, len(acronym))}", 1.0))
        agree = True
    else:
        within = names.alike < _GOOD and names.within >= _WITHIN and sum(shared) > 5
        agree = within or names.alike >= _GOOD
        usual = not agree and names.own > 0 and bool(shared) and USUAL.keys() >= (left.name.words & right.name.words)
        reasons.append(("name", names.alike, "name within" if within else "name usual" if usual else _named(names.alike), 1.0))
        if agree:
            rarity = sum(shared[:3])
            reasons.append(("name rarity", rarity, "name rarity", max(_LEAST_RARE, min(MOST_RARE, rarity - _USUAL_RARITY))))
        if names.own:
            reasons.append(("own words", names.own, "own words", min(names.own, 10.0)))
        if left.name.numbers and right.name.numbers and left.name.numbers.isdisjoint(right.name.numbers):
            reasons.append(("numbers differ", "", "numbers differ", 1.0))
    fair = agree or (names.alike >= _FAIR and not usual)
    _beside_name(left, right, agree, fair, sum(shared[:3]), reasons)


def _named(alike: float) -> str:
    """Return the name of the weight of so much likeness."""
    for step, key in _NAME_STEPS:
        if alike >= step:
            return key
    return _NAME_STEPS[-1][1]


def _beside_name(left: Subject, right: Subject, agree: bool, fair: bool, rarity: float, reasons: Found) -> None:
    """Weigh what is there beside the name: little where it agrees, or nothing where it does not, or the same identifier."""
    if agree and not (left.placed or right.placed) and rarity < _DISTINCTIVE and _SUPPORT.isdisjoint([key for _, _, key, _ in reasons]):
        reasons.append(("name alone", "", "name alone", 1.0))
    elif not fair:
        keys = {key for _, _, key, _ in reasons}
        if "identifier" in keys:
            reasons.append(("renamed", "", "renamed", 1.0))
        elif "siren" in keys and not keys.isdisjoint(_SHARED):
            reasons.append(("renamed", "", "renamed, one SIREN", 1.0))
        elif keys.isdisjoint(_SHARED):
            reasons.append(("weak name alone", "", "weak name alone", 1.0))
        reasons += [("contacts of a house", "", "contacts of a house", times) for name, _, _, times in reasons if name == _FURTHER]


_SHARED: Final = frozenset({f"{kind} {spread}" for kind in ("email", "phone", "page") for spread in ("alone", "few", "many")} | {"link"})
_SUPPORT: Final = _SHARED | {"identifier", "siren", "email host", "email nearly"}
