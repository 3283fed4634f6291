"""Lists of groups: one selection, one page of it, in each format, with the counts of every further choice."""

import csv
import io
from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from app import vocabulary
from app.errors import BadRequest
from app.journal import changes, meta
from app.search.facets import CONCEPTS
from app.search.selection import Selection
from app.tabular import CSV_COLUMNS, feature, row
from app.web import documents, group_reading
from app.web.asking import Asking, Here
from app.web.documents import Document
from app.web.listing import Listed, find, query_of
from app.web.negotiation import CSV, GEOJSON, HTML, JSONLD
from app.web.pages import group_list as list_page
from app.web.pages import layout
from app.web.problems import refusals
from app.web.replies import Place, Stamp, Variant, described, held, link, parameters, reply

router = APIRouter(tags=["groups"])

SUFFIXES = {".jsonld": JSONLD, ".geojson": GEOJSON, ".csv": CSV}
"""What the end of the list's address asks for: a spreadsheet cannot send an Accept header."""

SCHEMES = {facet.name: facet.scheme for facet in CONCEPTS}

PARAMETERS: Mapping[str, str] = {
    "q": "Words, in any form, accent and case",
    "topic": "Notation of a topic; may be repeated: any of them",
    "know_how": "Notation of a know-how; may be repeated",
    "objective": "Notation of an objective; may be repeated",
    "scale": "Notation of a scale; may be repeated",
    "status": "Notation of a participation status; may be repeated",
    "source": "Name of a source that speaks of the group; may be repeated",
    "territory": "Code of a territory, such as COM-93066; may be repeated",
    "bbox": "west,south,east,north in degrees",
    "updated_since": "A date or a moment with its zone",
    "cursor": "Where the previous page ended, as its `next` link says",
    "limit": "Groups a page, 1 to 1000",
}


def _jsonld(here: Asking, listed: Listed) -> bytes:
    page = {
        "id": listed.url,
        "type": "OrderedCollectionPage",
        "partOf": listed.whole,
        "totalItems": listed.result.total,
        "facets": {name: [_choice(name, value, count) for value, count in counts] for name, counts in listed.result.facets.items()},
        "orderedItems": [found.document for found in listed.result.groups],
    }
    return documents.jsonld(here.node.names, page | ({"next": listed.next} if listed.next else {}))


def _choice(facet: str, value: str, count: int) -> Document:
    """One value of a facet, with its labels where the vocabulary has them."""
    concepts = vocabulary.load().schemes.get(SCHEMES.get(facet, ""), ())
    concept = next((concept for concept in concepts if concept.notation == value), None)
    described_ = {"concept": concept.iri, "label": dict(concept.labels)} if concept else {}
    return {"value": value, "count": count, **described_}


def _geojson(_here: Asking, listed: Listed) -> bytes:
    links = [{"rel": "self", "href": listed.url}] + ([{"rel": "next", "href": listed.next}] if listed.next else [])
    found = [feature(group.document) for group in listed.result.groups]
    return documents.dumps(
        {"type": "FeatureCollection", "numberMatched": listed.result.total, "numberReturned": len(found), "links": links, "features": found}
    )


def _csv(here: Asking, listed: Listed) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(row(group.document, here.language) for group in listed.result.groups)
    return written.getvalue().encode()


LIST: tuple[Variant[Listed], ...] = (
    Variant(JSONLD, "jsonld", _jsonld, ".jsonld"),
    Variant(GEOJSON, "geojson", _geojson, ".geojson"),
    Variant(CSV, "csv", _csv, ".csv", spoken=True),
    Variant(HTML, "html", list_page.page, spoken=True, mark=layout.mark),
)

EXTRA = parameters(PARAMETERS)
RESPONSES = {**described(LIST, "One page of the selection"), **refusals(BadRequest)}


@router.get("/groups", responses=RESPONSES, openapi_extra=EXTRA)
def show(here: Here) -> Response:
    """The groups that a selection holds, a page at a time, with facet counts."""
    return _answer(here, None)


@router.get("/groups.{ending}", responses=RESPONSES, openapi_extra=EXTRA)
def show_as(here: Here, ending: Literal["jsonld", "geojson", "csv"]) -> Response:
    """The same, in the format that the address names."""
    return _answer(here, SUFFIXES[f".{ending}"])


def _answer(here: Asking, asked: str | None) -> Response:
    """Answer with one page; the journal's last change and the question say whether a client holds it already."""
    selection = Selection.from_query(here.request.query_params.multi_items())
    with here.node.journal.read() as connection:
        stamp = Stamp(f"{meta.epoch(connection)}-{changes.last(connection)}-{group_reading.digest(query_of(selection))}")
    known = held(here, LIST, stamp, asked)
    if known is not None:
        return known
    listed = find(here, selection)
    links = (*((link(listed.next, "next"),) if listed.next else ()), link(listed.whole, "collection"))
    return reply(here, LIST, listed, stamp, Place(listed.url, asked, links))
