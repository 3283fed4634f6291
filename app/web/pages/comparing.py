"""Two records side by side: field by field what each says and whether they agree, and the reasons of their score as a waterfall.

Both are shown in their public view: a contact that a record does not publish is not shown to those who judge either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.errors import Text
from app.journal import records
from app.journal.judgements import Judgement
from app.journal.records import Record
from app.matching import deciding, explain
from app.matching.agreement import Agreement, agreement
from app.matching.explain import Explanation
from app.record import public_view
from app.web.asking import Asking
from app.web.pages import fields, neighbours
from app.web.pages.fields import Telling
from app.web.pages.layout import Page
from app.web.pages.neighbours import Neighbour
from app.web.pages.wording import Setting, Value, best

WITHOUT: Final = frozenset({"license", "consent", "created", "contentHash"})
"""Keys that say nothing of who a group is."""

SIGNS: Final = {
    Agreement.SAME: ("=", "ok", Text("pareil", "the same")),
    Agreement.NEAR: ("≈", "wait", Text("proche", "close")),
    Agreement.APART: ("≠", "bad", Text("autre", "different")),
    Agreement.ALONE: ("–", "quiet", Text("une seule le dit", "only one says it")),
}

WIDTH: Final = 200
"""Units of a bar's drawing; zero is in the middle."""

LEAST_SCALE: Final = 4.0
DISCREET: Final = ("email", "phone")
"""Reasons of which nothing is shown but the weight: they were found on contacts that the records may not publish."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of both records: its name, its source, where it is read in full, and the group that it is part of with others."""

    reference: str
    name: tuple[str, str | None]
    source: str
    href: str
    group: Neighbour | None
    live: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One field: its values on either side, and whether they agree."""

    label: str
    left: tuple[Value, ...]
    right: tuple[Value, ...]
    mark: str
    tone: str
    said: Text


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason: what it is, what was found, its weight, and where its bar is drawn."""

    label: str
    detail: str
    weight: float
    x: float
    width: float

    @property
    def side(self) -> str:
        """Whether it speaks for one group, or against it."""
        return "for" if self.weight > 0 else "against"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that a reader sees of two records; `seen` goes back with the answer."""

    sides: tuple[Side, Side]
    rows: Sequence[Row]
    bars: Sequence[Bar]
    explanation: Explanation
    standing: Judgement | None
    seen: str


def compare(c: Connection, here: Asking, left: str, right: str) -> Comparison:
    """Put two records (references) side by side. Raises NotFound, and BadRequest when both are one."""
    frame, names = Page(here), here.node.names
    both = deciding.record(c, left), deciding.record(c, right)
    found = explain.explain(c, names, *(names.record(one.source, one.key) for one in both))
    documents = [public_view(one.document) for one in both]
    known = neighbours.of(c, names, documents)
    mine, theirs = (_side(c, frame, one, document) for one, document in zip(both, documents, strict=True))
    rows = _rows(Telling(Setting(frame, known)), documents[0], documents[1])
    return Comparison((mine, theirs), rows, _bars(found, frame.language), found, deciding.between(c, left, right), deciding.mark(c, left, right))


def _side(c: Connection, frame: Page, one: Record, document: dict[str, Any]) -> Side:
    """Return what heads one column."""
    group = neighbours.of_record(c, one.id)
    href = frame.local(frame.here.node.names.record(one.source, one.key))
    reference, name = f"{one.source}/{one.key}", best(document.get("name"), frame.language)
    return Side(reference, name if name[0] else (one.key, None), frame.source_name(one.source), href, group, one.state == records.LIVE)


def _rows(telling: Telling, left: dict[str, Any], right: dict[str, Any]) -> list[Row]:
    """Return every field that one of both has, in the vocabulary's order."""
    said = [{one.key: one for one in fields.fields(telling, document, without=WITHOUT)} for document in (left, right)]
    order = [one.key for one in fields.fields(telling, {**left, **right}, without=WITHOUT)]
    return [_row(key, said, (left.get(key), right.get(key))) for key in order if key in said[0] or key in said[1]]


def _row(key: str, said: Sequence[dict[str, fields.Field]], raw: tuple[Any, Any]) -> Row:
    """Return one field."""
    mark, tone, words = SIGNS[agreement(key, *raw)]
    found = [one.get(key) for one in said]
    left, right = (tuple(line.value for line in one.lines) if one else () for one in found)
    label = next(one.label for one in found if one)
    return Row(label, left, right, mark, tone, words)


def _bars(found: Explanation, language: str) -> list[Bar]:
    """Return the reasons as bars from the middle, to the right for and to the left against."""
    scale = WIDTH / 2 / max([LEAST_SCALE, *(abs(one.weight) for one in found.reasons)])
    return [
        Bar(
            explain.label(one).in_language(language),
            "" if one.name == "prior" or one.name.startswith(DISCREET) else one.detail,
            one.weight,
            round(WIDTH / 2 + min(0.0, one.weight) * scale, 1),
            round(abs(one.weight) * scale, 1),
        )
        for one in found.reasons
    ]
