"""The end of a visit: its report, and what its peer's row says afterwards; whether it got through, failed, or was interrupted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.errors import Text
from app.harvest import lines
from app.harvest.budget import Budget
from app.harvest.holding import Difference
from app.harvest.pace import adapted, next_visit
from app.journal import listening, sources, visits
from app.journal.moments import now
from app.journal.sources import Source
from app.record.text import absolute_iri


def report(
    c: Connection, visit_id: int, outcome: str, message: Text | None, budget: Budget, counts: Mapping[str, int], cursor: Mapping[str, Any] | None
) -> None:
    """Close the report of a visit."""
    visits.finish(c, visit_id, outcome, message, counts, budget.used_requests, budget.used_bytes, cursor)


def web_address(text: str | None) -> str | None:
    """Return what a peer states as its licence if it is an address of the web."""
    return absolute_iri(text) if text and text.startswith(("http://", "https://")) else None


def licence_given(source: Source) -> str | None:
    """Return the licence that the node's own settings give; the one that the peer stated at an earlier visit is the peer's to change."""
    return None if source.licence == source.cursor.get("licence") else source.licence


def arrived(c: Connection, source: Source, held: Text | None, cursor: Mapping[str, Any] | None, found: Difference | None = None) -> None:
    """Note on the peer that a visit got through; the cursor moves only when what was read was applied, the pace when changes were `found`."""
    pace = source.pace_s if held or found is None or found.expected else adapted(source.every_s, source.pace_s, found)
    if pace and listening.is_called(c, source.id):
        pace = max(pace, source.every_s)  # it calls when something changes: there is no need to look often
    values: dict[str, Any] = {
        "state": "held" if held else "ok",
        "message": held,
        "failures": 0,
        "last_visit_at": now(),
        "pace_s": pace,
        "next_visit_at": next_visit(pace or source.every_s),
    }
    if cursor is not None:
        values |= {"cursor": cursor, "licence": licence_given(source) or cursor.get("licence")}
    sources.update(c, source.name, **values)


def supersede_held(c: Connection, source_id: int, visit_id: int) -> None:
    """A newer visit got through: an older one that waited for a person has nothing to say any more."""
    for visit in visits.held(c):
        if visit.source_id == source_id and visit.id != visit_id:
            visits.finish(c, visit.id, "discarded", Text(f"Remplacée par la visite {visit_id}.", f"Replaced by visit {visit_id}."))
            visits.clear_documents(c, visit.id)


def put_off(c: Connection, source: Source) -> None:
    """Let a peer rest whose visit ended with the process: should its data be what ended it, the node must not end again at once."""
    failures = source.failures + 1
    sources.update(c, source.name, failures=failures, next_visit_at=next_visit(source.every_s, failures))


def mark_interrupted(c: Connection, source: Source) -> int:
    """Close the reports that a crash left open; the caller holds the peer's lock, so nobody is writing them."""
    found = [visit for visit in visits.unfinished(c) if visit.source_id == source.id]
    for visit in found:
        text = Text(
            "La visite a été interrompue par un arrêt du nœud ; rien n'a été appliqué.",
            "The visit was interrupted by a stop of the node; nothing was applied.",
        )
        visits.finish(c, visit.id, "failed", text, lines.counts(c, visit.id))
        if visit.cursor is None or visit.dry_run:
            visits.forget_place(c, visit.id)
    return len(found)
