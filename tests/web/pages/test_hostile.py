"""What others wrote stays text: nothing in it becomes an element, an address that runs, or the end of a data block."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from app.vocabulary import load
from app.web.pages.addresses import discreet, safe_url, without_secrets
from app.web.pages.layout import TEMPLATES, script
from app.web.pages.wording import Setting, value
from tests.web.pages.conftest import BAD, SCRIPT, Directory

pytestmark = pytest.mark.xdist_group("pages")

PATHS = (
    "/groups?q=invent%C3%A9",
    "/groups/hostile",
    "/groups/hostile/history",
    "/records/own/hostile",
    "/records/carte/smuggled",
    "/records/carte/XSS",
    "/peers",
    "/peers/carte",
    "/peers/carte/visits/1",
    "/groups?q=%3C%2Fscript%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "/groups?topic=%3Cimg%20src%3Dx%3E",
    "/peers/%3Cimg%20src%3Dx%3E",
    "/groups/x?lang=%22%3E%3Cimg%20src%3Dx%3E",
    "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Chttps%3A%2F%2Fschema.org%2Fname%3E%20%3Fo%7D",
    "/sparql?query=SELECT%20(%3Cjavascript%3Aalert(1)%3E%20AS%20%3Fx)%20%7B%7D",
    "/sparql?query=%3C%2Ftextarea%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    "/sparql?query=CONSTRUCT%20%7B%3Fs%20%3Fp%20%3Fo%7D%20%7B%3Fs%20%3Fp%20%3Fo%7D",
)
DATA_BLOCK = {"type": "application/ld+json"}
OWN_SCRIPT = re.compile(r"/static/sparql\.[0-9a-f]{12}\.js\Z")
SAFE = re.compile(r"(?:https?://[^/]|mailto:|tel:|/|\?|#)", re.IGNORECASE)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_others_wrote_becomes_markup(directory: Directory, path: str) -> None:
    """No element, no event attribute and no address comes from a name, a text, a question or a parameter."""
    page = directory.page(path)
    tags = {name for name, _ in page.elements}
    assert not tags & {"img", "iframe", "object", "embed", "style", "base", "video", "audio", "b", "i"}
    assert all(found["class"] == "map" for found in page.all("svg"))
    assert all(OWN_SCRIPT.match(attributes.get("src", "")) or attributes == DATA_BLOCK for attributes in page.all("script"))
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on") or name in ("style", "srcdoc")] == []
    assert [link for link in page.links if not SAFE.match(link)] == []


def test_every_page_keeps_to_the_same(directory: Directory) -> None:
    """The same, on one page of each kind and on every kind of problem, in both languages."""
    for language in ("fr", "en"):
        for path in [*directory.paths.values(), *(path for path, _ in directory.problems.values())]:
            page = directory.page(path, language)
            assert [link for link in page.links if not SAFE.match(link)] == [], path
            scripts = [found for found in page.all("script") if not OWN_SCRIPT.match(found.get("src", ""))]
            assert scripts in ([], [DATA_BLOCK]), path


def test_hostile_texts_can_be_read(directory: Directory) -> None:
    """They are shown as they were written, neither run nor swallowed."""
    page = directory.page("/groups/hostile")
    assert f"Groupe inventé {SCRIPT}" in page.text
    assert '" onmouseover="alert(1)' in page.text
    assert "{{ 7*7 }}" in page.text
    smuggled = directory.page("/records/carte/smuggled")
    assert BAD in smuggled.text
    assert BAD not in smuggled.links
    assert "https://tracker.example/pixel.png" in smuggled.links


def test_the_embedded_data_cannot_end_their_block(directory: Directory) -> None:
    """A group named `</script>…` is one data block whose JSON is what the API sends."""
    page = directory.page("/groups/hostile")
    assert len(page.data) == 1
    assert json.loads(page.data[0]) == directory.site.get("/groups/hostile.jsonld").json()


def test_a_browser_runs_none_of_it(directory: Directory, browser: Browser) -> None:
    """With scripts allowed: no dialog, no request elsewhere, no complaint of the policy."""
    opened = browser.new_context()
    page = opened.new_page()
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url.startswith(directory.site.url) or seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text) if "Refused" in message.text else None)
    for path in PATHS:
        page.goto(directory.site.url + path)
    assert seen == []
    opened.close()


@given(st.text())
@example("</script>")
@example("<!--<script>")
@example("\u2028\u2029&")
def test_any_text_may_be_embedded(text: str) -> None:
    """Nothing that HTML knows is left in an embedded document, and nothing is lost."""
    embedded = str(script({"name": {"fr": text}}))
    assert not set(embedded) & set("<>&\u2028\u2029")
    assert json.loads(embedded) == {"name": {"fr": text}}


@given(st.one_of(st.text(), st.from_regex(r"(?i)\s*(java|vb)script\s*:.*"), st.from_regex(r"(https?|mailto|tel|data|file):.{0,20}")))
@example("JaVaScRiPt:alert(1)")
@example("java\nscript:alert(1)")
@example("\x01javascript:alert(1)")
@example("//evil.example")
@example("https://a.example/\u0000")
@example('https://a.example/"onload="x')
@example("http:javascript:alert(1)")
def test_only_four_kinds_of_address_lead_anywhere(text: str) -> None:
    """http, https, mailto and tel, whole and without quotes or brackets; everything else leads nowhere."""
    found = safe_url(text)
    assert found is None or re.match(r"(?i)(https?://[^/?#]|mailto:.|tel:[+0-9])", found)
    assert found is None or not re.search(r'[\s<>"\\\x00-\x1f]', found)


@given(st.from_regex(r"https?://([a-z]+(:[a-z]*)?@)?[a-z]{1,8}\.example(/[a-z]*)?(\?key=[a-z]*)?(#[a-z]*)?", fullmatch=True))
def test_a_peers_address_keeps_its_secrets(url: str) -> None:
    """No user, no password, no query is shown, on its own or in a sentence."""
    assert not set(without_secrets(url)) & set("@?#")
    assert discreet(f"{url} redirige trop souvent.") == f"{without_secrets(url)} redirige trop souvent."


@pytest.mark.parametrize("key", ["url", "sameAs", "license", "memberOf", "contactPage", "logo", "topics", "email", "telephone"])
def test_no_field_makes_a_link_of_what_runs(directory: Directory, key: str) -> None:
    """Whatever the field, an address that could run is text."""
    known = load().properties("Group")[key]
    shown = value(Setting(page=None), known, BAD)  # type: ignore[arg-type]  # no page is needed for what leads nowhere
    assert shown.href is None or shown.href.startswith("mailto:")


CHECKED = re.compile(
    r"""\{\{\ (?:
        page\.(?:to|static|in_language)\(.*\)          # our own paths
        | (?:value|cell|word|shown|chip|card|one)\.href  # made by `safe_url` or `page.to` in the page's function
        | href | url | peer | iri | shown\.url | one\.peer | group\[1\] | first | following | whole | held | groups
        | licence | safe                                # set from `safe_url` in the template
        | one\.anchor | word\.anchor | field\.part       # fragments
    )\ \}\}(?:\#\{\{\ field\.scheme\ \}\})?\Z""",
    re.VERBOSE,
)


def test_templates_only_write_addresses_that_were_checked() -> None:
    """Each address in a template is our own path, or was made by `safe_url`; nothing is written unescaped."""
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text("utf-8")
        for found in re.finditer(r'(?:href|src|action)="#?(\{\{[^"]*)"', text):
            assert CHECKED.match(found[1]), (path.name, found[1])
        assert not re.search(
            r"\|\s*safe\b|autoescape false|\son[a-z]+=|\sstyle=|<img|<script(?! type=.application/ld.json| src=....page\.static)", text
        ), path.name
