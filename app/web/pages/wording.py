"""One value of a record in words: concepts by their names, dates as people write them, addresses that can be followed safely."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app import vocabulary
from app.search.facets import CONCEPTS
from app.vocabulary import Kind, Property
from app.web.pages.addresses import licence_name, safe_url, shown
from app.web.pages.layout import Page, date, language_tag
from app.web.pages.neighbours import Neighbour, several

Document = Mapping[str, Any]

HIDDEN: Final = frozenset({"id", "type", "@context", "records"})
"""Keys that are shown elsewhere on a page, or not at all."""

LONG: Final = 240
"""Characters above which a text gets paragraphs of its own."""

OF_FACET: Final = {facet.path[-1]: facet.name for facet in CONCEPTS}
SCHEMES: Final = {"email": "mailto:", "telephone": "tel:"}
POINT: Final = ("latitude", "longitude")

TERRITORIES: Final = {
    "COM": ("commune {}", "municipality {}"),
    "ARM": ("arrondissement {}", "city district {}"),
    "EPCI": ("intercommunalité {}", "intermunicipality {}"),
    "DEP": ("département {}", "département {}"),
    "REG": ("région {}", "region {}"),
    "QPV": ("quartier prioritaire {}", "priority neighbourhood {}"),
}
"""What the codes of territories begin with, in words."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value in words; `href` may stand in a link as it is, `inner` are the fields of a nested part."""

    text: str
    lang: str | None = None
    href: str | None = None
    time: str | None = None
    inner: tuple[tuple[str, tuple["Value", ...]], ...] = ()

    @property
    def long(self) -> bool:
        """Tell whether it is more than a line or two."""
        return len(self.text) > LONG or "\n" in self.text


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a value is shown: the page, and the groups whose names it knows."""

    page: Page
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """The language of the page."""
        return self.page.language


def value(where: Setting, known: Property | None, raw: Any, language: str | None = None) -> Value:
    """Put one value in words; `known` is its key's line in the vocabulary, `language` its own."""
    if known is None or (known.kind is not Kind.PART and not isinstance(raw, str)):
        return _unknown(raw, language)
    found = _WORDS[known.kind](where, known, raw)
    return replace(found, lang=language_tag(language)) if language and language != where.language else found


def spread(known: Property | None, held: Any) -> Iterator[tuple[str | None, Any]]:
    """Yield each single value that a key holds, with its language where it has one."""
    if known is not None and known.kind is Kind.LANGUAGE_MAP and isinstance(held, dict):
        yield from ((language, one) for language, texts in held.items() for one in several(texts))
    else:
        yield from ((None, one) for one in several(held))


def label(known: Property | None, key: str, language: str) -> str:
    """Return the name of a key, with a capital; the key itself when the vocabulary does not know it."""
    name = known.labels.get(language) if known else None
    return name[0].upper() + name[1:] if name else key


def best(texts: Any, language: str) -> tuple[str, str | None]:
    """Return the text of a language map that suits a page, and its language when it is another one."""
    if not isinstance(texts, dict):
        return (texts if isinstance(texts, str) else ""), None
    for tag in (language, "fr", "en", *sorted(texts)):
        found = next((one for one in several(texts.get(tag)) if isinstance(one, str) and one), None)
        if found:
            return found, None if tag == language else language_tag(tag)
    return "", None


def territory(code: str, language: str) -> str:
    """Return the code of a territory as people may read it.

    >>> territory("COM-93066", "fr")
    'commune 93066'
    """
    kind, _, number = code.partition("-")
    words = TERRITORIES.get(kind)
    return words[language != "fr"].format(number) if words and number else code


def _text(where: Setting, known: Property, raw: Any) -> Value:
    """A text; addresses of mail and phone can be used at once, a territory leads to its groups."""
    if known.key in SCHEMES:
        return Value(raw, href=safe_url(SCHEMES[known.key] + "".join(raw.split())))
    if known.key == "territories":
        return Value(territory(raw, where.language), href=where.page.to("/groups", [("territory", raw)]))
    return _typed(where, known, raw) if known.key == "founded" else Value(raw)


def _typed(where: Setting, _known: Property, raw: Any) -> Value:
    """A date, or a number as it is."""
    written = date(raw, where.language)
    return Value(written, time=raw if written != raw else None)


def _iri(where: Setting, known: Property, raw: Any) -> Value:
    """An address: the name of the group that it is, or a link to it."""
    neighbour = where.neighbours.get(raw)
    if neighbour is not None:
        text, language = best(neighbour.name, where.language)
        return Value(text or neighbour.slug, lang=language, href=where.page.to(f"/groups/{neighbour.slug}"))
    return Value(licence_name(raw) if known.key == "license" else shown(raw), href=safe_url(raw))


def _concept(where: Setting, known: Property, raw: Any) -> Value:
    """A concept: its name, leading to the groups that have it."""
    concept = next((one for one in vocabulary.load().schemes[str(known.scheme)] if raw in (one.notation, one.iri)), None)
    if concept is None:
        return Value(shown(raw), href=safe_url(raw))
    return Value(concept.labels[where.language], href=where.page.to("/groups", [(OF_FACET[known.key], concept.notation)]))


def _part(where: Setting, known: Property, raw: Any) -> Value:
    """A nested part: an address on one line, anything else as fields of its own."""
    if not isinstance(raw, dict):
        return _unknown(raw, None)
    if known.part == "Place":
        return Value(address(raw))
    owned = vocabulary.load().properties(str(known.part))
    keys = [key for key in owned if key in raw] + sorted(raw.keys() - owned.keys() - HIDDEN)
    inner = tuple((label(owned.get(key), key, where.language), tuple(_inner(where, owned.get(key), raw[key]))) for key in keys)
    return Value(" ; ".join(f"{name} : {', '.join(one.text for one in values)}" for name, values in inner), inner=inner)


def _inner(where: Setting, known: Property | None, held: Any) -> Iterator[Value]:
    """Yield each value of a key of a part."""
    return (value(where, known, one, language) for language, one in spread(known, held))


def address(place: Document) -> str:
    """Return a place on one line: the address, and its coordinates."""
    town = " ".join(str(place[key]) for key in ("postalCode", "addressLocality") if place.get(key))
    line = ", ".join(part for part in (str(place.get("streetAddress") or ""), town, str(place.get("addressCountry") or "")) if part)
    point = ", ".join(str(place[key]) for key in POINT) if all(key in place for key in POINT) else ""
    return f"{line} ({point})" if line and point else line or point


def _unknown(raw: Any, language: str | None) -> Value:
    """A value of no kind that we know, as it is."""
    if isinstance(raw, dict):
        raw = raw.get("@value", raw.get("@id", raw.get("id", json.dumps(raw, ensure_ascii=False))))
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    return Value(shown(text) if safe_url(text) else text, lang=language_tag(language), href=safe_url(text))


_WORDS: Final[Mapping[Kind, Callable[[Setting, Property, Any], Value]]] = {
    Kind.LANGUAGE_MAP: _text,
    Kind.TEXT: _text,
    Kind.TYPED: _typed,
    Kind.IRI: _iri,
    Kind.CONCEPT: _concept,
    Kind.PART: _part,
}
"""How the values of each kind are put in words."""
