"""Is the node alive, is it ready, and how much does it do: for those who keep it running."""

import resource
import sys
import time
from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from sqlalchemy import Connection, func, select
from starlette.responses import JSONResponse, Response

from app import __version__
from app.errors import JournalUnavailable, StoreUnavailable
from app.feed import pages
from app.journal import changes
from app.journal.tables import group, pending, record, source, visit
from app.names import OWN
from app.web.asking import Asking, Here
from app.web.frontdoor import Tally
from app.web.problems import refusals

router = APIRouter(tags=["operation"], default_response_class=JSONResponse)

FRESH = {"Cache-Control": "no-store"}
METRICS = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[str, float]
"""Labels as they stand between braces, and the value."""


@router.get("/health", responses={200: {"description": "Alive"}})
def health() -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok", "version": __version__}, headers=FRESH)


@router.get("/ready", responses={200: {"description": "Ready"}, **refusals(JournalUnavailable, StoreUnavailable)})
def ready(here: Here) -> Response:
    """Journal and graph can be read; `behind` is how many changes the graph has still to take."""
    with here.node.journal.read() as connection:
        journal = changes.last(connection)
    graph = here.node.store.position()
    return JSONResponse({"status": "ready", "journal": journal, "graph": graph, "behind": max(0, journal - graph)}, headers=FRESH)


@router.get("/metrics", response_class=Response, responses={200: {"description": "Figures for Prometheus", "content": {"text/plain": {}}}})
def metrics(here: Here) -> Response:
    """Figures in Prometheus' text format."""
    with here.node.journal.read() as connection:
        lines = [*_directory(connection), *_log(here, connection), *_process(here.request.app.state.tally)]
    return Response("\n".join(lines) + "\n", headers=FRESH, media_type=METRICS)


def _directory(c: Connection) -> Iterator[str]:
    """What the directory holds, and the state of its peers."""
    groups = c.execute(select(func.count()).select_from(group)).scalar_one()
    yield from _metric("maillage_groups", "gauge", "Groups in the combined directory", [("", groups)])
    counted = select(source.c.name, func.count()).select_from(record.join(source)).group_by(source.c.name)
    yield from _metric("maillage_records", "gauge", "Records by source", ((f'source="{name}"', count) for name, count in c.execute(counted)))
    states = select(source.c.state, func.count()).where(source.c.name != OWN).group_by(source.c.state)
    yield from _metric("maillage_peers", "gauge", "Peers by state", ((f'state="{state}"', count) for state, count in c.execute(states)))
    outcomes = select(func.coalesce(visit.c.outcome, "running"), func.count()).group_by(visit.c.outcome)
    yield from _metric("maillage_visits", "gauge", "Visits by outcome", ((f'outcome="{outcome}"', count) for outcome, count in c.execute(outcomes)))


def _log(here: Asking, c: Connection) -> Iterator[str]:
    """How far journal, graph and feed have got."""
    waiting = c.execute(select(func.count()).select_from(pending)).scalar_one()
    yield from _metric("maillage_journal_sequence", "counter", "Last change of the journal", [("", changes.last(c))])
    yield from _metric("maillage_graph_position", "counter", "Last change that the graph holds", _graph_position(here))
    yield from _metric("maillage_feed_sequence", "counter", "Last event of the feed", [("", pages.state(c).sequence)])
    yield from _metric("maillage_pending_records", "gauge", "Records whose group is not rebuilt yet", [("", waiting)])


def _graph_position(here: Asking) -> list[Sample]:
    """How far the graph has got; nothing when its server does not answer, which `/ready` tells."""
    try:
        return [("", here.node.store.position())]
    except StoreUnavailable:
        return []


def _process(tally: Tally) -> Iterator[str]:
    """What the process has done, and what it costs."""
    answers = ((f'method="{method}",status="{status}"', count) for (method, status), count in sorted(tally.answers.items()))
    unit = 1 if sys.platform == "darwin" else 1024
    yield from _metric("maillage_http_requests_total", "counter", "Answers by method and status", answers)
    yield from _metric("maillage_http_seconds_total", "counter", "Seconds until answers began, together", [("", round(tally.seconds, 6))])
    yield from _metric("maillage_uptime_seconds", "gauge", "Seconds since the start", [("", round(time.time() - tally.started, 3))])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    yield from _metric("maillage_peak_memory_bytes", "gauge", "Most memory held so far", [("", peak)])


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Write one metric."""
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"
