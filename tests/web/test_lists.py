"""Lists of groups: the same selection in every format."""

import csv
import io

import httpx
import pytest

from tests.web.conftest import Site

FORMATS = {
    "application/ld+json": lambda answer: [found["id"] for found in answer.json()["orderedItems"]],
    "application/geo+json": lambda answer: [found["id"] for found in answer.json()["features"]],
    "text/csv": lambda answer: [found["id"] for found in csv.DictReader(io.StringIO(answer.text))],
}

PLACES = ("Aubervilliers", "Bobigny", "Clichy", "Drancy", "Épinay", "Fontenay", "Gennevilliers")


@pytest.fixture(scope="module", autouse=True)
def seven(site: Site) -> None:
    """Seven groups that one word finds."""
    for number in range(7):
        place = {"latitude": f"48.{90 + number}", "longitude": "2.40"}
        topics = ["housing"] if number % 2 else ["culture"]
        site.publish(f"listed-{number}", name={"fr": f"Zinzoline inventée {PLACES[number]}"}, topics=topics, location=place)


def following(answer: httpx.Response) -> str | None:
    """Return the address of the next page, from the Link header."""
    return answer.links.get("next", {}).get("url")


@pytest.mark.parametrize("accept", FORMATS)
def test_every_format_pages_through_the_same_selection(site: Site, accept: str) -> None:
    """Page by page, by the Link header, each group comes once, in the same order, whatever the format."""
    found, url = [], f"{site.url}/groups?q=zinzoline&limit=3"
    pages = 0
    while url:
        answer = httpx.get(url, headers={"Accept": accept})
        assert answer.status_code == 200
        found += FORMATS[accept](answer)
        url, pages = following(answer), pages + 1
    assert found == [f"{site.url}/groups/listed-{number}" for number in range(7)]
    assert pages == 3


def test_the_body_says_where_the_next_page_is(site: Site) -> None:
    """JSON-LD and GeoJSON carry the link themselves."""
    first = site.get("/groups?q=zinzoline&limit=5")
    assert first.json()["next"] == following(first)
    assert first.json()["totalItems"] == 7
    assert first.json()["partOf"] == f"{site.url}/groups?q=zinzoline&limit=5"
    features = site.get("/groups?q=zinzoline&limit=5", Accept="application/geo+json").json()
    assert [link["href"] for link in features["links"] if link["rel"] == "next"] == [first.json()["next"]]
    assert (features["numberMatched"], features["numberReturned"]) == (7, 5)
    last = httpx.get(first.json()["next"])
    assert "next" not in last.json()


def test_facets_say_how_many_each_further_choice_would_leave(site: Site) -> None:
    """Counts come with the labels of the vocabulary, zeros included."""
    facets = site.get("/groups?q=zinzoline&topic=housing").json()["facets"]
    topics = {choice["value"]: choice for choice in facets["topic"]}
    assert (topics["housing"]["count"], topics["culture"]["count"], topics["transport"]["count"]) == (3, 4, 0)
    assert topics["housing"]["label"]["en"] == "Housing"
    assert topics["housing"]["concept"].endswith("/housing")
    assert {choice["value"]: choice["count"] for choice in facets["source"]}["own"] == 3


def test_a_box_and_a_date_select(site: Site) -> None:
    """west,south,east,north and a moment narrow the list."""
    inside = site.get("/groups?q=zinzoline&bbox=2.3,48.915,2.5,48.945").json()
    assert [found["id"][-1] for found in inside["orderedItems"]] == ["2", "3", "4"]
    assert site.get("/groups?q=zinzoline&updated_since=2099-01-01").json()["totalItems"] == 0
    assert site.get("/groups?q=zinzoline&updated_since=2020-01-01").json()["totalItems"] == 7


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "bbox=1,2,3", "bbox=9,9,9,nan", "topic=cheese", "cursor=zzz", "updated_since=yesterday", "source=A%20B"],
)
def test_a_parameter_that_means_nothing_is_named(site: Site, query: str) -> None:
    """400, and the sentence names the parameter."""
    answer = site.get(f"/groups?{query}")
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["detail"]


def test_the_address_can_name_the_format(site: Site) -> None:
    """A spreadsheet sends no Accept header."""
    answer = site.get("/groups.csv?q=zinzoline", Accept="*/*")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 7
    assert site.get("/groups.geojson?q=zinzoline").headers["content-type"] == "application/geo+json"
    assert 400 <= site.get("/groups.pdf").status_code < 500
    alternates = site.get("/groups?q=zinzoline").headers["link"]
    assert f'<{site.url}/groups.csv?q=zinzoline>; rel="alternate"; type="text/csv"' in alternates
