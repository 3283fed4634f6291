"""Every page in a real browser: legible, light, accessible, quiet; and all of it works without scripts."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.web.pages.conftest import Directory

pytestmark = pytest.mark.xdist_group("pages")

AXE = Path(__file__).parents[3] / ".venv" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

KINDS = (
    *("home", "list", "chosen", "nothing", "group", "hostile", "smuggled", "history", "record", "peers", "peer", "own", "visit", "held"),
    *("vocabulary", "shapes", "feed shapes", "sparql", "table", "yes", "graph", "docs"),
)
PROBLEMS = ("no group", "no page", "bad choice", "no source", "bad query")

HEAVIEST = 15_000
"""Bytes of a page as they travel, compressed."""

MOST_REQUESTS = 4
MOST_ELEMENTS = 800
WITHOUT_BOUND = {"docs"}
"""Pages that are reference lists: as long as what they list."""


def context(browser: Browser, width: int, language: str, *, scripts: bool = True) -> BrowserContext:
    """A visitor."""
    return browser.new_context(viewport={"width": width, "height": 844}, locale=language, java_script_enabled=scripts)


@pytest.fixture(scope="module", params=[("fr", 1280), ("fr", 390), ("en", 1280), ("en", 390)], ids=lambda found: f"{found[0]}-{found[1]}")
def visitor(browser: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[BrowserContext, str]]:
    """A visitor with a language and a screen."""
    language, width = request.param
    opened = context(browser, width, language)
    yield opened, language
    opened.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with a page."""
    assert AXE.exists(), "axe-core is not installed: ./deploy/test does it"
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_legible_accessible_and_asks_nobody_else(directory: Directory, visitor: tuple[BrowserContext, str], kind: str) -> None:
    """In both languages, on a phone and on a desk: one heading, nothing too heavy or too wide or from elsewhere, axe finds nothing."""
    opened, language = visitor
    page = opened.new_page()
    complaints: list[str] = []
    answers: list[Response] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda one: answers.append(one))  # noqa: PLW0108 - playwright takes functions only
    answered = page.goto(directory.site.url + directory.paths[kind])
    assert answered is not None
    assert answered.status == 200
    assert "script-src 'self'" in answered.headers["content-security-policy"]
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert page.title().endswith("– Annuaire d'essai (groupes inventés)")
    assert complaints == []
    assert [one.url for one in answers if not one.url.startswith(directory.site.url)] == []
    assert len(answers) <= MOST_REQUESTS
    assert answered.headers["content-encoding"] == "gzip"
    assert kind in WITHOUT_BOUND or answered.request.sizes()["responseBodySize"] <= HEAVIEST
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert kind in WITHOUT_BOUND or page.locator("*").count() <= MOST_ELEMENTS
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_problem_is_a_page_too(directory: Directory, visitor: tuple[BrowserContext, str], kind: str) -> None:
    """The sentence that programs get, in the reader's language, with a way on."""
    opened, language = visitor
    path, status = directory.problems[kind]
    page = opened.new_page()
    answered = page.goto(directory.site.url + path)
    assert answered is not None
    assert answered.status == status
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    told = directory.site.get(path, Accept="application/json", Accept_Language=language).json()["detail"]
    assert told in page.locator("main").inner_text()
    assert page.locator("form").count() == 1
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_narrowest_phone_shows_all_of_it(directory: Directory, browser: Browser, kind: str) -> None:
    """Nothing sticks out at 320 pixels, and without scripts."""
    opened = context(browser, 320, "fr", scripts=False)
    page = opened.new_page()
    page.goto(directory.site.url + directory.paths[kind])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.close()


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    """Somebody with an old phone and no scripts."""
    opened = context(browser, 390, "fr", scripts=False)
    yield opened.new_page()
    opened.close()


def test_a_list_is_searched_narrowed_and_paged_without_scripts(directory: Directory, reader: Page) -> None:
    """Search, choose, take a choice away, go on, come back: plain links and one form."""
    reader.goto(f"{directory.site.url}/")
    reader.get_by_label("Un nom, une ville, un mot").fill("potagers")
    reader.get_by_role("button", name="Chercher").click()
    assert reader.locator("#found").inner_text() == "30 groupes"
    first = reader.locator(".cards h3").all_inner_texts()
    assert len(first) == 24
    reader.get_by_role("link", name="Groupes suivants").click()
    assert len(reader.locator(".cards h3").all_inner_texts()) == 6
    assert not set(first) & set(reader.locator(".cards h3").all_inner_texts())
    reader.go_back()
    assert reader.locator(".cards h3").all_inner_texts() == first
    reader.get_by_text("Choisir par thème").click()
    reader.get_by_label("Environnement").check()
    reader.get_by_role("button", name="Montrer ces groupes").click()
    assert "topic=environment" in reader.url
    assert "q=potagers" in reader.url
    reader.get_by_role("link", name=re.compile("Retirer.*potagers")).click()
    assert "q=" not in reader.url
    assert reader.locator("#found").inner_text() == "30 groupes"
    reader.get_by_role("link", name="Tout effacer").click()
    assert reader.url == f"{directory.site.url}/groups"


def test_what_is_asked_for_is_carried_along(directory: Directory, reader: Page) -> None:
    """A box and a date, which have no field, stay when one searches on."""
    reader.goto(f"{directory.site.url}/groups?bbox=2,48,3,49&updated_since=2020-01-01")
    reader.get_by_role("button", name="Chercher").click()
    assert "bbox=2%2C48%2C3%2C49" in reader.url
    assert "updated_since=2020-01-01" in reader.url


def test_from_a_group_to_its_source_and_the_report(directory: Directory, reader: Page) -> None:
    """Every value leads to who says it: the record, the source, the reading."""
    reader.goto(f"{directory.site.url}/groups")
    reader.get_by_label("Un nom, une ville, un mot").fill("quatre chemins")
    reader.get_by_role("button", name="Chercher").click()
    reader.get_by_role("link", name="Atelier des Quatre Chemins").click()
    assert reader.url == f"{directory.site.url}/groups/atelier"
    item = reader.locator(".sources li", has=reader.get_by_role("link", name="carte", exact=True))
    item.get_by_role("link", name="lire sa fiche").click()
    assert reader.url == f"{directory.site.url}/records/carte/A4C"
    reader.get_by_role("link", name="carte", exact=True).click()
    assert reader.url == f"{directory.site.url}/peers/carte"
    reader.locator(".visits a").last.click()
    assert "Cette fiche n'a pas de nom." in reader.locator("main").inner_text()
    reader.locator("main").get_by_role("link", name=re.compile("Refusées")).click()
    assert reader.locator(".lines li").count() == 1


def test_a_question_is_answered_on_the_page(directory: Directory, reader: Page) -> None:
    """An example, a table, a fault told beside the question that is kept as it was."""
    reader.goto(f"{directory.site.url}/sparql")
    reader.get_by_role("link", name="Les groupes qui travaillent sur le logement").click()
    assert "Atelier des Quatre Chemins" in reader.locator("table").inner_text()
    reader.get_by_label("Votre question").fill("SELECT * { ceci n'est pas <du> SPARQL")
    reader.get_by_role("button", name="Demander").click()
    assert "Requête SPARQL incorrecte" in reader.locator("[role=alert]").inner_text()
    assert reader.get_by_label("Votre question").input_value() == "SELECT * { ceci n'est pas <du> SPARQL"


def test_the_language_chosen_stays(directory: Directory, reader: Page) -> None:
    """One link changes the language, and it is kept from page to page."""
    reader.goto(f"{directory.site.url}/groups/atelier")
    reader.get_by_role("link", name="English").click()
    assert reader.locator("h1").inner_text() == "Four Ways Workshop"
    reader.get_by_role("navigation", name="Main menu").get_by_role("link", name="Sources").click()
    reader.get_by_role("navigation", name="Main menu").get_by_role("link", name="Groups").click()
    assert reader.locator("html").get_attribute("lang") == "en"
    assert reader.url == f"{directory.site.url}/groups"


def test_the_keyboard_reaches_the_content_first(directory: Directory, reader: Page) -> None:
    """The first stop is the way past the menu, and it can be seen."""
    reader.goto(f"{directory.site.url}/groups")
    reader.keyboard.press("Tab")
    skip = reader.locator(".skip")
    assert skip.evaluate("link => link === document.activeElement && link.getBoundingClientRect().width > 50")
    reader.keyboard.press("Enter")
    assert reader.evaluate("document.activeElement.id") == "contenu"


def test_a_page_that_the_browser_kept_is_the_same_page(directory: Directory, browser: Browser) -> None:
    """Asked for again and unchanged, a page keeps its policy and its style."""
    opened = context(browser, 390, "fr")
    page = opened.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for _ in range(3):
        page.goto(f"{directory.site.url}/groups/atelier")
        assert page.locator("header").evaluate("header => getComputedStyle(header).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert complaints == []
    opened.close()
