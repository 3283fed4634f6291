"""The normal form of one value, chosen by name: what neighbours type is tidied here, or said to be unusable, never guessed."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from html import unescape
from typing import Final
from urllib.parse import urlsplit

from babel import Locale
from babel.core import get_global

from app.errors import Text
from app.names import slugify
from app.record.text import absolute_iri, without_piles

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]")
_NOT_IN_IRIS = frozenset(' \n\t"<>\\^`{|}[]')
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(?:[.,][0-9]{0,30})?\Z")
_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})\Z")
_MONTH = re.compile(r"[0-9]{4}(?:-([0-9]{2}))?\Z")
_WHOLE = re.compile(r"-?[0-9]{1,17}\Z")
_SIREN = re.compile(r"[0-9]{9}\Z")
_SIRET = re.compile(r"[0-9]{14}\Z")
_RNA = re.compile(r"W[0-9][0-9AB][0-9]{7}\Z")
_TERRITORY = re.compile(r"(?:COM|ARM|EPCI|DEP|REG|QPV|PAYS)-[0-9A-Z]{1,30}\Z")
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]\Z")
_MAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]{1,255}\Z")
_SPACES = re.compile(r"[ \t\u00a0\u2002-\u200a\u202f\u3000]+")
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][a-zA-Z0-9]*+)|[!?])[^<>]*+>")  # possessive: an unclosed tag of 64 KB took 26 seconds otherwise
_SILENT = frozenset({"script", "style", "head", "template"})
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "blockquote", "hr"})
_LANGUAGES = (
    "en",
    "fr",
    "de",
    "it",
    "es",
    "pt",
    "nl",
    "el",
    "hu",
    "ro",
    "bg",
    "hr",
    "sl",
    "sk",
    "cs",
    "pl",
    "fi",
    "sv",
    "da",
    "et",
    "lv",
    "lt",
    "mt",
    "sr",
)
_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_NATIONS = {
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "great britain": "GB",
    "holland": "NL",
    "us": "US",
    "usa": "US",
}


class UnusableError(ValueError):
    """This value cannot be used; `text` says why."""

    def __init__(self, fr: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(fr, en)


def clean(value: str) -> str:
    """Return `value` in composed Unicode, with plain line ends and no invisible controls, trimmed."""
    lines = unicodedata.normalize("NFC", without_piles(value)).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", lines).strip()


def fold(value: str) -> str:
    """Return `value` as it is compared: case, accents and runs of spaces do not count."""
    if value.isascii():
        return " ".join(value.lower().split())
    decomposed = unicodedata.normalize("NFKD", without_piles(value.casefold()))
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def text(value: str) -> str:
    """Any text, its lines trimmed."""
    return "\n".join(_SPACES.sub(" ", line).strip() for line in clean(value).split("\n"))


def line(value: str) -> str:
    """A text of one line."""
    return " ".join(clean(value).split())


def url(value: str) -> str:
    """A web address; `www.example.org` gets the http:// that it lacks."""
    address = clean(value)
    if "://" not in address[:12]:
        address = "http://" + address.removeprefix("//")
    iri = _STRAY_PERCENT.sub("%25", "".join(c if c not in _NOT_IN_IRIS else f"%{ord(c):02X}" for c in address))
    if not _is_web(address) or absolute_iri(iri) is None:
        raise UnusableError("ce n'est pas une adresse web", "it is not a web address")
    return iri


def _is_web(address: str) -> bool:
    """Tell whether `address` names a host of the web, without user name, and only one."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    single = address.count("://") == 1 or "?" in address or not any(c.isspace() for c in address)
    return single and parts.scheme in {"http", "https"} and "@" not in parts.netloc and port != 0 and bool(_HOST.match(parts.hostname or ""))


def decimal(value: str) -> str:
    """A decimal number; the comma of the French is read as a point."""
    number = clean(value).replace("\u2212", "-")
    if not _DECIMAL.match(number):
        raise UnusableError("ce n'est pas un nombre décimal", "it is not a decimal number")
    whole, _, fraction = number.lstrip("+").replace(",", ".").partition(".")
    return f"{whole}.{fraction[:18]}" if fraction else whole


def day(value: str) -> str:
    """A date: `2003-03-25`, `25/03/2003`, or the day of a date and time."""
    written = clean(value)
    french = _DAY.match(written)
    try:
        if french:
            return date(int(french[3]), int(french[2]), int(french[1])).isoformat()
        return date.fromisoformat(written[:10]).isoformat() if len(written) >= 10 else _no_date()
    except ValueError as error:
        raise UnusableError("ce n'est pas une date (AAAA-MM-JJ)", "it is not a date (YYYY-MM-DD)") from error


def _no_date() -> str:
    """Refuse what is too short for a date."""
    raise ValueError


def date_or_year(value: str) -> str:
    """A date, or as much of it as is known: `2003`, `2003-03`."""
    written = clean(value)
    month = _MONTH.match(written)
    return written if month and 1 <= int(month[1] or 1) <= 12 else day(written)


def timestamp(value: str) -> str:
    """A date and time, in UTC; without a zone it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(clean(value))
        return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise UnusableError("ce n'est pas une date avec heure (AAAA-MM-JJTHH:MM:SSZ)", "it is not a date and time (YYYY-MM-DDTHH:MM:SSZ)") from error


def timestamp_s(value: str) -> str:
    """Seconds since 1970."""
    return _since_1970(value, 1)


def timestamp_ms(value: str) -> str:
    """Milliseconds since 1970."""
    return _since_1970(value, 1000)


def _since_1970(value: str, unit: int) -> str:
    """Read a whole number of `unit`-ths of a second."""
    written = clean(value)
    try:
        if not _WHOLE.match(written):
            raise ValueError
        return _in_utc(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(written) * 1000 // unit))
    except (ValueError, OverflowError) as error:
        raise UnusableError("ce n'est pas un nombre depuis 1970", "it is not a number since 1970") from error


def _in_utc(moment: datetime) -> str:
    """Write a moment as the journal does, milliseconds only where there are some."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace(".000+", "+").replace("+00:00", "Z")


def country(value: str) -> str:
    """A country as its ISO code of two letters, from the code or the name in a European language."""
    code = _countries().get(fold(clean(value)).strip(". "))
    if code is None:
        raise UnusableError("ce pays est inconnu", "this country is unknown")
    return code


@cache
def _countries() -> Mapping[str, str]:
    """Names and codes of countries, folded; a name that two countries share in two languages goes to the first language."""
    known: dict[str, str] = {}
    codes = {code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()} - _NO_COUNTRIES
    for language in _LANGUAGES:
        names = {str(code): str(name) for code, name in Locale(language).territories.items()}
        for code in sorted(codes & names.keys()):
            known.setdefault(fold(names[code]), code)
    known.update({code.casefold(): code for code in codes})
    for alias, replaced in get_global("territory_aliases").items():
        if alias.isalpha() and len(replaced) == 1:
            known.setdefault(alias.casefold(), replaced[0])
    return known | _NATIONS


def phone(value: str) -> str:
    """A telephone number: digits, spaces and a leading +."""
    number = clean(value).removeprefix("tel:").strip()
    digits = re.sub(r"[^0-9]", "", number)
    if not 6 <= len(digits) <= 15 or any(c.isalpha() for c in number):
        raise UnusableError("ce n'est pas un numéro de téléphone", "it is not a telephone number")
    return ("+" if number.startswith("+") else "") + " ".join(re.findall(r"[0-9]+", number))


def email(value: str) -> str:
    """An e-mail address, in lower case."""
    address = clean(value).lower().removeprefix("mailto:")
    if not _MAIL.match(address) or not _HOST.match(address.rpartition("@")[2]):
        raise UnusableError("ce n'est pas une adresse électronique", "it is not an e-mail address")
    return address


def slug(value: str) -> str:
    """Lower-case letters, digits and hyphens."""
    short = slugify(value)
    if not short:
        raise UnusableError("il ne contient ni lettre ni chiffre", "it holds no letter and no digit")
    return short


def siren(value: str) -> str:
    """A SIREN number: 9 digits; spaces do not count."""
    return _register_number(value, _SIREN, "un numéro SIREN (9 chiffres)", "a SIREN number (9 digits)")


def siret(value: str) -> str:
    """A SIRET number: 14 digits; spaces do not count."""
    return _register_number(value, _SIRET, "un numéro SIRET (14 chiffres)", "a SIRET number (14 digits)")


def rna(value: str) -> str:
    """An RNA number: W and 9 characters; spaces and case do not count."""
    return _register_number(value, _RNA, "un numéro RNA (W et 9 chiffres)", "an RNA number (W and 9 digits)")


def territory(value: str) -> str:
    """The code of a French territory after its type: `COM-93066`."""
    return _register_number(value, _TERRITORY, "un code de territoire (COM-93066)", "a territory code (COM-93066)")


def _register_number(value: str, pattern: re.Pattern[str], fr: str, en: str) -> str:
    """Read a number of a register."""
    number = "".join(clean(value).upper().split()).replace(".", "")
    if not pattern.match(number):
        raise UnusableError(f"ce n'est pas {fr}", f"it is not {en}")
    return number


NORMALISERS: Final[Mapping[str, Callable[[str], str]]] = {
    "text": text,
    "line": line,
    "url": url,
    "decimal": decimal,
    "date": day,
    "date-or-year": date_or_year,
    "timestamp": timestamp,
    "timestamp-s": timestamp_s,
    "timestamp-ms": timestamp_ms,
    "country": country,
    "phone": phone,
    "email": email,
    "slug": slug,
    "siren": siren,
    "siret": siret,
    "rna": rna,
    "territory": territory,
}
"""What a mapping's `as` may name."""


def without_html(value: str) -> str:
    """Return the text of the HTML fragment `value`: blocks end lines, scripts say nothing.

    Not html.parser: an unclosed `<a <a <a …` of 60 KB keeps that busy for 38 seconds.
    """
    if "<" not in value and "&" not in value:
        return value
    parts: list[str] = []
    silent = ""
    end = 0
    for tag in _TAG.finditer(value):
        name = (tag[2] or "").lower()
        parts.append("" if silent else value[end : tag.start()] + ("\n" if name in _BLOCKS else ""))
        end = tag.end()
        if silent:
            silent = "" if tag[1] and name == silent else silent
        elif name in _SILENT and not tag[1]:
            silent = name
    parts.append("" if silent else value[end:])
    return re.sub(r"\n{3,}", "\n\n", text(unescape("".join(parts))))
