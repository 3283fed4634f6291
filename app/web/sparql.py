"""SPARQL 1.1 Protocol, the query operation: GET and both forms of POST; no text from outside is parsed or run in this process."""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.errors import BadQuery, BadRequest, MaillageError, NotAcceptable, QueryRefused, QueryStopped, Text, TooLarge, UnsupportedType
from app.journal import moment
from app.record import serialise_ntriples
from app.sparql import description
from app.sparql.answers import Answer, Question
from app.sparql.formats import GRAPHS, RESULTS, Form, choose
from app.web import bodies, negotiation, replies
from app.web.asking import Asking, Direct, Here
from app.web.bodies import Unread
from app.web.line import Line
from app.web.negotiation import HTML, LONGEST
from app.web.pages import layout
from app.web.pages import sparql as page
from app.web.problems import refusals, status_of
from app.web.replies import REVALIDATE, Place, Stamp, Variant, reply

router = APIRouter(tags=["sparql"], route_class=Direct)

QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
FORM = "application/x-www-form-urlencoded"
LARGEST_BODY = 200_000
"""Bytes: a query of 16 KB, escaped, and the names of some graphs."""

AT_ONCE = 32_768
"""Bytes of an answer that may be hashed and compressed in the event loop."""

AS_IT_IS = 999
"""Bytes of an answer that is not compressed: it leaves in one packet in any case."""

MOST_NAMED = 10
"""Graphs that are named in a header."""

IRI_MARKS = "!#$&'()*+,/:;=?@[]~%"
"""What stays as it is in an address in a header; a comma does, since each address stands between < and >."""

ANYTHING = "*/*"
FORMAT = "format"
FORMATS = dict(zip(("json", "xml", "csv", "tsv"), RESULTS, strict=True)) | dict(zip(("ttl", "nt", "jsonld", "rdf"), GRAPHS, strict=False))
"""What the parameter `format` may say."""

OTHER_NAMES = {"json": "jsonld", "xml": "rdf", "turtle": "ttl", "n3": "ttl", "json-ld": "jsonld", "rdf+xml": "rdf"}
"""What clients such as SPARQLWrapper say besides: for a graph, and when they name several."""

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
    "partial": "true: an answer that is too long is cut at the row limit, and says so in the header Maillage-Truncated",
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

    def write(here: Asking, _none: None) -> bytes:
        return serialise_ntriples(description.triples(here.node.names, here.node.queries.limits), media_type)

    return Variant(media_type, name, write)


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

    answer: Callable[[Asking, Question, float], bytes]
    refusal: Callable[[Asking, str, MaillageError], bytes]


PAGE = Shown(page.answer, page.refusal)
"""What a browser gets for a query."""


@router.get("/sparql", responses={304: {"description": "Not modified"}, **ANSWERS}, openapi_extra=replies.parameters(PARAMETERS))
async def get(here: Here) -> Response:
    """Ask a query; without one, the service's description. What is held already, here or by the client, waits for nobody."""
    parameters = here.request.query_params.multi_items()
    if not any(name in ("query", "update") for name, _ in parameters):
        stamp = Stamp(replies.RELEASE, None, REVALIDATE)
        return reply(here, DESCRIPTION, None, stamp, Place(f"{here.node.names.base}/sparql"))
    if _wants_page(here, parameters):
        async with _line(here).turn(here.client) as until:
            return await run_in_threadpool(_page, here, parameters, PAGE, until)
    question = _question(here, parameters)
    return _known_to_client(here, question) or await _cacheable(here, question, await _asked(here, question))


@router.post("/sparql", responses={**ANSWERS, **refusals(TooLarge, UnsupportedType)}, openapi_extra=POST_BODY)
async def post(here: Here) -> Response:
    """Ask a query, as the body or as a field of a form."""
    body = await bodies.at_most(LARGEST_BODY)(here.request)
    answer = await _asked(here, _question(here, _posted(here, body)))
    return await _sent(here, answer, {"Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding", **_told(here, answer)})


async def _asked(here: Asking, question: Question) -> Answer:
    """Return the answer: at once when it is held, else when it is this client's turn."""
    return here.node.queries.held(question) or await _line(here).ask(question, here.client)


def _line(here: Asking) -> Line:
    """Return the line before the query processes."""
    return cast("Line", here.request.app.state.line)


def _wants_page(here: Asking, parameters: Parameters) -> bool:
    """Tell whether a browser asks for itself."""
    named = any(name == FORMAT for name, _ in parameters)
    return not named and _prefers_page((here.accept or "")[:LONGEST])


@lru_cache(maxsize=256)
def _prefers_page(accept: str) -> bool:
    """Tell whether a page is wanted more than any answer for programs."""
    return negotiation.media_type(accept, (*RESULTS, *GRAPHS, HTML)) == HTML


def _page(here: Asking, parameters: Parameters, shown: Shown, until: float) -> Response:
    """Answer a browser: what goes wrong is told beside the query, so that it can be mended."""
    query = next((value for name, value in parameters if name == "query"), "")
    try:
        status, body = HTTPStatus.OK.value, shown.answer(here, _question(here, parameters), until)
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
    return Question(queries[0], _accept(here, given.get(FORMAT, [])), default_graphs, named_graphs, _partial(given.get("partial", [])))


def _partial(said: list[str]) -> bool:
    """Tell whether the first rows of an answer that is too long are welcome. Raises BadRequest."""
    if len(said) > 1 or (said and said[0] not in ("true", "false")):
        raise BadRequest(Text("« partial » vaut true ou false.", "'partial' is true or false."))
    return said == ["true"]


def _accept(here: Asking, named: list[str]) -> str:
    """Return what the answer may be written in: the formats that a link names, or what the client accepts. Raises BadRequest."""
    if not named:
        return here.accept or ANYTHING
    known = [FORMATS[name] for value in named for name in (value, OTHER_NAMES.get(value)) if name in FORMATS]
    if not known:
        listed = ", ".join(FORMATS)
        raise BadRequest(Text(f"« format » est l'un de : {listed}.", f"'format' is one of: {listed}."))
    return ", ".join(known)


def _known_to_client(here: Asking, question: Question) -> Response | None:
    """Answer 304 before anything is asked, when the client holds the answer of this very state of the graph."""
    held = here.header("if-none-match")
    if held is None or held.strip() == "*":
        return None
    etag = _etag(here, question, here.node.queries.standing()[0])
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": "Accept, Accept-Encoding"}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers) if replies.unchanged(here, etag, None) else None


def _etag(here: Asking, question: Question, position: int) -> str:
    """Return the ETag of a lasting answer: the same question on the same state of the graph has the same answer, whatever the order of its rows."""
    state = replies.RELEASE, here.node.queries.standing()[1], position, _formats(question.accept[:LONGEST])
    parts = *state, question.query, question.default_graphs, question.named_graphs, question.partial
    return "W/" + replies.tag(here, hashlib.sha256(repr(parts).encode()).hexdigest()[:32])


@lru_cache(maxsize=256)
def _formats(accept: str) -> tuple[str, ...]:
    """Return the formats of answers of each form; an empty one where there is none that the client takes."""
    return tuple(_format(accept, form) for form in Form)


def _format(accept: str, form: Form) -> str:
    """Return the format of an answer of this form."""
    try:
        return choose(accept, form)
    except NotAcceptable:
        return ""


async def _cacheable(here: Asking, question: Question, answer: Answer) -> Response:
    """Answer a GET with what lets the client ask again for nothing."""
    made = moment(datetime.fromtimestamp(answer.created_at, UTC))
    headers = {"Cache-Control": REVALIDATE, "Vary": "Accept, Accept-Encoding", **_told(here, answer)}
    if not answer.lasting:
        return await _sent(here, answer, headers)
    headers["ETag"] = _etag(here, question, answer.position)
    if answer.created_at + 1 < time.time():  # nothing newer can have the same second
        headers["Last-Modified"] = replies.http_date(made)
    if replies.unchanged(here, headers["ETag"], made):
        answer.close()
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return await _sent(here, answer, headers)


def _told(here: Asking, answer: Answer) -> dict[str, str]:
    """Say which state of the graph answered and how old it is, and whether the answer is not the whole one."""
    age = 0 if answer.position == here.node.queries.standing()[0] else max(0, round(time.time() - answer.created_at))
    headers = {"Maillage-Sequence": str(answer.position), "Age": str(age)}
    if answer.truncated:
        headers["Maillage-Truncated"] = "true"
    if answer.unknown:
        headers["Maillage-Unknown-Graph"] = ", ".join(f"<{quote(iri, safe=IRI_MARKS)}>" for iri in answer.unknown[:MOST_NAMED])
    return headers


async def _sent(here: Asking, answer: Answer, headers: dict[str, str]) -> Response:
    """Send an answer: a small one at once, a large one from its file as it is read."""
    kind = replies.content_type(answer.media_type)
    if isinstance(answer.body, bytes) and answer.size <= AS_IT_IS:
        return Response(answer.body, HTTPStatus.OK, headers, media_type=kind)
    if isinstance(answer.body, bytes) and answer.size <= AT_ONCE:
        return replies.whole(here, answer.body, kind, headers)
    if isinstance(answer.body, bytes):
        return await run_in_threadpool(replies.whole, here, answer.body, kind, headers)
    if replies.is_head(here):
        answer.close()
    return replies.stream(here, answer.chunks(), kind, headers)
