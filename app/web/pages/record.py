"""One source's record as a page: what it says, as it says it, and the group that it is part of."""

from typing import Any

from app.journal import records, sources
from app.web.asking import Asking
from app.web.pages import fields, neighbours
from app.web.pages.fields import Telling
from app.web.pages.layout import Page, render
from app.web.pages.wording import Setting, best


def page(here: Asking, graph: str, document: dict[str, Any]) -> bytes:
    """Write the page of the record that is the named graph `graph`."""
    frame, names = Page(here), here.node.names
    source, _, key = (names.reference_of(graph) or "").partition("/")
    with here.node.journal.read() as connection:
        record = records.get(connection, source, key)
        group = neighbours.of_record(connection, record.id) if record else None
        known = neighbours.of(connection, names, [document])
        licence = sources.get(connection, source).licence
    return render(
        here,
        "record.html",
        name=best(document.get("name"), frame.language),
        source=frame.source_name(source),
        peer=frame.to(f"/peers/{source}"),
        key=key,
        record=record,
        group=group and (best(group.name, frame.language), frame.to(f"/groups/{group.slug}")),
        fields=fields.fields(Telling(Setting(frame, known)), document),
        licence=document.get("license") or licence,
        graph=graph,
    )
