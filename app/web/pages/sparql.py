"""The page for SPARQL questions: a plain form, examples, and the answer as a table; the same endpoint as that of programs."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from app.errors import MaillageError, Text
from app.names import Names
from app.sparql.answers import Question
from app.sparql.formats import JSON, TURTLE
from app.vocabulary import PREFIXES, compact_iri
from app.web.asking import Asking
from app.web.pages.addresses import safe_url
from app.web.pages.layout import Page, language_tag, render

ROWS: Final = 100
"""Rows of an answer that the page shows; the whole answer is one link away."""

LONGEST_GRAPH: Final = 20_000
"""Characters of a graph that the page shows."""

_EXAMPLES: Final = (
    (
        Text("Les groupes qui travaillent sur le logement", "The groups that work on housing"),
        "mlg mc schema dcterms",
        "SELECT ?groupe ?nom WHERE {\n  ?groupe a mlg:Group ; dcterms:subject mc:housing ; schema:name ?nom .\n} ORDER BY ?nom",
    ),
    (
        Text("Combien de groupes par thématique", "How many groups for each topic"),
        "mlg dcterms skos",
        "SELECT ?theme (COUNT(DISTINCT ?groupe) AS ?nombre) WHERE {\n  ?groupe a mlg:Group ; dcterms:subject ?theme .\n}"
        " GROUP BY ?theme ORDER BY DESC(?nombre)",
    ),
    (
        Text("Les groupes dont plusieurs annuaires parlent", "The groups that several directories speak of"),
        "mlg schema",
        "SELECT ?groupe ?nom (COUNT(DISTINCT ?fiche) AS ?fiches) WHERE {\n  ?groupe a mlg:Group ; schema:name ?nom ; mlg:record ?fiche .\n}"
        " GROUP BY ?groupe ?nom HAVING (COUNT(DISTINCT ?fiche) > 1) ORDER BY DESC(?fiches)",
    ),
    (
        Text("Qui coopère avec qui", "Who cooperates with whom"),
        "mlg schema",
        "SELECT ?nom ?partenaire WHERE {\n  ?groupe mlg:cooperatesWith ?autre ; schema:name ?nom .\n"
        "  OPTIONAL { ?autre schema:name ?nomAutre }\n  BIND(COALESCE(?nomAutre, ?autre) AS ?partenaire)\n} ORDER BY ?nom",
    ),
    (
        Text("Ce que dit chaque source d'un même groupe", "What each source says of one group"),
        "mlg schema",
        "SELECT ?fiche ?nom WHERE {\n  ?groupe a mlg:Group ; mlg:record ?fiche .\n  GRAPH ?fiche { ?sujet schema:name ?nom }\n}"
        " ORDER BY ?groupe LIMIT 50",
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an answer."""

    text: str
    lang: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An answer: columns and rows, or yes or no, or the text of a graph; `more` when the page does not show all."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    total: int = 0
    boolean: bool | None = None
    graph: str | None = None
    more: bool = False


def form(here: Asking, _subject: object = None) -> bytes:
    """Write the form with its examples."""
    return _page(here, _query(_EXAMPLES[0]))


def answer(here: Asking, question: Question) -> bytes:
    """Ask, and write the answer below the question. Raises what the pool raises."""
    asked = replace(question, accept=f"{JSON}, {TURTLE};q=0.9", partial=True)
    found = here.node.queries.ask(asked)
    body = found.read()
    table = _table(here.node.names, json.loads(body), found.truncated) if found.media_type == JSON else _graph(body.decode(), found.truncated)
    return _page(here, question.query, table=table)


def refusal(here: Asking, query: str, error: MaillageError) -> bytes:
    """Write the form with the question as it was and what is wrong with it."""
    return _page(here, query, error=error)


def _page(here: Asking, query: str, table: Table | None = None, error: MaillageError | None = None) -> bytes:
    """Write the page."""
    frame = Page(here)
    formats = (
        (("CSV", "csv"), ("JSON", "json"), ("XML", "xml"))
        if table is None or table.graph is None
        else (("Turtle", "ttl"), ("JSON-LD", "jsonld"), ("RDF/XML", "rdf"))
    )
    return render(
        here,
        "sparql.html",
        query=query,
        table=table,
        error=error,
        downloads=[(name, frame.to("/sparql", [("query", query), ("format", short)])) for name, short in formats],
        examples=[(title, frame.to("/sparql", [("query", _query((title, names, text)))])) for title, names, text in _EXAMPLES],
    )


def _query(example: tuple[Text, str, str]) -> str:
    """Return an example with its prefixes."""
    _, names, text = example
    return "".join(f"PREFIX {name}: <{PREFIXES[name]}>\n" for name in names.split()) + text


def _table(names: Names, found: dict[str, Any], truncated: bool) -> Table:
    """Read an answer in SPARQL's JSON."""
    if "boolean" in found:
        return Table(boolean=found["boolean"])
    columns = tuple(found["head"].get("vars", ()))
    bindings = found["results"]["bindings"]
    rows = tuple(tuple(_cell(names, binding.get(column)) for column in columns) for binding in bindings[:ROWS])
    return Table(columns, rows, len(bindings), more=truncated or len(bindings) > ROWS)


def _cell(names: Names, value: dict[str, str] | None) -> Cell:
    """Return one value; an address is a link when it can be followed."""
    if value is None:
        return Cell("")
    text = value["value"]
    if value["type"] != "uri":
        return Cell(text, language_tag(value.get("xml:lang")))
    short = text.removeprefix(names.base) if text.startswith(f"{names.base}/") else compact_iri(text)
    return Cell(short, None, safe_url(text))


def _graph(text: str, truncated: bool) -> Table:
    """Return a graph as its text."""
    return Table(graph=text[:LONGEST_GRAPH], more=truncated or len(text) > LONGEST_GRAPH)
