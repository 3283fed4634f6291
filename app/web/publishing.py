"""Writing our own groups: publish, revise, withdraw. The record is checked whole before anything changes (app.directory)."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.directory import Published, version_of
from app.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Malformed,
    NotFound,
    NotSignedIn,
    RequestError,
    StaleVersion,
    Text,
    TooLarge,
    UnsupportedType,
    VersionRequired,
)
from app.journal import records
from app.names import OWN, SLUG
from app.record import with_context
from app.web import bodies, documents, group_reading, replies
from app.web.access import Editor
from app.web.asking import Asking, Here
from app.web.bodies import Content
from app.web.groups import GROUP
from app.web.negotiation import JSON, JSONLD
from app.web.problems import finding, refusals

router = APIRouter(tags=["writing"])

BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {media_type: {"schema": {"type": "object"}} for media_type in (JSONLD, JSON)}}}

REFUSALS = refusals(Malformed, NotSignedIn, Forbidden, TooLarge, UnsupportedType, Invalid)
ACCEPTED: dict[str, Any] = {"content": {JSON: {}}}
CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Published", **ACCEPTED}}
REVISED: dict[int | str, dict[str, Any]] = {200: {"description": "Revised", **ACCEPTED}}
VERSIONED = refusals(Conflict, StaleVersion, VersionRequired)


NOT_HERE = Text("Ce groupe n'existe pas ici : retirez If-Match pour le publier.", "This group does not exist here: leave If-Match out to publish it.")
ODD_SLUG = Text(
    "Le nom dans l'adresse est fait de lettres minuscules, de chiffres et de tirets.",
    "The name in the address is made of lower-case letters, digits and hyphens.",
)


@router.post("/groups", status_code=201, responses={**REFUSALS, **refusals(Conflict), **CREATED}, openapi_extra=BODY)
def publish(here: Here, request: Request, token: Editor, body: Content) -> Response:
    """Publish a group; its slug is made from its name."""
    return _answer(here, here.node.directory.publish(bodies.document(request, body), None, token.label))


@router.put("/groups/{slug}", responses={**REFUSALS, **VERSIONED, **REVISED, **CREATED}, openapi_extra=BODY)
def put(here: Here, request: Request, slug: str, token: Editor, body: Content) -> Response:
    """Publish a group under this slug, or, with If-Match, revise it."""
    _refuse_odd_slug(slug)
    document = bodies.document(request, body)
    held = _held(here, slug)
    if held is None:
        if here.header("if-match") is not None:
            raise StaleVersion(
                Text(
                    "Ce groupe n'existe pas ici : retirez If-Match pour le publier.",
                    "This group does not exist here: leave If-Match out to publish it.",
                )
            )
        return _answer(here, here.node.directory.publish(document, slug, token.label))
    if here.header("if-none-match") == "*":
        raise StaleVersion(Text("Ce groupe existe déjà.", "This group exists already."))
    return _answer(here, here.node.directory.revise(slug, document, expected(here, held), token.label))


@router.delete("/groups/{slug}", status_code=204, responses=refusals(BadRequest, NotSignedIn, Forbidden, NotFound, Gone, StaleVersion))
def withdraw(here: Here, slug: str, token: Editor, purge: bool = False) -> Response:
    """Withdraw a group; `purge=true` erases its history too, here and with the peers that follow."""
    _refuse_odd_slug(slug)
    held = _held(here, slug)
    here.node.directory.withdraw(slug, token.label, expected(here, held) if held else None, purge)
    return Response(status_code=204)


def expected(here: Asking, held: str) -> str | None:
    """Return the version that If-Match names, as the own part of its ETag; None without the header.

    Of several the one that is held is taken, and ``*`` means it; a weak tag never matches (RFC 9110 section 13.1.1).
    """
    header = here.header("if-match")
    if header is None:
        return None
    if header.strip() == "*":
        return held
    named = [opaque.partition("-")[0] for strong, opaque in replies.tags(header) if strong]
    return held if held in named else next(iter(named), "none")


def _held(here: Asking, slug: str) -> str | None:
    """Return the mark of our record's present version, None when we publish no such group (any more)."""
    with here.node.journal.read() as connection:
        record = records.get(connection, OWN, slug)
    return version_of(record.content_hash) if record and record.state == records.LIVE else None


def _refuse_odd_slug(slug: str) -> None:
    """A slug becomes part of an address: only letters, digits and hyphens."""
    if not SLUG.match(slug):
        raise BadRequest(ODD_SLUG)


def _answer(here: Asking, published: Published) -> Response:
    """Say what was published, and what the node filled in, left out and found odd."""
    names = here.node.names
    body = {
        "id": published.iri,
        "filled": list(published.filled),
        "ignored": list(published.ignored),
        "warnings": [finding(found, here.language) for found in published.warnings],
        "record": with_context(published.document, names.context),
    }
    headers = {"ETag": _etag(here, published), "Content-Location": published.iri, "Cache-Control": replies.REVALIDATE, "Vary": "Accept-Language"}
    if published.created:
        headers["Location"] = published.iri
    return Response(documents.dumps(body), 201 if published.created else 200, headers, media_type=JSON)


def _etag(here: Asking, published: Published) -> str:
    """Return the ETag that this client would get for the group's JSON-LD; of a merged group, what a revision compares."""
    try:
        with here.node.journal.read() as connection:
            group = group_reading.read(connection, published.slug)
    except RequestError:  # somebody withdrew it at this very moment: it was published all the same
        group = published.slug
    version = f"{published.version}-merged" if isinstance(group, str) else replies.etag_of(GROUP[0], replies.Stamp(group.version), here.language)
    return replies.tag(here, version)
