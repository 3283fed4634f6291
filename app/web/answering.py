"""Problems as answers: what a handler lets through becomes a problem document, or a page for those who prefer one."""

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app import errors
from app.errors import MaillageError, Text
from app.web import negotiation
from app.web.asking import Asking, node_of
from app.web.negotiation import HTML
from app.web.pages import problem as problem_page
from app.web.problems import PROBLEM, Problem, problem, status_of
from app.web.replies import content_type

NOTHING_HERE = Text("Il n'y a rien à cette adresse.", "There is nothing at this address.")
UNREADABLE = Text(
    "La demande n'a pas pu être lue : vérifiez l'adresse et le corps.", "The request could not be read: check the address and the body."
)
BROKEN = Text(
    "Le nœud a rencontré une erreur imprévue ; elle est notée dans son journal technique. Réessayez plus tard.",
    "The node met an unexpected error; it is noted in its log. Try again later.",
)

log = logging.getLogger("maillage.web")


def _as_json(_here: Asking, found: Problem) -> bytes:
    return json.dumps(found.as_json(), ensure_ascii=False).encode()


FORMS: Mapping[str, Callable[[Asking, Problem], bytes]] = {PROBLEM: _as_json, HTML: problem_page.page}
"""How a problem is written, by media type, the preferred one first."""


def answer(request: Request, error: MaillageError) -> Response:
    """Answer with the problem; in a format that was not asked for rather than not at all."""
    here = Asking(node_of(request), request)
    found = problem(error, here.node.names.base, here.language)
    media_type = negotiation.media_type(here.accept, tuple(FORMS)) or PROBLEM
    return Response(FORMS[media_type](here, found), found.status, _headers(error, here.language), media_type=content_type(media_type))


def _headers(error: MaillageError, language: str) -> dict[str, str]:
    """The headers that go with a class of errors."""
    headers = {"Content-Language": language, "Vary": "Accept, Accept-Language, Cookie", "Cache-Control": "no-store"}
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="maillage"'
    if accepted := getattr(error, "accepted", ()):
        headers["Accept"] = ", ".join(accepted)
    if status_of(type(error)) in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = str(getattr(error, "retry_after", 5))
    return headers


def install(app: FastAPI) -> None:
    """Answer every error that a handler lets through with a problem document."""
    app.add_exception_handler(MaillageError, on_ours)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_parameters)


def on_ours(request: Request, error: Exception) -> Response:
    """One of ours: its class says all."""
    assert isinstance(error, MaillageError)
    if status_of(type(error)) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s: %s", type(error).__name__, error.text.en)
    return answer(request, error)


def _on_http(request: Request, error: Exception) -> Response:
    """Starlette's own: in practice an address without a route."""
    assert isinstance(error, HTTPException)
    return answer(request, errors.NotFound(NOTHING_HERE) if error.status_code == HTTPStatus.NOT_FOUND else errors.BadRequest(UNREADABLE))


def _on_parameters(request: Request, error: Exception) -> Response:
    """A parameter that is not of its type: name it."""
    assert isinstance(error, RequestValidationError)
    names = ", ".join(sorted({str(found["loc"][-1]) for found in error.errors()}))
    return answer(request, errors.BadRequest(Text(f"Ce paramètre n'est pas valable : {names}.", f"This parameter is not valid: {names}.")))


def unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: noted with its trace, and told without it."""
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    return answer(request, errors.MaillageError(BROKEN))
