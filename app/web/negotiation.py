"""Which of the formats, languages and encodings on offer a request is answered in (RFC 9110 section 12).

What a header says is taken as far as it can be read; what cannot be read in it is as if it were not there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

JSONLD = "application/ld+json"
TURTLE = "text/turtle"
NTRIPLES = "application/n-triples"
TRIG = "application/trig"
GEOJSON = "application/geo+json"
CSV = "text/csv"
JSON = "application/json"
HTML = "text/html"

SUFFIXES = {".jsonld": JSONLD, ".ttl": TURTLE, ".nt": NTRIPLES, ".trig": TRIG}
"""What the end of an address asks for, whatever the headers say."""

LONGEST = 4096
"""Characters of one header that are looked at."""

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_RANGE = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)/([!#$%&'*+.^_`|~0-9a-z-]+)\Z")


@dataclass(frozen=True, slots=True)
class Wish:
    """One part of such a header: a lower-case value and how much it is wanted, from 0 to 1."""

    value: str
    quality: float
    narrowed: bool = False  # a parameter narrows it: it is more specific than the same value alone


def wishes(header: str | None) -> Iterator[Wish]:
    """Yield the parts of an Accept-like header; a part whose quality cannot be read is left out."""
    for part in (header or "")[:LONGEST].lower().split(","):
        value, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if value and _QUALITY.match(quality):
            yield Wish(value, float(quality), any(text and not text.startswith(("q=", "charset=")) for text in parameters))


def media_type(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the media type of `offered` that is wanted most, the first of equals; None when none is acceptable."""
    ranges = [wish for wish in wishes(accept) if _RANGE.match(wish.value)]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda offer: _quality(offer, ranges))
    return best if _quality(best, ranges) > 0 else None


def preferred(accept: str | None, offered: Sequence[str]) -> list[str]:
    """Return the acceptable media types of `offered`, the most wanted first."""
    ranges = [wish for wish in wishes(accept) if _RANGE.match(wish.value)]
    if not ranges:
        return list(offered)
    return sorted((offer for offer in offered if _quality(offer, ranges) > 0), key=lambda offer: -_quality(offer, ranges))


def _quality(offer: str, ranges: Sequence[Wish]) -> float:
    """How much `offer` is wanted: what the most specific range that covers it says."""
    kind = offer.split("/", maxsplit=1)[0]
    covering = [(_specificity(wish), wish.quality) for wish in ranges if wish.value in (offer, f"{kind}/*", "*/*")]
    return max(covering, default=(0, 0.0))[1]


def _specificity(wish: Wish) -> int:
    """Rank ranges: ``*/*``, then ``text/*``, then ``text/turtle``, then the same with parameters."""
    if wish.value == "*/*":
        return 0
    if wish.value.endswith("/*"):
        return 1
    return 3 if wish.narrowed else 2


def takes_gzip(accept_encoding: str | None) -> bool:
    """Tell whether the answer may be sent compressed."""
    return accept_encoding is not None and _names_gzip(accept_encoding[:LONGEST])


@lru_cache(maxsize=256)
def _names_gzip(accept_encoding: str) -> bool:
    """Read the header."""
    wanted = {wish.value: wish.quality for wish in wishes(accept_encoding)}
    return wanted.get("gzip", wanted.get("x-gzip", wanted.get("*", 0.0))) > 0


def language(accept_language: str | None, offered: Sequence[str]) -> str:
    """Return the language of `offered` that is wanted most, the first when nothing is asked for or none fits."""
    if not accept_language:
        return offered[0]
    qualities = dict.fromkeys(offered, 0.0)
    for wish in wishes(accept_language):
        tag = wish.value.split("-")[0]
        if tag in qualities:
            qualities[tag] = max(qualities[tag], wish.quality)
    return max(offered, key=lambda tag: qualities[tag])


def split_suffix(name: str) -> tuple[str, str | None]:
    """Split ``slug.ttl`` into the slug and the media type that the suffix asks for (None without one)."""
    stem, dot, end = name.rpartition(".")
    asked = SUFFIXES.get(f".{end}") if dot else None
    return (stem, asked) if asked else (name, None)
