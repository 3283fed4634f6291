"""Errors as answers."""

import pytest

from app import errors
from app.errors import MaillageError
from app.web.problems import STATUS, problem, status_of
from tests.web.conftest import Site


def tree(kind: type[MaillageError]) -> list[type[MaillageError]]:
    """Return a class and all below it."""
    return [kind, *(one for below in kind.__subclasses__() for one in tree(below))]


def test_every_error_has_a_status() -> None:
    """Each class of the tree is answered with its own status or its parent's; what a client did is never our fault."""
    for kind in tree(MaillageError):
        assert 400 <= status_of(kind) < 600
    assert all(status_of(kind) < 500 for kind in tree(errors.RequestError) if kind not in (errors.RequestError, errors.QueryStopped, errors.Busy))
    assert set(STATUS) <= set(tree(MaillageError))


def test_a_problem_is_a_problem_document_in_the_readers_language(site: Site) -> None:
    """RFC 9457, French unless English is asked for."""
    french, english = site.get("/groups/nobody"), site.get("/groups/nobody", Accept_Language="en-GB,en;q=0.9")
    assert french.headers["content-type"] == "application/problem+json"
    assert french.json() == {
        "type": f"{site.url}/docs#not-found",
        "title": "Introuvable",
        "status": 404,
        "detail": "Il n'y a pas de groupe à cette adresse.",
    }
    assert english.json()["title"] == "Not found"
    assert (french.headers["content-language"], english.headers["content-language"]) == ("fr", "en")
    assert "Accept-Language" in english.headers["vary"]


def test_a_violation_says_where_what_and_why() -> None:
    """An invalid record's problem lists each violation."""
    found = errors.Violation("location.latitude", "95", errors.Text("trop au nord", "too far north"))
    told = problem(errors.Invalid(errors.Text("non", "no"), (found,)), "https://node.example", "en").as_json()
    assert told["status"] == 422
    assert told["violations"] == [{"path": "location.latitude", "value": "95", "message": "too far north", "severity": "violation"}]


def test_the_type_of_a_problem_leads_to_its_explanation(site: Site) -> None:
    """Every problem type is an address on the documentation page that exists."""
    page = site.get("/docs").text
    for kind in tree(MaillageError):
        if kind.__module__ == "app.errors" and kind.slug != "error":
            assert f'id="{kind.slug}"' in page


@pytest.mark.parametrize("path", ["/groups", "/feed", "/vocab", "/.well-known/void"])
def test_406_lists_what_there_is(site: Site, path: str) -> None:
    """A format that does not exist is refused with the list of those that do."""
    answer = site.get(path, Accept="image/png")
    assert answer.status_code == 406
    assert "application/ld+json" in answer.json()["available"]
    assert "application/ld+json" in answer.json()["detail"]
