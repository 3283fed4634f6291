"""What a query process answers, and what it refuses, on a copy of the store."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import BadQuery, NotAcceptable, QueryRefused, QueryStopped, StoreUnavailable
from app.sparql.generations import Generations
from app.sparql.tasks import INLINE, Outcome, Refusal, Task, frame_of, header_size, read_task, reply_of
from app.sparql.worker import Answerer, serve

Asking = Callable[..., tuple[Outcome, bytes]]
ALL = "SELECT ?s ?p ?o { ?s ?p ?o }"


@pytest.fixture
def task(generations: Generations, tmp_path: Path) -> Task:
    """A question on the newest copy."""
    return Task(str(generations.current().path), ALL, "*/*", (), (), False, 50, 1_000_000, 5.0, str(tmp_path / "spool"))


def rows(body: bytes) -> int:
    """Rows of a JSON answer."""
    return len(json.loads(body)["results"]["bindings"])


def test_the_default_graph_is_the_combined_directory(task: Task) -> None:
    """Without a dataset, patterns see the default graph, and GRAPH the named ones."""
    assert rows(Answerer().answer(task)[1]) == 20
    outcome, body = Answerer().answer(task._replace(query="SELECT ?g { GRAPH ?g { ?s <https://schema.org/name> ?o } }"))
    assert (rows(body), outcome.truncated, outcome.spooled, outcome.size) == (10, False, False, len(body))


def test_each_form_has_its_formats(task: Task) -> None:
    """Rows, booleans and graphs, in what the client accepts."""
    answerer = Answerer()
    assert answerer.answer(task._replace(query="ASK {}", accept="text/csv"))[1] == b"true"
    outcome, body = answerer.answer(task._replace(query="CONSTRUCT { <a:a> <a:b> 1 } { ?s ?p ?o }", accept="application/n-triples"))
    assert (outcome.media_type, body) == ("application/n-triples", b'<a:a> <a:b> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .\n')
    assert answerer.answer(task._replace(query="DESCRIBE <http://node.example/groups/g1>"))[0].media_type == "text/turtle"
    with pytest.raises(NotAcceptable):
        answerer.answer(task._replace(query="ASK {}", accept="text/turtle"))


@pytest.mark.parametrize("query", [ALL, f"{ALL} LIMIT 20", "CONSTRUCT WHERE { ?s ?p ?o }"])
def test_an_answer_over_the_rows_is_refused(task: Task, query: str) -> None:
    """Nineteen rows allowed, twenty asked: a sentence that says what to do, in place of half an answer."""
    with pytest.raises(QueryStopped, match="over 19 rows"):
        Answerer().answer(task._replace(query=query, max_rows=19))
    assert not Answerer().answer(task._replace(query=query, max_rows=20))[0].truncated


@pytest.mark.parametrize("accept", ["application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"])
def test_rows_are_bounded_in_every_format(task: Task, accept: str) -> None:
    """The bound is the same whatever the format."""
    with pytest.raises(QueryStopped):
        Answerer().answer(task._replace(max_rows=19, accept=accept))
    assert not Answerer().answer(task._replace(max_rows=20, accept=accept))[0].truncated


def test_a_part_is_given_to_who_asks_for_one(task: Task) -> None:
    """A partial answer has the rows that are allowed and is marked; one that fits is not."""
    outcome, body = Answerer().answer(task._replace(max_rows=7, partial=True))
    assert (rows(body), outcome.truncated) == (7, True)
    outcome, body = Answerer().answer(task._replace(max_rows=20, partial=True))
    assert (rows(body), outcome.truncated) == (20, False)
    outcome, body = Answerer().answer(task._replace(query="CONSTRUCT WHERE { ?s ?p ?o }", accept="application/n-triples", max_rows=7, partial=True))
    assert (body.count(b"\n"), outcome.truncated) == (7, True)


def test_a_large_answer_is_in_the_file(task: Task) -> None:
    """Above a size the body is in the spool; one over the bytes leaves nothing there."""
    large = task._replace(query=f"SELECT (CONCAT(?o, '{'x' * 9_000}') AS ?y) ?z {{ ?s ?p ?o . ?z ?q ?r . FILTER(isLITERAL(?o)) }}", max_rows=200)
    outcome, body = Answerer().answer(large._replace(query=f"{large.query} LIMIT 50"))
    assert (outcome.spooled, body) == (True, b"")
    assert Path(task.spool).stat().st_size == outcome.size > INLINE
    assert rows(Path(task.spool).read_bytes()) == 50
    with pytest.raises(QueryStopped, match="1 MB"):
        Answerer().answer(large)
    assert not Path(task.spool).exists()


def test_graphs_that_are_not_here_are_refused(task: Task) -> None:
    """FROM, FROM NAMED and the protocol's dataset name graphs held here, and nothing is ever fetched."""
    here, nowhere = "http://node.example/records/carte/g1", "http://node.example/records/carte/nobody"
    answerer = Answerer()
    assert rows(answerer.answer(task._replace(query=f"SELECT * FROM <{here}> {{ ?s ?p ?o }}"))[1]) == 1
    assert rows(answerer.answer(task._replace(query=f"BASE <{here}> SELECT * FROM <g1> {{ ?s ?p ?o }}"))[1]) == 1
    assert rows(answerer.answer(task._replace(query=f"PREFIX c: <{here[:-2]}> SELECT * FROM NAMED c:g1 {{ GRAPH ?g {{ ?s ?p ?o }} }}"))[1]) == 1
    assert rows(answerer.answer(task._replace(default_graphs=(here,)))[1]) == 1
    assert rows(answerer.answer(task._replace(named_graphs=(here,), query="SELECT * { GRAPH ?g { ?s ?p ?o } }"))[1]) == 1
    for refused in (
        task._replace(query=f"SELECT * FROM <{nowhere}> {{ ?s ?p ?o }}"),
        task._replace(query=f"BASE <{here}> SELECT * FROM NAMED <nobody> {{ ?s ?p ?o }}"),
        task._replace(query="SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }"),
        task._replace(default_graphs=(here, nowhere)),
        task._replace(named_graphs=("no iri",)),
    ):
        with pytest.raises(QueryRefused, match="There is no graph"):
            answerer.answer(refused)


def test_the_protocols_dataset_takes_the_place_of_the_querys(task: Task) -> None:
    """SPARQL 1.1 Protocol, 2.1.4: its parameters win, and what they do not name is not there."""
    one, two = "http://node.example/records/carte/g1", "http://node.example/records/carte/g2"
    both = task._replace(query=f"SELECT * FROM <{one}> {{ ?s ?p ?o }}", default_graphs=(two,))
    assert b"groups/g2" in Answerer().answer(both)[1]
    named = task._replace(query="SELECT * { GRAPH ?g { ?s ?p ?o } }", default_graphs=(two,))
    assert rows(Answerer().answer(named)[1]) == 0


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT *\n{ ?s ?p }", r"line 2, column 9: '\}' is not expected here"),
        ("SELECT * { ?s ?p ?o } GROUP", "line 1, column 28: the query ends too early"),
        ("PREFIX a: <a:>\nSELECT * {\n  ?s a:p ?o .\n  ?s a:q UNION ; } ", "line 4, column 10: 'UNION' is not expected here"),
        ("SELECT * { ?s ?p ?o } ORDER ?s", r"line 1, column 29: '\?s' is not expected here"),
        ("SELECT * { ?s <no-base> ?o }", "IRI parsing failed"),
        ("ASK {} ASK {}", "line 1, column 8: 'ASK' is not expected here"),
        ("SELECT * FROM <relative> {}", "line 1, column 15"),
    ],
)
def test_what_the_parser_says_is_told_at_its_place(task: Task, query: str, said: str) -> None:
    """Line and column are those of the text that was sent."""
    with pytest.raises(BadQuery, match=said):
        Answerer().answer(task._replace(query=query))


def test_a_function_that_does_not_exist_is_refused(task: Task) -> None:
    """The sentence names it."""
    with pytest.raises(QueryRefused, match=r"http://f\.example/f"):
        Answerer().answer(task._replace(query="SELECT (<http://f.example/f>(1) AS ?x) {}"))


def test_a_copy_that_is_not_there_is_said_to_be(task: Task, tmp_path: Path) -> None:
    """The error is the node's, not the query's; the next copy is read again."""
    answerer = Answerer()
    with pytest.raises(StoreUnavailable):
        answerer.answer(task._replace(generation=str(tmp_path / "nowhere")))
    assert rows(answerer.answer(task)[1]) == 20


def test_questions_and_answers_cross_the_pipe(task: Task) -> None:
    """Frames come back as they went, answers and refusals in the order of the questions, and the end of the stream ends it."""
    questions = io.BytesIO(frame_of(task) + frame_of(task._replace(query="SELECT é {")) + frame_of(task._replace(query="ASK {}")))
    assert read_task(io.BytesIO(frame_of(task))) == task._replace(default_graphs=[], named_graphs=[])
    answers = io.BytesIO()
    serve(Answerer(), questions, answers)
    answers.seek(0)
    replies = []
    while head := answers.read(4):
        reply = reply_of(answers.read(header_size(head)))
        replies.append((reply, answers.read(reply.size) if isinstance(reply, Outcome) else b""))
    assert [type(reply) for reply, _ in replies] == [Outcome, Refusal, Outcome]
    assert json.loads(replies[2][1])["boolean"] is True
