"""Where two records are, compared: street and number, coordinates, postcode, town, country."""

import math
from typing import Final, TypeAlias

from rapidfuzz import fuzz

from app.matching.features import Features
from app.matching.weights import Found

Point: TypeAlias = tuple[float, float, float]
"""Latitude and longitude in radians, and the cosine of the first."""

Placed: TypeAlias = tuple[Features, Point | None]

_NEAR: Final = 2.0
"""Kilometres within which two names of a town may be those of one."""

_EARTH_KM: Final = 6371.0


def same_street(a: Features, b: Features, reasons: Found) -> bool:
    """Compare street and house number; tell whether both agree."""
    if not (a.street and b.street):
        return False
    same_number = bool(a.number) and a.number == b.number
    alike = 100.0 if a.street == b.street else fuzz.token_sort_ratio(a.street, b.street)
    if same_number and alike < 82:
        alike = fuzz.token_set_ratio(a.street, b.street)
    if 82 <= alike < 100 and _numbered_otherwise(a.street, b.street):
        alike = 0.0
    key = "street differs" if alike < 82 else "street and number" if same_number else "street, other number" if a.number and b.number else "street"
    reasons.append(("street", f"{alike:.0f} %", key, 1.0))
    return key == "street and number"


def _numbered_otherwise(mine: str, theirs: str) -> bool:
    """Tell whether two streets bear numbers, and not the same: 18th, 19th."""
    numbers = [{word for word in street.split() if word[0].isdigit()} for street in (mine, theirs)]
    return bool(numbers[0] and numbers[1]) and numbers[0].isdisjoint(numbers[1])


def compare_places(left: Placed, right: Placed, street: bool, contact: bool, reasons: Found) -> None:
    """Compare coordinates, postcode, town and country; with street and contact the same, another town is only another name of it."""
    (a, here), (b, there) = left, right
    distance = _distance(here, there)
    if distance is not None:
        key = "distance and street" if street and distance < 1 else _by_distance(distance)
        reasons.append(("distance", f"{distance:.2f} km", key, 1.0))
    if a.country and b.country and a.country != b.country:
        reasons.append(("country differs", two(a.country, b.country), "country differs", 1.0))
    if a.postcode and a.postcode == b.postcode:
        reasons.append(("postcode", "", "postcode", 1.0))
        return
    one_town = same_town(a.city, b.city) if a.city and b.city else None
    if a.postcode and b.postcode:
        _postcodes(a, b, street, contact, one_town, reasons)
    elif one_town is not None and distance is None:
        key = "town" if one_town else "town of one street" if street and contact else "town differs"
        reasons.append(("town", a.city if one_town else two(a.city, b.city), key, 1.0))
    elif one_town:
        reasons.append(("town", a.city, "town near", 1.0))
    elif one_town is False and distance is not None and distance > _NEAR:
        reasons.append(("town differs", two(a.city, b.city), "town differs too", 1.0))
    elif distance is None and not street:
        reasons.append(("place unknown", "", "place unknown", 1.0))


def _postcodes(a: Features, b: Features, street: bool, contact: bool, one_town: bool | None, reasons: Found) -> None:
    """Compare two postcodes that differ; only French ones tell how far apart they are. `one_town` is None where a town is unknown."""
    key = "postcode of another region" if a.area and b.area and a.area != b.area else "postcode differs"
    if street and contact:
        key = "town of one street"
    reasons.append(("postcode", "", key, 1.0))
    if one_town is False and key.startswith("postcode "):
        if key == "postcode differs":
            reasons.append(("town differs", two(a.city, b.city), "town differs too", 1.0))
        if street:
            reasons.append(("street of another town", "", "street of another town", 1.0))


def two(mine: str, theirs: str) -> str:
    """Return two values, whichever comes first."""
    return ", ".join(sorted((mine, theirs)))


def _by_distance(kilometres: float) -> str:
    """Return the name of a distance's weight."""
    return next((f"distance {most}" for most in (0.25, 1, 5, 20) if kilometres < most), "distance")


def same_town(mine: str, theirs: str) -> bool:
    """Tell whether two town names are one: Paris and Paris 18e, Saint-Denis and St Denis."""
    if mine == theirs or fuzz.ratio(mine, theirs) > 88:
        return True
    return min(len(mine), len(theirs)) > 3 and fuzz.token_set_ratio(mine, theirs) == 100


def point_of(features: Features) -> Point | None:
    """Return latitude and longitude in radians, and the cosine of the first."""
    if features.latitude is None or features.longitude is None:
        return None
    latitude = math.radians(features.latitude)
    return latitude, math.radians(features.longitude), math.cos(latitude)


def _distance(a: Point | None, b: Point | None) -> float | None:
    """Return the kilometres between two points, as the plane sees them."""
    if a is None or b is None:
        return None
    return _EARTH_KM * math.hypot((b[1] - a[1]) * (a[2] + b[2]) / 2, b[0] - a[0])
