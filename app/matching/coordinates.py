"""Latitude and longitude as directories give them: with commas, empty, zero, or in the wrong order."""

from typing import Final, TypeAlias

Point: TypeAlias = tuple[float, float]

_FRANCE: Final = ((41.0, 51.5, -5.5, 10.0),)
_OVERSEAS: Final = {
    "971": ((15.7, 18.2, -63.3, -60.9),),
    "972": ((14.3, 15.0, -61.4, -60.7),),
    "973": ((2.0, 6.0, -55.0, -51.0),),
    "974": ((-21.6, -20.7, 55.0, 56.0),),
    "976": ((-13.2, -12.5, 44.9, 45.5),),
}
_BOXES: Final = {
    "FR": (*_FRANCE, *(box for boxes in _OVERSEAS.values() for box in boxes)),
    "GB": ((49.8, 61.0, -8.7, 1.9),),
    "BE": ((49.4, 51.6, 2.5, 6.5),),
    "CH": ((45.7, 47.9, 5.9, 10.6),),
    "DE": ((47.2, 55.1, 5.8, 15.1),),
    "ES": ((27.5, 43.9, -18.3, 4.4),),
    "IT": ((35.4, 47.2, 6.6, 18.6),),
}
"""South, north, west and east of where a country's groups are."""


def point(latitude: str, longitude: str, country: str, area: str) -> Point | None:
    """Return latitude and longitude in degrees, or None; 0, 0 is what broken exports say.

    They are taken the other way round when only so they are on Earth, or in the country (or département) that the address names;
    where it names none, in France. `area` is the département of a French postcode.

    >>> point("2,3820", "48,8870", "", "75")
    (48.887, 2.382)
    """
    try:
        first, second = float(latitude.replace(",", ".")), float(longitude.replace(",", "."))
    except ValueError:
        return None
    if not (_on_earth(first, second) or _on_earth(second, first)) or (first, second) == (0, 0):
        return None
    boxes = _OVERSEAS.get(area) or (_FRANCE if area else _BOXES.get(country or "FR", ()))
    swapped = not _on_earth(first, second) or (not _inside(first, second, boxes) and _inside(second, first, boxes))
    return (second, first) if swapped else (first, second)


def _on_earth(latitude: float, longitude: float) -> bool:
    """Tell whether there is such a point."""
    return abs(latitude) <= 90 and abs(longitude) <= 180


def _inside(latitude: float, longitude: float, boxes: tuple[tuple[float, float, float, float], ...]) -> bool:
    """Tell whether a point is in one of the boxes."""
    return any(south <= latitude <= north and west <= longitude <= east for south, north, west, east in boxes)
