"""The places of a group: addresses that do not contradict each other are one, and each of its fields has its origin."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from app.matching.choosing import Chosen, Kept, Said, folded, whole
from app.matching.normalise import street_parts
from app.matching.rules import Rule

Place = dict[str, Any]
Origins = dict[str, list[dict[str, Any]]]

_POINT: Final = ("latitude", "longitude")
_NEAR_DEGREES: Final = 0.01
_AREA: Final = ("postalCode", "addressLocality", "addressCountry")


class Located:
    """A place, the record that says it, and its parts in normal form, made when they are to be compared."""

    def __init__(self, place: Place, reference: str, at: str, own: bool) -> None:
        self.place = place
        self.reference = reference
        self.at = at
        self.own = own
        self.point = _point(place)

    @cached_property
    def area(self) -> dict[str, str]:
        """Postcode, town and country."""
        return {key: folded(self.place[key]) for key in _AREA if self.place.get(key)}

    @cached_property
    def street(self) -> tuple[str, str] | None:
        """House number and street."""
        return street_parts(str(self.place["streetAddress"])) if self.place.get("streetAddress") else None

    def agrees(self, other: "Located") -> bool:
        """Tell whether two places may be one: nothing that both say differs, coordinates by no more than about a kilometre."""
        if any(self.area[key] != other.area[key] for key in self.area.keys() & other.area.keys()):
            return False
        if self.street and other.street and self.street != other.street:
            return False
        if self.point is None or other.point is None:
            return True
        return all(abs(mine - theirs) < _NEAR_DEGREES for mine, theirs in zip(self.point, other.point, strict=True))

    def said(self, value: Any, normal: Any) -> Said:
        """Return a part of the place with who says it."""
        return Said(value, self.reference, self.at, self.own, normal)


def fuse(iri: str, located: Sequence[Located], rule: Rule) -> tuple[list[Place], Origins]:
    """Return the places, at most as many as one record has, and the origins of their fields, each chosen by `rule`.

    The address that most sources give comes first, ties by date.
    """
    groups: list[list[Located]] = []
    for one in sorted(located, key=lambda one: len(one.place), reverse=True):
        _join(groups, one)
    most = max(Counter([one.reference for one in located]).values(), default=0)
    ranked = sorted(groups, key=_rank, reverse=True)[:most] if len(groups) > 1 else groups
    origins: Origins = {}
    return [_fields(f"{iri}#location-{number}", group, origins, rule) for number, group in enumerate(ranked, start=1)], origins


def _join(groups: list[list[Located]], one: Located) -> None:
    """Put a place with those that it does not contradict; a record's own places stay apart."""
    for group in groups:
        if all(other.reference != one.reference and one.agrees(other) for other in group):
            group.append(one)
            return
    groups.append([one])


def _rank(group: list[Located]) -> tuple[bool, int, bool, str, str]:
    """Return what makes a place come first: our own, many sources, a street, news."""
    voices = {one.reference.partition("/")[0] for one in group}
    street = any(one.street for one in group)
    return any(one.own for one in group), len(voices), street, max(one.at for one in group), max(one.reference for one in group)


def _fields(place_iri: str, group: list[Located], origins: Origins, rule: Rule) -> Place:
    """Return one place: each field by the rule, latitude and longitude as one."""
    place: Place = {"id": place_iri, "type": group[0].place.get("type", "schema:Place")}
    for key in sorted({key for one in group for key in one.place} - {"id", "type", *_POINT}):
        values = [(one, value) for one in group if (value := one.place.get(key))]
        if values:
            chosen = (
                _alone(*values[0])
                if len(values) == 1
                else rule.choose(
                    [one.said(value, one.area.get(key) or (folded(value) if key == "streetAddress" else whole(value))) for one, value in values]
                )
            )
            place[key] = chosen.kept[0].value
            _note(origins, key, place_iri, chosen, rule)
    said = [one.said([one.place[key] for key in _POINT], one.point) for one in group if one.point is not None]
    if said:
        chosen = rule.choose(said)
        place.update(zip(_POINT, chosen.kept[0].value, strict=True))
        _note(origins, "coordinates", place_iri, chosen, rule)
    return place


def _alone(one: Located, value: Any) -> Chosen:
    """Return the value that only one record says."""
    return Chosen([Kept(value, (one.reference,))], [])


def _point(place: Place) -> tuple[float, float] | None:
    """Return latitude and longitude, both or none."""
    try:
        return float(place["latitude"]), float(place["longitude"])
    except (KeyError, TypeError, ValueError):
        return None


def _note(origins: Origins, key: str, place_iri: str, chosen: Chosen, rule: Rule) -> None:
    """Keep the origin of one field of one place."""
    origins.setdefault(f"location.{key}", []).extend([{"part": place_iri} | origin for origin in chosen.origins(rule.name)])
