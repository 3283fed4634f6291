"""A checked query put to a server far away: which graphs it is asked of, and, where the server's default graph is not its own, with what words.

There the combined directory is a named graph: a query without GRAPH is asked of it by the protocol's parameters; in one with GRAPH the whole
pattern is put inside it, and a variable graph is one of the sources' graphs or the catalogue.
"""

import re
from collections.abc import Sequence

from app.errors import QueryRefused, Text
from app.sparql.guard import Checked
from app.sparql.tasks import Task

_KNOWN = re.compile(r"(?:https?://|urn:|mailto:|tel:|geo:|tag:|info:|doi:|did:|ftp://)", re.IGNORECASE)
"""Beginnings of addresses that stand for things. Others are commands to some servers: Virtuoso runs what begins with ``bif:`` or ``sql:``."""

_RELATIVE = re.compile(r"[^:]*\Z")
_PREFIXABLE = re.compile(r"[#/]")


def refuse_commands(checked: Checked) -> None:
    """Refuse addresses that a server might take for something to run. Raises QueryRefused."""
    prologue = set(range(checked.prologue.count("\n") + 1)) if checked.prologue else set()
    for number, line in enumerate(checked.lines):
        if not _is_iri(line) or _KNOWN.match(line, 1):
            continue
        fitting = _PREFIXABLE.match(line, 1) if number in prologue else _RELATIVE.match(line[1:-1])
        if not fitting:
            raise QueryRefused(
                Text(
                    f"L'adresse {line} n'est pas permise ici : écrivez-la en entier, en http://…",
                    f"The address {line} is not allowed here: write it in full, as http://…",
                )
            )


def _is_iri(line: str) -> bool:
    """Tell whether a line of the engine's text is an address."""
    return len(line) > 1 and line[0] == "<" and line[-1] == ">"


def inside(lines: Sequence[str], form: str, task: Task) -> str:
    """Return a query with GRAPH so that it is asked of the directory although the server's default graph is not it. Raises QueryRefused."""
    start, end = _pattern(lines, form)
    if form == "DESCRIBE" or "EXISTS" in (*lines[:start], *lines[end:]):
        raise QueryRefused(
            Text(
                "Le serveur qui tient ce graphe ne sait pas répondre à DESCRIBE avec GRAPH, ni à EXISTS hors de WHERE : prenez CONSTRUCT ou SELECT.",
                "The server that holds this graph cannot answer DESCRIBE with GRAPH, nor EXISTS outside WHERE: use CONSTRUCT or SELECT.",
            )
        )
    held = f'FILTER ( {{0}} = <{task.catalogue}> || STRSTARTS ( STR ( {{0}} ) , "{task.records}" ) )'
    body = narrowed(lines[start : end + 1], held)
    return "\n".join([*lines[:start], f"{{ GRAPH <{task.directory}>", *body, "}", *lines[end + 1 :]])


def among(lines: Sequence[str], graphs: Sequence[str]) -> str:
    """Return a query whose variable graphs are among those that were named: some servers show all of them."""
    listed = " , ".join(f"<{graph}>" for graph in graphs)
    return "\n".join(narrowed(lines, f"FILTER ( {{0}} IN ( {listed} ) )" if graphs else "FILTER ( false )"))


def narrowed(lines: Sequence[str], condition: str) -> list[str]:
    """Return the lines with each ``GRAPH ?g { … }`` in a group of its own, under a condition on ``?g``."""
    found: list[str] = []
    closing: list[str | None] = []
    for number, line in enumerate(lines):
        variable = lines[number - 1] if line == "{" and number > 1 and lines[number - 2] == "GRAPH" and _is_variable(lines[number - 1]) else None
        if line == "GRAPH" and _is_variable(lines[number + 1]):
            found.append("{")
        found.append(line)
        if line == "{":
            closing.append(variable)
        elif line == "}" and (ended := closing.pop()) is not None:
            found += [condition.replace("{0}", ended), "}"]
    return found


def _is_variable(line: str) -> bool:
    """Tell whether a line is a variable."""
    return line[0] in "?$"


def _pattern(lines: Sequence[str], form: str) -> tuple[int, int]:
    """Return where the braces of the query's own pattern are: a CONSTRUCT with GRAPH has its template before it."""
    depth, opened, seen = 0, 0, 0
    for number, line in enumerate(lines):
        if line in {"{", "("} or (line.endswith("(") and line[0] != '"'):
            if line == "{" and depth == 0:
                opened, seen = number, seen + 1
            depth += 1
        elif line in {"}", ")"}:
            depth -= 1
            if line == "}" and depth == 0 and (form != "CONSTRUCT" or seen == 2):
                return opened, number
    raise ValueError("a query that was parsed has a pattern")
