"""A process that checks strangers' queries for a server far away, and writes what it answers in the format that was asked for.

It has no network either: the node sends the checked text, and gives it the file with the answer.
"""

import json
from pathlib import Path
from typing import Any

import pyoxigraph
from pyoxigraph import QueryResultsFormat, RdfFormat

from app.errors import StoreUnavailable, Text
from app.sparql import dataset, guard, worker
from app.sparql.formats import Form, choose
from app.sparql.tasks import Asking, Outcome, Sink, Task, Work, too_large

BOOLEAN = "http://www.w3.org/2001/XMLSchema#boolean"
ODD = (b'"typed-literal"', b"__ASK_RETVAL")
"""What shows that a server writes results in a way of its own."""

FORMS = {"SELECT": Form.ROWS, "ASK": Form.BOOLEAN, "CONSTRUCT": Form.GRAPH, "DESCRIBE": Form.GRAPH}


class Relayer:
    """Does both halves of the work."""

    def answer(self, task: Task) -> tuple[Outcome, bytes]:
        """Check or write. Raises BadQuery, QueryRefused, NotAcceptable, QueryStopped or StoreUnavailable."""
        checked = guard.check(task.query)
        if task.work == Work.CHECK:
            return _checked(task, checked)
        return _written(task, checked)


def _checked(task: Task, checked: guard.Checked) -> tuple[Outcome, bytes]:
    """Return what is to be sent for a query that may be asked, as JSON."""
    dataset.refuse_commands(checked)
    media_type = choose(task.accept, FORMS[checked.form])
    _parse(task, checked)
    own = worker.resolved(task, checked) if checked.graphs else []
    asking = _asking(task, checked, own)
    body = json.dumps(asking._replace(text=f"BASE <{task.base}>\n{asking.text}" if task.base else asking.text)).encode()
    return Outcome(media_type, False, len(body), False, checked.lasting), body


def _parse(task: Task, checked: guard.Checked) -> None:
    """Have our own engine read the query over nothing: its grammar is the one that is promised. Raises BadQuery or QueryRefused."""
    store = pyoxigraph.Store()
    try:
        store.query(checked.text, base_iri=task.base)
    except SyntaxError as error:
        raise worker.bad_query(checked, worker.said_of(store, task, checked) or str(error)) from error
    except RuntimeError as error:
        raise worker.refused_by_engine(error) from error
    except MemoryError as error:
        raise worker.out_of_memory() from error


def _asking(task: Task, checked: guard.Checked, own: list[str]) -> Asking:
    """Choose the dataset and the words. The protocol's dataset takes the place of the query's own (SPARQL 1.1 Protocol, 2.1.4).

    The query's own is sent as the protocol's: a server that was told to unite all graphs may pass over FROM.
    """
    text = checked.bounded(task.max_rows + 1)
    lines, is_graph = text.split("\n"), FORMS[checked.form] is Form.GRAPH
    default, named = list(task.default_graphs), list(task.named_graphs)
    if own and not default and not named:
        said = list(zip(own, checked.graphs, strict=True))
        default, named = [iri for iri, graph in said if not graph.named], [iri for iri, graph in said if graph.named]
    if default or named:
        return Asking(dataset.among(lines, named) if "GRAPH" in lines else text, is_graph, default, named, own)
    if not task.directory:
        return Asking(text, is_graph, [], [], [])
    if "GRAPH" in lines:
        return Asking(dataset.inside(lines, checked.form, task), is_graph, [], [], [])
    return Asking(text, is_graph, [task.directory], [], [])


def _written(task: Task, checked: guard.Checked) -> tuple[Outcome, bytes]:
    """Write what the server answered. Raises QueryStopped when it is more than allowed, StoreUnavailable when it cannot be read."""
    sink = Sink(task)
    whole = False
    try:
        raw = Path(task.received).read_bytes()
        media_type, fits, cut = _graph(task, raw, sink) if FORMS[checked.form] is Form.GRAPH else _results(task, raw, sink)
        if not fits:
            raise too_large(task)
        body = b"" if sink.spooled else sink.whole()
        whole = True
    except (SyntaxError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreUnavailable(
            Text(
                f"Le serveur qui tient le graphe a répondu ce qui ne se lit pas ({error}).",
                f"The server that holds the graph answered what cannot be read ({error}).",
            )
        ) from error
    except MemoryError as error:
        raise worker.out_of_memory() from error
    finally:
        sink.close(keep=whole)
    return Outcome(media_type, cut, sink.size, sink.spooled, checked.lasting), body


def _graph(task: Task, raw: bytes, sink: Sink) -> tuple[str, bool, bool]:
    """Write triples."""
    return worker.write_graph((quad.triple for quad in pyoxigraph.parse(raw, RdfFormat.N_TRIPLES)), task, sink)


def _results(task: Task, raw: bytes, sink: Sink) -> tuple[str, bool, bool]:
    """Write rows or a boolean; of too many rows the first, if a part is wanted."""
    said = json.loads(raw)
    odd = any(sign in raw for sign in ODD)
    said = _standard(said) if odd else said
    rows = said.get("results", {}).get("bindings", [])
    over = len(rows) > task.max_rows
    if over and not task.partial:
        return "", False, False
    if over:
        said["results"]["bindings"] = rows[: task.max_rows]
    text = json.dumps(said).encode() if odd or over else raw
    media_type, fits = worker.write_results(pyoxigraph.parse_query_results(text, format=QueryResultsFormat.JSON), task, sink)
    return media_type, fits, over


def _standard(said: dict[str, Any]) -> dict[str, Any]:
    """Return results as the standard has them: Virtuoso answers ASK with a row, and writes a boolean as a number."""
    names, rows = said["head"].get("vars", []), said.get("results", {}).get("bindings", [])
    if names == ["__ASK_RETVAL"]:
        return {"head": {}, "boolean": bool(rows) and rows[0][names[0]]["value"] == "1"}
    for row in rows:
        for term in row.values():
            if term["type"] == "typed-literal":
                term["type"] = "literal"
                if term["datatype"] == BOOLEAN:
                    term["value"] = {"1": "true", "0": "false"}.get(term["value"], term["value"])
    return said


if __name__ == "__main__":
    worker.main(Relayer())
