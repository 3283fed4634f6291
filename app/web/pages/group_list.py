"""The list of groups as a page: search, choices with their counts, what is chosen, and one page of cards."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from app.search.ask import Row
from app.search.selection import LARGEST_LIMIT
from app.web.asking import Asking
from app.web.listing import Listed
from app.web.pages import choices
from app.web.pages.layout import Page, render
from app.web.pages.neighbours import several
from app.web.pages.wording import best

EXCERPT: Final = 180
"""Characters of a description that a card shows."""

TAGGED: Final = (("topic", "topics"), ("know_how", "knowHow"))


@dataclass(frozen=True, slots=True)
class Card:
    """One group of the list, in a few words."""

    href: str
    name: tuple[str, str | None]
    text: tuple[str, str | None]
    place: str
    tags: tuple[str, ...]
    sources: int


def page(here: Asking, listed: Listed) -> bytes:
    """Write one page of a selection."""
    frame = Page(here)
    selection = listed.selection
    cursor = listed.result.next_cursor
    whole = replace(selection, cursor=None, limit=LARGEST_LIMIT)
    return render(
        here,
        "groups.html",
        total=listed.result.total,
        selection=selection,
        facets=choices.facets(frame, selection, listed.result),
        chips=list(choices.chips(frame, selection)),
        carried=choices.unnamed(selection),
        cards=[card(frame, row) for row in listed.result.groups],
        first=choices.to(frame, replace(selection, cursor=None)) if selection.cursor else None,
        following=cursor and frame.to("/groups", [*replace(selection, cursor=None).pairs(), ("cursor", cursor)]),
        downloads=[(name, choices.to(frame, whole, suffix)) for name, suffix in (("CSV", ".csv"), ("GeoJSON", ".geojson"), ("JSON-LD", ".jsonld"))],
    )


def card(frame: Page, row: Row) -> Card:
    """Return a group in a few words."""
    document = row.document
    text, language = best(document.get("description"), frame.language)
    return Card(
        href=frame.to(f"/groups/{row.slug}"),
        name=best(document.get("name"), frame.language),
        text=(excerpt(text), language),
        place=", ".join(dict.fromkeys(_towns(document))),
        tags=tuple(choices.label(frame, facet, value) for facet, key in TAGGED for value in several(document.get(key)) if isinstance(value, str)),
        sources=len(several(document.get("records"))),
    )


def excerpt(text: str) -> str:
    """Return the beginning of a text, cut between two words.

    >>> excerpt("Bonjour"), len(excerpt("abc " * 100)) <= 181
    ('Bonjour', True)
    """
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else flat[:EXCERPT].rpartition(" ")[0].rstrip(",;:. ") + "…"


def _towns(document: dict[str, Any]) -> Iterator[str]:
    """Yield the towns of a group."""
    for place in several(document.get("location")):
        if isinstance(place, dict) and place.get("addressLocality"):
            yield str(place["addressLocality"])
