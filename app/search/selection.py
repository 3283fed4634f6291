"""A selection of groups as an address carries it: the same parameters for lists, maps, links and every format."""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any

from app.errors import BadRequest, Text
from app.journal import moment
from app.names import SLUG
from app.search.facets import CONCEPTS, NAMES, SOURCE, TERRITORY, notations

DEFAULT_LIMIT = 24
LARGEST_LIMIT = 1000
LONGEST_QUESTION = 200
MOST_VALUES = 100
LARGEST_ID = 2**63 - 1

_NUMBER = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?\Z")
_TERRITORY = re.compile(r"[A-Z]{2,8}-[0-9A-Z]{1,20}\Z")
_SPACE = re.compile(r"\s+")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of a list: the page after it begins with the group that follows."""

    tier: int
    sort_name: str
    identity_id: int

    def written(self) -> str:
        """Return the place as an opaque word for an address."""
        text = json.dumps([self.tier, self.sort_name, self.identity_id], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read what `written` wrote. Raises ValueError for anything else."""
        tier, sort_name, identity_id = json.loads(base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True).decode())
        numbers = type(tier) is int and type(identity_id) is int and 0 <= tier < 10 and 0 <= identity_id <= LARGEST_ID
        if not numbers or not isinstance(sort_name, str):
            raise ValueError("not a place in a list")
        sort_name.encode()
        return cls(tier, sort_name, identity_id)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for: within a facet any of the values, across facets all of them."""

    q: str | None = None
    topic: tuple[str, ...] = ()
    know_how: tuple[str, ...] = ()
    objective: tuple[str, ...] = ()
    scale: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    bbox: Box | None = None
    updated_since: str | None = None
    cursor: Place | None = None
    limit: int = DEFAULT_LIMIT

    @classmethod
    def from_query(cls, items: Iterable[tuple[str, str]], default_limit: int = DEFAULT_LIMIT) -> "Selection":
        """Read the parameters of an address; others than ours and empty ones are passed over.

        Raises BadRequest, naming the parameter, for a value that means nothing.
        """
        given: dict[str, list[str]] = {}
        for name, value in items:
            if name in READERS and value.strip():
                given.setdefault(name, []).append(value.strip())
        read: dict[str, Any] = {name: READERS[name](name, _single(name, values)) for name, values in given.items() if name not in NAMES}
        chosen = {name: _values(name, values) for name, values in given.items() if name in NAMES}
        return cls(**({"limit": default_limit} | read | chosen))

    def chosen(self, facet: str) -> tuple[str, ...]:
        """Return the values chosen in a facet."""
        return tuple(getattr(self, facet))

    def choosing(self, facet: str, *values: str) -> "Selection":
        """Return the selection with these values alone chosen in a facet, from the first page."""
        changed: dict[str, Any] = {facet: values, "cursor": None}
        return replace(self, **changed)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters that `from_query` reads back as this selection."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in NAMES:
                yield from ((field.name, one) for one in value)
            elif value is not None and (field.name != "limit" or value != DEFAULT_LIMIT):
                yield field.name, _text(value)


def _text(value: Any) -> str:
    """Return one value as an address carries it."""
    if isinstance(value, Place):
        return value.written()
    if isinstance(value, tuple):
        return ",".join(f"{number:.20f}".rstrip("0").rstrip(".") for number in value)
    return str(value)


def _single(name: str, values: list[str]) -> str:
    """Return the one value of a parameter that takes one."""
    if len(set(values)) > 1:
        raise _bad(name, "donnez-le une seule fois", "give it only once")
    return values[0]


def _values(name: str, values: list[str]) -> tuple[str, ...]:
    """Return the values of a facet, each once, all known or at least possible."""
    if len(values) > MOST_VALUES:
        raise _bad(name, f"pas plus de {MOST_VALUES} valeurs à la fois", f"no more than {MOST_VALUES} values at once")
    for value in values:
        READERS[name](name, value)
    return tuple(dict.fromkeys(values))


def _concept(name: str, value: str) -> str:
    """A notation of the facet's scheme."""
    known = notations(next(facet.scheme for facet in CONCEPTS if facet.name == name))
    if value not in known:
        listed = ", ".join(known)
        raise _bad(name, f"« {_shown(value)} » n'existe pas ; choisissez parmi : {listed}", f"there is no '{_shown(value)}'; choose among: {listed}")
    return value


def _source(name: str, value: str) -> str:
    """The name of a peer."""
    if not SLUG.match(value):
        raise _bad(name, f"« {_shown(value)} » n'est pas un nom de source", f"'{_shown(value)}' is not the name of a source")
    return value


def _territory(name: str, value: str) -> str:
    """A territory's code."""
    if not _TERRITORY.match(value):
        raise _bad(name, "écrivez le type puis le code, par exemple COM-93066", "write the type then the code, for instance COM-93066")
    return value


def _question(name: str, value: str) -> str:
    """Words to look for."""
    if len(value) > LONGEST_QUESTION:
        raise _bad(name, f"pas plus de {LONGEST_QUESTION} caractères", f"no more than {LONGEST_QUESTION} characters")
    return _SPACE.sub(" ", value)


def _box(name: str, value: str) -> Box:
    """A box as west, south, east, north in degrees; one whose west is east of its east crosses the antimeridian."""
    parts = [part.strip() for part in value.split(",")]
    numbers = [float(part) if _NUMBER.match(part) else math.nan for part in parts]
    if len(numbers) != 4 or not all(abs(number) <= 180 for number in numbers):
        raise _bad(
            name,
            "écrivez ouest,sud,est,nord en degrés, par exemple 2.2,48.8,2.5,48.9",
            "write west,south,east,north in degrees, for instance 2.2,48.8,2.5,48.9",
        )
    west, south, east, north = numbers
    if not -90 <= south <= north <= 90:
        raise _bad(name, "le sud doit être plus petit que le nord, entre -90 et 90", "south must be less than north, between -90 and 90")
    return west, south, east, north


def _moment(name: str, value: str) -> str:
    """A date, or a date and time with its zone."""
    try:
        if len(value) == 10:
            return moment(datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC))
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return moment(at)
    except (ValueError, OverflowError) as error:
        text = "écrivez une date (2026-11-22) ou un instant avec son fuseau (2026-11-22T10:00:00Z)"
        raise _bad(name, text, "write a date (2026-11-22) or a moment with its zone (2026-11-22T10:00:00Z)") from error


def _cursor(name: str, value: str) -> Place:
    """A place given by an earlier page."""
    try:
        return Place.read(value)
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise _bad(name, "reprenez celui de la page précédente, tel quel", "use the one of the previous page, as it is") from error


def _limit(name: str, value: str) -> int:
    """How many groups a page holds."""
    if not re.fullmatch("[0-9]{1,6}", value) or not 1 <= int(value) <= LARGEST_LIMIT:
        raise _bad(name, f"un nombre de 1 à {LARGEST_LIMIT}", f"a number from 1 to {LARGEST_LIMIT}")
    return int(value)


def _shown(value: str) -> str:
    """Return a foreign value as it may stand in a sentence."""
    printable = "".join(character if character.isprintable() else "?" for character in value)
    return printable if len(printable) <= 40 else f"{printable[:40]}…"


def _bad(name: str, fr: str, en: str) -> BadRequest:
    """Say which parameter is wrong and what it should be."""
    return BadRequest(Text(f"Le paramètre « {name} » ne convient pas : {fr}.", f"The parameter '{name}' is not right: {en}."))


READERS = {facet.name: _concept for facet in CONCEPTS} | {
    SOURCE: _source,
    TERRITORY: _territory,
    "q": _question,
    "bbox": _box,
    "updated_since": _moment,
    "cursor": _cursor,
    "limit": _limit,
}
"""How each parameter is read."""
