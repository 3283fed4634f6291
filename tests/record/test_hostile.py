"""What strangers send to make a reader fetch, forge, stall or fall over is refused with a plain sentence."""

import copy
import json
import socket
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Invalid, Malformed, RecordError
from app.record import n_quads, n_triples, parse_json, read, serialise

IRI = "https://a.example/groups/g1"
OURS = "https://w3id.org/maillage/context/v1.jsonld"
GROUP = {"id": IRI, "name": {"fr": "x"}}
REMOTE = "http://127.0.0.1:9/ctx"

CONTEXTS = {
    "remote": REMOTE,
    "remote in a list": [OURS, REMOTE],
    "remote under a term": {"a": {"@id": "https://x.example/a", "@context": REMOTE}},
    "remote @import": {"@import": REMOTE},
    "remote @import beside ours": [OURS, {"@import": REMOTE, "@version": 1.1}],
    "file": "file:///etc/passwd",
    "relative": "ctx.jsonld",
    "a look-alike": "https://w3id.org.evil.example/maillage/context/v1.jsonld",
    "@base": {"@base": "https://victim.example/"},
    "@base beside ours": [OURS, {"@base": "https://victim.example/"}],
    "@reverse": {"a": {"@reverse": "https://schema.org/memberOf"}},
    "@graph renamed": {"a": "@graph"},
    "@included renamed": {"a": {"@id": "@included"}},
    "@nest": {"a": "@nest"},
    "@list": {"a": {"@id": "https://x.example/a", "@container": "@list"}},
    "@graph container": {"a": {"@id": "https://x.example/a", "@container": ["@graph", "@id"]}},
    "@json": {"a": {"@id": "https://x.example/a", "@type": "@json"}},
    "@propagate": {"@propagate": False},
    "@direction": {"@direction": "rtl"},
    "@vocab null": {"@vocab": None},
    "@vocab relative": {"@vocab": "#"},
    "null beside ours": [OURS, None],
    "a number": 4,
    "unhashable": {"a": {"@id": "https://x.example/a", "@container": [{}]}},
    "too many terms": {f"t{i}": "https://x.example/a" for i in range(300)},
    "our keys redefined": [OURS, {"name": "https://evil.example/name"}],
    "our keywords redefined": [OURS, {"id": "https://evil.example/id"}],
}

BODIES = {
    "@context in a node": {**GROUP, "location": [{"@context": REMOTE, "addressLocality": "x"}]},
    "@reverse": {**GROUP, "@reverse": {"schema:memberOf": {"id": "https://victim.example/g"}}},
    "@included": {**GROUP, "@included": [{"id": "https://victim.example/g", "name": {"fr": "volé"}}]},
    "a named @graph": {**GROUP, "@graph": [{"id": "https://victim.example/g", "name": {"fr": "volé"}}]},
    "@graph in a node": {**GROUP, "location": [{"@graph": []}]},
    "@nest": {**GROUP, "@nest": {"url": ["https://x.example/"]}},
    "@list": {**GROUP, "schema:slogan": {"@list": ["a"]}},
    "@set": {**GROUP, "schema:slogan": {"@set": ["a"]}},
    "@index": {**GROUP, "schema:slogan": {"@value": "x", "@index": "i"}},
    "@direction": {**GROUP, "schema:slogan": {"@value": "x", "@language": "fr", "@direction": "rtl"}},
    "@json": {**GROUP, "schema:slogan": {"@value": {"a": 1}, "@type": "@json"}},
    "@import": {**GROUP, "@import": REMOTE},
    "@base": {**GROUP, "@base": "https://victim.example/"},
    "a triple term": {**GROUP, "schema:about": {"@id": {"@id": "https://x.example/", "schema:name": "x"}}},
    "two names": {"@id": "https://victim.example/g", "schema:name": "x", "@graph": [{"@id": IRI}]},
    "a list": [],
    "text": "x",
    "a number": 4,
    "nothing": None,
    "two groups": [{"id": IRI, "schema:name": "x"}, {"id": "https://victim.example/g", "schema:name": "y"}],
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_contexts_with_tricks_are_refused(name):
    """A context that would fetch, rename keywords, reverse, move or hide anything is refused in both languages."""
    with pytest.raises(Malformed) as caught:
        read({"@context": CONTEXTS[name], **GROUP, "a": "x"})
    assert caught.value.text.fr.endswith((".", "!"))
    assert caught.value.text.en.endswith((".", "!"))


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("context", [None, OURS, {"x": "https://x.example/x"}], ids=["bare", "ours", "inline"])
def test_bodies_with_tricks_are_refused(name, context):
    """Keywords that move statements to other subjects or graphs, or that records do not need, are refused."""
    body = copy.deepcopy(BODIES[name])
    if isinstance(body, dict) and context is not None:
        body["@context"] = context
    with pytest.raises(RecordError):
        read(body)


NO_SOCKET = """
import json, sys
from app.record import read
from app.errors import RecordError
events = []
sys.addaudithook(lambda event, _: events.append(event) if event.startswith(("socket.", "urllib.", "http.", "subprocess.", "os.system")) else None)
for line in sys.stdin:
    try:
        read(json.loads(line))
    except RecordError:
        pass
print(json.dumps(sorted(set(events))))
"""


def test_no_socket_is_opened_whatever_is_sent():
    """With contexts that name a live server, in every hostile document above, the reader opens no socket and the server sees nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = []
        address = f"http://127.0.0.1:{server.getsockname()[1]}/ctx"
        server.settimeout(30)
        threading.Thread(target=lambda: seen.append(_accepted(server)), daemon=True).start()
        bodies = [{"@context": context, **GROUP, "a": "x"} for context in CONTEXTS.values()] + [
            b for b in BODIES.values() if isinstance(b, (dict, list))
        ]
        lines = "".join(json.dumps(body).replace(REMOTE, address) + "\n" for body in bodies)
        run = subprocess.run([sys.executable, "-c", NO_SOCKET], input=lines, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []
    assert seen in ([], [None])


def _accepted(server):
    try:
        return server.accept()[1]
    except OSError:
        return None


INJECTION = 'urn:d> <urn:g> .\n<https://victim.example/g> <https://schema.org/name> "PWNED" <https://victim.example/graph> .\n<urn:a> <urn:b> <urn:c'
PLACES = {
    "a datatype": {"schema:slogan": {"@value": "x", "@type": INJECTION}},
    "a language": {"schema:slogan": {"@value": "x", "@language": f"fr> {INJECTION}"}},
    "a language key": {"name": {f"fr {INJECTION}": "x"}},
    "a blank node": {"location": [{"id": f"_:b {INJECTION}", "addressLocality": "x"}]},
    "a blank mention": {"schema:about": {"id": f"_:b {INJECTION}"}},
    "a mention": {"schema:about": {"id": INJECTION}},
    "an address": {"url": [INJECTION]},
    "a part": {"location": [{"id": f"{IRI}#{INJECTION}", "addressLocality": "x"}]},
    "a type": {"type": [INJECTION]},
    "a text": {"schema:slogan": f'x" <urn:g> .\n{INJECTION}'},
    "a property": {INJECTION: "x"},
    "a concept": {"topics": [INJECTION]},
    "a TriG text": {"schema:slogan": "} <https://victim.example/graph> { <urn:a> <urn:b> <urn:c> . }"},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("context", [None, {"x": "https://x.example/x", "schema": "https://schema.org/"}], ids=["ours", "inline"])
def test_no_place_lets_a_statement_in(place, context):
    """Text made to close a term and open a statement is refused, or stays text; no subject and no graph but the record's appear."""
    body = {**GROUP, **PLACES[place]} if context is None else {"@context": context, "@id": IRI, **PLACES[place]}
    try:
        document = read(body).document
    except RecordError:
        return
    lines = n_triples(document).splitlines()
    assert all(line.startswith(f"<{IRI}") and line.endswith(" .") for line in lines)
    graph = "https://n.example/records/own/g1"
    quads = n_quads(document, graph).splitlines()
    assert len(quads) == len(lines)
    assert all(line.endswith(f" <{graph}> .") for line in quads)
    assert b"\n<https://victim.example/graph>" not in serialise([(graph, document)], "application/trig")


def deep(levels):
    value = {"x": "y"}
    for _ in range(levels):
        value = {"schema:about": value}
    return value


def chain(length):
    return [
        {
            "@id": f"{IRI}#{i}" if i else IRI,
            "@type": ["https://w3id.org/maillage/ns#Group"] if i == 0 else [],
            "https://schema.org/location": [{"@id": f"{IRI}#{i + 1}"}],
        }
        for i in range(length)
    ]


def test_two_names_are_one_too_many():
    """`id` and `@id` that differ are refused: two readers would take two records from it."""
    with pytest.raises(Malformed):
        read({**GROUP, "@id": "https://victim.example/g"})


BOMBS = {
    "deep nodes": {**GROUP, **deep(200)},
    "deep lists": {**GROUP, "url": json.loads("[" * 500 + "]" * 500)},
    "a long literal": {**GROUP, "description": {"fr": "x" * 70_000}},
    "a long literal of wide characters": {**GROUP, "schema:slogan": "é" * 40_000},
    "many values": {**GROUP, "keywords": [str(i) for i in range(201)]},
    "many values in two spellings": {**GROUP, "keywords": [str(i) for i in range(150)], "schema:keywords": [str(i) for i in range(150, 300)]},
    "many texts in many languages": {**GROUP, "description": {f"fr-v{i:04}": [str(j) for j in range(100)] for i in range(50)}},
    "many nodes": {"@graph": [{"id": f"{IRI}#{i}"} for i in range(20_001)]},
    "many keys": {**GROUP, **{f"k{i}": 1 for i in range(2_500)}},
    "many texts": {**GROUP, **{f"https://x.example/{i}": [f"v{j}" for j in range(200)] for i in range(300)}},
    "a chain of nodes": chain(2_000),
    "many contexts": {"@context": [{"a": "https://x.example/a"}] * 300, **GROUP},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused(bomb):
    """Depth, width, length and number have limits, which hold however the document is spelt."""
    with pytest.raises(Malformed):
        read(BOMBS[bomb])


def test_a_number_bomb_is_only_text():
    """A decimal with a monstrous exponent is never computed: it stays the letters it came as."""
    document = read({**GROUP, "location": [{"latitude": "1e999999999", "longitude": "0"}]}).document
    assert '"1e999999999"^^' in n_triples(document)


def test_clique_of_blank_nodes_is_refused():
    """Blank nodes that would stall a canonicaliser never reach one."""
    names = [f"_:b{i}" for i in range(9)]
    graph = [{"@id": name, "https://x.example/p": [{"@id": other} for other in names if other != name]} for name in names]
    with pytest.raises(Malformed):
        read([{"@id": IRI, "@type": ["https://w3id.org/maillage/ns#Group"], "https://x.example/p": [{"@id": "_:b0"}]}, *graph])


KEYS = [
    *("id", "@id", "type", "@type", "@value", "@language", "@graph", "@context", "@list", "@set", "@reverse", "@index", "name", "url", "topics"),
    *(
        "location",
        "latitude",
        "participations",
        "status",
        "email",
        "created",
        "record",
        "stream",
        "schema:name",
        "schema:location",
        "rdf:type",
        "_:b",
    ),
    *("https://x.example/p", "zork", "fr", ""),
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5),
    st.sampled_from([IRI, f"{IRI}#a", "_:b", "#a", "housing", "Group", "fr", OURS, "https://x.example/", "@id", "@type", "xsd:date", "schema:"]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)), max_leaves=25
)


@settings(max_examples=400, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, OURS, {}, {"@vocab": "https://schema.org/"}, [OURS, {"zork": "https://x.example/z"}]]))
def test_any_json_is_read_or_refused(value, named, context):
    """No JSON makes the reader fail otherwise than by a refusal, and what it reads speaks of the record alone and reads again the same."""
    body = {"@context": context, **value} if isinstance(value, dict) and context is not None else value
    try:
        reading = read(body, iri=IRI if named else None)
    except RecordError as error:
        assert error.text.fr and error.text.en
        return
    assert all(line.startswith((f"<{reading.iri}>", f"<{reading.iri}#")) for line in n_triples(reading.document).splitlines())
    assert read(reading.document).document == reading.document


# --- JSON text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nul", b"[1,]", b"{'a':1}", b'{"a":1}{"b":2}', b"NaN", b"[Infinity]", b"[-Infinity]", b"[1e400]", b"[-1e999999999]",
        b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b'["\\ud800"]', b'["\\uDC00x"]', b'{"\\ud83d":1}', b"\xff\xfe[\x00]\x00", b'["\xe9"]',
        b"[" * 33 + b"]" * 33, b"[" * 200_000, b'{"a":' * 5_000, b"1" * 5_000, b'["\x00"]',
    ],
)  # fmt: skip
def test_json_that_readers_could_disagree_about_is_refused(data):
    """Broken, infinite, doubled, badly encoded, too deep or endless: a sentence, never another error."""
    with pytest.raises(Malformed) as caught:
        parse_json(data)
    assert caught.value.text.fr


def test_json_longer_than_the_limit_is_refused_before_it_is_parsed():
    """The limit is in bytes and the caller's."""
    assert parse_json(b'["x"]', limit=5) == ["x"]
    with pytest.raises(Malformed):
        parse_json(b'["xy"]', limit=5)


@given(st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=4), inner)), max_leaves=20))
def test_good_json_is_parsed_as_ever(value):
    """Brackets, quotes and backslashes inside strings are not depth; what is proper is parsed as Python does."""
    text = json.dumps(value)
    try:
        text.encode()
        expected = json.loads(text)
    except ValueError:
        return
    assert parse_json(text.encode()) == expected
    assert parse_json(json.dumps("[{" * 500 + '\\"').encode()) == "[{" * 500 + '\\"'


def test_a_key_given_twice_among_very_many_is_found_at_once():
    """An object of a hundred thousand keys, the last of them twice: counting each in the others would take minutes."""
    data = "{" + "".join(f'"{number}":0,' for number in range(100_000)) + '"99999":0}'
    with pytest.raises(Malformed) as caught:
        parse_json(data.encode())
    assert "99999" in caught.value.text.en


@pytest.mark.parametrize("marks", ["\u0301\u0327", "\u0344", "\u0f73\u0f81", "\uff9e\u0301"])
def test_a_pile_of_accents_is_refused_before_anything_puts_it_in_order(marks):
    """Thirty marks on a letter are more than any language needs; Unicode's normal form of 64 KB of them takes seconds, with everything waiting."""
    with pytest.raises(Invalid) as caught:
        read({**GROUP, "description": {"fr": "e" + marks * 10_000}})
    assert "accents" in caught.value.violations[0].message.fr
    read({**GROUP, "description": {"fr": ("e" + marks * 7 + " «—…» ") * 200}})


@pytest.mark.parametrize("key", ["urn:a>\n<urn:b", "a\x1b[2Jb", "a\u202eb", "a\u2028b"])
def test_what_is_repeated_of_a_stranger_stays_on_its_line(key):
    """A key that nobody knows is named in the report: without ends of lines, words to a terminal, or writing turned round."""
    (unknown,) = read({**GROUP, key: "x"}).unknown
    assert unknown == key.translate(dict.fromkeys(map(ord, "\n\x1b\u202e\u2028"), "\ufffd"))
