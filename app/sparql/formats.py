"""The formats of answers: which one a client prefers, and how many rows an answer has."""

import csv
import io
import json
import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from app.errors import NotAcceptable, Text

JSON = "application/sparql-results+json"
XML = "application/sparql-results+xml"
CSV = "text/csv"
TSV = "text/tab-separated-values"
RESULTS = (JSON, XML, CSV, TSV)
"""What SELECT and ASK may be answered in, the preferred one first."""

TURTLE = "text/turtle"
GRAPHS = (TURTLE, "application/n-triples", "application/ld+json", "application/rdf+xml", "application/trig", "application/n-quads")
"""What CONSTRUCT and DESCRIBE may be answered in, the preferred one first."""

_ALIASES = {
    "application/json": (JSON, "application/ld+json"),
    "application/xml": (XML, "application/rdf+xml"),
    "text/xml": (XML, "application/rdf+xml"),
}
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Form(StrEnum):
    """What a query's answer is made of."""

    ROWS = "rows"
    BOOLEAN = "boolean"
    GRAPH = "graph"


@lru_cache(maxsize=256)
def choose(accept: str, form: Form) -> str:
    """Return the media type that an Accept header prefers for this form; raises NotAcceptable with the list of those there are."""
    offered = GRAPHS if form is Form.GRAPH else RESULTS
    ranges = _ranges(accept) or [("*/*", 1.0)]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) > 0:
        return best
    names = ", ".join(offered)
    raise NotAcceptable(Text(f"Formats possibles pour cette requête : {names}.", f"Formats there are for this query: {names}."))


def _ranges(accept: str) -> list[tuple[str, float]]:
    """Read an Accept header as media ranges with their quality; what cannot be read counts as absent."""
    found = []
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:].strip() for piece in parameters if piece.startswith("q=")), "1")
        if media_range and _QUALITY.match(quality):
            found.append((media_range, float(quality)))
    return found


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """Return the quality of the most precise range that covers `media_type`, 0 when none does (RFC 9110, 12.5.1)."""
    for accepted in (_is, _is_other_name, _is_family, _is_any):
        fitting = [quality for media_range, quality in ranges if accepted(media_type, media_range)]
        if fitting:
            return max(fitting)
    return 0.0


def _is(media_type: str, media_range: str) -> bool:
    """The very type."""
    return media_type == media_range


def _is_other_name(media_type: str, media_range: str) -> bool:
    """A general name that covers the type, as browsers and scripts use it."""
    return media_type in _ALIASES.get(media_range, ())


def _is_family(media_type: str, media_range: str) -> bool:
    """``text/*``."""
    return media_range.endswith("/*") and media_type.startswith(media_range[:-1])


def _is_any(_media_type: str, media_range: str) -> bool:
    """``*/*``."""
    return media_range == "*/*"


def count_rows(media_type: str, body: bytes) -> int:
    """Return how many rows an answer of ours in one of the `RESULTS` formats has."""
    return _COUNTERS[media_type](body)


def _json_rows(body: bytes) -> int:
    """Count in JSON."""
    return len(json.loads(body)["results"]["bindings"])


def _xml_rows(body: bytes) -> int:
    """Count in XML, where ``<`` is never written as itself in a value."""
    return body.count(b"<result>")


def _csv_rows(body: bytes) -> int:
    """Count in CSV, where a quoted value may hold line ends."""
    return sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline=""))) - 1


def _tsv_rows(body: bytes) -> int:
    """Count in TSV, where line ends in values are escaped."""
    return body.count(b"\n") - 1


_COUNTERS: dict[str, Callable[[bytes], int]] = {JSON: _json_rows, XML: _xml_rows, CSV: _csv_rows, TSV: _tsv_rows}


def without_controls(body: bytes) -> bytes:
    """Return XML with U+FFFD in the place of the control characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd".encode(), body)
