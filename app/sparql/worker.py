"""A process that answers strangers' queries, one at a time, on a copy of the store that it can only read.

It is expected to die: of the wall clock, of its memory limit, of a parser that overflows its stack. It has no network
and no proxy; it is given a text and writes one answer, whole or not at all.
"""

import re
import signal
import sys
import threading
from collections.abc import Iterable
from itertools import islice
from typing import IO, Protocol, cast

import pyoxigraph
from pyoxigraph import BlankNode, DefaultGraph, NamedNode, QueryBoolean, QueryResultsFormat, QuerySolutions, QueryTriples, RdfFormat

from app.errors import BadQuery, MaillageError, QueryRefused, QueryStopped, StoreUnavailable, Text
from app.sparql import guard
from app.sparql.confinement import STACK, isolate, limit
from app.sparql.formats import XML, Form, choose, count_rows, without_controls
from app.sparql.tasks import READY, READY_WITH_NETWORK, Outcome, Refusal, Sink, Task, frame_of, read_task, too_large
from app.sparql.tokens import error_at

LEAST_ROW = 2
"""Bytes that a row takes at least in any format: an answer of fewer needs no counting."""

DAMAGE = "Corruption"
"""How the engine's message begins when a file of the store is damaged."""

GRACE_S = 1.0
"""Seconds after its time at which a worker ends by itself, if nobody is left to end it."""

_ERROR = re.compile(r"error at (\d+):\d+: (?:expected )?(.*)", re.DOTALL)

Answer = QuerySolutions | QueryBoolean | QueryTriples


class Answerer:
    """Answers tasks on the newest generation it was told of, which stays open from one task to the next."""

    def __init__(self) -> None:
        self._generation = ""
        self._store: pyoxigraph.Store | None = None

    def answer(self, task: Task) -> tuple[Outcome, bytes]:
        """Answer one task; the body is empty when it is in the task's file.

        Raises BadQuery, QueryRefused, NotAcceptable, QueryStopped or StoreUnavailable.
        """
        checked = guard.check(task.query)
        store = self._opened(task.generation)
        _refuse_unknown_graphs(store, task, checked)
        try:
            return _told(store, task, checked)
        except SyntaxError as error:
            raise bad_query(checked, said_of(store, checked) or str(error)) from error
        except OSError as error:
            raise _unreadable(error) from error
        except RuntimeError as error:
            raise (_unreadable(error) if str(error).startswith(DAMAGE) else refused_by_engine(error)) from error
        except MemoryError as error:
            raise out_of_memory() from error

    def _opened(self, generation: str) -> pyoxigraph.Store:
        """Open the generation, if it is not the one that is open."""
        if self._store is None or self._generation != generation:
            self._store = None
            self._store = _read_only(generation)
            self._generation = generation
        return self._store


def _read_only(generation: str) -> pyoxigraph.Store:
    """Open a copy of the store. Raises StoreUnavailable."""
    try:
        return pyoxigraph.Store.read_only(generation)
    except (OSError, RuntimeError) as error:
        raise _unreadable(error) from error


def _refuse_unknown_graphs(store: pyoxigraph.Store, task: Task, checked: guard.Checked) -> None:
    """Refuse a dataset with a graph that is not held here: nothing is ever fetched. Raises QueryRefused."""
    own = resolved(checked) if checked.graphs else []
    for iri in (*task.default_graphs, *task.named_graphs, *own):
        if not _is_held(store, iri):
            raise QueryRefused(
                Text(
                    f"Il n'y a pas ici de graphe <{iri}>, et rien n'est cherché ailleurs.", f"There is no graph <{iri}> here, and nothing is fetched."
                )
            )


def _is_held(store: pyoxigraph.Store, iri: str) -> bool:
    """Tell whether the store holds this graph."""
    try:
        return store.contains_named_graph(NamedNode(iri))
    except ValueError:
        return False


def resolved(checked: guard.Checked) -> list[str]:
    """Return the IRIs of FROM and FROM NAMED, resolved by the engine's own rules: Turtle's prologue is SPARQL's."""
    lines = "".join(f"<urn:s> <urn:p> {graph.term} .\n" for graph in checked.graphs)
    try:
        triples = pyoxigraph.parse(f"{checked.prologue}\n{lines}", RdfFormat.TURTLE)
        return [quad.object.value for quad in triples if isinstance(quad.object, NamedNode)]
    except SyntaxError as error:
        graph = checked.graphs[0]
        raise error_at(checked.original, graph.start, f"adresse de graphe incorrecte ({error})", f"wrong graph address ({error})") from error


def _told(store: pyoxigraph.Store, task: Task, checked: guard.Checked) -> tuple[Outcome, bytes]:
    """Run the query and write its answer. Rows over the limit are refused or, if a part is wanted, asked for again without them."""
    told = _written(store, task, checked, task.max_rows + 1)
    if told is None and task.partial:
        told = _written(store, task, checked, task.max_rows)
    if told is None:
        raise too_large(task)
    return told


def _written(store: pyoxigraph.Store, task: Task, checked: guard.Checked, rows: int) -> tuple[Outcome, bytes] | None:
    """Write the answer of at most so many rows; None when there are more than the task allows."""
    result = _ran(store, task, checked.bounded(rows))
    sink = Sink(task)
    whole = False
    try:
        if isinstance(result, QueryTriples):
            media_type, fits, cut = write_graph(result, task, sink)
        else:
            media_type, fits = write_results(result, task, sink)
            cut = rows == task.max_rows
        whole = fits
        body = b"" if sink.spooled else sink.whole()
    finally:
        sink.close(keep=whole)
    return (Outcome(media_type, cut, sink.size, sink.spooled, checked.lasting), body) if fits else None


def _ran(store: pyoxigraph.Store, task: Task, text: str) -> Answer:
    """Run a checked text. The protocol's dataset takes the place of the query's own (SPARQL 1.1 Protocol, 2.1.4)."""
    if not task.default_graphs and not task.named_graphs:
        return store.query(text)
    default: list[NamedNode | BlankNode | DefaultGraph] = [NamedNode(iri) for iri in task.default_graphs]
    named: list[NamedNode | BlankNode] = [NamedNode(iri) for iri in task.named_graphs]
    return store.query(text, default_graph=default, named_graphs=named)


def write_results(result: QuerySolutions | QueryBoolean, task: Task, sink: Sink) -> tuple[str, bool]:
    """Write rows or a boolean; return the media type, and whether there are no more rows than allowed."""
    media_type = choose(task.accept, Form.BOOLEAN if isinstance(result, QueryBoolean) else Form.ROWS)
    output = _ForXml(sink) if media_type == XML else sink
    result.serialize(cast(IO[bytes], output), QueryResultsFormat.from_media_type(media_type))
    few = isinstance(result, QueryBoolean) or sink.size <= LEAST_ROW * task.max_rows
    return media_type, few or count_rows(media_type, sink.whole()) <= task.max_rows


class _ForXml:
    """Passes XML on to a sink without the characters that XML cannot hold."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        self._sink.write(without_controls(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


def write_graph(result: Iterable[pyoxigraph.Triple], task: Task, sink: Sink) -> tuple[str, bool, bool]:
    """Write triples, each once; return the media type, whether they fit, and whether some were left out."""
    media_type = choose(task.accept, Form.GRAPH)
    triples: dict[pyoxigraph.Triple, None] = {}
    for triple in result:
        triples[triple] = None
        if len(triples) > task.max_rows:
            break
    over = len(triples) > task.max_rows
    if over and not task.partial:
        return media_type, False, False
    body = pyoxigraph.serialize(islice(triples, task.max_rows), format=RdfFormat.from_media_type(media_type))
    sink.write(body or b"")
    return media_type, True, over


def said_of(store: pyoxigraph.Store, checked: guard.Checked) -> str:
    """Return what the parser says of the text when each of its tokens stands alone."""
    try:
        store.query(checked.spaced)
    except SyntaxError as error:
        return str(error)
    return ""


def bad_query(checked: guard.Checked, message: str) -> BadQuery:
    """Return the parser's error, at its place in the stranger's own text; what it expected instead is seldom of help."""
    found = _ERROR.match(message)
    if not found:
        return BadQuery(Text(f"Requête SPARQL incorrecte : {message}", f"Malformed SPARQL query: {message}"))
    place, token = checked.origin(int(found[1]))
    if " " in found[2] and not found[2].startswith("one of "):
        return error_at(checked.original, place, f"l'analyseur dit « {found[2]} »", f"the parser says '{found[2]}'")
    if not token:
        return error_at(checked.original, place, "la requête s'arrête trop tôt", "the query ends too early")
    return error_at(checked.original, place, f"« {token} » n'est pas attendu ici", f"'{token}' is not expected here")


def refused_by_engine(error: Exception) -> QueryRefused:
    """Say that the engine cannot do what is asked, such as an unknown function."""
    return QueryRefused(Text(f"La requête demande ce qui n'existe pas ici : {error}", f"The query asks for what does not exist here: {error}"))


def _unreadable(error: Exception) -> StoreUnavailable:
    """Say that the copy of the store cannot be read."""
    return StoreUnavailable(Text(f"Le graphe ne peut pas être lu : {error}", f"The graph cannot be read: {error}"))


def out_of_memory() -> QueryStopped:
    """Say that the query wanted too much memory."""
    return QueryStopped(
        Text(
            "La requête a demandé trop de mémoire : précisez-la, ou ajoutez LIMIT.",
            "The query wanted too much memory: make it narrower, or add LIMIT.",
        )
    )


class Answering(Protocol):
    """What a process does with its tasks."""

    def answer(self, task: Task) -> tuple[Outcome, bytes]:
        """Answer one task; the body is empty when it is in the task's file. Raises MaillageError."""
        ...


def serve(answerer: Answering, questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer questions until there are no more."""
    while (task := read_task(questions)) is not None:
        signal.setitimer(signal.ITIMER_REAL, task.timeout_s + GRACE_S)
        answers.write(_reply(answerer, task))
        answers.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _reply(answerer: Answering, task: Task) -> bytes:
    """Return the frame that answers a task, and the body that goes with it."""
    try:
        outcome, body = answerer.answer(task)
        return frame_of(outcome) + body
    except MaillageError as error:
        return frame_of(Refusal(error.slug, error.text.fr, error.text.en))


def main(answerer: Answering) -> None:
    """Run a worker: ``worker MEMORY FILE_SIZE``, in bytes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    isolated = isolate()
    limit(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.buffer.write(frame_of(Outcome(READY if isolated else READY_WITH_NETWORK, False, 0, False)))
    sys.stdout.buffer.flush()
    threading.stack_size(STACK)
    answering = threading.Thread(target=serve, args=(answerer, sys.stdin.buffer, sys.stdout.buffer))
    answering.start()
    answering.join()


if __name__ == "__main__":
    main(Answerer())
