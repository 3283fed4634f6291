"""The page for SPARQL questions: a plain form, examples, and the answer as a table; the same endpoint as that of programs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.errors import MaillageError
from app.sparql.answers import Question
from app.sparql.formats import JSON, TURTLE
from app.web.asking import Asking
from app.web.pages import answers, drawn_from, places
from app.web.pages.answers import Table
from app.web.pages.drawn_from import DrawnFrom
from app.web.pages.examples import EXAMPLES
from app.web.pages.layout import Page, render
from app.web.pages.places import Drawing
from app.web.pages.prefixes import completed

SOURCES: Final = "sources"
"""The parameter that asks for the sources of an answer."""

DATASET: Final = ("default-graph-uri", "named-graph-uri")
"""What the protocol may say besides the query; it goes along with every link."""

ROWS: Final = (("CSV", "csv"), ("JSON", "json"), ("XML", "xml"), ("TSV", "tsv"))
GRAPH: Final = (("Turtle", "ttl"), ("N-Triples", "nt"), ("JSON-LD", "jsonld"), ("RDF/XML", "rdf"))
"""The forms in which an answer can be had, by the short names of the parameter `format`."""

_WHERE = re.compile(r"\bligne ([0-9]{1,6}), colonne ([0-9]{1,6})")
_AROUND: Final = 2
_LONGEST_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class Spot:
    """One line near a fault; where it is the faulty one, `at` is the character."""

    number: int
    before: str
    at: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows below the question."""

    table: Table | None = None
    drawing: Drawing | None = None
    sources: DrawnFrom | None = None
    error: MaillageError | None = None
    spots: Sequence[Spot] = ()


def form(here: Asking, _subject: object = None) -> bytes:
    """Write the form with its examples."""
    return _page(here, completed(EXAMPLES[0].text), Shown())


def answer(here: Asking, question: Question, until: float) -> bytes:
    """Ask, and write the answer below the question, which must be there by then. Raises what the pool raises."""
    query = completed(question.query)
    found = here.node.queries.ask(replace(question, query=query, accept=f"{JSON}, {TURTLE};q=0.9", partial=True), here.client, until)
    body, names = found.read(), here.node.names
    wanted = SOURCES in here.request.query_params
    with here.node.journal.read() as c:
        if found.media_type == JSON:
            table = answers.table(names, here.language, body, truncated=found.truncated)
            drawing = places.drawing(c, names, table.columns, table.bindings)
            addresses = drawn_from.rows(table.bindings)
        else:
            text = body.decode()
            table, drawing, addresses = answers.graph(text, truncated=found.truncated), None, drawn_from.graph(text)
        sources = drawn_from.origins(c, Page(here), addresses) if wanted else None
    return _page(here, query, Shown(table, drawing, sources))


def refusal(here: Asking, query: str, error: MaillageError) -> bytes:
    """Write the form with the question as it was asked and what is wrong with it."""
    asked = completed(query)
    return _page(here, asked, Shown(error=error, spots=_spots(asked, error)))


def _page(here: Asking, query: str, shown: Shown) -> bytes:
    """Write the page."""
    frame, table = Page(here), shown.table
    dataset = [(name, value) for name, value in here.request.query_params.multi_items() if name in DATASET]
    asked = [("query", query), *dataset]
    part = [("partial", "true")] if table and table.truncated else []
    return render(
        here,
        "sparql.html",
        query=query,
        height=min(max(query.count("\n") + 2, 8), 24),
        dataset=dataset,
        shown=shown,
        downloads=[(name, frame.to("/sparql", [*asked, *part, ("format", short)])) for name, short in (GRAPH if table and table.graph else ROWS)],
        whole=frame.to("/sparql", [*asked, (SOURCES, "1")]) + "#sources",
        examples=[(one.title, frame.to("/sparql", [("query", completed(one.text))])) for one in EXAMPLES],
    )


def _spots(query: str, error: MaillageError) -> list[Spot]:
    """Return the lines around the place that the sentence names; none when it names no place."""
    found = _WHERE.search(error.text.fr)
    if not found:
        return []
    line, column = int(found[1]), int(found[2])
    lines = query.split("\n")
    first, last = max(line - 1 - _AROUND, 0), min(line + _AROUND, len(lines))
    return [_spot(number, lines[number - 1].rstrip("\r"), column if number == line else None) for number in range(first + 1, last + 1)]


def _spot(number: int, text: str, column: int | None) -> Spot:
    """Cut one line at the fault; a fault behind the end of the line is shown as a blank."""
    if column is None:
        return Spot(number, text[:_LONGEST_LINE], None, "")
    start = max(0, column - 1 - _LONGEST_LINE)
    return Spot(number, text[start : column - 1], text[column - 1 : column] or "\u00a0", text[column : column + _LONGEST_LINE])
