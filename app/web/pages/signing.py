"""Signing in on the pages with a token, and out again."""

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import Forbidden, MaillageError, NotSignedIn, OverBudget
from app.web import sessions
from app.web.asking import Asking, Here
from app.web.pages import private
from app.web.pages.layout import render
from app.web.pages.private import Fields, Sent
from app.web.problems import refusals, status_of

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def show(here: Here, next: str = "") -> Response:  # noqa: A002 - the name of the parameter
    """The form that takes a token."""
    return _page(here, private.back(next))


@router.post("/sign-in", responses={**private.REFUSALS, **refusals(NotSignedIn, Forbidden, OverBudget)})
def sign_in(here: Here, body: Fields) -> Response:
    """Begin a session, or say what is wrong with the token."""
    sent = Sent(here.request, body)
    path = private.back(sent.one("next"))
    try:
        secret = sessions.sign_in(here, sent.one("token").strip())
    except (NotSignedIn, Forbidden, OverBudget) as error:
        return _page(here, path, error)
    answer = private.go(here, path)
    sessions.remember(here, answer, secret)
    return answer


@router.post("/sign-out", responses={**private.REFUSALS, **refusals(NotSignedIn, Forbidden)})
def sign_out(here: Here, body: Fields) -> Response:
    """End the session."""
    sessions.checked(here, Sent(here.request, body).one("form"))
    sessions.sign_out(here)
    answer = private.go(here, "/")
    sessions.forget(here, answer)
    return answer


def _page(here: Asking, path: str, error: MaillageError | None = None) -> Response:
    """Write the form, with what was wrong."""
    return private.page(here, render(here, "sign_in.html", next=path, error=error), status_of(type(error)) if error else 200)
