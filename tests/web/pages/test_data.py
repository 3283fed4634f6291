"""Pages say what the API says: the same groups, counts, values, sources and reports."""

import io
import json
import tarfile
from typing import Any

import pytest

from app.errors import Text
from app.journal import visits
from app.web.group_reading import read
from app.web.pages.sources import ONE_LINE
from tests.web.pages.conftest import ATELIER, Directory
from tests.web.pages.markup import Markup

pytestmark = pytest.mark.xdist_group("pages")


def cards(page: Markup) -> list[str]:
    """Return the addresses of the groups of a list, in order."""
    return [link["href"] for link in page.all("a") if link.get("href", "").startswith("/groups/") and "dir" in link]


QUERIES = ("", "?q=inventé", "?topic=housing&topic=culture", "?source=carte&q=épicerie", "?bbox=2.3,48.8,2.4,48.95", "?limit=5")


@pytest.mark.parametrize("query", QUERIES)
def test_a_list_is_the_list_of_the_api(directory: Directory, query: str) -> None:
    """The same groups in the same order, the same total, the same facet counts, the same next page."""
    page, found = directory.page(f"/groups{query}"), directory.site.get(f"/groups{query}").json()
    assert [directory.site.url + path for path in cards(page)] == [group["id"] for group in found["orderedItems"]]
    total = found["totalItems"]
    assert f"{total} groupe{'s' if total > 1 else ''}" in page.text
    offered = [(box["name"], box["value"]) for box in page.all("input", type="checkbox")]
    counted = {(facet, one["value"]): one["count"] for facet, values in found["facets"].items() for one in values}
    assert set(offered) <= set(counted)
    missing = {choice for choice, count in counted.items() if count and choice not in offered}
    assert {facet for facet, _ in missing} <= {"territory", "source"}
    following = [link["href"] for link in page.all("a", rel="next")]
    assert [directory.site.url + path for path in following] == ([found["next"]] if "next" in found else [])


def test_each_count_is_what_choosing_gives(directory: Directory) -> None:
    """The number beside a choice is the length of the list behind it; a choice that leaves nothing stays visible, greyed."""
    page = directory.page("/groups?q=inventé")
    facets = directory.site.get("/groups?q=inventé").json()["facets"]
    for choice in facets["topic"]:
        assert directory.site.get(f"/groups?q=inventé&topic={choice['value']}").json()["totalItems"] == choice["count"]
    empty = [choice for choice in facets["topic"] if not choice["count"]]
    assert empty
    assert all(choice["label"]["fr"] in page.text for choice in empty)
    assert len(page.all("label", **{"class": "zero"})) >= len(empty)


def test_the_home_page_counts_as_the_api_does(directory: Directory) -> None:
    """Three ways in, each with its counts; every source that may be known of."""
    page, found = directory.page("/"), directory.site.get("/groups?limit=1").json()
    assert f"Voir les {found['totalItems']} groupes" in page.text
    for facet in ("objective", "know_how", "topic"):
        for choice in found["facets"][facet]:
            assert f"{choice['label']['fr']} {choice['count']}" in page.text
    assert "cachee" not in page.text


def leaves(value: Any) -> list[str]:
    """Return every text within a value."""
    if isinstance(value, dict):
        return [leaf for key, one in value.items() if key not in ("id", "type") for leaf in leaves(one)]
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [str(value)]


def test_every_value_of_a_group_is_shown(directory: Directory) -> None:
    """Nothing that the document holds is left out: words as they are, concepts by name, dates written out, partners by their names."""
    page = directory.page("/groups/atelier")
    shown = page.text + " " + " ".join(page.links)
    plain = ("alternateName", "description", "url", "email", "telephone", "siren", "keywords", "location", "sameAs")
    for key in plain:
        for leaf in leaves(ATELIER.get(key)):
            assert " ".join(leaf.split()) in shown, (key, leaf)
    named = ("Urbanisme", "Logement", "Rendre visible", "Code et webdesign", "Quartier", "commune 93001", "Participe", "CC BY 4.0")
    written = ("31 janvier 2026", "2012", "Réseau inventé partenaire", "Permanences communes", "Guide inventé")
    assert [word for word in (*named, *written) if word not in page.text] == []
    assert "/groups/partner" in page.links


def test_every_value_says_who_says_it_and_every_lost_one_is_shown(directory: Directory) -> None:
    """For each value of the journal's account: its sources stand beside it, what other sources say stands below, with theirs."""
    with directory.site.node.journal.read() as c:
        group = read(c, "atelier")
    assert not isinstance(group, str)
    page = directory.page("/groups/atelier")
    lost = [other for origins in group.origins.values() for origin in origins for other in origin.get("lost", ())]
    assert lost
    assert {source for other in lost for source in other["from"]} == {"carte/A4C"}
    for other in lost:
        for leaf in leaves(other["value"]):
            assert leaf in page.text or leaf[:4] in page.text, leaf
    names = {f"{said.source}/{said.key}": f"#fiche-{number}" for number, said in enumerate(group.statements, start=1)}
    voices = sum(len(origin["from"]) for origins in group.origins.values() for origin in origins)
    marks = [link for link in page.links if link in names.values()]
    assert len(marks) >= len(lost)
    assert voices / 2 <= len(marks)
    assert {f"#{found['id']}" for found in page.all("li") if "id" in found} == set(names.values())


def test_the_page_carries_the_document(directory: Directory) -> None:
    """The embedded data are the JSON-LD of the API; links lead to every other format."""
    page = directory.page("/groups/atelier")
    assert json.loads(page.data[0]) == directory.site.get("/groups/atelier.jsonld").json()
    for suffix in (".jsonld", ".ttl", ".nt", ".trig"):
        assert f"/groups/atelier{suffix}" in page.links
    assert page.all("link", rel="canonical") == [{"rel": "canonical", "href": f"{directory.site.url}/groups/atelier"}]


def test_each_source_has_its_date_and_its_licence(directory: Directory) -> None:
    """The records that a group is made of, each one click away."""
    page = directory.page("/groups/atelier")
    assert "ODbL 1.0" in page.text
    assert "Licence Ouverte (Etalab)" in page.text
    assert {"/records/own/atelier", "/records/carte/A4C", "/peers/own", "/peers/carte", "/groups/atelier/history"} <= set(page.links)
    record = directory.page("/records/carte/A4C")
    assert "Atelier des 4 Chemins" in record.text
    assert "12, r. du Moutier" in record.text
    assert "/groups/atelier" in record.links


def test_the_history_tells_what_changed(directory: Directory) -> None:
    """Each statement with its date; a revision with what was before and after; who made it only for those who signed in."""
    page = directory.page("/groups/atelier/history")
    assert "Fiche créée" in page.text
    assert "Fiche modifiée" in page.text
    assert "Mots-clés : jardin → jardin partagé" in page.text
    assert "test editor" not in page.text
    signed_in = directory.page("/groups/atelier/history", Authorization=f"Bearer {directory.site.token['reader']}")
    assert "test editor" in signed_in.text


def test_a_report_is_that_of_the_api(directory: Directory) -> None:
    """Every line of a visit with its sentence, every count; a page of one outcome holds those alone."""
    told = directory.site.get("/api/visits/1", Authorization=f"Bearer {directory.site.token['reader']}").json()
    page = directory.page("/peers/carte/visits/1")
    for item in told["items"]:
        assert item["key"] in page.text or item["key"] == "*"
        assert not item["message"] or " ".join(item["message"].split()) in page.text
    refused = directory.page("/peers/carte/visits/1?outcome=refused")
    keys = [item["key"] for item in told["items"] if item["outcome"] == "refused"]
    assert keys == ["BAD"]
    assert "Cette fiche n'a pas de nom." in refused.text
    assert "A4C" not in refused.text
    assert set(ONE_LINE) == set(told["counts"])


def test_a_visit_that_waits_says_so(directory: Directory) -> None:
    """What was held changed nothing: the peer's page, the report and the list of sources say it in words."""
    wait = "En attente d'une décision"
    peer, report = directory.page("/peers/carte"), directory.page(f"/peers/carte/visits/{directory.held}")
    assert wait in peer.text
    assert "une personne doit décider" in peer.text
    assert f"/peers/carte/visits/{directory.held}" in peer.links
    assert "Rien de ce qui suit n’est encore pris en compte" in report.text
    with directory.site.node.journal.read() as c:
        message = visits.get(c, directory.held).message
    assert isinstance(message, Text)
    assert message.fr in report.text
    assert wait in directory.page("/peers").text


def test_what_is_kept_apart_is_nobodys_business(directory: Directory) -> None:
    """A source in quarantine is on no page; its address keeps its secrets."""
    for path in ("/peers", "/", "/groups"):
        assert "cachee" not in directory.page(path).text
    assert directory.site.get("/peers/cachee", Accept="text/html").status_code == 404
    assert directory.site.get("/peers/carte/visits/9999", Accept="text/html").status_code == 404
    assert directory.site.get("/peers/own/visits/1", Accept="text/html").status_code == 404


def test_the_vocabulary_has_an_anchor_for_every_word(directory: Directory) -> None:
    """Each class, property and concept, in both languages, under its own fragment."""
    site = directory.site
    described = {node["@id"] for node in site.get("/vocab.jsonld").json()["@graph"]}
    anchors = {found["id"] for _, found in directory.page("/vocab").elements if "id" in found}
    for iri in described:
        name = iri.rpartition("#")[2] if "#" in iri else iri.rpartition("/")[2]
        assert {name, f"concept-{name}"} & anchors, iri
    assert len([found for _, found in directory.page("/vocab").elements if "id" in found]) == len(anchors)


def test_the_shapes_name_every_field(directory: Directory) -> None:
    """Each key of the context's groups, with what to do, in the reader's language."""
    page = directory.page("/shapes/group.ttl", "en")
    assert "Give a name, one per language" in page.text
    assert all(f"{key} " in page.text for key in ("name", "alternateName", "location", "latitude", "partner", "participations"))


def test_programs_still_get_data(directory: Directory) -> None:
    """Without a preference for pages, an address answers with data."""
    for path in ("/", "/groups", "/groups/atelier", "/records/own/atelier", "/vocab", "/shapes/group.ttl", "/sparql"):
        for accept in ("*/*", "", "application/ld+json, text/turtle;q=0.9, */*;q=0.1"):
            assert "html" not in directory.site.get(path, Accept=accept).headers["content-type"], (path, accept)
        assert "html" in directory.site.get(path, Accept="text/html").headers["content-type"]
    assert directory.site.get("/nothing", Accept="*/*").headers["content-type"] == "application/problem+json"


def test_a_page_is_asked_for_again_when_anything_changed(directory: Directory) -> None:
    """Pages have validators of their own, in each language."""
    first = directory.site.get("/groups/atelier", Accept="text/html", Accept_Language="fr")
    again = directory.site.get("/groups/atelier", Accept="text/html", Accept_Language="fr", If_None_Match=first.headers["etag"])
    other = directory.site.get("/groups/atelier", Accept="text/html", Accept_Language="en", If_None_Match=first.headers["etag"])
    assert (again.status_code, other.status_code) == (304, 200)
    assert "last-modified" not in first.headers
    assert {"Accept-Language", "Cookie"} <= {part.strip() for part in first.headers["vary"].split(",")}


def test_what_a_page_needs_is_kept_for_long(directory: Directory) -> None:
    """The style sheet is named by its content; an old name gives what there is now."""
    sheet = directory.page("/").all("link", rel="stylesheet")[0]["href"]
    answered = directory.site.get(sheet)
    assert answered.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answered.headers["cache-control"]
    assert directory.site.get(sheet, If_None_Match=answered.headers["etag"]).status_code == 304
    old = directory.site.get("/static/pages.000000000000.css")
    assert (old.content, old.headers["cache-control"]) == (answered.content, "no-cache")
    assert directory.site.get("/static/..%2f..%2fmain.py").status_code == 404
    assert directory.site.get("/static/secret.css").status_code == 404


def test_the_source_that_runs_here_is_handed_out(directory: Directory) -> None:
    """One file with the program, its words, its vocabulary and its shapes, and nothing of this node."""
    answered = directory.site.get("/source.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(answered.content)) as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert {"app/main.py", "app/web/templates/base.html", "app/web/locale/en.po", "vocab/maillage.ttl", "shapes/group.ttl"} <= set(names)
    assert not [name for name in names if "journal.db" in name or "__pycache__" in name]
