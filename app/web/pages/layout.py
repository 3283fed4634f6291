"""What all pages share: the frame around them, their addresses, their words, and the one way in which they are written."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.errors import Text
from app.journal import changes, meta
from app.names import OWN
from app.web import sessions
from app.web.asking import COOKIE, Asking
from app.web.pages import languages, static
from app.web.pages.addresses import discreet, licence_name, safe_url, shown

TEMPLATES = Path(__file__).parents[1] / "templates"

HERE = Text("cet annuaire", "this directory")
"""What the node's own source is called."""

LANGUAGES = {"fr": "Français", "en": "English"}
LOCALES = {"fr": "fr_FR", "en": "en_GB"}

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*\Z")
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class Page:
    """The frame of one page: who answers, in which language, and how its own addresses are written."""

    here: Asking

    @property
    def language(self) -> str:
        """The language of the page."""
        return self.here.language

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.here.node.settings.node_name

    @property
    def base(self) -> str:
        """The address that every IRI begins with."""
        return self.here.node.names.base

    @property
    def licence(self) -> str:
        """The licence of our own records."""
        return self.here.node.settings.licence

    @property
    def signed_in(self) -> bool:
        """Whether somebody who may judge reads it."""
        return sessions.of(self.here) is not None

    def to(self, path: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
        """Return a path of this node, whatever host name it was reached by; the language goes along until the cookie carries it."""
        chosen = self.here.chosen
        carried = [(COOKIE, chosen)] if chosen and self.here.request.cookies.get(COOKIE) != chosen else []
        query = urlencode([*pairs, *carried])
        return f"{urlsplit(self.base).path}{path}" + (f"?{query}" if query else "")

    def local(self, iri: str) -> str:
        """Return the path of one of our own IRIs."""
        return self.to(iri.removeprefix(self.base))

    def static(self, name: str) -> str:
        """Return the address of a static file."""
        return f"{urlsplit(self.base).path}/static/{static.addressed(name)}"

    def in_language(self, language: str) -> str:
        """Return the query of this very page in another language."""
        kept = [(key, value) for key, value in self.here.request.query_params.multi_items() if key != COOKIE]
        return "?" + urlencode([*kept, (COOKIE, language)])

    def source_name(self, source: str) -> str:
        """Return what a source is called on pages."""
        return HERE.in_language(self.language) if source == OWN else source

    @property
    def languages(self) -> list[tuple[str, str]]:
        """The languages that there are, with their names."""
        return [(language, LANGUAGES[language]) for language in self.here.node.settings.languages]


def render(here: Asking, template: str, **values: Any) -> bytes:
    """Write one page."""
    return environment(here.language).get_template(template).render(page=Page(here), **values).encode()


def mark(here: Asking) -> str:
    """Return what a page depends on besides its subject: all that the node knows, its name, who reads, and how pages are made."""
    with here.node.journal.read() as connection:
        known = f"{meta.epoch(connection)}-{changes.last(connection)}"
    settings = here.node.settings
    reader = "editor" if sessions.of(here) else ""
    return hashlib.sha256(f"{_made_of()} {known} {settings.node_name} {settings.licence} {reader}".encode()).hexdigest()[:16]


def script(document: Mapping[str, Any]) -> Markup:
    """Return JSON that may stand inside a script element: nothing in it can end the element."""
    return Markup(json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT))  # noqa: S704 - nothing HTML knows is left in it


@cache
def environment(language: str) -> Environment:
    """Return the templates in one language; everything is escaped, a missing value is an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_gettext_translations(languages.translations(language), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    found.filters |= {
        "safe_url": safe_url,
        "shown": shown,
        "licence_name": licence_name,
        "tag": language_tag,
        "date": lambda iso: date(iso, language),
        "moment": lambda iso: moment(iso, language),
        "number": lambda value: format_decimal(value, locale=LOCALES[language]),
        "said": lambda text: text.in_language(language),
        "discreet": discreet,
    }
    return found


def language_tag(tag: str | None) -> str | None:
    """Return a language tag that a page may carry."""
    return tag if tag and _TAG.match(tag.lower()) else None


def date(iso: str | None, language: str) -> str:
    """Write a date as people do; what is no date stays as it is."""
    text = iso or ""
    try:
        return str(format_date(datetime.fromisoformat(text[:10]).date(), format="long", locale=LOCALES[language])) if _DATE.match(text) else text
    except ValueError:
        return text


def moment(iso: str | None, language: str) -> str:
    """Write a moment of the journal as people do, in universal time, and say so."""
    if not iso:
        return ""
    at = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{format_date(at.date(), format='long', locale=LOCALES[language])}, {format_datetime(at, 'HH:mm', locale=LOCALES[language])} UTC"


@cache
def _made_of() -> str:
    """Return the digest of templates, words and static files."""
    written = [path.read_bytes() for folder in (TEMPLATES, languages.LOCALE) for path in sorted(folder.iterdir()) if path.is_file()]
    return hashlib.sha256(b"\0".join([*written, *static.files().values()])).hexdigest()[:16]
