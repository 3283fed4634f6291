"""Peers, visits, matches and judgements over HTTP; the peer is another real node."""

from collections.abc import Iterator

import httpx
import pytest

from app.errors import BadRequest
from app.harvest.telling import interval, seconds_of
from tests.web.conftest import Site, eventually, invented, serving

PLAIN = "application/json"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node to harvest, with two groups."""
    with serving(tmp_path_factory.mktemp("other")) as at_work:
        for slug in ("regie", "fablab"):
            at_work.publish(slug, name={"fr": f"{slug.title()} inventée du port"})
        yield at_work


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, other: Site) -> Iterator[Site]:
    """A node that may read the other one; the peer is not enabled, so that the clock leaves it to the tests."""
    private = frozenset({other.url.removeprefix("http://")})
    with serving(tmp_path_factory.mktemp("here"), allow_private_peers=private) as at_work:
        added = at_work.ask("POST", "/api/peers", {"name": "port", "url": other.url, "enabled": False}, "admin", Content_Type=PLAIN)
        assert added.status_code == 201, added.text
        assert added.headers["location"] == f"{at_work.url}/api/peers/port"
        yield at_work


def test_a_peer_is_added_shown_and_changed(here: Site, other: Site) -> None:
    """The format is found out; what is shown is what the design promises; only what is given changes."""
    shown = here.ask("GET", "/api/peers/port", role="reader").json()
    assert {"name", "url", "format", "trust", "every", "mapping", "enabled", "last_visit", "next_visit", "state", "message"} <= shown.keys()
    assert (shown["format"], shown["url"], shown["every"], shown["trust"]) == ("maillage", f"{other.url}/feed", "6h", "auto")
    changed = here.ask("PATCH", "/api/peers/port", {"every": "90m"}, "admin", Content_Type=PLAIN).json()
    assert (changed["every"], changed["url"]) == ("90m", shown["url"])
    assert (shown["pace"], changed["pace"]) == (21_600, 5400)
    assert [peer["name"] for peer in here.ask("GET", "/api/peers", role="reader").json()["peers"]] == ["port"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "port", "url": "https://a.example/feed", "format": "maillage"}, 409),
        ({"name": "Odd Name", "url": "https://a.example/feed", "format": "maillage"}, 400),
        ({"name": "nowhere"}, 400),
        ({"name": "x", "url": "file:///etc/passwd"}, 400),
        ({"name": "x", "url": "https://a.example/", "format": "telepathy"}, 400),
        ({"name": "x", "url": "https://a.example/", "format": "maillage", "trust": "blind"}, 400),
        ({"name": "x", "url": "https://a.example/", "format": "maillage", "every": "often"}, 400),
        ({"name": "x", "url": "https://a.example/", "format": "maillage", "enabled": "yes"}, 400),
        ({"name": "x", "url": "https://a.example/", "format": "maillage", "colour": "blue"}, 400),
        ({"name": "x", "url": "http://127.0.0.1:1/"}, 422),
        ([], 400),
    ],
)
def test_a_peer_that_cannot_be_is_refused(here: Site, body: object, status: int) -> None:
    """Each mistake is named, and nothing is added."""
    answer = here.ask("POST", "/api/peers", body, "admin", Content_Type=PLAIN)
    assert answer.status_code == status, answer.text
    assert len(here.ask("GET", "/api/peers", role="reader").json()["peers"]) == 1


def test_a_visit_is_reported_line_by_line(here: Site, other: Site) -> None:
    """A rehearsal changes nothing; a visit brings the groups; both say what became of each record."""
    rehearsed = here.ask("POST", "/api/peers/port/visit?dry_run=true", role="editor").json()
    assert (rehearsed["outcome"], rehearsed["counts"]["added"]) == ("dry-run", 2)
    assert here.get("/groups").json()["totalItems"] == 0
    visited = here.ask("POST", "/api/peers/port/visit", role="editor").json()
    assert (visited["peer"], visited["outcome"], visited["counts"]) == (
        "port",
        "applied",
        {"added": 2, "changed": 0, "unchanged": 0, "gone": 0, "refused": 0, "unmapped": 0},
    )
    assert visited["requests"] > 0 and visited["bytes"] > 0 and visited["finished"] >= visited["started"]
    first = here.ask("GET", f"/api/visits/{visited['id']}?limit=1", role="reader").json()
    second = here.ask("GET", first["next"].removeprefix(here.url), role="reader").json()
    assert {line["key"] for line in first["items"] + second["items"]} == {"regie", "fablab"}
    assert {line["outcome"] for line in visited["items"]} == {"added"}
    listed = here.ask("GET", "/api/peers/port/visits", role="reader").json()["visits"]
    assert [visit["id"] for visit in listed] == [visited["id"], rehearsed["id"]]
    group = here.get("/groups?source=port").json()["orderedItems"][0]
    assert group["exactMatch"][0].startswith(f"{other.url}/groups/")
    record = here.get(group["records"][0].removeprefix(here.url))
    assert record.json()["id"] == group["exactMatch"][0]
    assert here.ask("POST", "/api/peers/port/visit", role="editor").json()["outcome"] == "unchanged"


def test_a_held_visit_is_applied_or_dropped_by_a_person(here: Site, other: Site) -> None:
    """Under review a visit waits; dropped, it leaves things as they are; applied, it brings them; decided, it stays decided."""
    here.ask("PATCH", "/api/peers/port", {"trust": "review"}, "admin", Content_Type=PLAIN)
    other.publish("atelier", name={"fr": "Atelier inventé du quai"})
    held = here.ask("POST", "/api/peers/port/visit", role="editor").json()
    assert held["outcome"] == "held"
    dropped = here.ask("POST", f"/api/visits/{held['id']}/discard", role="editor")
    assert (dropped.status_code, dropped.json()["outcome"]) == (200, "discarded")
    again = here.ask("POST", "/api/peers/port/visit", role="editor").json()
    applied = here.ask("POST", f"/api/visits/{again['id']}/apply", role="editor")
    assert (applied.status_code, applied.json()["outcome"]) == (200, "applied")
    assert here.get("/groups?q=quai").json()["totalItems"] == 1
    assert here.ask("POST", f"/api/visits/{again['id']}/apply", role="editor").status_code == 409
    assert here.ask("POST", "/api/visits/999/apply", role="editor").status_code == 404


def test_an_applied_visit_is_taken_back(here: Site, other: Site) -> None:
    """Undone, what it brought is gone and the report says when; the next visit waits for a person, who may take it after all."""
    here.ask("PATCH", "/api/peers/port", {"trust": "auto"}, "admin", Content_Type=PLAIN)
    other.publish("ressourcerie", name={"fr": "Ressourcerie inventée de la grue"})
    visited = here.ask("POST", "/api/peers/port/visit", role="editor").json()
    assert (visited["outcome"], visited["undone"]) == ("applied", None)
    undone = here.ask("POST", f"/api/visits/{visited['id']}/undo", role="editor")
    assert (undone.status_code, undone.json()["outcome"]) == (200, "applied")
    assert undone.json()["undone"] >= visited["finished"]
    assert here.get("/groups?q=grue").json()["totalItems"] == 0
    assert here.ask("POST", f"/api/visits/{visited['id']}/undo", role="editor").status_code == 409
    assert here.ask("POST", "/api/visits/999/undo", role="editor").status_code == 404
    held = here.ask("POST", "/api/peers/port/visit", role="editor").json()
    assert (held["outcome"], held["counts"]["added"]) == ("held", 1)
    here.ask("POST", f"/api/visits/{held['id']}/apply", role="editor")
    assert here.get("/groups?q=grue").json()["totalItems"] == 1
    assert here.ask("POST", "/api/peers/port/visit", role="editor").json()["outcome"] == "unchanged"


def test_a_group_of_others_is_not_ours_to_write(here: Site) -> None:
    """What comes from a peer is revised there; its slug is taken here."""
    group = here.get("/groups?source=port").json()["orderedItems"][0]["id"].removeprefix(here.url)
    assert here.ask("PUT", group, invented("x"), "editor").status_code == 409
    assert here.ask("DELETE", group, role="editor").status_code == 404


def test_a_judgement_is_kept_explained_and_revoked(here: Site) -> None:
    """Two records judged the same become one group; revoked, two again; that it was said stays known."""
    left, right = (found["records"][0] for found in here.get("/groups?source=port").json()["orderedItems"][:2])
    why = here.ask("GET", f"/api/matches/explain?left={left}&right={right}", role="reader").json()
    assert {"score", "reasons"} <= why.keys()
    total = here.get("/groups").json()["totalItems"]
    said = here.ask("POST", "/api/judgements", {"left": left, "right": right, "verdict": "same"}, "editor", Content_Type=PLAIN)
    assert said.status_code == 201, said.text
    assert here.get("/groups").json()["totalItems"] == total - 1
    assert here.ask("DELETE", f"/api/judgements/{said.json()['id']}", role="editor").status_code == 204
    assert here.get("/groups").json()["totalItems"] == total
    kept = here.ask("GET", "/api/judgements", role="reader").json()["judgements"][0]
    assert kept["revoked_by"] == "test editor"
    waiting = here.ask("GET", "/api/matches?state=review&band=near&limit=1", role="reader").json()
    assert {"matches", "next", "total", "facets"} == waiting.keys()
    assert here.ask("GET", "/api/matches?state=review&band=cheese", role="reader").status_code == 400
    assert here.ask("GET", "/api/matches?state=match", role="reader").json().keys() == {"matches", "next"}
    assert here.ask("GET", "/api/matches?state=related", role="reader").json()["matches"] == []
    assert here.ask("GET", "/api/matches?state=odd", role="reader").status_code == 400
    assert here.ask("POST", "/api/judgements", {"left": left, "right": right, "verdict": "maybe"}, "editor", Content_Type=PLAIN).status_code == 400
    assert here.ask("POST", "/api/judgements", {"left": left, "right": "urn:x", "verdict": "same"}, "editor", Content_Type=PLAIN).status_code in {
        400,
        404,
    }


def test_a_peer_leaves_with_all_that_it_said(here: Site) -> None:
    """204, and its records and the groups that only it knew are gone."""
    assert here.ask("DELETE", "/api/peers/port", role="admin").status_code == 204
    assert here.ask("GET", "/api/peers/port", role="reader").status_code == 404
    assert here.get("/groups").json()["totalItems"] == 0
    assert here.ask("GET", "/api/peers/own", role="reader").status_code == 404


@pytest.mark.parametrize(("seconds", "text"), [(60, "1m"), (5400, "90m"), (21_600, "6h"), (86_400, "1d"), (129_600, "36h")])
def test_intervals_are_written_as_people_do(seconds: int, text: str) -> None:
    """And read back as the same."""
    assert interval(seconds) == text
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "0h", "-1h", "6 h", "9999999d", "1w"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """With a sentence."""
    with pytest.raises(BadRequest):
        seconds_of(text)


def test_the_page_of_a_peer_says_what_was_undone_and_how_to_undo(here: Site, other: Site) -> None:
    """For people, in both languages: which reading was taken back, and the command that takes one back."""
    here.ask("POST", "/api/peers", {"name": "annule", "url": f"{other.url}/feed", "format": "maillage"}, "admin")
    answers: list[httpx.Response] = []

    def visited() -> bool:  # once the clock, which sees the new peer, is done with it
        answers.append(here.ask("POST", "/api/peers/annule/visit", role="editor"))
        return answers[-1].status_code == 200

    assert eventually(visited)
    visit = here.ask("GET", "/api/peers/annule/visits", role="reader").json()["visits"][-1]
    undone = {"fr": "Cette lecture a été annulée", "en": "This reading was undone"}
    for language, words in undone.items():
        page = here.ask("GET", f"/peers/annule?lang={language}", Accept="text/html").text
        assert words not in page
        assert "maillage peers undo annule" in page
    here.ask("POST", f"/api/visits/{visit['id']}/undo", role="editor").raise_for_status()
    for language, words in undone.items():
        assert words in here.ask("GET", f"/peers/annule?lang={language}", Accept="text/html").text
