"""What becomes of the graph said as SPARQL updates that every server takes: pieces of bounded size, deletions first, nothing that breaks out."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence

_log = logging.getLogger(__name__)

POSITION = "urn:x-maillage:position"
EPOCH = "urn:x-maillage:epoch"
"""What the catalogue says of itself: how far the journal was read, and which one it was."""

MOST_LINES = 2000
"""Triples in one block: Virtuoso's parser runs out of room at 5,000."""

MOST_BYTES = 1 << 20
"""Characters of one request, beyond which the next begins."""

AT_ONCE = 100
"""Names in one list."""

PAGE = 10_000
"""Names in one answer: more than that Virtuoso does not sort."""

_IRI = r"<[^\x00-\x20<>\"{}|^`\\]+>"
_LITERAL = rf'"(?:[^"\\\n\r]|\\[tbnrf"\'\\]|\\u[0-9A-Fa-f]{{4}}|\\U[0-9A-Fa-f]{{8}})*"(?:@[A-Za-z0-9-]+|\^\^{_IRI})?'
_NAME = re.compile(rf"{_IRI}\Z")
_TRIPLE = re.compile(rf"({_IRI}) {_IRI} ({_IRI}|{_LITERAL}) \.\Z")
_QUAD = re.compile(rf"({_IRI}) ({_IRI}) ({_IRI}|{_LITERAL})(?: ({_IRI}))? \.\Z")

Graph = str | None
"""A graph's IRI; None is the server's own default graph."""


def term(iri: str) -> str:
    """Return an IRI as a term. Raises ValueError when it is none."""
    written = f"<{iri}>"
    if not _NAME.match(written):
        raise ValueError(iri)
    return written


def triples(text: str) -> list[str] | None:
    """Return the lines of N-Triples, or None, with a line in the log, when one of them is no triple of ours."""
    lines = list(dict.fromkeys(filter(None, text.split("\n"))))
    wrong = next((line for line in lines if not _TRIPLE.match(line)), None)
    if wrong is not None:
        _log.error("This is no triple, and what it belongs to stays as it is: %.300s", wrong)
        return None
    return lines


def subject_of(line: str) -> str:
    """Return the subject of a line of ours."""
    return line[1 : line.index(">")]


def apart(line: str) -> tuple[Graph, str]:
    """Return the graph of a line of N-Quads, and its triple as a line. Raises ValueError when it is none of ours."""
    found = _QUAD.match(line)
    if not found:
        raise ValueError(line[:300])
    return found[4] and found[4][1:-1], f"{found[1]} {found[2]} {found[3]} ."


def _within(graph: Graph, pattern: str) -> str:
    """Write a pattern, or data, of one graph."""
    return pattern if graph is None else f"GRAPH {term(graph)} {{\n{pattern}\n}}"


def inserting(content: Iterable[tuple[Graph, Sequence[str]]]) -> Iterator[str]:
    """Yield the operations that add triples to graphs: many graphs in one, since some servers take as long for a small operation as for a large."""
    waiting: list[str] = []
    size = 0
    for graph, lines in content:
        for block in _blocks(lines):
            written = _within(graph, "\n".join(block))
            if waiting and size + len(written) > MOST_BYTES:
                yield _data(waiting)
                waiting, size = [], 0
            waiting.append(written)
            size += len(written)
    if waiting:
        yield _data(waiting)


def _data(blocks: Sequence[str]) -> str:
    """Write blocks as one operation."""
    return "INSERT DATA {\n" + "\n".join(blocks) + "\n}"


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines in blocks that are neither too long nor too large."""
    block: list[str] = []
    size = 0
    for line in lines:
        if block and (len(block) == MOST_LINES or size + len(line) > MOST_BYTES):
            yield block
            block, size = [], 0
        block.append(line)
        size += len(line)
    if block:
        yield block


def clearing(graph: Graph) -> str:
    """Return the operation that leaves nothing of a graph, not even its name."""
    return "DROP DEFAULT" if graph is None else f"DROP SILENT GRAPH {term(graph)}"


def emptying(graphs: Sequence[str]) -> Iterator[str]:
    """Yield the operations that empty named graphs which are filled again at once: many at a time are quicker than one by one."""
    for some in _some(graphs):
        yield f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ VALUES ?g {{ {_list(some)} }} GRAPH ?g {{ ?s ?p ?o }} }}"


def forgetting(graph: Graph, subjects: Sequence[str]) -> Iterator[str]:
    """Yield the operations that take away what a graph says of some subjects."""
    for some in _some(subjects):
        pattern = _within(graph, "?s ?p ?o")
        yield f"DELETE {{ {pattern} }} WHERE {{ {_within(graph, f'VALUES ?s {{ {_list(some)} }} ?s ?p ?o')} }}"


def parts_of(graph: Graph, subjects: Sequence[str]) -> Iterator[str]:
    """Yield the questions for what some subjects lead to by addresses with a fragment."""
    for some in _some(subjects):
        pattern = f"VALUES ?s {{ {_list(some)} }} ?s ?p ?o FILTER(isIRI(?o) && CONTAINS(STR(?o), '#'))"
        yield f"SELECT DISTINCT ?s ?o WHERE {{ {_within(graph, pattern)} }}"


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the names a hundred at a time."""
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]


def _list(names: Iterable[str]) -> str:
    """Write names as terms beside each other."""
    return " ".join(map(term, names))


def following(graph: Graph, after: str) -> str:
    """Return the question for the next subjects of a graph in the order of their addresses."""
    return _next("?s", _within(graph, "?s ?p ?o"), after)


def following_graphs(head: str, after: str) -> str:
    """Return the question for the next named graphs whose addresses begin with `head`."""
    return _next("?s", f"GRAPH ?s {{ ?a ?b ?c }} FILTER(STRSTARTS(STR(?s), '{head}'))", after)


def _next(variable: str, pattern: str, after: str) -> str:
    """Return the question for a page of what `variable` is in a pattern."""
    inner = f"{{ SELECT DISTINCT {variable} WHERE {{ {pattern} }} }}"
    return f"SELECT {variable} WHERE {{ {inner} FILTER(STR({variable}) > '{after}') }} ORDER BY STR({variable}) LIMIT {PAGE}"


def requests(operations: Iterable[str]) -> Iterator[str]:
    """Put operations together into requests of bounded size; one that is larger goes alone."""
    waiting: list[str] = []
    size = 0
    for operation in operations:
        if waiting and size + len(operation) > MOST_BYTES:
            yield ";\n".join(waiting)
            waiting, size = [], 0
        waiting.append(operation)
        size += len(operation)
    if waiting:
        yield ";\n".join(waiting)
