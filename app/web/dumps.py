"""The whole directory as one file, streamed from one moment of the journal: for a peer that starts, a spreadsheet, a map."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from app.errors import BadRequest, Busy, Text
from app.feed import dump
from app.journal import changes, meta
from app.names import OWN
from app.web import snapshots
from app.web.asking import Asking, Here
from app.web.problems import refusals
from app.web.replies import REVALIDATE, http_date, stream, tag, unchanged

router = APIRouter(tags=["dumps"])

Source = Annotated[str | None, Query(description="`own`: our own records alone")]

GZIP = "application/gzip"


def _described(kind: str, packed: bool) -> dict[int | str, dict[str, Any]]:
    """Say to the API's description what a dump answers."""
    media_type = GZIP if packed else dump.MEDIA_TYPES[kind].split(";")[0]
    return {
        200: {"description": "The dump; `Maillage-Epoch` and `Maillage-Sequence` say where in the feed it stands", "content": {media_type: {}}},
        304: {"description": "Not modified"},
        **refusals(Busy),
    }


@router.get("/dump.nq.gz", responses=_described("nq", packed=True))
def nquads(here: Here, source: Source = None) -> Response:
    """The combined directory as the default graph and each source's records as named graphs, in N-Quads."""
    return _answer(here, "nq", source, packed=True)


@router.get("/dump.ndjson.gz", responses=_described("ndjson", packed=True))
def ndjson(here: Here, source: Source = None) -> Response:
    """One JSON-LD document a line."""
    return _answer(here, "ndjson", source, packed=True)


@router.get("/dump.csv", responses=_described("csv", packed=False))
def csv(here: Here, source: Source = None) -> Response:
    """One line a group, for spreadsheets."""
    return _answer(here, "csv", source, packed=False)


@router.get("/dump.geojson", responses=_described("geojson", packed=False))
def geojson(here: Here, source: Source = None) -> Response:
    """A GeoJSON FeatureCollection, for maps."""
    return _answer(here, "geojson", source, packed=False)


def _answer(here: Asking, kind: str, source: str | None, packed: bool) -> Response:
    """Answer with one dump, or with 304 when the client holds it."""
    if source not in (None, OWN):
        raise BadRequest(Text("« source » ne peut être que « own » : nos propres groupes.", "'source' can only be 'own': our own groups."))
    own = source == OWN
    names = here.node.names
    stand, parts = snapshots.opened(here, _stand, lambda connection: dump.STREAMS[kind](connection, names, own))
    here.node.readership.note(here.header("user-agent"), stand.sequence)
    version = f"{stand.version}-{'own' if own else 'all'}-{kind}"
    etag = f'"{version}"' if packed else tag(here, version)
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": "Accept-Encoding", "Last-Modified": http_date(stand.modified_at)}
    headers |= {"Maillage-Epoch": str(stand.epoch), "Maillage-Sequence": str(stand.sequence)}
    if unchanged(here, etag, stand.modified_at):
        parts.close()
        return Response(status_code=304, headers=headers)
    return stream(here, parts, GZIP if packed else dump.MEDIA_TYPES[kind], headers, packed=packed)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a dump stands: its version, the feed's epoch and sequence, when the directory last changed."""

    version: str
    epoch: int
    sequence: int
    modified_at: str


def _stand(c: Connection) -> Stand:
    """Say where a dump made now would stand."""
    sequence, modified_at = dump.state(c)
    epoch = meta.epoch(c)
    return Stand(f"{epoch}-{sequence}-{changes.last(c)}", epoch, sequence, modified_at)
