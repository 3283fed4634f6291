"""An answer as the page about questions shows it: a table, yes or no, or the text of a graph."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.names import Names
from app.vocabulary import compact_iri, load
from app.web.pages.addresses import safe_url
from app.web.pages.layout import language_tag

MOST_ELEMENTS: Final = 480
"""Elements that the rows of a table may take: an old phone has to lay them out."""

FEWEST_ROWS, MOST_ROWS = 20, 100
"""Rows that the page shows; the whole answer is one link away."""

LONGEST_GRAPH: Final = 20_000
"""Characters of a graph that the page shows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an answer."""

    text: str
    lang: str | None = None
    href: str | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """An answer; `more` when the page does not show all of it, `truncated` when it is itself only the beginning."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    bindings: tuple[Mapping[str, Mapping[str, str]], ...] = ()
    boolean: bool | None = None
    graph: str | None = None
    more: bool = False
    truncated: bool = False

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self.bindings)


def table(names: Names, language: str, body: bytes, *, truncated: bool) -> Table:
    """Read an answer in SPARQL's JSON."""
    found: dict[str, Any] = json.loads(body)
    if "boolean" in found:
        return Table(boolean=found["boolean"])
    columns = tuple(found["head"].get("vars", ()))
    bindings = tuple(found["results"]["bindings"])
    shown = bindings[: max(FEWEST_ROWS, min(MOST_ROWS, MOST_ELEMENTS // (2 * len(columns) + 1)))]
    rows = tuple(tuple(_cell(names, language, binding.get(column)) for column in columns) for binding in shown)
    return Table(columns, rows, bindings, more=len(bindings) > len(rows), truncated=truncated)


def graph(text: str, *, truncated: bool) -> Table:
    """Return a graph as its text."""
    return Table(graph=text[:LONGEST_GRAPH], more=len(text) > LONGEST_GRAPH, truncated=truncated)


def _cell(names: Names, language: str, value: Mapping[str, str] | None) -> Cell:
    """Return one value; an address is a link when it can be followed, a concept or a property goes by its name."""
    if value is None:
        return Cell("")
    text = value["value"]
    if value["type"] != "uri":
        return Cell(text, language_tag(value.get("xml:lang")), number=value.get("datatype", "").endswith(("#integer", "#decimal", "#double")))
    if text.startswith(f"{names.base}/"):
        return Cell(text.removeprefix(names.base), None, safe_url(text))
    vocabulary = load()
    short = vocabulary.label(text, language) if text in vocabulary.labels else compact_iri(text)
    return Cell(short, None, safe_url(text))
