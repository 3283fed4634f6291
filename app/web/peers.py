"""Peers over HTTP: who is harvested and how, and what each visit met. Reading takes a reader's token, visiting an editor's, the rest an admin's."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app.errors import BadRequest, Busy, Conflict, Forbidden, NotFound, NotSignedIn, Text, TooLarge, UnsupportedType
from app.harvest import formats
from app.harvest.fetch import Budget
from app.harvest.formats import mapping as mappings
from app.harvest.telling import address, head_json, item_json, peer_json, seconds_of
from app.journal import evidence, sources, visits
from app.journal.sources import Source, Trust
from app.names import OWN
from app.web import bodies
from app.web.access import Admin, Editor, Reader
from app.web.asking import Asking, Here
from app.web.bodies import Content
from app.web.negotiation import JSON
from app.web.problems import refusals

router = APIRouter(prefix="/api", tags=["peers"], default_response_class=JSONResponse)

PATIENCE_S = 30.0
"""Seconds that an answer waits for a visit to end."""

VISITS_AT_ONCE = threading.BoundedSemaphore(4)
"""Visits that people asked for and that run now; the clock has its own."""

PAGE = 100
LARGEST_PAGE = 1000
NEW = frozenset({"name", "url", "format", "trust", "every", "mapping", "enabled", "keep_contacts"})
CHANGEABLE = NEW - {"name"}
FRESH = {"Cache-Control": "private, no-store"}

REFUSALS = refusals(NotSignedIn, Forbidden)
ABSENT = {**REFUSALS, **refusals(NotFound)}
CHECKED = {**ABSENT, **refusals(BadRequest, TooLarge, UnsupportedType)}
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}}


@router.get("/peers", responses=REFUSALS)
def list_peers(here: Here, _token: Reader) -> Response:
    """Every peer."""
    with here.node.journal.read() as connection:
        found = [peer for peer in sources.list_(connection) if peer.name != OWN]
    return JSONResponse({"peers": [peer_json(peer, here.language) for peer in found]}, headers=FRESH)


@router.post("/peers", status_code=201, responses={**CHECKED, **refusals(Conflict)}, openapi_extra=BODY)
def add_peer(here: Here, request: Request, _token: Admin, body: Content) -> Response:
    """Add a peer; its format is found out when none is given. Nothing is harvested yet."""
    given = bodies.fields(request, body, NEW)
    name, values = bodies.text(given, "name", 80), _values(given)
    if "url" not in values:
        raise BadRequest(Text("« url » manque : l'adresse du pair.", "'url' is missing: the peer's address."))
    if "format" not in values:
        values["format"], values["url"] = formats.detect(values["url"], here.node.fetcher, Budget())
    with here.node.journal.write() as connection:
        peer = sources.add(connection, name, **values)
    return JSONResponse(peer_json(peer, here.language), 201, {**FRESH, "Location": f"{here.node.names.base}/api/peers/{name}"})


@router.get("/peers/{name}", responses=ABSENT)
def show_peer(here: Here, name: str, _token: Reader) -> Response:
    """One peer, and how many judgements of its people are taken as evidence."""
    peer = _peer(here, name)
    with here.node.journal.read() as connection:
        judgements = evidence.count(connection, peer.id)
    return JSONResponse(peer_json(peer, here.language) | {"judgements": judgements}, headers=FRESH)


@router.patch("/peers/{name}", responses=CHECKED, openapi_extra=BODY)
def change_peer(here: Here, request: Request, name: str, _token: Admin, body: Content) -> Response:
    """Change what is given; at another address, or in another format, the peer is read anew."""
    values = _values(bodies.fields(request, body, CHANGEABLE))
    held = _peer(here, name)
    if any(key in values and values[key] != getattr(held, key) for key in ("url", "format", "mapping")):
        values["cursor"] = {}
    if "every_s" in values:
        values["pace_s"] = None  # adapted anew, from what is said now
    peer = here.node.harvester.change(name, **values)
    return JSONResponse(peer_json(peer, here.language), headers=FRESH)


@router.delete("/peers/{name}", status_code=204, responses=ABSENT)
def remove_peer(here: Here, name: str, _token: Admin) -> Response:
    """Remove a peer with all that it said; what others say of the same groups stays."""
    _peer(here, name)
    here.node.harvester.remove(name)
    return Response(status_code=204)


GOING_ON: dict[int | str, dict[str, Any]] = {202: {"description": "It goes on; its report is at Location"}}


@router.post("/peers/{name}/visit", responses={**ABSENT, **GOING_ON, **refusals(Busy)})
def visit_peer(here: Here, name: str, _token: Editor, dry_run: bool = False) -> Response:
    """Visit a peer now, or only say what a visit would change."""
    peer = _peer(here, name)
    try:
        number = _started(here, name, dry_run).result(PATIENCE_S)
    except TimeoutError:
        return _going_on(here, peer)
    return JSONResponse(_visit_json(here, number, 0), headers=FRESH)


@router.get("/peers/{name}/visits", responses=ABSENT)
def list_visits(here: Here, name: str, _token: Reader, cursor: int | None = None, limit: int = PAGE) -> Response:
    """The visits to a peer, the newest first, without their lines."""
    peer, many = _peer(here, name), _bounded(limit)
    with here.node.journal.read() as connection:
        found = visits.list_(connection, peer.id, cursor, many)
    following = f"{here.node.names.base}/api/peers/{name}/visits?{urlencode({'cursor': found[-1].id, 'limit': many})}" if len(found) == many else None
    return JSONResponse({"visits": [head_json(visit, here.language) for visit in found], "next": following}, headers=FRESH)


@router.get("/visits/{number}", responses=ABSENT)
def show_visit(here: Here, number: int, _token: Reader, cursor: int = 0, limit: int = PAGE) -> Response:
    """One visit with its lines, a page at a time."""
    return JSONResponse(_visit_json(here, number, cursor, _bounded(limit)), headers=FRESH)


@router.post("/visits/{number}/apply", responses=ABSENT)
def apply_visit(here: Here, number: int, token: Editor) -> Response:
    """Apply a visit that was held for a person."""
    here.node.harvester.apply(_existing(here, number), token.label)
    return JSONResponse(_visit_json(here, number, 0), headers=FRESH)


@router.post("/visits/{number}/discard", responses=ABSENT)
def discard_visit(here: Here, number: int, token: Editor) -> Response:
    """Drop a visit that was held for a person."""
    here.node.harvester.discard(_existing(here, number), token.label)
    return JSONResponse(_visit_json(here, number, 0), headers=FRESH)


@router.post("/visits/{number}/undo", responses=ABSENT)
def undo_visit(here: Here, number: int, token: Editor) -> Response:
    """Take back a visit that was applied; what changed since stays, and the peer's next visit waits for a person."""
    here.node.harvester.undo(_existing(here, number), token.label)
    return JSONResponse(_visit_json(here, number, 0), headers=FRESH)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """Read the fields of a peer, those that are there, as those of `Source`. Raises BadRequest and what a mapping raises."""
    read: dict[str, tuple[str, Callable[[], Any]]] = {
        "url": ("url", lambda: address(bodies.text(given, "url"))),
        "format": ("format", lambda: _chosen(given, "format", formats.FORMATS)),
        "trust": ("trust", lambda: Trust(_chosen(given, "trust", list(Trust)))),
        "every": ("every_s", lambda: seconds_of(bodies.text(given, "every", 20))),
        "mapping": ("mapping", lambda: _mapping(given["mapping"])),
        "enabled": ("enabled", lambda: bodies.flag(given, "enabled", True)),
        "keep_contacts": ("keep_contacts", lambda: bodies.flag(given, "keep_contacts", False)),
    }
    return {column: reader() for key, (column, reader) in read.items() if key in given and (given[key] is not None or key == "mapping")}


def _chosen(given: dict[str, Any], key: str, known: Any) -> str:
    """One of a few words."""
    value = bodies.text(given, key, 40)
    if value not in known:
        listed = ", ".join(sorted(known))
        raise BadRequest(Text(f"« {key} » est l'un de : {listed}.", f"'{key}' is one of: {listed}."))
    return value


def _mapping(value: Any) -> dict[str, Any] | None:
    """A mapping, checked as a whole; null takes it away."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadRequest(Text("« mapping » doit être un objet JSON.", "'mapping' must be a JSON object."))
    mappings.parse(value)
    return value


def _peer(here: Asking, name: str) -> Source:
    """Return a peer; the node itself is none. Raises NotFound."""
    if name == OWN:
        raise NotFound(Text("Le nœud n'est pas son propre pair.", "The node is not its own peer."))
    with here.node.journal.read() as connection:
        return sources.get(connection, name)


def _existing(here: Asking, number: int) -> int:
    """Return the number of a visit that there is. Raises NotFound."""
    with here.node.journal.read() as connection:
        return visits.get(connection, number).id


def _visit_json(here: Asking, number: int, cursor: int, limit: int = PAGE) -> dict[str, Any]:
    """Return a visit with a page of its lines, and where the next page is."""
    with here.node.journal.read() as connection:
        visit = visits.get(connection, number)
        items = visits.items(connection, number, cursor, limit)
    following = f"{here.node.names.base}/api/visits/{number}?{urlencode({'cursor': items[-1].id, 'limit': limit})}" if len(items) == limit else None
    return head_json(visit, here.language) | {"items": [item_json(item, here.language) for item in items], "next": following}


def _bounded(limit: int) -> int:
    """Keep a page within bounds. Raises BadRequest."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadRequest(Text(f"« limit » va de 1 à {LARGEST_PAGE}.", f"'limit' goes from 1 to {LARGEST_PAGE}."))
    return limit


def _started(here: Asking, name: str, dry_run: bool) -> "Future[int]":
    """Start a visit in a thread of its own, which does not keep the process from ending: a visit is applied whole or not at all."""
    if not VISITS_AT_ONCE.acquire(blocking=False):
        raise Busy(Text("Trop de visites sont en cours : réessayez dans une minute.", "Too many visits are running: try again in a minute."), 60)
    ended: Future[int] = Future()

    def run() -> None:
        try:
            ended.set_result(here.node.harvester.visit(name, dry_run=dry_run))
        except Exception as error:  # noqa: BLE001 - handed to the one who waits
            ended.set_exception(error)
        finally:
            VISITS_AT_ONCE.release()

    threading.Thread(target=run, name=f"visit {name}", daemon=True).start()
    return ended


def _going_on(here: Asking, peer: Source) -> Response:
    """Say where the report of a visit that goes on will be."""
    with here.node.journal.read() as connection:
        running = [visit for visit in visits.unfinished(connection) if visit.source == peer.name]
    place = f"visits/{running[-1].id}" if running else f"peers/{peer.name}/visits"
    body = head_json(running[-1], here.language) if running else {"peer": peer.name, "outcome": None}
    return JSONResponse(body, 202, {**FRESH, "Location": f"{here.node.names.base}/api/{place}"})
