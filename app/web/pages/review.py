"""The review: two records side by side, the same group or not, the next ones at once; and records that are taken out of a group.

Only who is signed in reads these pages. They work without scripts; with them, each answer has a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from app.errors import BadRequest, Conflict, Forbidden, MaillageError, NotFound, NotSignedIn, StaleVersion, Text
from app.journal.judgements import Verdict
from app.matching import deciding, queue
from app.matching.cluster import IDENTIFIERS, MEAN, SEPARATED
from app.matching.deciding import WORDS
from app.matching.queue import Choice, Question, Queue
from app.matching.score import MATCH
from app.names import slugify
from app.web import group_reading, sessions
from app.web.asking import Asking, Here
from app.web.group_reading import Shown
from app.web.pages import comparing, fields, private
from app.web.pages.fields import Telling
from app.web.pages.layout import Page, render
from app.web.pages.private import Fields, Sent
from app.web.pages.wording import Setting, best
from app.web.problems import refusals, status_of
from app.web.replies import PRIVATE
from app.web.sessions import Session, Signed, Step

router = APIRouter(include_in_schema=False)

FACETS: Final = {
    "band": Text("Ressemblance", "Likeness"),
    "sources": Text("Sources", "Sources"),
    "candidates": Text("Autres candidats", "Other candidates"),
    "why": Text("Pourquoi cette question", "Why it is asked"),
}
VALUES: Final = {
    "far": Text("faible", "weak"),
    "near": Text("juste sous le seuil", "just below the threshold"),
    "above": Text("au-dessus du seuil", "above the threshold"),
    "one": Text("aucun", "none"),
    "few": Text("un ou deux", "one or two"),
    "many": Text("trois et plus", "three and more"),
    queue.DOUBT: Text("la machine hésite", "the machine doubts"),
    queue.RELATION: Text("peut-être une tête de réseau ou une antenne", "perhaps an umbrella organisation or a branch"),
    **{slugify(said.en): said for said in (IDENTIFIERS, MEAN, SEPARATED)},
}
MOST_VALUES: Final = 12
"""Values of a facet that are shown."""

CHOICE: Final = ("band", "sources", "candidates", "why")
ANSWERED: Final = refusals(NotSignedIn, Forbidden, BadRequest, NotFound, Conflict, StaleVersion)
NO_CHOICE = Text(
    "Cochez les fiches qui parlent d'un autre groupe, et laissez-en au moins une.",
    "Tick the records that are about another group, and leave at least one.",
)


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a facet, with the number of questions and the way to choose it or not."""

    label: str
    count: int
    href: str
    chosen: bool


@router.get("/review")
def show(here: Here, band: str = "", sources: str = "", candidates: str = "", why: str = "", left: str = "", right: str = "") -> Response:
    """The question that settles most, or the pair that the address names."""
    signed = sessions.editor(here)
    if signed is None:
        return private.sign_in_first(here)
    return _page(here, signed, Choice(band, sources, candidates, why), (left, right))


@router.post("/review", responses=ANSWERED)
def answer(here: Here, body: Fields) -> Response:
    """Keep an answer and go on; one that cannot be kept is shown again with what stands in its way, nothing of it lost."""
    sent = Sent(here.request, body)
    signed = sessions.checked(here, sent.one("form"))
    choice = Choice(*(sent.one(name) for name in CHOICE))
    pair = sent.one("left"), sent.one("right")
    try:
        with here.node.journal.write() as c:
            decided = deciding.decide(c, here.node.names, pair, sent.one("verdict"), sent.reason(), signed.token.label, sent.one("seen"))
    except (BadRequest, Conflict, StaleVersion) as error:
        return _page(here, signed, choice, pair, error, sent)
    except NotFound as error:
        return _page(here, signed, choice, ("", ""), error)
    here.node.combined.settle_pending(here.node.journal)
    path = private.with_query("/review", {"left": pair[0], "right": pair[1], **dict(choice.pairs())})
    signed.session.steps.append(Step(decided, path))
    return private.go(here, "/review", dict(choice.pairs()))


@router.post("/review/undo", responses=ANSWERED)
def undo(here: Here, body: Fields) -> RedirectResponse:
    """Take the last answer of this session back, and go where it was given."""
    signed = sessions.checked(here, Sent(here.request, body).one("form"))
    if not signed.session.steps:
        return private.go(here, "/review")
    step = signed.session.steps[-1]
    with here.node.journal.write() as c:
        deciding.undo(c, here.node.names, step.decided, signed.token.label)
    signed.session.steps.remove(step)
    here.node.combined.settle_pending(here.node.journal)
    return RedirectResponse(Page(here).to("") + step.path, 303, headers={"Cache-Control": PRIVATE})


@router.get("/review/groups/{slug}")
def show_group(here: Here, slug: str) -> Response:
    """The records of one group, to take some of them out."""
    signed = sessions.editor(here)
    if signed is None:
        return private.sign_in_first(here)
    return _group_page(here, signed, slug)


@router.post("/review/groups/{slug}", responses=ANSWERED)
def take_apart(here: Here, slug: str, body: Fields) -> Response:
    """Judge the chosen records different from the others of their group."""
    sent = Sent(here.request, body)
    signed = sessions.checked(here, sent.one("form"))
    try:
        with here.node.journal.write() as c:
            leaving, staying = _parted(c, slug, sent.every("record"))
            decided = deciding.separate(c, here.node.names, leaving, staying, sent.reason(), signed.token.label)
    except (BadRequest, Conflict) as error:
        return _group_page(here, signed, slug, error, sent)
    here.node.combined.settle_pending(here.node.journal)
    signed.session.steps.append(Step(decided, f"/review/groups/{slug}"))
    return private.go(here, f"/review/groups/{slug}")


def _parted(c: Connection, slug: str, chosen: list[str]) -> tuple[list[str], list[str]]:
    """Return which records of a group leave and which stay, as the journal knows it now. Raises BadRequest."""
    members = [f"{one.source}/{one.key}" for one in _group(c, slug).statements]
    leaving = [one for one in members if one in chosen]
    staying = [one for one in members if one not in chosen]
    if not leaving or not staying or set(chosen) - set(members):
        raise BadRequest(NO_CHOICE)
    return leaving, staying


def _group(c: Connection, slug: str) -> Shown:
    """Return a group, or the one that it was merged into. Raises NotFound and Gone."""
    found = group_reading.read(c, slug)
    return found if isinstance(found, Shown) else _group(c, found)


def _page(
    here: Asking, signed: Signed, choice: Choice, pair: tuple[str, str], error: MaillageError | None = None, sent: Sent | None = None
) -> Response:
    """Write the page of one question."""
    frame = Page(here)
    with here.node.journal.read() as c:
        waiting = queue.waiting(c, choice)
        question = _question(waiting, pair)
        asked = pair if all(pair) else (question.pair.left, question.pair.right) if question else None
        shown = comparing.compare(c, here, *asked) if asked else None
    body = render(
        here,
        "review.html",
        **_frame(signed.session, error),
        left=len(waiting.questions),
        question=question,
        shown=shown,
        verdict=WORDS[Verdict(shown.explanation.verdict)] if shown and shown.explanation.verdict else None,
        width=comparing.WIDTH,
        threshold=MATCH,
        facets=[(title, _chips(frame, waiting, choice, name)) for name, title in FACETS.items()],
        chosen=choice.pairs(),
        reason=sent.one("reason")[: private.LONGEST_REASON] if sent else "",
    )
    return private.page(here, body, status_of(type(error)) if error else 200)


def _question(waiting: Queue, pair: tuple[str, str]) -> Question | None:
    """Return the question about a pair, the first one when none is named."""
    if any(pair):
        return next((one for one in waiting.questions if {one.pair.left, one.pair.right} == {*pair}), None)
    return next(iter(waiting.questions), None)


def _chips(frame: Page, waiting: Queue, choice: Choice, name: str) -> list[Chip]:
    """Return the values of a facet, the most frequent first."""
    chosen = dict(choice.pairs())
    held = chosen.get(name)
    others = {key: value for key, value in chosen.items() if key != name}
    counts = dict(list(waiting.facets[name].items())[:MOST_VALUES])
    return [
        Chip(
            _value(frame, waiting.sentences, value),
            count,
            frame.to("/review", (others if value == held else others | {name: value}).items()),
            value == held,
        )
        for value, count in ({held: 0} | counts if held and held not in counts else counts).items()
    ]


def _value(frame: Page, sentences: Mapping[str, Text], value: str) -> str:
    """Put the value of a facet in words."""
    said = VALUES.get(value) or sentences.get(value)
    return said.in_language(frame.language) if said else " + ".join(frame.source_name(one) for one in value.split("+"))


def _group_page(here: Asking, signed: Signed, slug: str, error: MaillageError | None = None, sent: Sent | None = None) -> Response:
    """Write the page on which a group is taken apart."""
    frame = Page(here)
    with here.node.journal.read() as c:
        group = _group(c, slug)
    listed = [
        (
            f"{one.source}/{one.key}",
            best(one.document.get("name"), frame.language),
            frame.source_name(one.source),
            [found for key in ("location", "url", "topics") for found in _line(frame, one.document, key)],
        )
        for one in group.statements
    ]
    body = render(
        here,
        "unmerge.html",
        **_frame(signed.session, error),
        slug=group.slug,
        name=best(group.document.get("name"), frame.language),
        records=listed,
        ticked=sent.every("record") if sent else [],
        reason=sent.one("reason")[: private.LONGEST_REASON] if sent else "",
    )
    return private.page(here, body, status_of(type(error)) if error else 200)


def _line(frame: Page, document: dict[str, Any], key: str) -> list[str]:
    """Return what a record says under one key, in a few words."""
    found = fields.one(Telling(Setting(frame)), document, key)
    return [line.value.text for line in found.lines[:3]]


def _frame(session: Session, error: MaillageError | None) -> dict[str, Any]:
    """Return what every page of the review shows: the secret of its forms, what went wrong, and what can be taken back."""
    return {"form": session.form, "error": error, "done": len(session.steps)}
