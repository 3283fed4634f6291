"""What is held to be one group, for other directories: the mappings as SSSOM in two forms, and the log of what people decided."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from app.errors import BadRequest, Busy, NotAcceptable, Text
from app.journal import changes, judgements, meta
from app.journal.judgements import Decision, Verdict
from app.matching import sssom
from app.names import Names
from app.terms import AS
from app.web import documents, negotiation, replies, snapshots
from app.web.asking import Asking, Here
from app.web.group_reading import digest
from app.web.negotiation import JSONLD
from app.web.problems import Unacceptable, refusals
from app.web.replies import REVALIDATE, link, stream, tag, unchanged

router = APIRouter(tags=["mappings"])

TSV: Final = "text/tab-separated-values"
FORMS: Final = {TSV: (".sssom.tsv", sssom.tsv), JSONLD: (".jsonld", sssom.jsonld)}
PAGE: Final = 100
MOST: Final = 1000

CONTEXT: Final = [
    {"as": AS.NAMESPACE, **{name: f"as:{name}" for name in ("Create", "Undo", "OrderedCollectionPage")}},
    {"id": "@id", "type": "@type", "object": "as:object", "published": {"@id": "as:published", "@type": "xsd:dateTime"}},
    {"next": {"@id": "as:next", "@type": "@id"}, "orderedItems": {"@id": "as:items", "@container": "@list"}},
    {"xsd": "http://www.w3.org/2001/XMLSchema#"},
    sssom.CONTEXT,
]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Mappings (SSSOM 1.0)", "content": {TSV: {}, JSONLD: {}}},
    304: {"description": "Not modified"},
    **refusals(Busy, NotAcceptable),
}
After = Annotated[str, Query(description="Only what was decided after this moment, as the page before says it in `next`")]


@router.get("/mappings", responses=ANSWERS)
def negotiated(here: Here) -> Response:
    """Which records are held to be about one group, or not, in the form that is asked for."""
    chosen = negotiation.media_type(here.accept, tuple(FORMS))
    if chosen is None:
        raise Unacceptable(tuple(FORMS))
    return _answer(here, chosen, "Accept, Accept-Encoding")


@router.get("/mappings.sssom.tsv", responses=ANSWERS)
def as_tsv(here: Here) -> Response:
    """The same as SSSOM/TSV."""
    return _answer(here, TSV)


@router.get("/mappings.jsonld", responses=ANSWERS)
def as_jsonld(here: Here) -> Response:
    """The same as JSON-LD."""
    return _answer(here, JSONLD)


@dataclass(frozen=True, slots=True)
class Stand:
    """What the mappings depend on."""

    version: str


def _answer(here: Asking, media_type: str, vary: str = "Accept-Encoding") -> Response:
    """Answer with the mappings as they are at one moment, or with 304 when the client holds them."""
    suffix, write = FORMS[media_type]
    settings, names = here.node.settings, here.node.names
    title = f"{settings.node_name} – mappings"
    stand, parts = snapshots.opened(here, _stand, lambda c: write(c, names, title, settings.licence))
    etag = tag(here, f"{stand.version}-{suffix.strip('.')}-{replies.RELEASE}")
    others = [link(names.mappings + ending, "alternate", other) for other, (ending, _) in FORMS.items() if other != media_type]
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": vary}
    headers |= {"Link": ", ".join([*others, link(names.decisions, "monitor", JSONLD)])}
    if unchanged(here, etag, None):
        parts.close()
        return Response(status_code=304, headers=headers)
    return stream(here, parts, replies.content_type(media_type), headers)


def _stand(c: Connection) -> Stand:
    """Say what the mappings depend on: the groups, and what people decided."""
    decided = (judgements.last_moment(c) or "").translate({ord(mark): None for mark in "-:."})
    return Stand(f"{meta.epoch(c)}-{changes.last(c)}-{decided}")


@router.get("/mappings/decisions", responses={200: {"description": "What people decided", "content": {JSONLD: {}}}, **refusals(BadRequest)})
def decisions(here: Here, after: After = "", limit: int = PAGE) -> Response:
    """What people decided and took back, oldest first; it only grows at its end, and what is taken back is a new entry."""
    if not 1 <= limit <= MOST or len(after) > 40:
        raise BadRequest(Text(f"« limit » va de 1 à {MOST}, et « after » est un moment.", f"'limit' goes from 1 to {MOST}, and 'after' is a moment."))
    names = here.node.names
    with here.node.journal.read() as c:
        found = judgements.decisions(c, after, limit)
        items = [_entry(c, names, one) for one in found if one.judgement.verdict is not Verdict.UNSURE]
    page: dict[str, Any] = {"@context": CONTEXT, "id": _address(names, after, limit), "type": "OrderedCollectionPage", "orderedItems": items}
    if len(found) >= limit:
        page["next"] = _address(names, found[-1].at, limit)
    body = documents.dumps(page)
    etag = tag(here, f"{digest(body.decode())}-{replies.RELEASE}")
    headers = {"ETag": etag, "Cache-Control": REVALIDATE, "Vary": "Accept-Encoding"}
    if unchanged(here, etag, None):
        return Response(status_code=304, headers=headers)
    return replies.whole(here, body, JSONLD, headers)


def _entry(c: Connection, names: Names, one: Decision) -> dict[str, Any]:
    """Return one line of the log: the judgement made, without its records once one of them is not shown any more; or which one was taken back."""
    kept = one.judgement
    iri = sssom.judgement_iri(names, kept.id)
    if one.revoked:
        return {"id": f"{iri}-revoked", "type": "Undo", "published": one.at, "object": {"id": iri}}
    ends = sssom.ends(c, kept.left, kept.right)
    said = sssom.human(*ends, kept.verdict.value, kept.author, kept.at, kept.reason) if ends else {}
    return {"id": f"{iri}-made", "type": "Create", "published": one.at, "object": {"id": iri, **said}}


def _address(names: Names, after: str, limit: int) -> str:
    """Return the address of a page of the log."""
    asked = ({"after": after} if after else {}) | ({"limit": limit} if limit != PAGE else {})
    return names.decisions + (f"?{urlencode(asked)}" if asked else "")
