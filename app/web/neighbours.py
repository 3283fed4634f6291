"""What the operator may know of other nodes: who harvests this one, who is told of its changes, whom its peers speak of."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.errors import Conflict, NotFound
from app.harvest import webhooks
from app.journal import proposals, readers, subscribers
from app.web import bodies
from app.web.access import Admin, Reader
from app.web.asking import Here
from app.web.bodies import Content
from app.web.peers import ABSENT, BODY, CHECKED, FRESH, REFUSALS
from app.web.problems import refusals

router = APIRouter(prefix="/api", tags=["peers"], default_response_class=JSONResponse)

WEBHOOK = frozenset({"url", "signed"})


@router.get("/readers", responses=REFUSALS)
def list_readers(here: Here, _token: Reader) -> Response:
    """Who reads our feed and dumps, as far as they say who they are."""
    here.node.readership.flush()
    with here.node.journal.read() as connection:
        found = readers.list_(connection)
    shown = ("agent", "url", "requests", "sequence")
    rows = [{key: getattr(one, key) for key in shown} | {"first": one.first_at, "last": one.last_at} for one in found]
    return JSONResponse({"readers": rows}, headers=FRESH)


@router.get("/proposals", responses=REFUSALS)
def list_proposals(here: Here, _token: Reader) -> Response:
    """Nodes that our peers speak of and that are no peers of ours; none is ever followed unless it is added."""
    with here.node.journal.read() as connection:
        rows = [asdict(one) for one in proposals.list_(connection)]
    return JSONResponse({"proposals": rows}, headers=FRESH)


@router.delete("/proposals", status_code=204, responses={**REFUSALS, **refusals(NotFound)})
def dismiss_proposal(here: Here, _token: Admin, url: str) -> Response:
    """Show a proposal no more."""
    with here.node.journal.write() as connection:
        proposals.dismiss(connection, url)
    return Response(status_code=204)


@router.get("/webhooks", responses=REFUSALS)
def list_webhooks(here: Here, _token: Admin) -> Response:
    """Who is told when our feed moves: the webhooks named here, and the WebSub subscribers that came by themselves."""
    with here.node.journal.read() as connection:
        rows = [webhooks.as_json(one, here.language) for one in subscribers.list_(connection)]
    return JSONResponse({"webhooks": rows}, headers=FRESH)


@router.post("/webhooks", status_code=201, responses={**CHECKED, **refusals(Conflict)}, openapi_extra=BODY)
def add_webhook(here: Here, request: Request, _token: Admin, body: Content) -> Response:
    """Name an address that is told; when it is to be `signed`, the answer holds the secret, this once."""
    given = bodies.fields(request, body, WEBHOOK)
    with here.node.journal.write() as connection:
        one = webhooks.add(connection, here.node.names, bodies.text(given, "url"), signed=bodies.flag(given, "signed", False))
    shown = webhooks.as_json(one, here.language) | ({"secret": one.secret} if one.secret else {})
    return JSONResponse(shown, 201, {**FRESH, "Location": f"{here.node.names.base}/api/webhooks/{one.id}"})


@router.get("/webhooks/{number}", responses=ABSENT)
def show_webhook(here: Here, number: int, _token: Admin) -> Response:
    """One webhook, or WebSub subscriber."""
    with here.node.journal.read() as connection:
        one = webhooks.get(connection, number)
    return JSONResponse(webhooks.as_json(one, here.language), headers=FRESH)


@router.delete("/webhooks/{number}", status_code=204, responses=ABSENT)
def remove_webhook(here: Here, number: int, _token: Admin) -> Response:
    """Tell this address no more."""
    with here.node.journal.write() as connection:
        webhooks.remove(connection, number)
    return Response(status_code=204)
