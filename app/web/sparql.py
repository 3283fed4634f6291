"""SPARQL 1.1 Protocol, the query operation: GET and both forms of POST; no text from outside is parsed or run in this process."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.errors import BadQuery, BadRequest, MaillageError, NotAcceptable, QueryRefused, QueryStopped, Text, TooLarge, UnsupportedType
from app.journal import moment
from app.record import serialise_ntriples
from app.sparql import description
from app.sparql.answers import Answer, Question
from app.sparql.formats import GRAPHS, RESULTS
from app.web import bodies, negotiation, replies
from app.web.asking import Asking, Here
from app.web.bodies import Unread
from app.web.negotiation import HTML
from app.web.pages import layout
from app.web.pages import sparql as page
from app.web.problems import refusals, status_of
from app.web.replies import REVALIDATE, Place, Stamp, Variant, reply

router = APIRouter(tags=["sparql"])

QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
FORM = "application/x-www-form-urlencoded"
LARGEST_BODY = 200_000
"""Bytes: a query of 16 KB, escaped, and the names of some graphs."""

AT_ONCE = 32_768
"""Bytes of an answer that may be hashed and compressed in the event loop."""

ANYTHING = "*/*"
FORMAT = "format"
FORMATS = dict(zip(("json", "xml", "csv", "tsv"), RESULTS, strict=True)) | dict(zip(("ttl", "nt", "jsonld", "rdf"), GRAPHS, strict=False))
"""What the parameter `format` may say."""

NO_QUERY = Text("Donnez une requête SPARQL dans le paramètre « query ».", "Give a SPARQL query in the parameter 'query'.")
ONE_QUERY = Text("Donnez une seule requête à la fois.", "Give one query at a time.")
NO_UPDATE = Text(
    "Ce service ne répond qu'aux questions : on écrit par /groups, avec un jeton.",
    "This service only answers questions: one writes through /groups, with a token.",
)
NOT_UTF8 = Text("Le corps n'est pas du texte UTF-8.", "The body is not UTF-8 text.")
NO_TYPE = Text(f"Envoyez {QUERY}, ou un formulaire {FORM}.", f"Send {QUERY}, or a form {FORM}.")

Parameters = Iterable[tuple[str, str]]

PARAMETERS = {
    "query": "The query; without it, the service's description",
    "default-graph-uri": "A graph of the default graph; may be repeated",
    "named-graph-uri": "A named graph; may be repeated",
    "format": "For links, which cannot send an Accept header: json, xml, csv, tsv, ttl, nt, jsonld or rdf",
}
POST_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {QUERY: {"schema": {"type": "string"}}, FORM: {"schema": {"type": "object", "required": ["query"]}}}}
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Results, or a graph", "content": {media_type: {} for media_type in (*RESULTS, *GRAPHS)}},
    **refusals(BadQuery, NotAcceptable, QueryStopped),
}


def _described(media_type: str, name: str) -> Variant[None]:
    """One form of the service description."""
    return Variant(media_type, name, lambda here, _none: serialise_ntriples(description.triples(here.node.names), media_type))


DESCRIPTION: tuple[Variant[None], ...] = (
    _described("text/turtle", "ttl"),
    _described("application/n-triples", "nt"),
    _described("application/rdf+xml", "xml"),
    Variant(HTML, "html", page.form, spoken=True, mark=layout.mark),
)
"""What GET answers without a query."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a browser sees a query: with its answer, or with what is wrong with it."""

    answer: Callable[[Asking, Question], bytes]
    refusal: Callable[[Asking, str, MaillageError], bytes]


PAGE = Shown(page.answer, page.refusal)
"""What a browser gets for a query."""


@router.get("/sparql", responses={304: {"description": "Not modified"}, **ANSWERS}, openapi_extra=replies.parameters(PARAMETERS))
async def get(here: Here) -> Response:
    """Ask a query; without one, the service's description. What was answered just before is answered without waiting for anybody."""
    parameters = here.request.query_params.multi_items()
    answer = _at_once(here, parameters)
    return await run_in_threadpool(_answered, here, parameters) if answer is None else answer


def _at_once(here: Asking, parameters: Parameters) -> Response | None:
    """Answer when the answer is at hand and small enough for the event loop."""
    if not any(name == "query" for name, _ in parameters) or _wants_page(here, parameters):
        return None
    held = here.node.queries.held(_question(here, parameters))
    return _cacheable(here, held) if held is not None and held.size <= AT_ONCE else None


def _answered(here: Asking, parameters: Parameters) -> Response:
    """Answer, in a thread that may wait."""
    if not any(name in ("query", "update") for name, _ in parameters):
        stamp = Stamp(replies.RELEASE, None, REVALIDATE)
        return reply(here, DESCRIPTION, None, stamp, Place(f"{here.node.names.base}/sparql"))
    if _wants_page(here, parameters):
        return _page(here, parameters, PAGE)
    return _cacheable(here, here.node.queries.ask(_question(here, parameters)))


@router.post("/sparql", responses={**ANSWERS, **refusals(TooLarge, UnsupportedType)}, openapi_extra=POST_BODY)
def post(here: Here, body: Annotated[bytes, Depends(bodies.at_most(LARGEST_BODY))]) -> Response:
    """Ask a query, as the body or as a field of a form."""
    answer = here.node.queries.ask(_question(here, _posted(here, body)))
    headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
    return replies.whole(here, answer.read(), replies.content_type(answer.media_type), headers)


def _wants_page(here: Asking, parameters: Parameters) -> bool:
    """Tell whether a browser asks for itself."""
    named = any(name == FORMAT for name, _ in parameters)
    return not named and negotiation.media_type(here.accept, (*RESULTS, *GRAPHS, HTML)) == HTML


def _page(here: Asking, parameters: Parameters, shown: Shown) -> Response:
    """Answer a browser: what goes wrong is told beside the query, so that it can be mended."""
    query = next((value for name, value in parameters if name == "query"), "")
    try:
        status, body = HTTPStatus.OK.value, shown.answer(here, _question(here, parameters))
    except MaillageError as error:
        status, body = status_of(type(error)), shown.refusal(here, query, error)
    headers = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding, Accept-Language, Cookie", "Content-Language": here.language}
    return replies.whole(here, body, replies.content_type(HTML), headers, status)


def _posted(here: Asking, body: bytes) -> Parameters:
    """Return the parameters of either form of POST. Raises UnsupportedType, BadRequest and QueryRefused."""
    kind = bodies.media_type(here.request)
    if kind == UPDATE:
        raise QueryRefused(NO_UPDATE)
    if kind not in (QUERY, FORM):
        raise Unread(NO_TYPE, (QUERY, FORM))
    if kind == FORM:
        return _fields(body)
    return [("query", _text(body)), *((name, value) for name, value in here.request.query_params.multi_items() if name != "query")]


def _fields(body: bytes) -> Parameters:
    """Read a form. Raises BadRequest."""
    try:
        return parse_qsl(_text(body), keep_blank_values=True, max_num_fields=1000, errors="strict")
    except ValueError as error:
        raise BadRequest(NOT_UTF8) from error


def _text(body: bytes) -> str:
    """Read UTF-8 strictly. Raises BadRequest."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(NOT_UTF8) from error


def _question(here: Asking, parameters: Parameters) -> Question:
    """Read the parameters of the protocol. Raises BadQuery and QueryRefused."""
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        given.setdefault(name, []).append(value)
    if "update" in given:
        raise QueryRefused(NO_UPDATE)
    queries = given.get("query", [])
    if len(queries) != 1 or not queries[0].strip():
        raise BadQuery(ONE_QUERY if len(queries) > 1 else NO_QUERY)
    default_graphs, named_graphs = (tuple(given.get(name, ())) for name in ("default-graph-uri", "named-graph-uri"))
    return Question(queries[0], _accept(here, given.get(FORMAT, [])), default_graphs, named_graphs)


def _accept(here: Asking, named: list[str]) -> str:
    """Return what the answer may be written in: the format that a link names, or what the client accepts. Raises BadRequest."""
    if not named:
        return here.accept or ANYTHING
    if len(named) > 1 or named[0] not in FORMATS:
        listed = ", ".join(FORMATS)
        raise BadRequest(Text(f"« format » est l'un de : {listed}.", f"'format' is one of: {listed}."))
    return FORMATS[named[0]]


def _cacheable(here: Asking, answer: Answer) -> Response:
    """Answer a GET: the ETag is the digest of the very bytes, since a query may ask for the time or for chance."""
    body = answer.read()
    etag = replies.tag(here, hashlib.sha256(answer.media_type.encode() + b"\n" + body).hexdigest()[:32])
    made = moment(datetime.fromtimestamp(answer.created_at, UTC))
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": "Accept, Accept-Encoding", "Last-Modified": replies.http_date(made)}
    if replies.unchanged(here, etag, made):
        return Response(status_code=304, headers=headers)
    return replies.whole(here, body, replies.content_type(answer.media_type), headers)
