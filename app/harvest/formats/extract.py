"""One foreign record through a mapping: our document, what was dropped and why, and what is left that nothing maps.

Nothing is lost in silence: a value that cannot be used is named and the record stands without it, unless it is the name or the key.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

from app.errors import Malformed, Text
from app.harvest.formats.mapping import Otherwise, RecordMapping, Rule, Target, target
from app.harvest.formats.values import NORMALISERS, UnusableError, fold, without_html
from app.harvest.items import Leftover
from app.names import key_for
from app.record.limits import LITERAL_BYTES, NODES, VALUES
from app.vocabulary import Kind, load

MOST_NOTES: Final = 50
MOST_PATHS: Final = 1_000
"""Different unmapped fields that are counted apart over one visit."""
SHOWN: Final = 60
ENOUGH: Final = Text("il y en a déjà assez", "there are enough already")
ONLY_ONE: Final = Text("une seule est prise", "only one is taken")
PRIVATE: Final = frozenset({"email", "phone"})
"""Normal forms whose values are never repeated in a report."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one foreign record gave."""

    key: str
    document: Document
    unmapped: tuple[str, ...]
    notes: tuple[Text, ...]


@dataclass(slots=True)
class _Record:
    """One record on its way."""

    raw: Any
    document: Document = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)

    def note(self, path: str, value: str, why: Text, *, private: bool = False) -> None:
        """Say that a value was dropped."""
        shown = "…" if private else shorten(value)
        if len(self.notes) < MOST_NOTES:
            french = f"« {path} » : la valeur « {shown} » est laissée de côté, {why.fr}."
            self.notes.append(Text(french, f"'{path}': the value '{shown}' was left out, {why.en}."))


class Extractor:
    """Applies one mapping to the records of one visit and sums what it leaves over."""

    def __init__(self, mapping: RecordMapping) -> None:
        self._mapping = mapping
        self._known = _Known(mapping)
        self._left: dict[str, tuple[int, str]] = {}
        self._keyword = target("keywords", mapping.language)

    def read(self, raw: Any) -> Extracted:
        """Turn one record into a document. Raises Malformed when it has no key or no name, or is not to be taken."""
        record = _Record(raw)
        key = self.key(raw)
        if not _holds(self._mapping.when, raw):
            raise Malformed(Text("La correspondance laisse cette fiche de côté (when).", "The mapping leaves this record out (when)."))
        if not key:
            tried = ", ".join(self._mapping.key[:6]) + (", …" if len(self._mapping.key) > 6 else "")
            raise Malformed(Text(f"Cette fiche n'a pas d'identifiant (cherché : {tried}).", f"This record has no key (looked for: {tried})."))
        for rule in self._mapping.rules:
            self._apply(rule, record)
        for found, chosen in self._mapping.constants.values():
            for value in chosen:
                put(record.document, found, value)
        if self._mapping.licence:
            record.document.setdefault("license", self._mapping.licence)
        _check_position(record, self._mapping.bounds)
        if not record.document.get("name"):
            raise Malformed(Text("Cette fiche n'a pas de nom.", "This record has no name."))
        return Extracted(key_for(key), record.document, self._audit(raw), tuple(record.notes))

    def key(self, raw: Any) -> str:
        """The record's own identifier as its source writes it; empty when it has none."""
        return next((text for path in self._mapping.key for text in texts_at(raw, path)), "")

    def leftovers(self) -> tuple[Leftover, ...]:
        """What no record's mapping took, the most frequent field first."""
        ordered = sorted(self._left.items(), key=lambda item: (-item[1][0], item[0]))
        return tuple(Leftover(path, count, sample) for path, (count, sample) in ordered)

    def _apply(self, rule: Rule, record: _Record) -> None:
        """Find the values of one rule and put them in their place."""
        if not _holds(rule.when, record.raw):
            return
        one = rule.target.language is not None or not rule.target.term.many
        taken = 0
        for value in self._found(rule, record):
            for chosen in self._chosen(rule, value, record):
                taken += 1
                if (one and taken > 1) or not put(record.document, rule.target, chosen):
                    record.note(rule.target.name, chosen, ONLY_ONE if one else ENOUGH, private=rule.normaliser in PRIVATE)

    def _found(self, rule: Rule, record: _Record) -> list[str]:
        """The texts of a rule's paths: freed of HTML, split, joined."""
        everything = rule.take == "all" or rule.join is not None
        found: list[str] = []
        for path in rule.paths:
            for text in texts_at(record.raw, path):
                if len(text) > LITERAL_BYTES:
                    record.note(path, text, Text("elle est trop longue", "it is too long"))
                else:
                    found.append(without_html(text) if rule.strip_html else text)
            if found and not everything:
                break
        for separator in rule.split:
            found = [part for text in found for part in text.split(separator)]
        found = [text for text in (part.strip() for part in found) if text]
        return [rule.join.join(found)[:LITERAL_BYTES]] if rule.join is not None and found else found

    def _chosen(self, rule: Rule, value: str, record: _Record) -> tuple[str, ...]:
        """Our values for one of theirs: from the table, from the vocabulary's own labels, or the value in its normal form."""
        concept = rule.target.term.kind is Kind.CONCEPT
        if not rule.values and not concept:
            return _normal(rule, value, record)
        looked_up = rule.values.get(fold(value))
        if looked_up is None and concept:
            notation = _concepts(rule.target.term.scheme).get(fold(value))
            looked_up = (notation,) if notation else None
        if looked_up is None and rule.otherwise is not Otherwise.KEEP:
            return self._not_in_table(rule, value, record)
        if concept and looked_up is not None:
            return looked_up
        return tuple(text for ours in ((value,) if looked_up is None else looked_up) for text in _normal(rule, ours, record))

    def _not_in_table(self, rule: Rule, value: str, record: _Record) -> tuple[str, ...]:
        """Do as the mapping says with a value that its table does not hold."""
        if rule.otherwise is Otherwise.KEYWORD:
            put(record.document, self._keyword, NORMALISERS["line"](value)[: self._keyword.term.max_length])
        elif rule.otherwise is Otherwise.REPORT:
            record.note(rule.paths[0], value, Text("la correspondance ne la connaît pas", "the mapping does not know it"))
        return ()

    def _audit(self, raw: Any) -> tuple[str, ...]:
        """Name the fields that hold something and that the mapping neither takes nor ignores."""
        left: dict[str, str] = {}
        for count, (path, value) in enumerate(leaves(raw)):
            if count >= NODES:
                raise Malformed(Text("Cette fiche a trop de champs : elle n'est pas lue.", "This record has too many fields: it is not read."))
            if path not in left and not self._known.covers(path):
                left[path] = shorten(value)
        for path, sample in left.items():
            if path in self._left:
                seen, first = self._left[path]
                self._left[path] = (seen + 1, first)
            elif len(self._left) < MOST_PATHS:
                self._left[path] = (1, "…" if "@" in sample else sample)
        return tuple(list(left)[:VALUES])


class _Known:
    """The fields that a mapping takes, and those it ignores with all they hold; each path is weighed once."""

    def __init__(self, mapping: RecordMapping) -> None:
        taken = [*mapping.key, *mapping.when]
        for rule in mapping.rules:
            taken += [*rule.paths, *rule.when]
        self._taken = frozenset(map(_without_numbers, taken))
        self._ignored = frozenset(pattern for pattern in mapping.ignore if not pattern.endswith("*"))
        self._heads = tuple(pattern[:-1] for pattern in mapping.ignore if pattern.endswith("*"))
        self._seen: dict[str, bool] = {}

    def covers(self, path: str) -> bool:
        """Tell whether `path` is taken, or ignored, or part of what is ignored."""
        known = self._seen.get(path)
        if known is None:
            steps = path.split(".")
            within = (".".join(steps[:size]) for size in range(1, len(steps) + 1))
            known = path in self._taken or path.startswith(self._heads) or any(head in self._ignored for head in within)
            if len(self._seen) < MOST_PATHS:
                self._seen[path] = known
        return known


def _without_numbers(path: str) -> str:
    """A path as the audit writes it: places in lists do not count."""
    first, *rest = path.split(".")
    return ".".join((first, *(step for step in rest if not step.isdecimal())))


# --- walking through a foreign record ----------------------------------------------------------------------------


def texts_at(raw: Any, path: str) -> Iterator[str]:
    """The texts that stand at `path`; a number in it chooses in a list, else every element of a list is entered."""
    yield from (text for value in _at(raw, _steps(path)) if (text := as_text(value)))


@lru_cache(maxsize=10_000)
def _steps(path: str) -> tuple[str, ...]:
    """The keys of a path."""
    return tuple(path.split("."))


def _at(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """The values at the end of `steps`. A key that itself holds points is found too, the longest first."""
    if isinstance(value, list):
        if steps and steps[0].isdecimal():
            chosen = value[int(steps[0])] if len(steps[0]) < 4 and int(steps[0]) < len(value) else None
            yield from _at(chosen, steps[1:])
        else:
            for part in value:
                yield from _at(part, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        for size in range(len(steps), 0, -1):
            key = ".".join(steps[:size])
            if key in value:
                yield from _at(value[key], steps[size:])
                return


def as_text(value: Any) -> str:
    """A JSON value that is no list or object, as text; empty for null and blanks."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f") if math.isfinite(value) else ""
    return str(value) if isinstance(value, int) and value.bit_length() < 128 else ""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every (path, text) of a record that is not blank; places in lists do not count in the path."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    elif text := as_text(value):
        yield path, text


def shorten(value: str) -> str:
    """A value as a report shows it."""
    flat = NORMALISERS["line"](value[: 4 * SHOWN])
    return flat if len(flat) <= SHOWN and len(value) <= 4 * SHOWN else f"{flat[:SHOWN]}…"


def _holds(when: Mapping[str, tuple[str, ...]], raw: Any) -> bool:
    """Tell whether the record has, at every path of the condition, one of the texts given, or nothing where an empty one is given."""
    return all(not {*texts_at(raw, path)}.isdisjoint(wanted) or ("" in wanted and not any(texts_at(raw, path))) for path, wanted in when.items())


# --- putting values in their place -------------------------------------------------------------------------------


def put(document: Document, found: Target, value: str) -> bool:
    """Write one value where its target says; return False when no more may be written there (the first stays)."""
    holder = document
    for key in found.keys[:-1]:
        holder = holder.setdefault(key, {})
    key = found.keys[-1]
    if found.term.kind is Kind.LANGUAGE_MAP and found.language:
        holder.setdefault(key, {}).setdefault(found.language, value)
        return True
    if not found.term.many:
        holder.setdefault(key, value)
        return True
    listed = holder.setdefault(key, [])
    if value not in listed:
        if len(listed) >= VALUES:
            return False
        listed.append(value)
    return True


def _normal(rule: Rule, value: str, record: _Record) -> tuple[str, ...]:
    """The value in its normal form with its prefix; nothing, and a note, when it has none."""
    if rule.normaliser == "key":
        return (f"key:{key_for(value)}",)
    try:
        normal = NORMALISERS[rule.normaliser](value)
    except UnusableError as error:
        record.note(rule.target.name, value, error.text, private=rule.normaliser in PRIVATE)
        return ()
    fitting = _fitting(rule.target, rule.prefix + normal if normal else "")
    if fitting != rule.prefix + normal and normal:
        why = (
            Text("elle est trop longue et a été coupée", "it is too long and was cut") if fitting else Text("elle est trop longue", "it is too long")
        )
        record.note(rule.target.name, value, why, private=rule.normaliser in PRIVATE)
    return (fitting,) if fitting else ()


def _fitting(found: Target, value: str) -> str:
    """The value within the length that its key allows: a text for people is cut at a word, anything else is worth nothing when cut."""
    longest = found.term.max_length
    if longest is None or len(value) <= longest:
        return value
    if found.term.kind is not Kind.LANGUAGE_MAP:
        return ""
    return value[: longest - 1].rsplit(" ", 1)[0] + "…"


@cache
def _concepts(scheme: str | None) -> Mapping[str, str]:
    """Notations and labels of a scheme, folded."""
    known = load().schemes.get(scheme or "", ())
    return {fold(label): concept.notation for concept in known for label in (concept.notation, *concept.labels.values())}


def _check_position(record: _Record, bounds: tuple[float, float, float, float] | None) -> None:
    """Drop a position that cannot be right: half of one, 0,0, off the globe, out of the bounds."""
    place = record.document.get("location")
    if not isinstance(place, dict) or not {"latitude", "longitude"} & place.keys():
        return
    latitude, longitude = place.get("latitude"), place.get("longitude")
    why = _wrong_position(latitude, longitude, bounds)
    if why:
        record.note("location", f"{latitude or '…'}, {longitude or '…'}", why)
        place.pop("latitude", None)
        place.pop("longitude", None)
    if not place:
        del record.document["location"]


def _wrong_position(latitude: str | None, longitude: str | None, bounds: tuple[float, float, float, float] | None) -> Text | None:
    """Say what is wrong with a position; None when it may be right."""
    if latitude is None or longitude is None:
        return Text("il en manque la moitié", "half of it is missing")
    north, east = float(latitude), float(longitude)
    if north == 0 and east == 0:
        return Text("0,0 est au milieu de l'océan", "0,0 is in the middle of the ocean")
    swapped = Text("latitude et longitude semblent échangées", "latitude and longitude look swapped")
    if abs(north) > 90 or abs(east) > 180:
        return swapped if abs(east) <= 90 and abs(north) <= 180 else Text("elle n'est pas sur le globe", "it is not on the globe")
    if bounds and not _inside(north, east, bounds):
        return swapped if _inside(east, north, bounds) else Text("elle est hors des limites données", "it is outside the bounds given")
    return None


def _inside(north: float, east: float, bounds: tuple[float, float, float, float]) -> bool:
    """Tell whether a position is within west, south, east, north."""
    return bounds[0] <= east <= bounds[2] and bounds[1] <= north <= bounds[3]
