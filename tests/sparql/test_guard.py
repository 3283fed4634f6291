"""What the guard lets through is what the engine reads, and it holds no federated query, no update, no unknown graph, no deep nesting."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyoxigraph
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadQuery, QueryRefused
from app.sparql.guard import MAX_BYTES, MAX_DEPTH, check

ENGINE = Path(__file__).with_name("engine.py")
ROOT = Path(__file__).parents[2]

GOOD = [
    "SELECT * WHERE { ?s ?p ?o } ORDER BY ?s DESC(?p) LIMIT 3 OFFSET 1",
    "PREFIX a: <a:> SELECT DISTINCT ?s (COUNT(DISTINCT ?o) AS ?n) { ?s a:p ?o } GROUP BY ?s HAVING (COUNT(?o) > 1)",
    "BASE <a:> PREFIX : <a:> PREFIX x.y: <a:> ASK { :a x.y:p <a:a> . :b :p :a }",
    "CONSTRUCT { ?s <a:q> [ <a:r> (1 2) ] } WHERE { ?s <a:p> ?o FILTER(isIRI(?o)) }",
    "CONSTRUCT WHERE { ?s <a:p> 1 }",
    "DESCRIBE <a:a>",
    "DESCRIBE ?s { ?s <a:p> <a:a> }",
    "ASK { ?s <a:p>/^<a:p>|!(<a:q>|^a)* ?o }",
    "ASK { ?s <a:p>? ?o . ?s (<a:p>)+ 1 }",
    "SELECT ?g (SAMPLE(?o) AS ?x) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g",
    "SELECT * FROM <a:g> FROM NAMED <a:g> { ?s ?p ?o GRAPH ?g { ?s ?p ?o } }",
    "SELECT * { ?s ?p ?o MINUS { ?s ?p 1 } OPTIONAL { ?o <a:p> ?x FILTER(?x > 0 && !(?x = 2) || -?x < 0) } }",
    "SELECT * { { ?s ?p 1 } UNION { ?s ?p 2 } UNION { ?s ?p 'x' } BIND(CONCAT(STR(?s), 'é\\n\"', '''a'b''') AS ?t) }",
    "SELECT * { VALUES (?s ?o) { (<a:a> UNDEF) (UNDEF 2) } ?s ?p ?o } VALUES ?p { <a:p> }",
    'SELECT (GROUP_CONCAT(DISTINCT STR(?o) ; SEPARATOR = ", ") AS ?all) { ?s ?p ?o }',
    "SELECT * { ?s ?p ?o FILTER NOT EXISTS { ?s <a:p> 3 } FILTER EXISTS { ?s ?p ?x } FILTER(?o NOT IN (5, 6) && ?o IN (1, 2, 'x', <a:a>)) }",
    "SELECT (IF(1<2, 'a'@en, 'b'@fr-ca) AS ?x) (COALESCE(?n, \"1\"^^<http://www.w3.org/2001/XMLSchema#integer>) AS ?y) {}",
    "SELECT ?s { { SELECT ?s (MAX(?o) AS ?m) { ?s ?p ?o } GROUP BY ?s ORDER BY ?s LIMIT 2 } } #end",
    "SELECT (1 - 1 AS ?a) (1 -1 AS ?b) (1-1 AS ?c) (-1 AS ?d) (2*-3 AS ?e) (+1 AS ?f) { }",
    'SELECT * { ?s ?p ?o FILTER regex(str(?o), "^X", "i") }',
    "PREFIX a: <a:> SELECT * { a:a a:p 1 , 2 ; a:p ?x ; . _:b a:p ?y . [] a:p ?z . [ a:p ?w ] . }",
    "PREFIX from: <a:> PREFIX filter: <a:> PREFIX a: <a:> SELECT ?o { from:a filter:p ?o . a:b a:p a:a }",
    "PREFIX p0: <a:> PREFIX p1: <b:> SELECT ?o { p0:a p0:p ?o FILTER(?o != p1:a) }",
    "SELECT * { ?s ?p ?o FILTER(?o<2&&?o>0) }",
    "SELECT * { ?s ?p ?o FILTER(?o<2#>\n) }",
    "SELECT * { ?s ?p ?o } LIMIT 0",
    r"SELECT ('a\tb\\u0041\'\"' AS ?x) {}",
    "select * where { ?s ?p ?o } order by asc(?s) (?o<2) limit 2",
]


def answer(store: pyoxigraph.Store, text: str) -> list[str]:
    """An answer as sorted text, blank nodes told apart from nothing else."""
    result = store.query(text)
    if isinstance(result, pyoxigraph.QueryBoolean):
        return [str(bool(result))]
    if isinstance(result, pyoxigraph.QueryTriples):
        return [str(len(list(result)))]
    names = sorted(variable.value for variable in result.variables)
    return sorted(str([None if isinstance(row[name], pyoxigraph.BlankNode) else row[name] for name in names]) for row in result)


@pytest.fixture(scope="module")
def store() -> pyoxigraph.Store:
    """A few statements."""
    made = pyoxigraph.Store()
    made.update("INSERT DATA { <a:a> <a:p> 1, 2, 'x' . <a:b> <a:p> <a:a> . GRAPH <a:g> { <a:a> <a:p> 3 } }")
    return made


@pytest.mark.parametrize("text", GOOD)
def test_what_is_allowed_means_the_same_after_the_guard(store: pyoxigraph.Store, text: str) -> None:
    """The engine gives the same answer to the checked text as to the stranger's own, bounded or not."""
    assert answer(store, check(text).text) == answer(store, text)
    assert answer(store, check(text).bounded(1000)) == answer(store, text)


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("SELECT (TRUE && fAlSe AS ?z) {}", "SELECT (true && false AS ?z) {}"),
        ("SELECT (CONCAT ('a') AS ?z) (COALESCE\n(1) AS ?y) {}", "SELECT (CONCAT('a') AS ?z) (COALESCE(1) AS ?y) {}"),
    ],
)
def test_what_the_engine_reads_too_strictly_is_put_right(store: pyoxigraph.Store, text: str, engine: str) -> None:
    """Booleans in capitals, and blanks after a function's name: the grammar takes them, the engine alone does not."""
    assert answer(store, check(text).text) == answer(store, engine)


def test_names_with_several_dots_are_read_whole() -> None:
    """The engine alone ends a prefixed name at its second dot."""
    made = pyoxigraph.Store()
    made.update("INSERT DATA { <a:b.c.d> <a:p> 1 }")
    assert answer(made, check("PREFIX a: <a:> ASK { a:b.c.d ?p ?o }").text) == ["True"]


REFUSED = [
    "ASK { SERVICE <http://z.example/> { } }",
    "ASK { service silent ?s { } }",
    r"ASK { SERV\u0049CE <http://z.example/> { } }",
    "PREFIX ex: <http://z.example/> ASK { SERVICE<http://z.example/>{}}",
    "ASK { { SELECT * { FILTER EXISTS { SERVICE ?x { } } } } }",
    "INSERT DATA { <a:b> <a:b> <a:b> }",
    "PREFIX a: <a:> DELETE WHERE { ?s ?p ?o }",
    "LOAD <http://z.example/>",
    "load silent <http://z.example/> into graph <a:b>",
    "CLEAR ALL",
    "DROP GRAPH <a:g>",
    "CREATE GRAPH <a:h>",
    "COPY <a:g> TO <a:h>",
    "MOVE <a:g> TO <a:h>",
    "ADD <a:g> TO <a:h>",
    "WITH <a:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
    "ASK {} ; DROP ALL",
    "SELECT * " + "{" * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1),
    "ASK { FILTER(" + "(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH + ") }",
    "ASK { FILTER(" + "!" * 40 + "true) }",
    "ASK { FILTER(1" + "+1" * 1500 + ") }",
    "ASK { {}" + "UNION{}" * 1500 + " }",
    "ASK { " + "OPTIONAL{}" * 1500 + " }",
    "ASK { (" + "1 " * 1500 + ") <a:p> 1 }",
    "ASK { ?s <a:p>" + "/<a:p>" * 1500 + " ?o }",
    "ASK { #" + "x" * MAX_BYTES + "\n}",
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_is_not_allowed_is_refused(text: str) -> None:
    """Other servers, updates in every form, deep nesting, long chains and long texts."""
    with pytest.raises(QueryRefused):
        check(text)


BAD = [
    "",
    "nothing",
    "PREFIX a:b <a:b> ASK {}",
    "PREFIX <a:b> ASK {}",
    "PREFIX a: ASK {}",
    "BASE ASK {}",
    "ASK { ?s ex:p ?o }",
    "ASK { LATERAL { } }",
    "ASK { ?s ?p ?o } SELECTED",
    "PREFIX ex: <http://z.example/> ASK { SERVICEex:a { } }",
    "PREFIX ex: <http://z.example/> ASK { SERVICESILENT ex:a { } }",
    "ASK { ?s ?p <<( <a:a> <a:b> 1 )>> ~ <a:r> }",
    "ASK { \ud800 }",
    "ASK { '\\ud800' }",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_sparql_is_said_to_be_wrong_at_its_place(text: str) -> None:
    """The sentence names a line and a column."""
    with pytest.raises(BadQuery, match="line 1, column"):
        check(text)


def test_words_in_names_strings_and_comments_are_only_text(store: pyoxigraph.Store) -> None:
    """SERVICE and LOAD may be written wherever they are not keywords."""
    text = (
        "PREFIX SERVICE: <a:> SELECT ?SERVICE ('LOAD' AS ?INSERT) { SERVICE:a SERVICE:p ?SERVICE . # SERVICE <http://z.example/>\n "
        "FILTER(?SERVICE != <a:SERVICE>) FILTER(LANG(?SERVICE) != 'x') }"
    )
    assert len(answer(store, check(text).text)) == 3


def test_the_graphs_of_a_query_are_found() -> None:
    """FROM and FROM NAMED, by address or by name; the same words elsewhere are none."""
    checked = check("PREFIX a: <a:> SELECT ?from FROM <a:g> FROM a:h.i.j FROM NAMED a:k { ?from a:NAMED <a:FROM> }")
    assert [(graph.term, graph.named) for graph in checked.graphs] == [("<a:g>", False), (r"p0:h\.i\.j", False), ("p0:k", True)]


@pytest.mark.parametrize(
    ("text", "bounded"),
    [
        ("SELECT * { { SELECT * {} LIMIT 9 } }", "LIMIT 5"),
        ("SELECT * {} LIMIT 3", "LIMIT\n3"),
        ("SELECT * {} LIMIT 99 OFFSET 2", "LIMIT\n5\nOFFSET\n2"),
        ("SELECT * {} LIMIT 004", "LIMIT\n4"),
        pytest.param("SELECT * {} LIMIT " + "9" * 5000, "LIMIT\n5", id="a number that Python refuses to read"),
        ("SELECT * {} OFFSET 2 VALUES ?x { 1 }", "OFFSET\n2\nLIMIT 5 VALUES"),
        ("SELECT * { VALUES ?x { 1 } } # comment", "LIMIT 5"),
    ],
)
def test_a_select_is_bounded_by_its_own_limit_or_another(store: pyoxigraph.Store, text: str, bounded: str) -> None:
    """The smaller LIMIT stands; a LIMIT of a part of the query is not the query's."""
    assert bounded in check(text).bounded(5)
    answer(store, check(text).bounded(5))


@pytest.mark.parametrize("limit", ["1.5", "1e1", ".5"])
def test_a_limit_that_is_no_whole_number_is_left_to_the_parser(store: pyoxigraph.Store, limit: str) -> None:
    """It is the stranger's error, not ours."""
    with pytest.raises(SyntaxError):
        answer(store, check(f"SELECT * {{}} LIMIT {limit}").bounded(5))


def test_places_lead_back_to_the_strangers_text() -> None:
    """Each token of the engine's text has its place in the stranger's; beyond the last it is the end of the text."""
    text = "PREFIX a.b: <a:>\nSELECT *\n  { ?s  a.b:p.q.r\n ?o }  "
    checked = check(text)
    for token in ("?s", "?o", "{", "SELECT"):
        assert checked.origin(checked.lines.index(token) + 1) == (text.index(token), token)
    assert checked.origin(checked.lines.index(r"p0:p\.q\.r") + 1) == (text.index("a.b:p.q.r"), "a.b:p.q.r")
    assert checked.origin(999) == (len(text) - 2, "")


@given(st.text())
def test_any_text_is_checked_or_refused(text: str) -> None:
    """Nothing but BadQuery and QueryRefused ever comes out."""
    try:
        check(f"SELECT * {{ {text} }}")
    except (BadQuery, QueryRefused):
        return


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that keeps what it is sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(1000))

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            done.set()
            thread.join()


def run(texts: list[str], seconds: float = 20) -> tuple[int, list[str]]:
    """Run texts in a process of their own; return how it ended and what it said of each."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(ENGINE), str(seconds)], input=json.dumps(texts), capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stdout.splitlines()


PIECES = r"""
? < > # ' " ''' \"\"\" ( ) { } [ ] ?a ?b <x:y> <?b#> ?a<?b# ex: ex:a ex:a.b.SERVICE SERVICEex:a SERVICE. FILTER FILTERex:f( FILTER(?a<?b#>
FILTER(?a<'>' BIND(1<2 . ; , = && || 1 1.SERVICE 1e3SERVICE "x"@en-SERVICE @en ^^ ^ ! + - * / | a true AS VALUES (?a?b){ SELECT*{ OPTIONAL{
\u0027 \u003E \u0023 \u000A \\ \' ex:\' ex:\# ex:a%27 SILENT _:b _:SERVICE $x<$y# EXISTS{ IN(1<2 ex:f(?a<?b# ?a<ex:a( {| |} << >> <<( )>> ~
"""


def hiding(chance: random.Random, port: int) -> str:
    """A query that tries to hide a federated one between pieces that scanners trip over."""
    pieces = PIECES.split()

    def noise() -> str:
        return "".join(chance.choice(pieces) + chance.choice(["", "", " ", "\n"]) for _ in range(chance.randint(0, 5)))

    service = chance.choice(["SERVICE", "service", r"SERV\u0049CE", "SERVICE SILENT", "SERVICEex:x", "ex:a.b.SERVICE"])
    address = chance.choice([f"<http://127.0.0.1:{port}/>", "ex:x", "<x>"])
    prologue = (
        f"PREFIX ex: <http://127.0.0.1:{port}/> PREFIX SERVICEex: <http://127.0.0.1:{port}/> PREFIX FILTERex: <x:> BASE <http://127.0.0.1:{port}/> "
    )
    return f"{prologue} ASK {{ ?a <a:p> ?b {noise()} {service} {address} {{ ?s ?p ?o }} {noise()} }}"


def no_text_gets_out(rounds: int, seed: int) -> None:
    """Run many hiding texts and look at what a server hears, and at how the process ends."""
    chance = random.Random(seed)
    with listening() as (port, heard):
        status, said = run([hiding(chance, port) for _ in range(rounds)])
    assert heard == []
    assert (status, len(said)) == (0, rounds)
    assert "refused" in said


def test_no_accepted_text_asks_another_server() -> None:
    """However a federated query is hidden from a scanner, the guard refuses it or the engine does not see it; nothing is ever sent."""
    no_text_gets_out(3000, 42)


@pytest.mark.slow
def test_no_accepted_text_of_many_asks_another_server() -> None:
    """The same with many more texts."""
    no_text_gets_out(200_000, 7)


def test_known_ways_around_a_scanner_stay_closed() -> None:
    """Each of these reaches the other server when the engine is given the text itself; through the guard none does."""
    with listening() as (port, heard):
        here = f"<http://127.0.0.1:{port}/>"
        texts = [
            f"PREFIX ex: {here} ASK {{ SERVICEex:a {{ }} }}",
            f"PREFIX ex: {here} PREFIX SERVICEex: {here} ASK {{ SERVICEex:a {{ }} }}",
            f"PREFIX ex: <a:> ASK {{ <a:a> <a:p> 1 . OPTIONAL {{ <a:b> <a:p> ex:a.b.SERVICE{here} {{ }} }} }}",
            f'ASK {{ ?a <a:p> ?b FILTER(?a<?b#>"""\n) SERVICE {here} {{ }} #"""\n}}',
            f'PREFIX FILTERex: <x:> PREFIX ex: <x:> ASK {{ ?a <a:p> ?b FILTERex:f(?a<?b#>"""\n) SERVICE {here} {{ }} #"""\n}}',
        ]
        status, _ = run(texts)
    assert (status, heard) == (0, [])


Parts = tuple[str, str, str, str, str]
"""What comes before, what is repeated, what comes after it, what closes it as often, what comes last."""


def longest(parts: Parts) -> str:
    """The longest text of these parts that is accepted."""
    before, unit, after, closing, end = parts
    low, high = 1, MAX_BYTES
    while high - low > 1:
        middle = (low + high) // 2
        try:
            check(before + unit * middle + after + closing * middle + end)
            low = middle
        except QueryRefused:
            high = middle
    return before + unit * low + after + closing * low + end


DEEP: dict[str, Parts] = {
    "groups": ("ASK ", "{", "", "}", ""),
    "parentheses": ("ASK {FILTER", "(", "1", ")", "}"),
    "not": ("ASK {FILTER(", "!", "1", "", ")}"),
    "sum": ("ASK {FILTER(1", "+1", "", "", ")}"),
    "product": ("ASK {FILTER(1", "*1", "", "", ")}"),
    "or": ("ASK {FILTER(1", "||1", "", "", ")}"),
    "in": ("ASK {FILTER(1 IN(1", ",1", "", "", "))}"),
    "optional": ("ASK {", "OPTIONAL{}", "", "", "}"),
    "union": ("ASK {{}", "UNION{}", "", "", "}"),
    "exists": ("ASK {FILTER(1", "||EXISTS{}", "", "", ")}"),
    "nested exists": ("ASK {", "FILTER EXISTS{", "", "}", "}"),
    "graphs": ("ASK {", "GRAPH?g{", "", "}", "}"),
    "alternatives": ("ASK {?a a", "|a", "", "", " ?b}"),
    "nested paths": ("ASK {?a ", "(", "a", ")", " ?b}"),
    "selections": ("SELECT (1 AS ?x)", "(1 AS ?y)", "", "", "{}"),
    "values": ("ASK {VALUES ?x{", " 1", "", "", "}}"),
    "arguments": ("ASK {FILTER(CONCAT('a'", ",'a'", "", "", "))}"),
    "subselects": ("ASK ", "{SELECT*", "{}", "}", ""),
}
LONG: dict[str, Parts] = {
    "nested lists": ("ASK {", "(", "1", ")", "<a:b> 1}"),
    "list": ("ASK {(", " 1", "", "", ")<a:b>1}"),
    "nested nodes": ("ASK {?s<a:b>", "[<a:b>", "1", "]", "}"),
    "path": ("ASK {?a a", "/a", "", "", " ?b}"),
    "patterns": ("ASK {", "?a?b?c.", "", "", "}"),
    "objects": ("ASK {?a?b 1", ",1", "", "", "}"),
    "predicates": ("ASK {?a?b 1", ";?b 1", "", "", "}"),
}


def ends_well(parts: Parts, seconds: float) -> None:
    """Run the longest accepted text of a kind: it is answered, or wrong, or takes too long, and nothing overflows."""
    status, _ = run([longest(parts)], seconds)
    assert status in {0, -signal.SIGALRM}


@pytest.mark.parametrize("name", DEEP)
def test_no_accepted_text_overflows_the_stack(name: str) -> None:
    """The longest accepted chain or nesting of each kind is survived by the engine."""
    ends_well(DEEP[name], 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_no_accepted_text_that_takes_long_overflows_the_stack(name: str) -> None:
    """The same for those over which the engine thinks for long."""
    ends_well(LONG[name], 30)
