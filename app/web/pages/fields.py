"""A record as people read it: its fields in the vocabulary's order and words, and for every value who says it.

Groups, single records and their history are shown by the same table, so that no field is forgotten in one of them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app import vocabulary
from app.errors import Text
from app.vocabulary import Property
from app.web.pages import wording
from app.web.pages.wording import HIDDEN, Document, Setting, Value

Origin = Mapping[str, Any]

COORDINATES: Final = Text("coordonnées", "coordinates")
PLACE: Final = ("streetAddress", "postalCode", "addressLocality", "addressCountry")

RULES: Final = {
    "vote": Text(
        "Gardé : ce que dit notre fiche, sinon ce que disent le plus de sources.", "Kept: what our own record says, else what most sources say."
    ),
    "vote, ties by date": Text(
        "Gardé : ce que dit notre fiche, sinon ce que disent le plus de sources, sinon le plus récent.",
        "Kept: what our own record says, else what most sources say, else the newest.",
    ),
    "our own, then the newest": Text("Gardé : ce que dit notre fiche, sinon le plus récent.", "Kept: what our own record says, else the newest."),
    "the earliest": Text("Gardé : le plus ancien.", "Kept: the earliest."),
    "the latest": Text("Gardé : le plus récent.", "Kept: the latest."),
}
"""Why a value was kept, by the name of its rule."""


@dataclass(frozen=True, slots=True)
class By:
    """Who says something: a source, and where its record stands on the page."""

    name: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that was not kept, and who says it; `label` names the part of an address that it is."""

    value: Value
    by: tuple[By, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One value with its origin; `rule` says why it was kept where there was a choice, `parts` who says which part of an address."""

    value: Value
    by: tuple[By, ...] = ()
    lost: tuple[Lost, ...] = ()
    conflict: bool = False
    rule: Text | None = None
    parts: tuple[tuple[str, tuple[By, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One key with its values."""

    key: str
    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """How a document is told: where, and who says what (`by` for each reference, `origins` as the journal keeps them)."""

    where: Setting
    origins: Mapping[str, list[Origin]] = field(default_factory=dict)
    by: Mapping[str, By] = field(default_factory=dict)

    def said_by(self, origin: Origin) -> tuple[By, ...]:
        """Return who says something."""
        name = self.where.page.source_name
        return tuple(dict.fromkeys(self.by.get(one) or By(name(one.partition("/")[0])) for one in origin.get("from", ())))


def fields(telling: Telling, document: Document, without: Collection[str] = ()) -> list[Field]:
    """Return the fields of a record, the known ones first and in their order."""
    known = vocabulary.load().properties("Group")
    keys = [key for key in known if key in document] + sorted(document.keys() - known.keys())
    told = (one(telling, document, key) for key in keys if key not in HIDDEN and key not in without)
    return [found for found in told if found.lines]


def one(telling: Telling, document: Document, key: str) -> Field:
    """Return one field; without lines when the document does not have it."""
    known = vocabulary.load().properties("Group").get(key)
    return Field(key, wording.label(known, key, telling.where.language), tuple(_lines(telling, key, known, document.get(key))))


def _lines(telling: Telling, key: str, known: Property | None, held: Any) -> Iterator[Line]:
    """Yield each value of a field with its origin."""
    for language, raw in wording.spread(known, held):
        told = wording.value(telling.where, known, raw, language)
        if known is not None and known.part == "Place" and isinstance(raw, dict):
            yield _place(telling, told, raw)
        else:
            yield _line(telling, (key, known, language), told, raw)


def _line(telling: Telling, named: tuple[str, Property | None, str | None], told: Value, raw: Any) -> Line:
    """Return a value with its origin."""
    key, known, language = named
    said = raw.get("id") if isinstance(raw, dict) else raw
    found = (origin for origin in telling.origins.get(key, ()) if origin["value"] == said and origin.get("language") == language)
    origin = next(found, {})
    lost = tuple(Lost(wording.value(telling.where, known, other["value"], language), telling.said_by(other)) for other in origin.get("lost", ()))
    return Line(told, telling.said_by(origin), lost, bool(origin.get("conflict")), _rule(origin))


def _place(telling: Telling, told: Value, place: Document) -> Line:
    """Return an address with the origin of its parts: once when it is the same for all."""
    origins = {
        key: origin
        for key in (*PLACE, "coordinates")
        for origin in telling.origins.get(f"location.{key}", ())
        if origin.get("part") == place.get("id")
    }
    by = {_part_label(key, telling.where.language): telling.said_by(origin) for key, origin in origins.items()}
    lost = tuple(
        Lost(_part_value(other["value"]), telling.said_by(other), _part_label(key, telling.where.language))
        for key, origin in origins.items()
        for other in origin.get("lost", ())
    )
    rule = next((found for origin in origins.values() if (found := _rule(origin))), None)
    if len(set(by.values())) == 1:
        return Line(told, next(iter(by.values())), lost, rule=rule)
    return Line(told, (), lost, rule=rule, parts=tuple(by.items()))


def _rule(origin: Origin) -> Text | None:
    """Return why a value was kept, where there was a choice."""
    return RULES.get(str(origin.get("rule"))) if origin.get("lost") else None


def _part_label(key: str, language: str) -> str:
    """Return the name of one part of an address."""
    known = vocabulary.load().properties("Place").get(key)
    return known.labels[language] if known else COORDINATES.in_language(language)


def _part_value(value: Any) -> Value:
    """Return a part of an address that was not kept."""
    return Value(", ".join(map(str, value)) if isinstance(value, list) else str(value))
