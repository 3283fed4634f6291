"""The sources of the directory: who is read, how each is doing, and what each reading met, line by line.

Anybody may read these pages: they show what sources publish themselves and what became of it, never how to sign in there.
"""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import NotFound, Text
from app.journal import visits
from app.journal.visits import Item, Visit
from app.names import OWN
from app.search.selection import Selection
from app.web import group_reading
from app.web.asking import Asking, Here
from app.web.negotiation import HTML
from app.web.pages import layout, sources
from app.web.pages.addresses import safe_url
from app.web.pages.layout import Page, render
from app.web.pages.sources import LINES, ONE_LINE, OUTCOMES, Shown, Sign
from app.web.problems import refusals
from app.web.replies import REVALIDATE, Place, Stamp, Variant, described, reply

router = APIRouter(tags=["peers"])

VISITS: Final = 20
LINES_SHOWN: Final = 60
SUMMARY: Final = "*"
"""The key of the line that sums up the fields nobody maps."""

NO_SUCH = Text("Il n'y a pas de compte rendu à cette adresse.", "There is no report at this address.")


def _list_page(here: Asking, known: list[Shown]) -> bytes:
    frame = Page(here)
    totals = dict(here.node.search.find(Selection(limit=1)).facets["source"])
    groups = [(one, totals.get(one.source.name, 0), frame.to("/groups", [("source", one.source.name)])) for one in known]
    return render(here, "peers.html", sources=groups)


def _peer_page(here: Asking, subject: tuple[Shown, list[Visit]]) -> bytes:
    frame = Page(here)
    shown, past = subject
    held = next((visit for visit in past if visit.outcome == "held"), None)
    return render(
        here,
        "peer.html",
        shown=shown,
        visits=[(visit, OUTCOMES[visit.outcome], _counts(visit), _report(frame, visit)) for visit in past],
        held=held and _report(frame, held),
        groups=frame.to("/groups", [("source", shown.source.name)]),
    )


def _visit_page(here: Asking, subject: dict[str, Any]) -> bytes:
    frame = Page(here)
    visit: Visit = subject["visit"]
    items: list[Item] = subject["items"]
    outcome: str | None = subject["outcome"]
    pairs = [("outcome", outcome)] if outcome else []
    return render(
        here,
        "visit.html",
        shown=subject["shown"],
        visit=visit,
        sign=OUTCOMES[visit.outcome],
        counts=[(sign, number, _report(frame, visit, [("outcome", name)]), name == outcome) for name, sign, number in _every_count(visit)],
        whole=_report(frame, visit) if outcome else None,
        lines=[(ONE_LINE.get(item.outcome), LINES.get(item.outcome), item, safe_url(item.iri)) for item in items],
        summary_key=SUMMARY,
        following=_report(frame, visit, [*pairs, ("cursor", str(items[-1].id))]) if len(items) == LINES_SHOWN else None,
    )


def _every_count(visit: Visit) -> list[tuple[str, Sign, int]]:
    """Return the counts of a visit that are not zero."""
    return [(name, sign, visit.counts[name]) for name, sign in LINES.items() if visit.counts.get(name)]


def _counts(visit: Visit) -> list[tuple[Sign, int]]:
    """Return the same without their names."""
    return [(sign, number) for _, sign, number in _every_count(visit)]


def _report(frame: Page, visit: Visit, pairs: list[tuple[str, str]] | None = None) -> str:
    """Return the address of a visit's report."""
    return frame.to(f"/peers/{visit.source}/visits/{visit.id}", pairs or [])


LIST: tuple[Variant[list[Shown]], ...] = (Variant(HTML, "html", _list_page, spoken=True, mark=layout.mark),)
PEER: tuple[Variant[tuple[Shown, list[Visit]]], ...] = (Variant(HTML, "html", _peer_page, spoken=True, mark=layout.mark),)
VISIT: tuple[Variant[dict[str, Any]], ...] = (Variant(HTML, "html", _visit_page, spoken=True, mark=layout.mark),)


@router.get("/peers", responses=described(LIST, "The sources of the directory"))
def show_all(here: Here) -> Response:
    """The sources of the directory, for people."""
    with here.node.journal.read() as connection:
        known = sources.listed(connection, Page(here))
    return reply(here, LIST, known, _stamp(known), Place(f"{here.node.names.base}/peers"))


@router.get("/peers/{name}", responses={**described(PEER, "One source"), **refusals(NotFound)})
def show(here: Here, name: str) -> Response:
    """One source with its last visits, for people."""
    with here.node.journal.read() as connection:
        shown = sources.get(connection, Page(here), name)
        past = [] if shown.own else sources.recent(connection, shown.source, VISITS)
    return reply(here, PEER, (shown, past), _stamp(shown, past), Place(here.node.names.source(name)))


@router.get("/peers/{name}/visits/{number}", responses={**described(VISIT, "The report of one visit"), **refusals(NotFound)})
def show_visit(here: Here, name: str, number: int, cursor: int = 0, outcome: str | None = None) -> Response:
    """The report of one visit, line by line, for people."""
    wanted = outcome if outcome in LINES else None
    with here.node.journal.read() as connection:
        shown = sources.get(connection, Page(here), name)
        visit = visits.get(connection, number)
        if visit.source != name or name == OWN or visit.dry_run:
            raise NotFound(NO_SUCH)
        items = visits.items(connection, number, cursor, LINES_SHOWN, wanted)
    subject = {"shown": shown, "visit": visit, "items": items, "outcome": wanted}
    return reply(here, VISIT, subject, _stamp(visit, items), Place(f"{here.node.names.source(name)}/visits/{number}"))


def _stamp(*shown: object) -> Stamp:
    """Stamp what is shown with its own digest."""
    return Stamp(group_reading.digest(repr(shown)), None, REVALIDATE)
