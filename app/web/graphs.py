"""Graph Store Protocol (SPARQL 1.1), read only: a named graph, or the default one, under its indirect address.

The graphs are read from the journal, of which the store is a projection: so one is there as soon as it was written.
"""

import json
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from app.errors import BadRequest, Gone, NotFound, Text
from app.journal import changes, meta
from app.journal.tables import group
from app.record import n_triples, serialise_ntriples
from app.web import records, replies, snapshots
from app.web.asking import Asking, Here
from app.web.negotiation import NTRIPLES, TURTLE
from app.web.problems import refusals
from app.web.replies import REVALIDATE, Place, Stamp, Variant, described, reply

router = APIRouter(tags=["sparql"])

WHICH = Text(
    "Nommez un graphe : « ?graph= » et son adresse, ou « ?default » pour l'annuaire combiné.",
    "Name a graph: '?graph=' and its address, or '?default' for the combined directory.",
)
NO_SUCH = Text("Il n'y a pas de graphe de ce nom ici.", "There is no graph of that name here.")
AT_ONCE = 200


def _catalogue_turtle(here: Asking, _graph: str) -> bytes:
    return serialise_ntriples(here.node.store.read(here.node.names.catalogue), TURTLE)


def _catalogue_ntriples(here: Asking, _graph: str) -> bytes:
    return here.node.store.read(here.node.names.catalogue).encode()


CATALOGUE: tuple[Variant[str], ...] = (Variant(TURTLE, "ttl", _catalogue_turtle), Variant(NTRIPLES, "nt", _catalogue_ntriples))

ABSENT = refusals(BadRequest, NotFound, Gone)


@router.get("/graphs", responses={**described(records.RECORD, "The graph"), **ABSENT})
def show(
    here: Here,
    graph: Annotated[str | None, Query(description="The IRI of a named graph")] = None,
    default: Annotated[str | None, Query(description="Present: the default graph, as Turtle or N-Triples")] = None,
) -> Response:
    """A named graph, or the default one."""
    names = here.node.names
    if (graph is None) == (default is None):
        raise BadRequest(WHICH)
    if graph is None:
        return _default(here)
    if graph == names.catalogue:
        stamp = Stamp(f"c{here.node.store.epoch()}-{here.node.store.position()}", None, REVALIDATE)
        return reply(here, CATALOGUE, graph, stamp, Place(f"{names.base}/graphs?graph={quote(graph, safe='')}"))
    reference = names.reference_of(graph)
    if reference is None:
        raise NotFound(NO_SUCH)
    source, _, key = reference.partition("/")
    return records.answer(here, source, key, None)


@router.get("/catalogue", status_code=303, responses={303: {"description": "Its content is at /graphs"}})
def catalogue(here: Here) -> Response:
    """The graph about graphs."""
    names = here.node.names
    return RedirectResponse(f"{names.base}/graphs?graph={quote(names.catalogue, safe='')}", 303)


def _default(here: Asking) -> Response:
    """Stream the combined directory; lines of N-Triples are Turtle too."""
    variant = replies.choose(here, CATALOGUE)
    version, parts = snapshots.opened(here, lambda c: f"d{meta.epoch(c)}-{changes.last(c)}-{variant.name}", _triples)
    etag = replies.tag(here, version)
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": "Accept, Accept-Encoding"}
    if replies.unchanged(here, etag, None):
        parts.close()
        return Response(status_code=304, headers=headers)
    return replies.stream(here, parts, replies.content_type(variant.media_type), headers)


def _triples(c: Connection) -> Iterator[bytes]:
    """Yield the groups of the combined directory."""
    rows = c.execute(select(group.c.document).order_by(group.c.identity_id).execution_options(yield_per=AT_ONCE))
    for batch in rows.partitions():
        yield "".join(n_triples(json.loads(row.document)) for row in batch).encode()
