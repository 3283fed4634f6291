"""GeoJSON (RFC 7946): a collection of features, as uMap, open-data portals and many maps of neighbours export it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import mapping as mappings
from app.harvest.formats.columns import EVERY_NAME, KEYS, folded, guess
from app.harvest.formats.elements import Elements
from app.harvest.formats.extract import Extractor
from app.harvest.formats.whole import licence_or, mapped, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Item, Peer, Sample

NAME = "geojson"
OWN_IRIS = False
PLACES: tuple[str, ...] = ()

POINT: Final = {"location.longitude": "geometry.coordinates.0", "location.latitude": "geometry.coordinates.1"}
_MARK = re.compile(rb'"type"\s*:\s*"FeatureCollection"')


def recognise(sample: Sample) -> int:
    """A collection of features says so."""
    return 3 if _MARK.search(sample.head) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the peer's collection when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Bad | End]:
    """Yield the features and an End. Raises FormatError when it is not GeoJSON, MappingRefused when the mapping is wrong."""
    said = bool(mapping and "fields" in mapping)
    chosen = mappings.parse(licence_or(mapping, licence), _default(said))
    extractor = Extractor(chosen)
    yield from mapped(Elements(not_a_page(stream), chosen.list or "features"), extractor, chosen, _only_points if said else _with_usual_names)
    yield End({}, complete=True, licence=chosen.licence, leftovers=extractor.leftovers())


def _default(said: bool) -> dict[str, Any]:
    """The point of a feature always is its place; names of properties are only guessed where no mapping says them."""
    guessed = {} if said else guess(EVERY_NAME, "properties")["fields"]
    keys = ["id", *(f"properties.{key}" for key in KEYS), "properties.name"]
    return {"key": keys, "fields": {**guessed, **POINT}, "ignore": ["type", "geometry.type"]}


def _with_usual_names(feature: Any) -> Any:
    """A feature whose properties are spelt as `guess` looks for them."""
    shaped = _only_points(feature)
    return {**shaped, "properties": folded(shaped.get("properties"))} if isinstance(shaped, dict) else shaped


def _only_points(feature: Any) -> Any:
    """Set the lines of what is not a point apart, so that none of their corners is taken for the place."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if isinstance(geometry, dict) and geometry.get("type") != "Point":
        return {**feature, "geometry": {"shape": geometry.get("coordinates", geometry.get("geometries"))}}
    return feature
