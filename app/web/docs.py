"""The API's description: `/openapi.json` from the routes themselves, `/docs` the same as one plain page without scripts."""

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from app.errors import BadRequest, MaillageError
from app.web import documents, group_reading
from app.web.asking import Asking, Here
from app.web.negotiation import HTML, JSON
from app.web.pages import layout
from app.web.problems import refusals, status_of
from app.web.replies import REVALIDATE, Place, Stamp, Variant, described, link, reply

router = APIRouter(tags=["operation"])

METHODS = ("get", "post", "put", "patch", "delete")


def _openapi(_here: Asking, described_: dict[str, Any]) -> bytes:
    return documents.dumps(described_)


def _page(here: Asking, described_: dict[str, Any]) -> bytes:
    paths = described_["paths"].items()
    operations = [(path, method, _filled(found)) for path, methods in paths for method, found in methods.items() if method in METHODS]
    return layout.render(here, "docs.html", info=described_["info"], operations=operations, errors=errors(here.language))


def _filled(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation with all that the page looks at, said or not."""
    return (
        {"description": "", "summary": ""}
        | operation
        | {
            "parameters": [{"description": ""} | found for found in operation.get("parameters", ())],
            "responses": {status: {"content": {}} | found for status, found in operation["responses"].items()},
        }
    )


def describe(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's description, corrected: a parameter that is not of its type gets 400 here, as a problem document."""
    found = app.openapi()
    schemas = found.get("components", {}).get("schemas", {})
    for operation in (operation for methods in found["paths"].values() for operation in methods.values()):
        if JSON in operation["responses"].get("422", {}).get("content", {}):
            del operation["responses"]["422"]
            operation["responses"].setdefault("400", refusals(BadRequest)[400])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return found


def errors(language: str) -> list[tuple[str, int, str, str]]:
    """Return slug, status, title and meaning of every problem that an answer may name."""
    found = sorted((kind for kind in _tree(MaillageError) if kind.slug != "error"), key=lambda kind: (status_of(kind), kind.slug))
    return [(kind.slug, status_of(kind), kind.title.in_language(language), kind.__doc__ or "") for kind in found]


def _tree(kind: type[MaillageError]) -> set[type[MaillageError]]:
    """Return a class and all below it, those of this room's own making left out."""
    return {kind, *(one for below in kind.__subclasses__() for one in _tree(below) if below.__module__ == MaillageError.__module__)}


OPENAPI: tuple[Variant[dict[str, Any]], ...] = (Variant(JSON, "json", _openapi),)
PAGE: tuple[Variant[dict[str, Any]], ...] = (Variant(HTML, "html", _page, spoken=True, mark=layout.mark),)


@router.get("/openapi.json", responses=described(OPENAPI, "OpenAPI 3.1"))
def openapi(here: Here) -> Response:
    """The API's description for programs."""
    found = describe(here.request.app)
    return reply(here, OPENAPI, found, _stamp(found), Place(f"{here.node.names.base}/openapi.json"))


@router.get("/docs", responses=described(PAGE, "The API's description"))
def page(here: Here) -> Response:
    """The API's description for people."""
    found = describe(here.request.app)
    links = (link(f"{here.node.names.base}/openapi.json", "service-desc", JSON),)
    return reply(here, PAGE, found, _stamp(found), Place(f"{here.node.names.base}/docs", None, links))


def _stamp(found: dict[str, Any]) -> Stamp:
    """Stamp the description with its digest."""
    return Stamp(group_reading.digest(documents.dumps(found).decode()), None, REVALIDATE)
