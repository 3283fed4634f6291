"""Matches over HTTP: pairs that wait for a person, why two records are merged or not, and what people judged."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection, Select, select
from starlette.responses import JSONResponse, Response

from app.errors import BadRequest, Conflict, Text
from app.journal import judgements
from app.journal.judgements import Judgement, Verdict
from app.journal.tables import edge, record, source
from app.journal.text import from_text
from app.matching import explain as explaining
from app.matching import judge as judged
from app.matching import queue, relations
from app.matching.queue import Choice
from app.names import Names
from app.web import bodies
from app.web.access import Editor, Reader
from app.web.asking import Here
from app.web.bodies import Content
from app.web.peers import ABSENT, BODY, CHECKED, FRESH, PAGE, REFUSALS
from app.web.problems import refusals

router = APIRouter(prefix="/api", tags=["matching"], default_response_class=JSONResponse)

STATES = ("review", "match", "refused", "related")
OUT_OF_BOUNDS = Text(
    "« limit » va de 1 à 1000, et « cursor » est celui de la page précédente.",
    "'limit' goes from 1 to 1000, and 'cursor' is that of the previous page.",
)
FIELDS = frozenset({"left", "right", "verdict", "reason"})


@router.get("/matches", responses={**REFUSALS, **refusals(BadRequest)})
def list_matches(
    here: Here,
    _token: Reader,
    state: str = "review",
    band: str = "",
    sources: str = "",
    candidates: str = "",
    why: str = "",
    cursor: int = 0,
    limit: int = PAGE,
) -> Response:
    """Pairs of records by state: `match` was merged and `refused` was not, both the most alike first; `review` waits for a person.

    `related` are no pairs to merge, but links to propose.

    Under `review` there is one pair for every two groups, refused ones among them, and the one that settles most comes first; `band`, `sources`,
    `candidates` and `why` choose among them, each with a value that `facets` counts.
    """
    if state not in STATES:
        listed = ", ".join(STATES)
        raise BadRequest(Text(f"« state » est l'un de : {listed}.", f"'state' is one of: {listed}."))
    if not 1 <= limit <= 1000 or not 0 <= cursor <= 10_000_000:
        raise BadRequest(OUT_OF_BOUNDS)
    choice = Choice(band, sources, candidates, why)
    with here.node.journal.read() as connection:
        if state == "review":
            waiting = queue.waiting(connection, choice)
            asked = waiting.questions[cursor : cursor + limit]
            found = [one.as_json(here.node.names, here.language) for one in asked]
            more: dict[str, Any] = {"total": len(waiting.questions), "facets": waiting.facets}
        else:
            found, more = matches(connection, here.node.names, state, cursor, limit, here.language), {}
    after = urlencode({"state": state, **dict(choice.pairs()), "cursor": cursor + limit, "limit": limit})
    following = f"{here.node.names.base}/api/matches?{after}" if len(found) == limit else None
    return JSONResponse({"matches": found, "next": following, **more}, headers=FRESH)


def matches(c: Connection, names: Names, state: str, offset: int, limit: int, language: str) -> list[dict[str, Any]]:
    """Return pairs that were merged, or refused, as programs read them."""
    rows = c.execute(_pairs().where(edge.c.state == state).order_by(edge.c.score.desc(), edge.c.left_id, edge.c.right_id).offset(offset).limit(limit))
    return [
        {
            "left": names.record(row.left_source, row.left_key),
            "right": names.record(row.right_source, row.right_key),
            "score": row.score,
            "reasons": from_text(row.reasons),
            "state": row.state,
            "message": _sentence(row.message, language),
            **_relation(row.reasons, names, language),
        }
        for row in rows
    ]


def _relation(reasons: str, names: Names, language: str) -> dict[str, Any]:
    """Return what two records that are not one group are to each other: the kind, which is the whole where that is known, and a sentence."""
    kept = next((detail for name, detail, _ in from_text(reasons) if name == relations.REASON), None)
    if kept is None:
        return {}
    found = relations.from_detail(kept)
    whole = names.record(*found.whole.split("/", 1)) if found.whole else None
    return {"relation": {"kind": found.kind, "whole": whole}, "message": relations.SENTENCES[found.kind].in_language(language)}


def _pairs() -> Select[Any]:
    """Edges with the references of both records."""
    left, right = record.alias("left_record"), record.alias("right_record")
    left_source, right_source = source.alias("left_source"), source.alias("right_source")
    joined = (
        edge.join(left, left.c.id == edge.c.left_id)
        .join(right, right.c.id == edge.c.right_id)
        .join(left_source, left_source.c.id == left.c.source_id)
        .join(right_source, right_source.c.id == right.c.source_id)
    )
    lefts = (left_source.c.name.label("left_source"), left.c.key.label("left_key"))
    rights = (right_source.c.name.label("right_source"), right.c.key.label("right_key"))
    return select(edge.c.score, edge.c.reasons, edge.c.state, edge.c.message, *lefts, *rights).select_from(joined)


def _sentence(text: str | None, language: str) -> str | None:
    """Read a sentence of the journal."""
    return Text.from_json(from_text(text)).in_language(language) if text else None


@router.get("/matches/explain", responses=CHECKED)
def explain(here: Here, _token: Reader, left: str, right: str) -> Response:
    """Why two records (or groups) are taken for one group or not: each reason with its weight."""
    with here.node.journal.read() as connection:
        found = explaining.explain(connection, here.node.names, left, right)
    return JSONResponse(found.as_json(), headers=FRESH)


@router.get("/judgements", responses=REFUSALS)
def list_judgements(here: Here, _token: Reader, cursor: int = 0, limit: int = PAGE) -> Response:
    """What people judged, the revoked ones too, oldest first."""
    many = max(1, min(limit, 1000))
    with here.node.journal.read() as connection:
        found = judgements.list_(connection, cursor, many)
    following = f"{here.node.names.base}/api/judgements?{urlencode({'cursor': found[-1].id, 'limit': many})}" if len(found) == many else None
    return JSONResponse({"judgements": [judgement_json(one, here.node.names) for one in found], "next": following}, headers=FRESH)


@router.post("/judgements", status_code=201, responses={**CHECKED, **refusals(Conflict)}, openapi_extra=BODY)
def judge(here: Here, request: Request, token: Editor, body: Content) -> Response:
    """Say whether two records are about the same group; it holds for every later merge until it is revoked."""
    given = bodies.fields(request, body, FIELDS)
    left, right, verdict = (bodies.text(given, key) for key in ("left", "right", "verdict"))
    if verdict not in list(Verdict):
        raise BadRequest(Text("« verdict » est same, different ou unsure.", "'verdict' is same, different or unsure."))
    with here.node.journal.write() as connection:
        number = judged.judge(connection, here.node.names, left, right, verdict, bodies.maybe_text(given, "reason"), token.label)
        kept = judgements.get(connection, number)
    here.node.combined.settle_pending(here.node.journal)
    return JSONResponse(judgement_json(kept, here.node.names), 201, {**FRESH, "Location": f"{here.node.names.base}/api/judgements/{number}"})


@router.get("/judgements/{number}", responses=ABSENT)
def show_judgement(here: Here, number: int, _token: Reader) -> Response:
    """One judgement."""
    with here.node.journal.read() as connection:
        return JSONResponse(judgement_json(judgements.get(connection, number), here.node.names), headers=FRESH)


@router.delete("/judgements/{number}", status_code=204, responses=ABSENT)
def revoke(here: Here, number: int, token: Editor) -> Response:
    """Take a judgement back; that it was made stays known."""
    with here.node.journal.write() as connection:
        judgements.get(connection, number)
        judged.revoke(connection, number, token.label)
    here.node.combined.settle_pending(here.node.journal)
    return Response(status_code=204)


def judgement_json(kept: Judgement, names: Names) -> dict[str, Any]:
    """Return a judgement as programs read it."""
    return {
        "id": kept.id,
        "left": _graph(names, kept.left),
        "right": _graph(names, kept.right),
        "verdict": kept.verdict.value,
        "reason": kept.reason,
        "author": kept.author,
        "at": kept.at,
        "revoked": kept.revoked_at,
        "revoked_by": kept.revoked_by,
    }


def _graph(names: Names, reference: str) -> str:
    """Return the address of a record that a judgement names."""
    source_name, _, key = reference.partition("/")
    return names.record(source_name, key)
