"""Telling and being told that something changed: our WebSub hub, the callbacks of our own subscriptions, and pings from anybody.

None of them is believed for what it says: the hub asks the callback itself, a call or a ping only makes a visit come sooner.
"""

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse, Response

from app.errors import BadRequest, Busy, Gone, NotFound, Text, TooLarge, UnsupportedType
from app.journal.listening import Subscription
from app.web import bodies
from app.web.asking import Here, node_of
from app.web.bodies import Unread
from app.web.negotiation import JSON, JSONLD
from app.web.problems import refusals

router = APIRouter(tags=["feed"])

FORM = "application/x-www-form-urlencoded"
WISH_BYTES, PING_BYTES, CALL_BYTES = 16_000, 8_000, 4_000_000
SEND_FORM = Text(f"Envoyez un formulaire ({FORM}).", f"Send a form ({FORM}).")
NO_NUMBER = Text("« sequence » doit être un nombre entier.", "'sequence' must be a whole number.")
PING = frozenset({"feed", "sequence"})

TAKEN: dict[int | str, dict[str, Any]] = {202: {"description": "Taken note of"}}
HUB: dict[str, Any] = {"requestBody": {"required": True, "content": {FORM: {"schema": {"type": "object"}}}}}
PINGED: dict[str, Any] = {"requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}}
CALLED: dict[str, Any] = {"requestBody": {"required": True, "content": {JSONLD: {"schema": {"type": "object"}}}}}


@router.post(
    "/hub", status_code=202, response_class=Response, openapi_extra=HUB, responses=TAKEN | refusals(BadRequest, TooLarge, UnsupportedType, Busy)
)
def hub(here: Here, request: Request, body: Annotated[bytes, Depends(bodies.at_most(WISH_BYTES))]) -> Response:
    """Subscribe to the feed, or stop (WebSub): the callback is asked whether it wants that, then it is told of every change."""
    if bodies.media_type(request) != FORM:
        raise Unread(SEND_FORM, (FORM,))
    here.node.hub.ask(_form(body))
    return Response(status_code=202)


@router.get("/listening/{token}", response_class=PlainTextResponse, responses=refusals(BadRequest, NotFound))
def confirm(
    here: Here,
    token: str,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    topic: Annotated[str, Query(alias="hub.topic")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
    lease: Annotated[str, Query(alias="hub.lease_seconds")] = "",
) -> Response:
    """A peer's hub asks whether we meant to subscribe there; the challenge comes back if we did."""
    answer = here.node.listening.confirm(token, mode, topic, challenge, lease)
    return PlainTextResponse(answer, headers={"Cache-Control": "no-store"})


def subscription(request: Request, token: str) -> Subscription:
    """Return the subscription of this address, before anything of the body is read."""
    return node_of(request).listening.known(token)


@router.post("/listening/{token}", status_code=202, response_class=Response, openapi_extra=CALLED, responses=TAKEN | refusals(Gone, TooLarge))
def called(
    here: Here,
    request: Request,
    found: Annotated[Subscription, Depends(subscription)],
    body: Annotated[bytes, Depends(bodies.at_most(CALL_BYTES))],
) -> Response:
    """A peer's hub says that its feed changed; if the signature is that of our secret, the peer is visited soon."""
    here.node.listening.called(found, body, request.headers.get("x-hub-signature"))
    return Response(status_code=202)


@router.post(
    "/ping", status_code=202, response_class=Response, openapi_extra=PINGED, responses=TAKEN | refusals(BadRequest, TooLarge, UnsupportedType)
)
def ping(here: Here, request: Request, body: Annotated[bytes, Depends(bodies.at_most(PING_BYTES))]) -> Response:
    """Anybody may say that a feed has got to a sequence: a peer of ours is visited soon, of any other feed nothing comes."""
    given = bodies.fields(request, body, PING)
    feed, sequence = bodies.text(given, "feed"), given.get("sequence")
    if not isinstance(sequence, int) or isinstance(sequence, bool):
        raise BadRequest(NO_NUMBER)
    here.node.listening.pinged(feed, sequence)
    return Response(status_code=202)


def _form(body: bytes) -> dict[str, str]:
    """Read a form, of which each field counts once. Raises BadRequest."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise BadRequest(SEND_FORM) from None
    if len(dict(pairs)) != len(pairs):
        raise BadRequest(Text("Un champ du formulaire est donné deux fois.", "A field of the form is given twice."))
    return dict(pairs)
