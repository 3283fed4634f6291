"""A group as a line of a table and as a point on a map, for people who open CSV and GeoJSON.

Why together: both flatten the same document, in one language, and both are opened by programs that must not be tricked by it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.vocabulary import Kind, load

CSV_COLUMNS: Final = (
    "id",
    "name",
    "alternateName",
    "description",
    "url",
    "email",
    "telephone",
    "contactPage",
    "siren",
    "siret",
    "rna",
    "identifiers",
    "objectives",
    "knowHow",
    "topics",
    "keywords",
    "scales",
    "territories",
    "streetAddress",
    "postalCode",
    "addressLocality",
    "addressCountry",
    "latitude",
    "longitude",
    "memberOf",
    "cooperatesWith",
    "sameAs",
    "founded",
    "license",
    "created",
    "modified",
    "records",
)
"""The columns of the CSV; a group's first place gives those of the address."""

_PLACE: Final = ("streetAddress", "postalCode", "addressLocality", "addressCountry", "latitude", "longitude")
_SEPARATOR: Final = " | "
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-][0-9][0-9 .]*\Z")


def row(document: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the group as one line: several values joined by " | ", and nothing that a spreadsheet would run as a formula."""
    places = document.get("location") or [{}]
    flat = {**{key: places[0].get(key) for key in _PLACE}, **document}
    return {column: _defused(_cell(column, flat.get(column), language)) for column in CSV_COLUMNS}


def feature(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group as a GeoJSON Feature (RFC 7946): its id is the group's IRI, its geometry null without coordinates."""
    found = position(document)
    geometry = {"type": "Point", "coordinates": [found[1], found[0]]} if found else None
    properties = {key: value for key, value in document.items() if key != "type"}
    return {"type": "Feature", "id": document["id"], "geometry": geometry, "properties": properties}


def position(document: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return (latitude, longitude) of the first place that has both within the globe, else None."""
    for place in document.get("location") or ():
        try:
            latitude, longitude = float(place["latitude"]), float(place["longitude"])
        except (KeyError, TypeError, ValueError):
            continue
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return latitude, longitude
    return None


def text_in(language_map: Mapping[str, Any] | None, language: str) -> str:
    """Return the text in `language`, else in its base language, French, English, or any; empty when there is none."""
    texts = language_map or {}
    for tag in (language.lower(), language[:2].lower(), "fr", "en", *texts):
        if texts.get(tag):
            return str(_several(texts[tag])[0])
    return ""


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _cell(column: str, value: Any, language: str) -> str:
    if value is None:
        return ""
    known = load().properties("Group").get(column)
    if known is not None and known.kind is Kind.LANGUAGE_MAP:
        return text_in(value, language)
    return _SEPARATOR.join(str(item) for item in _several(value))


def _defused(cell: str) -> str:
    """Keep a cell from being run by a spreadsheet: an apostrophe before what would open a formula; plain numbers stay as they are."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.match(cell) else cell
