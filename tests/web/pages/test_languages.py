"""French first, English whole: every word of the pages exists in both."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.web.pages.languages import LOCALE, translations
from app.web.pages.layout import TEMPLATES, date, moment
from tests.web.pages.conftest import Directory

pytestmark = pytest.mark.xdist_group("pages")


def extracted() -> set[str | tuple[str, ...]]:
    """Return every message of the templates."""
    found = extract_from_dir(TEMPLATES, method_map=[("**.html", "jinja2.ext:babel_extract")])
    return {message for _, _, message, _, _ in found}


def english() -> Catalog:
    """Return the English catalogue."""
    with (LOCALE / "en.po").open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def test_every_message_has_its_english() -> None:
    """What the templates say and what the catalogue knows are the same; none is empty, none is a guess."""
    known = {message.id: message for message in english() if message.id}
    assert {key if isinstance(key, str) else tuple(key) for key in known} == extracted()
    for message in known.values():
        assert not message.fuzzy, message.id
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts), message.id
        assert len(texts) == (2 if isinstance(message.id, tuple) else 1)
        wanted = set(re.findall(r"%\(\w+\)s", message.id[1] if isinstance(message.id, tuple) else message.id))
        assert set(re.findall(r"%\(\w+\)s", texts[-1])) == wanted, message.id
    assert not list(english().check())


NAMES = {"lang", "https", "w3id", "maillage", "org", "concept", "Accept", "text", "turtle", "openapi", "json"}
"""What is written the same in every language."""


def test_templates_hold_no_words_of_their_own() -> None:
    """Outside of messages there is markup, punctuation and names of formats only."""
    for path in TEMPLATES.glob("*.html"):
        bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", " ", path.read_text("utf-8"), flags=re.DOTALL)
        assert set(re.findall(r"[A-Za-zÀ-ÿ]{3,}", bare)) <= NAMES, path.name


def test_french_and_english_count_in_their_own_way() -> None:
    """None is singular in French and plural in English."""
    for language, expected in (("fr", ["0 groupe", "1 groupe", "2 groupes"]), ("en", ["0 groups", "1 group", "2 groups"])):
        words = translations(language)
        assert [words.ngettext("%(num)s groupe", "%(num)s groupes", n) % {"num": n} for n in range(3)] == expected


def test_dates_are_written_as_people_write_them() -> None:
    """Long dates in each language; a moment says its zone; what is no date stays as it is."""
    at = "2026-11-02T21:05:09.123Z"
    assert (date(at, "fr"), date(at, "en")) == ("2 novembre 2026", "2 November 2026")
    assert (moment(at, "fr"), moment(at, "en")) == ("2 novembre 2026, 21:05 UTC", "2 November 2026, 21:05 UTC")
    assert [date(text, "fr") for text in ("2012", "2012-13-45", "<i>", None)] == ["2012", "2012-13-45", "<i>", ""]


@pytest.mark.parametrize("path", ["/", "/groups?q=atelier&topic=housing", "/groups/atelier", "/peers/carte", "/vocab", "/sparql", "/docs"])
def test_each_page_names_its_other_language(directory: Directory, path: str) -> None:
    """Hreflang leads to the same page in each language, and back."""
    for language in ("fr", "en"):
        page = directory.page(path, language)
        assert page.all("html") == [{"lang": language}]
        pair = {link["hreflang"]: link["href"] for link in page.all("link", rel="alternate") if "hreflang" in link}
        assert set(pair) == {"fr", "en"}
        for other, query in pair.items():
            assert directory.page(path.partition("?")[0] + query, "de").all("html") == [{"lang": other}]
            assert path.partition("?")[2] in query


def test_the_address_then_the_cookie_then_the_browser_choose(directory: Directory) -> None:
    """And what the address chose is kept in a cookie that no other site gets."""
    site = directory.site
    answered = site.get("/groups?lang=en", Accept="text/html", Accept_Language="fr", Cookie="lang=fr")
    assert answered.headers["content-language"] == "en"
    assert answered.headers["set-cookie"] == "lang=en; Path=/; Max-Age=31536000; SameSite=Lax"
    assert site.get("/groups", Accept="text/html", Accept_Language="fr", Cookie="lang=en").headers["content-language"] == "en"
    plain = site.get("/groups?lang=xx", Accept="text/html", Accept_Language="en;q=0.2, fr;q=0.1")
    assert plain.headers["content-language"] == "en"
    assert "set-cookie" not in plain.headers


def test_the_language_of_a_text_is_told(directory: Directory) -> None:
    """A text in another language than the page's carries its own."""
    page = directory.page("/groups/partner", "en")
    assert any(found.get("lang") == "fr" for name, found in page.elements if name == "span")
    assert directory.page("/groups/partner").all("span", lang="fr") == []
