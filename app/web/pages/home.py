"""The home page: what this directory is, a search, three ways in, and where it comes from."""

from app.search.selection import Selection
from app.web.asking import Asking
from app.web.pages import choices, sources
from app.web.pages.layout import Page, render

ENTRIES = ("objective", "know_how", "topic")


def page(here: Asking, _subject: object) -> bytes:
    """Write the home page."""
    frame = Page(here)
    result = here.node.search.find(Selection(limit=1))
    with here.node.journal.read() as connection:
        known = sources.listed(connection, frame)
    entries = [
        (choices.title(frame, name), [(choices.label(frame, name, value), count, frame.to("/groups", [(name, value)])) for value, count in counts])
        for name in ENTRIES
        if (counts := result.facets[name])
    ]
    return render(here, "home.html", total=result.total, entries=entries, sources=known)
