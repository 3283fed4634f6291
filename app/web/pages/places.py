"""The places in an answer, drawn: points over a plain frame of parallels and meridians, nothing fetched from anywhere.

Coordinates are columns named so (latitude and longitude, lat and lon), points written as WKT, or groups of this node
whose place the journal knows.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from app.journal.tables import group, identity
from app.names import Names

Value = Mapping[str, str]
Binding = Mapping[str, Value]
Point = tuple[float, float, str]
"""Latitude, longitude, and what is there."""

MOST: Final = 500
"""Points that are drawn."""

MOST_NAMED: Final = 40
"""Points up to which each one says its name when it is pointed at."""

WIDTH: Final = 640
_LOWEST, _HIGHEST, _MARGIN = 260, 520, 36
_SMALLEST: Final = 0.02
"""Degrees that the map shows at least."""

_STEPS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 90)
_NAMES: Final = (("latitude", "longitude"), ("lat", "lon"), ("lat", "lng"), ("lat", "long"))
_NUMBER = r"(-?[0-9]{1,3}(?:\.[0-9]{1,18})?)"
_WKT = re.compile(rf"\s*(?:<http://www\.opengis\.net/def/crs/OGC/1\.3/CRS84>\s+)?POINT\s*\(\s*{_NUMBER}\s+{_NUMBER}\s*\)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A parallel or a meridian, and where its label stands."""

    path: str
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A map: dots with a name, or all dots as one path when there are many; `said` tells that the answer itself has coordinates."""

    width: int
    height: int
    lines: tuple[Line, ...]
    named: tuple[tuple[float, float, str], ...]
    dots: str
    total: int
    shown: int
    said: bool


def drawing(c: Connection, names: Names, columns: Sequence[str], rows: Sequence[Binding]) -> Drawing | None:
    """Draw the places of an answer; None when it has none."""
    said = _said(columns, rows)
    found = said or _of_groups(c, names, rows)
    unique = list({(round(lat, 5), round(lon, 5), name): (lat, lon, name) for lat, lon, name in found}.values())
    return _drawn(unique, said=bool(said)) if unique else None


def _said(columns: Sequence[str], rows: Iterable[Binding]) -> list[Point]:
    """Return the points that the answer itself gives."""
    pairs = list(_pairs(columns))
    return [point for row in rows for point in (*(_of_pair(row, *pair) for pair in pairs), *(_of_wkt(row, value) for value in row.values())) if point]


def _pairs(columns: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Yield the columns that are a latitude and its longitude: ``lat`` and ``lon``, ``latitude1`` and ``longitude1``."""
    spelt = {column.lower(): column for column in columns}
    for name, column in spelt.items():
        others = (name.replace(*pair) for pair in _NAMES if pair[0] in name)
        other = next((spelt[other] for other in others if other in spelt), None)
        if other:
            yield column, other


def _of_pair(row: Binding, latitude: str, longitude: str) -> Point | None:
    """Return the point of two cells."""
    return _point(row, row.get(latitude, {}).get("value", ""), row.get(longitude, {}).get("value", ""))


def _of_wkt(row: Binding, value: Value) -> Point | None:
    """Return the point of a cell that is one in WKT, longitude first."""
    found = _WKT.match(value["value"][:200]) if value["type"] != "uri" else None
    return _point(row, found[2], found[1]) if found else None


def _point(row: Binding, latitude: str, longitude: str) -> Point | None:
    """Return a point that is on the earth, with the first text of its row as its name."""
    try:
        lat, lon = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lon, _named(row)) if abs(lat) <= 85 and abs(lon) <= 180 else None


def _named(row: Binding) -> str:
    """Return what a row is called: its first text, else its first value."""
    texts = [value["value"] for value in row.values() if value["type"] == "literal" and "datatype" not in value]
    return (texts or [next(iter(row.values()))["value"]])[0][:80]


def _of_groups(c: Connection, names: Names, rows: Iterable[Binding]) -> list[Point]:
    """Return the places of the groups that the answer names, as the journal knows them."""
    said: dict[str, str] = {}
    for row in rows:
        for value in row.values():
            slug = names.slug_of(value["value"]) if value["type"] == "uri" and len(said) < MOST else None
            if slug:
                said.setdefault(slug, _named(row))
    question = select(identity.c.slug, group.c.name, group.c.latitude, group.c.longitude).join(group)
    known = c.execute(question.where(identity.c.slug.in_(said), group.c.latitude.is_not(None), group.c.longitude.is_not(None))) if said else ()
    return [(row.latitude, row.longitude, row.name[:80]) for row in known]


def _drawn(points: Sequence[Point], *, said: bool) -> Drawing:
    """Lay the points out: as far apart as they are on the ground in their middle."""
    kept = points[:MOST]
    south, north = _range([lat for lat, _, _ in kept])
    west, east = _range([lon for _, lon, _ in kept])
    narrow = math.cos(math.radians((south + north) / 2))
    height = min(max(round((WIDTH - 2 * _MARGIN) * (north - south) / ((east - west) * narrow)) + 2 * _MARGIN, _LOWEST), _HIGHEST)
    scale = min((WIDTH - 2 * _MARGIN) / ((east - west) * narrow), (height - 2 * _MARGIN) / (north - south))

    def x(lon: float) -> float:
        """From the middle to the east."""
        return round(WIDTH / 2 + (lon - (west + east) / 2) * narrow * scale, 1)

    def y(lat: float) -> float:
        """From the middle to the south."""
        return round(height / 2 - (lat - (south + north) / 2) * scale, 1)

    parallels = [Line(f"M0 {y(at)}H{WIDTH}", 6, y(at) - 6, f"{at:g}°") for at in _marks(height / scale, south, north)]
    meridians = [Line(f"M{x(at)} 0V{height}", x(at) + 6, height - 8, f"{at:g}°") for at in _marks(WIDTH / scale / narrow, west, east)]
    placed = [(x(lon), y(lat), name) for lat, lon, name in kept]
    named = tuple(placed) if len(placed) <= MOST_NAMED else ()
    dots = "" if named else "".join(f"M{left} {top}h0" for left, top in dict.fromkeys((left, top) for left, top, _ in placed))
    return Drawing(WIDTH, height, (*parallels, *meridians), named, dots, len(points), len(kept), said)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest value, at least a little apart."""
    low, high = min(values), max(values)
    missing = max(0.0, _SMALLEST - (high - low)) / 2
    return low - missing, high + missing


def _marks(span: float, low: float, high: float) -> list[float]:
    """Return two to five round values that the frame, `span` wide around the middle of `low` and `high`, shows."""
    step = next((step for step in _STEPS if span / step <= 5), _STEPS[-1])
    start, end = (low + high - span) / 2, (low + high + span) / 2
    return [round(number * step, 3) for number in range(math.ceil(start / step), math.floor(end / step) + 1)]
