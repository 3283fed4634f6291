"""The history of a group as a page: what each source said and when it changed its mind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from app import vocabulary
from app.errors import Text
from app.journal.records import Version
from app.record import public_view
from app.web.asking import Asking
from app.web.group_history import History, Past
from app.web.pages import neighbours, wording
from app.web.pages.fields import Field, Telling, one
from app.web.pages.layout import Page, render
from app.web.pages.wording import HIDDEN, Setting, best

MOST: Final = 50
"""Versions of one record that the page shows, the newest first."""

KINDS: Final = {
    "create": Text("Fiche créée", "Record created"),
    "update": Text("Fiche modifiée", "Record changed"),
    "delete": Text("Fiche retirée", "Record withdrawn"),
    "hide": Text("Fiche masquée : absente depuis longtemps", "Record hidden: absent for long"),
    "show": Text("Fiche de nouveau visible", "Record visible again"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One key before and after."""

    label: str
    before: Field
    after: Field


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a source, and what it changed."""

    version: Version
    kind: Text
    changes: tuple[Change, ...]


def page(here: Asking, history: History) -> bytes:
    """Write the history of one group."""
    frame, names = Page(here), here.node.names
    shown = [version.document for past in history.pasts for version in past.versions[-MOST:] if version.document]
    with here.node.journal.read() as connection:
        group = neighbours.find(connection, names, names.group(history.slug))
        known = neighbours.of(connection, names, [public_view(document) for document in shown])
    telling = Telling(Setting(frame, known))
    name = best(group.name, frame.language) if group else (history.slug, None)
    return render(
        here,
        "history.html",
        name=name,
        slug=history.slug,
        signed_in=history.signed_in,
        pasts=[
            (
                frame.source_name(past.reference.partition("/")[0]),
                frame.to(f"/records/{past.reference}"),
                len(past.versions),
                list(_steps(telling, past)),
            )
            for past in history.pasts
        ],
        most=MOST,
    )


def _steps(telling: Telling, past: Past) -> Iterator[Step]:
    """Yield the newest statements of one source, the last one first, each compared with the one before it."""
    documents = [public_view(version.document) if version.document else {} for version in past.versions]
    for place in reversed(range(max(0, len(documents) - MOST), len(documents))):
        version = past.versions[place]
        before = documents[place - 1] if place else {}
        changes = tuple(_changes(telling, before, documents[place])) if version.kind == "update" else ()
        yield Step(version, KINDS.get(version.kind, Text(version.kind, version.kind)), changes)


def _changes(telling: Telling, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    """Yield the keys whose values differ, the date of the change itself left out."""
    known = vocabulary.load().properties("Group")
    differing = [key for key in (*known, *sorted((before.keys() | after.keys()) - known.keys())) if before.get(key) != after.get(key)]
    for key in differing:
        if key not in HIDDEN and key != "modified":
            yield Change(wording.label(known.get(key), key, telling.where.language), one(telling, before, key), one(telling, after, key))
