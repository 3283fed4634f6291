"""One group as a page: all that is said of it, and for every value who says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.journal import sources
from app.record import with_context
from app.web.asking import Asking
from app.web.group_reading import Shown, Statement
from app.web.pages import fields, neighbours
from app.web.pages.fields import By, Field, Telling
from app.web.pages.layout import Page, render, script
from app.web.pages.wording import Setting, best

SECTIONS: Final = (
    ("name", "alternateName", "founded"),
    ("objectives", "knowHow", "topics", "keywords", "scales"),
    ("location", "territories", "areaServed"),
    ("url", "email", "telephone", "contactPage"),
    ("memberOf", "cooperatesWith", "cooperations", "participations", "shares"),
    ("siren", "siret", "rna", "identifiers", "sameAs", "exactMatch"),
)
"""The keys of each section, in the order of reading; what is left makes a last one."""

FORMATS: Final = (("JSON-LD", ".jsonld"), ("Turtle", ".ttl"), ("N-Triples", ".nt"), ("TriG", ".trig"))


@dataclass(frozen=True, slots=True)
class Source:
    """One record that the group is made of."""

    number: int
    name: str
    href: str
    peer: str
    said: Statement
    licence: str | None


def page(here: Asking, group: Shown) -> bytes:
    """Write the page of one group."""
    frame = Page(here)
    with here.node.journal.read() as connection:
        known = neighbours.of(connection, here.node.names, [group.document])
        made_of = [_source(connection, frame, number, said) for number, said in enumerate(group.statements, start=1)]
    by = {f"{one.said.source}/{one.said.key}": By(one.name, f"fiche-{one.number}") for one in made_of}
    telling = Telling(Setting(frame, known), group.origins, by)
    description = fields.one(telling, group.document, "description")
    return render(
        here,
        "group.html",
        iri=here.node.names.group(group.slug),
        slug=group.slug,
        name=best(group.document.get("name"), frame.language),
        summary=best(group.document.get("description"), frame.language)[0],
        description=_own_language_first(description, frame.language),
        sections=_sections(telling, group.document),
        sources=made_of,
        modified=group.modified,
        formats=[(name, frame.to(f"/groups/{group.slug}{suffix}")) for name, suffix in FORMATS],
        embedded=script(with_context(group.document, here.node.names.context)),
    )


def _source(c: Connection, frame: Page, number: int, said: Statement) -> Source:
    """Return one record with where it is found and under which licence."""
    graph = frame.here.node.names.record(said.source, said.key)
    licence = said.document.get("license")
    return Source(
        number=number,
        name=frame.source_name(said.source),
        href=frame.local(graph),
        peer=frame.to(f"/peers/{said.source}"),
        said=said,
        licence=licence if isinstance(licence, str) else sources.get(c, said.source).licence,
    )


def _own_language_first(found: Field, language: str) -> Field:
    """Return a field with the texts in the page's language before the others."""
    return Field(found.key, found.label, tuple(sorted(found.lines, key=lambda line: line.value.lang not in (None, language))))


def _sections(telling: Telling, document: dict[str, Any]) -> Sequence[list[Field]]:
    """Return the fields of each section that has any."""
    placed = {key for keys in SECTIONS for key in keys} | {"description"}
    sections = [[found for key in keys if (found := fields.one(telling, document, key)).lines] for keys in SECTIONS]
    return [*sections, fields.fields(telling, document, without=placed)]
