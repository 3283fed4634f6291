"""A mapping: a small table, written by a volunteer, that says how a foreign record becomes one of ours (docs/mapping.md).

It is TOML on disk and the same structure as JSON in the API; whatever it asks for that does not exist is refused by name.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from app.errors import MappingRefused, Text
from app.harvest.formats import values
from app.vocabulary import Kind, Property, load

LANGUAGE: Final = "fr"
"""The language of texts where neither the mapping nor the target names one."""

COMPUTED: Final = frozenset({"records", "exactMatch"})
"""Keys that the node alone fills in."""

_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}\Z")
_NORMALISER_OF_KEY: Final = {
    "description": "text",
    "addressCountry": "country",
    "telephone": "phone",
    "email": "email",
    "founded": "date-or-year",
    "siren": "siren",
    "siret": "siret",
    "rna": "rna",
    "territories": "territory",
}
_NORMALISER_OF_TYPE: Final = {"decimal": "decimal", "date": "date", "dateTime": "timestamp"}


class Otherwise(StrEnum):
    """What becomes of a value that the table of values does not hold."""

    KEEP = "keep"
    KEYWORD = "keyword"
    DROP = "drop"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a value goes: the keys that lead there (one, or two for a part), the language where there is one, and the property that is said."""

    keys: tuple[str, ...]
    language: str | None
    term: Property

    @property
    def name(self) -> str:
        """As it is written in a mapping."""
        return ".".join((*self.keys, *([self.language] if self.language else ())))


@dataclass(frozen=True, slots=True)
class Rule:
    """How the values of one target are found and tidied, in this order: paths, HTML, split, join, table, normal form, prefix."""

    target: Target
    paths: tuple[str, ...]
    take: Literal["first", "all"] = "first"
    join: str | None = None
    strip_html: bool = False
    split: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: Otherwise = Otherwise.KEEP
    normaliser: str = "line"
    prefix: str = ""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """A whole mapping, checked. `digest` changes with anything that was written in it."""

    digest: str
    list: str | None = None
    key: tuple[str, ...] = ()
    language: str = LANGUAGE
    licence: str | None = None
    encoding: str | None = None
    separator: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, tuple[Target, tuple[str, ...]]] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


def parse(raw: Mapping[str, Any] | None, default: Mapping[str, Any] | None = None) -> RecordMapping:
    """Check a mapping as TOML or JSON gave it; what it does not say is taken from `default`, a format's own mapping.

    The fields of both are kept, one by one, and so is what both ignore. Raises MappingRefused with a sentence that names what is wrong.
    """
    written = _merged(raw if raw is not None else {}, default or {})
    options = _read(written, OPTIONS, "")
    language = options.get("language", LANGUAGE)
    rules = tuple(rule for name, value in options.pop("fields", {}).items() for rule in _rules(name, value, language))
    constants = {name: _constant(name, value, language) for name, value in options.pop("constants", {}).items()}
    digest = hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest()
    return RecordMapping(digest, rules=rules, constants=constants, **options)


def _merged(raw: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what was written over a format's own mapping."""
    if not isinstance(raw, Mapping):
        raise _refused("Une correspondance est une table", "A mapping is a table")
    merged = {**default, **raw}
    for option in ("fields", "constants"):
        if isinstance(raw.get(option, {}), Mapping) and (option in raw or option in default):
            merged[option] = {**default.get(option, {}), **raw.get(option, {})}
    if "ignore" in raw and "ignore" in default:
        merged["ignore"] = [*default["ignore"], *as_list(raw["ignore"])]
    return merged


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as the only element of one."""
    return list(value) if isinstance(value, list | tuple) else [value]


# --- what an option's value may be ------------------------------------------------------------------------------


def _text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("un texte", "a text")
    return value


def _words(value: object) -> str:
    """A text, which may be empty or a blank."""
    if not isinstance(value, str):
        raise ValueError("un texte", "a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    """A text or a list of texts."""
    if isinstance(value, str) and value:
        return (value,)
    if not isinstance(value, list | tuple) or not value or not all(isinstance(part, str) and part for part in value):
        raise ValueError("un texte ou une liste de textes", "a text or a list of texts")
    return tuple(value)


def _flag(value: object) -> bool:
    """A yes or a no."""
    if not isinstance(value, bool):
        raise ValueError("true ou false", "true or false")
    return value


def _table(value: object) -> Mapping[str, Any]:
    """A table."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError("une table", "a table")
    return value


def _choices(value: object) -> Mapping[str, tuple[str, ...]]:
    """A table of texts or lists of texts; an empty text stands for nothing."""
    return {key: () if part == "" else _texts(part) for key, part in _table(value).items()}


def _conditions(value: object) -> Mapping[str, tuple[str, ...]]:
    """A table of texts or lists of texts, of which an empty one asks for nothing to be there."""
    table = {key: tuple(as_list(part)) for key, part in _table(value).items()}
    if not all(parts and all(isinstance(part, str) for part in parts) for parts in table.values()):
        raise ValueError("une table de textes ou de listes de textes", "a table of texts or lists of texts")
    return table


def _language(value: object) -> str:
    """A language tag in lower case."""
    tag = _text(value).lower()
    if not _TAG.match(tag):
        raise ValueError("un code de langue comme fr", "a language tag such as en")
    return tag


def _address(value: object) -> str:
    """A web address."""
    address = _text(value)
    if not address.startswith(("http://", "https://")) or any(c.isspace() or c in '<>"{}|\\^`' for c in address):
        raise ValueError("une adresse http(s)://", "an http(s):// address")
    return address


def _box(value: object) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees."""
    if not isinstance(value, list | tuple) or len(value) != 4 or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in value):
        raise ValueError("[ouest, sud, est, nord]", "[west, south, east, north]")
    west, south, east, north = (float(x) for x in value)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError("[ouest, sud, est, nord] en degrés", "[west, south, east, north] in degrees")
    return west, south, east, north


def _one_of(names: Collection[str]) -> Callable[[object], str]:
    """One word out of a list."""

    def read(value: object) -> str:
        if value not in names:
            raise ValueError(f"un mot parmi {', '.join(names)}", f"one of {', '.join(names)}")
        return str(value)

    return read


def _codec(value: object) -> str:
    """The name of an encoding that Python knows."""
    name = _text(value)
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("un codage comme utf-8 ou windows-1252", "an encoding such as utf-8 or windows-1252") from None
    return name


def _separator(value: object) -> str:
    """The one character between two columns."""
    character = _text(value)
    if len(character) != 1 or character in '"\r\n':
        raise ValueError('un seul caractère, comme ";"', 'one character, such as ";"')
    return character


OPTIONS: Final[Mapping[str, Callable[[object], Any]]] = {
    "list": _words,
    "key": _texts,
    "language": _language,
    "licence": _address,
    "encoding": _codec,
    "separator": _separator,
    "bounds": _box,
    "when": _conditions,
    "constants": _table,
    "ignore": _texts,
    "fields": _table,
}
"""What a mapping may say, and the reading of each."""

FIELD_OPTIONS: Final[Mapping[str, Callable[[object], Any]]] = {
    "from": _texts,
    "take": _one_of(("first", "all")),
    "join": _words,
    "strip_html": _flag,
    "split": _texts,
    "values": _choices,
    "otherwise": _one_of([choice.value for choice in Otherwise]),
    "as": _one_of([*values.NORMALISERS, "key"]),
    "prefix": _text,
    "when": _conditions,
}
"""What one field of a mapping may say."""


def _read(raw: Mapping[str, Any], options: Mapping[str, Callable[[object], Any]], where: str) -> dict[str, Any]:
    """Read every option of a table. Raises MappingRefused for one that does not exist or is not written as it should be."""
    result = {}
    for name, value in raw.items():
        if name not in options:
            near = _near(str(name), options)
            raise _refused(f"« {where}{name} » n'est pas une option{near[0]}", f"'{where}{name}' is not an option{near[1]}")
        try:
            result[name] = options[name](value)
        except ValueError as error:
            french, english = error.args
            raise _refused(f"« {where}{name} » doit être {french}", f"'{where}{name}' must be {english}") from None
    return result


# --- targets and rules ------------------------------------------------------------------------------------------


def target(name: str, language: str = LANGUAGE) -> Target:
    """Find what `name` ("url", "location.latitude", "description.fr") stands for in our vocabulary. Raises MappingRefused."""
    owner, parts = "Group", name.split(".")
    keys: tuple[str, ...] = ()
    while parts:
        known = load().properties(owner)
        key = parts.pop(0)
        found = known.get(key)
        if found is None or key in COMPUTED:
            near = _near(key, known.keys() - COMPUTED)
            raise _refused(f"« {name} » n'est pas une clé de notre vocabulaire{near[0]}", f"'{name}' is not a key of our vocabulary{near[1]}")
        keys = (*keys, key)
        if found.kind is not Kind.PART:
            return Target(keys, _language_of(name, found, parts, language), found)
        owner = found.part or ""
    raise _refused(f"« {name} » a des parties : nommez-en une, comme location.latitude", f"'{name}' has parts: name one, such as location.latitude")


def _language_of(name: str, found: Property, rest: list[str], language: str) -> str | None:
    """Read what follows the key: a language, and only where the key has languages."""
    if found.kind is Kind.LANGUAGE_MAP and len(rest) <= 1:
        tag = rest[0].lower() if rest else language
        if _TAG.match(tag):
            return tag
    elif not rest:
        return None
    raise _refused(f"« {name} » va trop loin : « {found.key} » n'a pas de partie", f"'{name}' goes too far: '{found.key}' has no such part")


def _rules(name: str, written: object, language: str) -> tuple[Rule, ...]:
    """Read one field: a path, a list of paths, a table, or a list of tables."""
    found = target(name, language)
    several = written if isinstance(written, list) and any(isinstance(part, Mapping) for part in written) else [written]
    return tuple(_rule(found, part, f"fields.{name}") for part in several)


def _rule(found: Target, written: object, where: str) -> Rule:
    """Read one rule of a field."""
    raw = written if isinstance(written, Mapping) else {"from": written}
    options = _read(raw, FIELD_OPTIONS, f"{where}.")
    if "from" not in options:
        raise _refused(f"« {where} » ne dit pas d'où vient la valeur (from)", f"'{where}' does not say where the value comes from (from)")
    for choice in options.get("values", {}).values():
        _require_known(found, choice, f"{where}.values")
    concept = found.term.kind is Kind.CONCEPT
    return Rule(
        found,
        options.pop("from"),
        values={values.fold(said): ours for said, ours in options.pop("values", {}).items()},
        otherwise=Otherwise(options.pop("otherwise", Otherwise.KEYWORD if concept else Otherwise.KEEP)),
        normaliser=options.pop("as", None) or _normaliser(found.term),
        **options,
    )


def _normaliser(found: Property) -> str:
    """The normal form that a property's values have unless the mapping says otherwise."""
    if found.key in _NORMALISER_OF_KEY:
        return _NORMALISER_OF_KEY[found.key]
    if found.kind in {Kind.IRI, Kind.CONCEPT}:
        return "url"
    return _NORMALISER_OF_TYPE.get((found.datatype or "").rpartition("#")[2], "line")


def _constant(name: str, written: object, language: str) -> tuple[Target, tuple[str, ...]]:
    """Read one constant."""
    found = target(name, language)
    try:
        chosen = _texts(written)
    except ValueError as error:
        french, english = error.args
        raise _refused(f"« constants.{name} » doit être {french}", f"'constants.{name}' must be {english}") from None
    _require_known(found, chosen, f"constants.{name}")
    return found, chosen


def _require_known(found: Target, chosen: tuple[str, ...], where: str) -> None:
    """Refuse a concept that the vocabulary does not hold; the full address of another vocabulary's is let through."""
    if found.term.kind is not Kind.CONCEPT:
        return
    known = notations(found.term.scheme)
    for notation in chosen:
        if notation not in known and not notation.startswith(("http://", "https://")):
            near = _near(notation, known)
            raise _refused(f"« {where} » : le concept « {notation} » n'existe pas{near[0]}", f"'{where}': there is no concept '{notation}'{near[1]}")


def notations(scheme: str | None) -> tuple[str, ...]:
    """The concepts of a scheme, as they are written in a record."""
    return tuple(concept.notation for concept in load().schemes.get(scheme or "", ()))


def _near(name: str, known: Collection[str]) -> tuple[str, str]:
    """Suggest what may have been meant, else list what there is."""
    close = difflib.get_close_matches(name, list(known), 1)
    if close:
        return f" ; vouliez-vous dire « {close[0]} » ?", f"; did you mean '{close[0]}'?"
    listed = ", ".join(sorted(known)[:30])
    return f" ; il y a : {listed}.", f"; there are: {listed}."


def _refused(fr: str, en: str) -> MappingRefused:
    """Close the sentence."""
    stop = ("" if fr.endswith((".", "?")) else "."), ("" if en.endswith((".", "?")) else ".")
    return MappingRefused(Text(f"Correspondance : {fr}{stop[0]}", f"Mapping: {en}{stop[1]}"))
