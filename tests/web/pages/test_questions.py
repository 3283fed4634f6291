"""The page for SPARQL questions on a small invented directory: examples, prefixes, table, map, sources, faults, and the editor."""

import hashlib
import re
import socket
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page

from app.journal import sources
from app.web.pages import static
from app.web.pages.examples import EXAMPLES
from app.web.pages.prefixes import completed
from tests.harvest.loopback import Peer
from tests.web.conftest import Site, eventually, serving
from tests.web.pages.conftest import ELEMENTS, HTML, element, elements
from tests.web.pages.markup import Markup
from tests.web.pages.test_reading import HEAVIEST, violations

pytestmark = pytest.mark.xdist_group("questions")

PANTIN = {"streetAddress": "3 quai inventé", "postalCode": "93500", "addressLocality": "Pantin", "latitude": "48.8938", "longitude": "2.4112"}
TOITS = {"name": {"fr": "Toits partagés"}, "url": ["https://toits.example/"], "topics": ["housing"], "territories": ["DEP-93"]}
CODE = {"name": {"fr": "Code du quartier"}, "topics": ["housing"], "knowHow": ["code-webdesign"], "location": [PANTIN]}
LYON = {"name": {"fr": "Code de Lyon"}, "topics": ["housing"], "knowHow": ["code-webdesign"], "territories": ["DEP-69"]}
CHARTE = {"name": {"fr": "Charte citoyenne"}, "topics": ["culture"], "knowHow": ["coproduction-governance"], "territories": ["DEP-69"]}
CARTE = element(
    "TP",
    "Toits partagés",
    website="https://toits.example/",
    address={"streetAddress": "9 rue Inventée", "postalCode": "93100", "addressLocality": "Montreuil", "addressCountry": "FR"},
    geo={"latitude": 48.86, "longitude": 2.44},
)
"""Five records of four invented groups; two directories speak of one of them."""

DISAGREEING = {"streetAddress": "8 rue Inventée", "postalCode": "93100", "addressLocality": "Montreuil", "latitude": "48.86", "longitude": "2.44"}


@dataclass
class Town:
    """The small directory."""

    site: Site

    def ask(self, query: str, language: str = "fr", **more: str) -> Markup:
        """Ask on the page, as a browser without scripts does."""
        return Markup(self.answer(query, language, **more).text)

    def answer(self, query: str, language: str = "fr", **more: str) -> httpx.Response:
        """The same, with its headers."""
        return self.site.get(f"/sparql?{urlencode({'query': query, **more})}", Accept=HTML, Accept_Language=language)

    def rows(self, number: int) -> list[dict[str, str]]:
        """Ask an example as a program does."""
        query = urlencode({"query": completed(EXAMPLES[number].text), "format": "json"})
        answered = self.site.get(f"/sparql?{query}")
        assert answered.status_code == 200, answered.text
        found = answered.json()["results"]["bindings"]
        return [{name: value["value"].removeprefix(self.site.url) for name, value in row.items()} for row in found]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A node with its own groups and one map of a neighbour."""
    peer = Peer(socket.create_server(("127.0.0.1", 0)), {ELEMENTS: elements(CARTE)})
    peer.start()
    try:
        with serving(tmp_path_factory.mktemp("questions"), allow_private_peers=frozenset({peer.host}), sparql_max_rows=50) as site:
            site.publish("toits", **TOITS, location=[DISAGREEING])
            site.publish("code", **CODE, cooperatesWith=[f"{site.url}/groups/toits"])
            site.publish("code-lyon", **LYON)
            site.publish("charte", **CHARTE)
            with site.node.journal.write() as c:
                sources.add(c, "carte", peer.url + ELEMENTS, "gogocarto", enabled=False)
            site.node.harvester.visit("carte")
            site.node.combined.settle_pending(site.node.journal)
            found = Town(site)
            assert eventually(lambda: len(found.rows(5)) == 1)
            yield found
    finally:
        peer.stop()


def test_who_in_my_departement_works_on_housing_and_can_code(town: Town) -> None:
    """By territory or by postal code; neither the one who cannot code nor the one who is elsewhere."""
    assert town.rows(0) == [{"groupe": "/groups/code", "nom": "Code du quartier"}]


def test_which_groups_two_directories_disagree_about(town: Town) -> None:
    """The values that differ, with the record that says each; what both say is not told."""
    found = town.rows(1)
    assert {row["groupe"] for row in found} == {"/groups/toits"}
    assert {row["champ"] for row in found} == {"https://schema.org/streetAddress"}
    assert {(row["fiche1"], row["valeur1"], row["fiche2"], row["valeur2"]) for row in found} == {
        ("/records/carte/TP", "9 rue Inventée", "/records/own/toits", "8 rue Inventée")
    }


def test_where_nobody_offers_governance_know_how(town: Town) -> None:
    """Every place where a group is or acts, but the one where somebody has that know-how."""
    assert {row["lieu"] for row in town.rows(2)} == {"DEP-93", "Pantin", "Montreuil"}


def test_the_other_examples_answer_what_they_say(town: Town) -> None:
    """Places, topics, groups of several directories, cooperation, records of one group."""
    assert {(row["groupe"], row.get("latitude")) for row in town.rows(3)} == {
        ("/groups/toits", "48.86"),
        ("/groups/code", "48.8938"),
        ("/groups/code-lyon", None),
    }
    concept = "https://w3id.org/maillage/concept/"
    assert town.rows(4) == [{"theme": f"{concept}housing", "nombre": "3"}, {"theme": f"{concept}culture", "nombre": "1"}]
    assert town.rows(5) == [{"groupe": "/groups/toits", "nom": "Toits partagés", "fiches": "2"}]
    assert {"nom": "Code du quartier", "partenaire": "Toits partagés"} in town.rows(6)
    assert {row["fiche"] for row in town.rows(7) if row["groupe"] == "/groups/toits"} == {"/records/carte/TP", "/records/own/toits"}


def test_every_example_is_a_page(town: Town) -> None:
    """Each link of the form leads to an answer, in both languages; the titles are questions of people."""
    for language in ("fr", "en"):
        first = Markup(town.site.get("/sparql", Accept=HTML, Accept_Language=language).text)
        links = [link for link in first.links if link.startswith("/sparql?query=")]
        assert len(links) == len(EXAMPLES)
        for link in links:
            answered = town.site.get(link, Accept=HTML, Accept_Language=language)
            assert answered.status_code == 200
            assert len(answered.content) < 4 * HEAVIEST
    assert "Où personne ne propose-t-il de savoir-faire en gouvernance ?" in Markup(town.site.get("/sparql", Accept=HTML).text).text


def test_the_page_declares_known_prefixes_and_shows_them(town: Town) -> None:
    """What was not declared is in the text that the reader sees; declared ones stay as they are; programs declare their own."""
    query = "SELECT ?nom { ?g a mlg:Group ; schema:name ?nom }"
    page = town.answer(query)
    assert page.status_code == 200
    assert "PREFIX mlg: &lt;https://w3id.org/maillage/ns#&gt;\nPREFIX schema: " in page.text
    assert "4 lignes" in Markup(page.text).text
    assert town.site.get(f"/sparql?{urlencode({'query': query, 'format': 'json'})}").status_code == 400
    own = "prefix schema: <https://elsewhere.example/>\nASK { ?s schema:name ?o }"
    assert completed(own) == own
    assert "Non." in town.ask(own).text


@pytest.mark.parametrize(
    ("query", "added"),
    [
        ("ASK { ?s geo:x ?o }", ["geo"]),
        ("ASK { <mlg:a> <https://x.example/y> 'a' }", ["mlg"]),
        ("PREFIX\nmlg: <a:b> ASK { ?s mlg:x skos:y }", ["skos"]),
        ("ASK { ?s my:x ?o }", []),
        ("", []),
    ],
)
def test_only_missing_prefixes_are_added(query: str, added: list[str]) -> None:
    """A line for each known one, before the text, which stays as it was."""
    text = completed(query)
    assert text.endswith(query)
    assert re.findall(r"PREFIX (\w+): ", text.removesuffix(query)) == added


def test_a_fault_is_told_with_its_line_and_marked(town: Town) -> None:
    """Line and column are those of the text that the reader sees, prefixes included."""
    page = town.answer("SELECT ?nom WHERE {\n  ?g a mlg:Group ;; schema:name ?nom .\n  FILTER(?nom == 2)\n}")
    assert page.status_code == 400
    markup = Markup(page.text)
    assert re.search(r"ligne 5, colonne \d+", markup.text)
    assert markup.all("ol") == [{"class": "spots", "start": "3"}]
    assert '<li class="here"><code>  FILTER(?nom =<mark>=</mark> 2)</code></li>' in page.text
    shown = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.DOTALL)
    assert shown is not None
    assert shown[1].split("\n")[4] == "  FILTER(?nom == 2)"
    cut = town.answer("SELECT * {")
    assert cut.status_code == 400
    assert "<mark>\u00a0</mark>" in cut.text


def test_an_answer_is_counted_and_had_in_every_form(town: Town) -> None:
    """A table, its count, and links that give the same answer as data."""
    page = town.ask("SELECT ?nom { ?g a mlg:Group ; schema:name ?nom } ORDER BY ?nom")
    assert "4 lignes" in page.text
    links = {link.rpartition("=")[2]: link for link in page.links if "format=" in link}
    assert list(links) == ["csv", "json", "xml", "tsv"]
    assert town.site.get(links["csv"]).text.splitlines()[1:] == ["Charte citoyenne", "Code de Lyon", "Code du quartier", "Toits partagés"]
    assert all(town.site.get(link).status_code == 200 for link in links.values())
    graph = town.ask("CONSTRUCT { ?g a ?t } { ?g a mlg:Group, ?t }")
    forms = [link for link in graph.links if "format=" in link]
    assert [link.rpartition("=")[2] for link in forms] == ["ttl", "nt", "jsonld", "rdf"]
    assert all(town.site.get(link).status_code == 200 for link in forms)


def test_a_cut_answer_says_so_before_anything_else(town: Town) -> None:
    """Fifty rows are this node's limit: the sentence stands above the count."""
    for language, sentence in (("fr", "Cette réponse n’est pas complète."), ("en", "This answer is not complete.")):
        text = town.ask("SELECT * { ?s ?p ?o }", language).text
        assert sentence in text
        assert text.index(sentence) < text.index("50 l" if language == "fr" else "50 r")
    assert "pas complète" not in town.ask("SELECT * { ?s ?p ?o } LIMIT 50").text


def test_nothing_found_is_told_as_such(town: Town) -> None:
    """No rows: a sentence, not an empty table."""
    page = town.ask("SELECT * { ?s mlg:nothing ?o }")
    assert "0 ligne" in page.text
    assert page.all("table") == []
    assert "Essayez avec une condition de moins." in page.text


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?lat ?lon { VALUES (?lat ?lon) { (48.9 2.3) (45.7 4.8) (UNDEF 2.0) (99.0 2.0) ('x' 1.0) } }",
        "SELECT ?Latitude1 ?Longitude1 { VALUES (?Latitude1 ?Longitude1) { ('48.9' '2.3') ('45.7' '4.8') } }",
        "SELECT ?lieu { VALUES ?lieu { 'POINT(2.3 48.9)'^^geo:wktLiteral 'Point (4.8 45.7)' 'POINT(1 2 3)' } }",
    ],
)
def test_coordinates_are_drawn(town: Town, query: str) -> None:
    """Two columns or one in WKT: a dot each, the northern one above; what is no place on earth is left out."""
    page = town.ask(query)
    assert page.all("svg")[0]["aria-label"] == "Carte\u00a0: 2 lieux"
    dots = [re.findall(r"[\d.]+", dot["d"]) for dot in page.all("path", **{"class": "dots"})]
    (x1, y1, _), (x2, y2, _) = [[float(number) for number in dot] for dot in dots]
    assert (x1 < x2, y1 < y2) == (True, True)
    assert page.all("details") == []


def test_groups_with_a_place_are_drawn_too(town: Town) -> None:
    """The answer has no coordinates, its groups have: the map waits to be opened. Neither is there for anything else."""
    page = town.ask("SELECT ?g ?nom { ?g a mlg:Group ; schema:name ?nom }")
    assert len(page.all("details")) == 1
    assert page.all("svg")[0]["aria-label"] == "Carte\u00a0: 2 lieux"
    assert town.ask("SELECT ?nom { ?g schema:name ?nom }").all("svg") == []


def test_many_places_stay_light(town: Town) -> None:
    """Dots of many places are one element."""
    values = " ".join(f"({45 + number / 20} {number / 10})" for number in range(50))
    page = town.ask(f"SELECT * {{ VALUES (?lat ?lon) {{ {values} }} }}")
    assert len(page.all("path", **{"class": "dots"})) == 1
    assert page.all("svg")[0]["aria-label"] == "Carte\u00a0: 50 lieux"


def test_an_answer_lists_its_sources(town: Town) -> None:
    """The directories behind the groups, records and addresses that it names, with licence and last visit; asked for by a link."""
    query = "SELECT ?g { ?g a mlg:Group ; schema:name 'Toits partagés'@fr }"
    link = next(link for link in town.ask(query).links if "sources=1" in link)
    page = Markup(town.site.get(link, Accept=HTML, Accept_Language="fr").text)
    listed = page.text.split("Sources de cette réponse")[1].split("Exemples")[0]
    assert re.search(r"carte : 1 fiche ODbL 1\.0 · lu le \d+ \w+ \d{4}", listed)
    assert re.search(r"cet annuaire : 1 fiche .*· tenu ici", listed)
    alone = town.ask(f"SELECT (<{town.site.url}/records/carte/TP> AS ?fiche) {{}}", sources="1").text
    assert "carte : 1 fiche" in alone
    assert "cet annuaire :" not in alone
    graph = town.ask("CONSTRUCT { ?g a mlg:Group } { ?g schema:knowsAbout mc:coproduction-governance }", sources="1").text
    assert "cet annuaire : 1 fiche" in graph
    assert "ne nomme ni groupe ni fiche" in town.ask("SELECT (COUNT(*) AS ?n) { ?g a mlg:Group }", sources="1").text


def test_a_source_kept_apart_is_not_told(town: Town) -> None:
    """Quarantine hides a directory here as elsewhere."""
    query = f"SELECT (<{town.site.url}/records/carte/TP> AS ?fiche) {{}}"
    with town.site.node.journal.write() as c:
        sources.update(c, "carte", trust="quarantine")
    try:
        assert "carte : 1 fiche" not in town.ask(query, sources="1").text
    finally:
        with town.site.node.journal.write() as c:
            sources.update(c, "carte", trust="auto")


def test_the_editor_is_what_its_package_holds() -> None:
    """The vendored files are those that are noted, and their licences stand beside them."""
    for noted in tomllib.loads((static.FOLDER / "vendor.toml").read_text("utf-8")).values():
        assert "Permission is hereby granted" in (static.FOLDER / noted["texts"]).read_text("utf-8")
        for name, file in noted["files"].items():
            assert hashlib.sha256((static.FOLDER / name).read_bytes()).hexdigest() == file["sha256"], name


@pytest.fixture(params=[360, 1280])
def page(browser: Browser, request: pytest.FixtureRequest, town: Town) -> Iterator[Page]:
    """A visitor with scripts; nothing leaves the node, nothing is complained of."""
    opened = browser.new_context(viewport={"width": request.param, "height": 800}, locale="fr")
    one = opened.new_page()
    seen: list[str] = []
    one.on("request", lambda sent: sent.url.startswith(town.site.url) or seen.append(sent.url))
    one.on("console", lambda message: seen.append(message.text) if "status of 400" not in message.text else None)
    one.on("pageerror", lambda error: seen.append(str(error)))
    yield one
    assert seen == []
    opened.close()


def test_the_editor_comes_on_a_click_and_the_form_goes_on(town: Town, page: Page) -> None:
    """Not a byte of it before; then one types in it and sends the same form; by the keyboard too. axe finds nothing."""
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(f"{town.site.url}/sparql")
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "yasqe" in url]
    page.get_by_role("button", name="Éditeur avancé").click()
    page.locator(".CodeMirror").wait_for()
    assert len([url for url in asked if "yasqe" in url]) == 2
    assert violations(page) == []
    page.keyboard.press("Control+A")
    page.keyboard.type("SELECT ?nom { ?g a mlg:Group ; schema:name ?nom }")
    page.get_by_role("button", name="Demander").click()
    page.get_by_text("4 lignes").wait_for()
    page.get_by_role("button", name="Éditeur avancé").click()
    page.locator(".CodeMirror").wait_for()
    page.keyboard.press("Control+End")
    page.keyboard.type(" LIMIT 2")
    page.keyboard.press("Control+Enter")
    page.get_by_text("2 lignes").wait_for()
    page.get_by_role("button", name="Éditeur avancé").click()
    page.locator(".CodeMirror").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Demander"


def test_axe_finds_nothing_on_answers_and_faults(town: Town, page: Page) -> None:
    """Table, map, sources, graph, cut answer, fault; nothing is wider than the screen."""
    asked = {
        EXAMPLES[1].text: "",
        EXAMPLES[3].text: "1",
        EXAMPLES[5].text: "1",
        EXAMPLES[8].text: "",
        "SELECT * { ?s ?p ?o }": "",
        "SELECT *\n{": "",
    }
    for query, wanted in asked.items():
        page.goto(f"{town.site.url}/sparql?{urlencode({'query': query} | ({'sources': wanted} if wanted else {}))}")
        for folded in page.locator("details").all():
            folded.click()
        assert violations(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), query
