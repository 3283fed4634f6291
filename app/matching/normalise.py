"""From a document to its normal form: accents, abbreviations, legal forms and address habits out, so that equal things look equal.

Country-neutral: what is particular to France (départements) applies only to values that look French.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from rapidfuzz import fuzz

from app.matching import contacts as contact_hashes
from app.matching.contacts import texts
from app.matching.coordinates import point
from app.matching.features import Features, Words
from app.matching.repair import repaired
from app.matching.words import (
    ABBREVIATIONS,
    BRANCHES,
    CITY_NOISE,
    COUNTRIES,
    LEGAL,
    OPTIONAL_INITIALS,
    PLATFORMS,
    SPECIFIC_NUMBER,
    SQUEEZED,
    STOP,
    STREET_NOISE,
    STREETS,
    TOWN_HALL,
    TOWN_HALLS,
    UMBRELLAS,
    WAYS,
    squeezed,
)

MOST_NAMES: Final = 4
MOST_INITIALS: Final = 8

_LETTERS: Final = str.maketrans(
    {chr(code): "".join(c for c in unicodedata.normalize("NFKD", chr(code)) if not unicodedata.combining(c)) for code in range(0xC0, 0x250)}
    | {"’": "'", "`": "'", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "&": " et ", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)
_WORD: Final = re.compile(r"[^\W_]+")
_DOTTED: Final = re.compile(r"\b(?:[a-z]\.){2,}[a-z]?")
_OWN_ACRONYM: Final = re.compile(r"\(([A-Z][A-Z.]{2,})\)|^([A-Z][A-Z.]{2,}) [-:] ")
_PAGE_END: Final = re.compile(r"/(index\.(php|html?))?/?$")
_PAGE_START: Final = re.compile(r"^(https?://)?(www\.)?")
_SPACE: Final = re.compile(r"\s+")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)")
_MISTYPED: Final = 88.0
_MISTYPED_TOWN: Final = 83.0
_SHORT_TOWN: Final = 4
_BESIDE: Final = re.compile(r" (?:between|near|off|at) |(?<=.{6})\b\d{5}\b", re.IGNORECASE)
_FIVE_DIGITS: Final = re.compile(r"(?<!\d)\d{5}(?!\d)")
_NOT_DIGITS: Final = re.compile(r"\D+")


def plain(text: str) -> str:
    """Return `text` without accents, ligatures and typographic apostrophes; case is kept."""
    text = text.translate(_LETTERS)
    return text if text.isascii() else "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=16_384)
def words(text: str) -> tuple[str, ...]:
    """Return the plain lower-case words of `text`; M.J.C. is one word.

    >>> words("L'Œuvre d'été (M.J.C.)")
    ('l', 'oeuvre', 'd', 'ete', 'mjc')
    """
    lower = plain(text).lower().replace("'s", "s")
    return tuple(_WORD.findall(_DOTTED.sub(lambda found: found[0].replace(".", ""), lower) if "." in lower else lower))


def features(document: Mapping[str, Any], contacts: Mapping[str, list[str]] | None, secret: bytes) -> Features:
    """Return the normal form of a document; `contacts` are hashes kept when contacts were dropped at the door."""
    names = [name for name in map(repaired, _names(document)) if words(name)][:MOST_NAMES]
    spelled = [[ABBREVIATIONS.get(word, word) for word in words(name)] for name in names]
    place = _place(document)
    city = _city(place.get("addressLocality", ""))
    number, street = street_parts(place.get("streetAddress", ""))
    country = _country(place.get("addressCountry", ""))
    postcode, area = _postcode(place, country)
    latitude, longitude = point(place.get("latitude", ""), place.get("longitude", ""), country, area) or (None, None)
    cores = [_core(one, city) for one in spelled]
    first = spelled[0] if spelled else []
    acronyms = _sorted([acronym for name in names for acronym in _acronyms(name)])
    pages = [page for url in texts(document.get("url")) if (page := page_address(url))]
    hashes = contact_hashes.merged(contact_hashes.hashes(document, secret), contacts)
    return Features(
        core=cores[0] if cores else (),
        others=tuple(dict.fromkeys([core for core in cores[1:] if core != cores[0]])),
        acronyms=acronyms,
        initials=_sorted(_initials([word for word in first if word not in acronyms], city)),
        umbrella=not UMBRELLAS.isdisjoint(first),
        branch=not BRANCHES.isdisjoint(first),
        number=number,
        street=street,
        postcode=postcode,
        area=area,
        city=" ".join(city),
        country=country,
        latitude=latitude,
        longitude=longitude,
        phones=hashes[contact_hashes.PHONES],
        emails=hashes[contact_hashes.EMAILS],
        hosts=hashes[contact_hashes.HOSTS],
        near=hashes[contact_hashes.NEAR],
        pages=_sorted(pages),
        sites=_sorted([host for page in pages if (host := page.partition("/")[0]) not in PLATFORMS]),
        identifiers=_identifiers(document),
        links=_sorted([page_address(link) for link in texts(document.get("sameAs"))]),
        subjects=_sorted(_subjects(document)),
        local=len(city) > 0 and {*city} <= {*_city(names[0])} if names else False,
    )


def _sorted(values: Iterable[str]) -> Words:
    """Return distinct values in order, the empty one left out."""
    distinct = {*values}
    distinct.discard("")
    return tuple(sorted(distinct)) if len(distinct) > 1 else tuple(distinct)


def _names(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a document, French first, then those in other languages, then the alternative ones."""
    name = document.get("name")
    by_language = name if isinstance(name, dict) else {"": name}
    for language in sorted(by_language, key=lambda tag: (not tag.startswith("fr"), tag)):
        yield from texts(by_language[language])
    yield from texts(document.get("alternateName"))


def _core(spelled: list[str], city: Words) -> Words:
    """Return the words that tell a name apart: no small words, legal forms or town, unless nothing else is left."""
    core = [word for word in spelled if not _small(word)] or spelled
    core = [word for word in core if not _of_town(word, city)] or core
    return TOWN_HALL if core and TOWN_HALLS.issuperset(core) else tuple(core)


def _of_town(word: str, city: Words) -> bool:
    """Tell whether a word is of the town's name, also when it is mistyped."""
    if word in city or STREETS.get(word, word) in city:
        return True
    return len(word) > _SHORT_TOWN and any(fuzz.ratio(word, one, score_cutoff=_MISTYPED_TOWN) for one in city if len(one) > _SHORT_TOWN)


@lru_cache(maxsize=16_384)
def _small(word: str) -> bool:
    """Tell whether a word never tells groups apart: of one or two letters, a small word or a legal form, also when it is mistyped."""
    if word in STOP or word in LEGAL or squeezed(word) in SQUEEZED or (len(word) < 3 and word.isalpha()):
        return True
    return word.startswith("as") and fuzz.ratio(word, "association", score_cutoff=_MISTYPED) > 0


def _acronyms(name: str) -> list[str]:
    """Return the acronyms that a name gives itself: in brackets, before a dash, or being one."""
    found = [re.sub(r"\W", "", one or other).lower() for one, other in _OWN_ACRONYM.findall(plain(name))]
    alone = words(name)
    if len(alone) == 1 and 3 <= len(alone[0]) <= 9 and name.upper() == name and alone[0].isalpha():
        found.append(alone[0])
    return found


def _initials(spelled: list[str], city: Words) -> list[str]:
    """Return the acronyms that a name would make: with and without its legal form, its town, and each of its small words."""
    made: set[str] = set()
    known = {*spelled}
    without_form = [word for word in spelled if word not in LEGAL] if not LEGAL.isdisjoint(known) else spelled
    wordings = {tuple(spelled), tuple(without_form)}
    if not known.isdisjoint(city):
        wordings.update([tuple([word for word in chosen if word not in city]) for chosen in (spelled, without_form)])
    for wanted in wordings:
        letters = [""]
        for word in wanted:
            if word in OPTIONAL_INITIALS and len(letters) < MOST_INITIALS:
                letters += [one + word[0] for one in letters]
            elif word not in STOP:
                letters = [one + word[0] for one in letters]
        made.update(letters)
    return [acronym for acronym in made if len(acronym) >= 3]


def _city(text: str) -> Words:
    """Return the words of a town's name; saint is written as in streets."""
    found = [word for word in words(text) if word not in CITY_NOISE and not word[0].isdigit()]
    return tuple([STREETS.get(word, word) if word in ("saint", "sainte") else word for word in found])


def _place(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the fullest of a document's places, the first of them when several are as full."""
    location = document.get("location")
    places = [place for place in (location if isinstance(location, list) else [location]) if isinstance(place, dict)]
    flat = [{key: repaired(value) for key, value in place.items() if isinstance(value, str) and value} for place in places]
    return max(flat, key=len, default={})


def street_parts(text: str) -> tuple[str, str]:
    """Return house number and street, each in its normal form: what follows the house number of a house, and the postcode, are dropped.

    >>> street_parts("BP 12, 12-14 bd. du 8 mai 1945 - 92120 Montrouge")
    ('12', 'boulevard 8 mai 1945')
    >>> street_parts("747 Ninth Ave. between 50th and 51st Sts.")
    ('747', '9th avenue')
    """
    number, before, street = "", list[str](), list[str]()
    skip = False
    for word in [STREETS.get(word, word) for word in words(_BESIDE.split(text)[0])]:
        numeral = word[0].isdigit()
        if _ORDINAL.fullmatch(word):
            street.append(word)
        elif numeral and not number and not skip and WAYS.isdisjoint(street):
            number, before, street = word, street, []
        elif (numeral and not skip and street) or not (numeral or word in STREET_NOISE or word in SPECIFIC_NUMBER):
            street.append(word)
        skip = word in SPECIFIC_NUMBER
    if not number and len(street) > 1 and street[-1].isdecimal() and len(street[-1]) < 4:
        number = street.pop()
    return number, " ".join(street or before)


def _postcode(place: Mapping[str, str], country: str) -> tuple[str, str]:
    """Return the postcode and, when it looks French, its département; where it has no field of its own it may stand beside the town."""
    code = _SPACE.sub("", place.get("postalCode", "")).upper().removesuffix(".0").removeprefix("F-")
    if not code:
        found = _FIVE_DIGITS.search(place.get("addressLocality", "")) or _FIVE_DIGITS.search(place.get("streetAddress", ""), 6)
        code = found[0] if found else ""
    if code.isdecimal() and len(code) == 4 and country in ("", "FR"):
        code = f"0{code}"
    french = len(code) == 5 and code.isdecimal() and country in ("", "FR")
    return code, (code[:3] if code.startswith("97") else code[:2]) if french else ""


def _country(text: str) -> str:
    """Return a country's code, empty when it is not understood."""
    folded = " ".join(words(text))
    return COUNTRIES.get(folded, folded.upper() if len(folded) == 2 else "")


def page_address(url: str) -> str:
    """Return a web address without scheme, www and index page; empty when it is none."""
    page = _PAGE_END.sub("", _PAGE_START.sub("", url.strip().lower()))
    return page if "." in page.partition("/")[0] else ""


def _identifiers(document: Mapping[str, Any]) -> tuple[tuple[str, Words], ...]:
    """Return official identifiers by register; a SIRET also gives its SIREN."""
    found: dict[str, set[str]] = {}
    for key in ("siret", "siren"):
        for text in texts(document.get(key)):
            digits = _NOT_DIGITS.sub("", text)
            if len(digits) in (8, 13):
                digits = f"0{digits}"  # as a spreadsheet leaves it
            if len(digits) == 14:
                found.setdefault("siret", set()).add(digits)
            if len(digits) >= 9:
                found.setdefault("siren", set()).add(digits[:9])
    for text in texts(document.get("rna")):
        found.setdefault("rna", set()).add("".join(words(text)).upper())
    for text in texts(document.get("identifiers")):
        register, _, code = text.strip().upper().rpartition("-")
        if code and register:
            found.setdefault(register, set()).add(code)
    return tuple([(register, _sorted(values)) for register, values in sorted(found.items())]) if found else ()


def _subjects(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the topics and free words of a document."""
    yield from texts(document.get("topics"))
    for text in texts(document.get("keywords")):
        yield " ".join(words(text))
