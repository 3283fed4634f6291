"""One group: in every format, each with the group's own address or a suffix, and its history."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from app.errors import Gone, NotFound
from app.journal.records import Version
from app.record import public_view
from app.web import documents, group_history, group_reading, negotiation
from app.web.access import Visitor
from app.web.asking import Asking, Here
from app.web.documents import Document
from app.web.group_history import History
from app.web.group_reading import Shown
from app.web.negotiation import HTML, JSON, JSONLD, NTRIPLES, TRIG, TURTLE
from app.web.pages import group as group_page
from app.web.pages import history as history_page
from app.web.pages import layout
from app.web.problems import refusals
from app.web.replies import PRIVATE, REVALIDATE, Place, Stamp, Variant, described, link, reply

router = APIRouter(tags=["groups"])


def _jsonld(here: Asking, group: Shown) -> bytes:
    return documents.jsonld(here.node.names, group.document)


def _turtle(_here: Asking, group: Shown) -> bytes:
    return documents.turtle(group.document)


def _ntriples(_here: Asking, group: Shown) -> bytes:
    return documents.ntriples(group.document)


def _trig(here: Asking, group: Shown) -> bytes:
    sources = ((here.node.names.record(said.source, said.key), said.document) for said in group.statements)
    return documents.trig([(None, group.document), *sources])


GROUP: tuple[Variant[Shown], ...] = (
    Variant(JSONLD, "jsonld", _jsonld, ".jsonld"),
    Variant(TURTLE, "ttl", _turtle, ".ttl"),
    Variant(NTRIPLES, "nt", _ntriples, ".nt"),
    Variant(TRIG, "trig", _trig, ".trig"),
    Variant(HTML, "html", group_page.page, spoken=True, mark=layout.mark),
)

ABSENT: dict[int | str, dict[str, Any]] = {
    301: {"description": "Merged into another group, whose address is in Location"},
    **refusals(NotFound, Gone),
}


@router.get("/groups/{slug}", responses={**described(GROUP, "The group, fused from all that speak of it"), **ABSENT})
def show(here: Here, slug: str) -> Response:
    """One real group. A suffix (.jsonld .ttl .nt .trig) chooses the format whatever the Accept header says."""
    stem, asked = negotiation.split_suffix(slug)
    with here.node.journal.read() as connection:
        group = group_reading.read(connection, stem)
    if isinstance(group, str):
        return _moved(here, group, slug.removeprefix(stem))
    names = here.node.names
    links = (
        link(names.group(stem) + "/history", "version-history"),
        *(link(names.record(said.source, said.key), "via") for said in group.statements),
    )
    return reply(here, GROUP, group, Stamp(group.version, group.modified, REVALIDATE), Place(names.group(stem), asked, links))


def _moved(here: Asking, successor: str, tail: str) -> Response:
    """Lead to the group that this one was merged into; it may be taken apart again, so nobody should remember it for long."""
    return RedirectResponse(here.node.names.group(successor) + tail, 301, {"Cache-Control": REVALIDATE})


def _as_json(here: Asking, history: History) -> bytes:
    names = here.node.names
    listed = [
        {"record": names.record(*past.reference.split("/", 1)), "versions": [_version(version, history.signed_in) for version in past.versions]}
        for past in history.pasts
    ]
    return documents.dumps({"group": names.group(history.slug), "records": listed})


def _version(version: Version, signed_in: bool) -> Document:
    """One statement as it was, without what may not leave the node; who made it is for those who signed in."""
    shown = {"version": version.version, "kind": version.kind, "at": version.at, "contentHash": version.content_hash}
    author = {"author": version.author} if signed_in else {}
    return shown | author | {"document": public_view(version.document) if version.document else None}


HISTORY: tuple[Variant[History], ...] = (
    Variant(JSON, "json", _as_json),
    Variant(HTML, "html", history_page.page, spoken=True, mark=layout.mark),
)


@router.get("/groups/{slug}/history", responses={**described(HISTORY, "Every statement, oldest first"), **ABSENT})
def history(here: Here, slug: str, visitor: Visitor) -> Response:
    """What each source said of the group over time. What was withdrawn is for those who signed in."""
    with here.node.journal.read() as connection:
        found = group_history.read(connection, slug, visitor is not None)
    if isinstance(found, str):
        return _moved(here, found, "/history")
    version = group_reading.digest(*(f"{past.reference} {past.versions[-1:]}" for past in found.pasts))
    stamp = Stamp(f"{version}-{'full' if visitor else 'open'}", None, PRIVATE if visitor else REVALIDATE, ("Authorization",))
    return reply(here, HISTORY, found, stamp, Place(here.node.names.group(slug) + "/history"))
