"""What strangers may send to a SPARQL endpoint that is open to all: queries that want all there is, and tricks to make it do more than answer."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

QUERY, UPDATE, FORM = "application/sparql-query", "application/sparql-update", "application/x-www-form-urlencoded"
COOPERATES = "<https://w3id.org/maillage/ns#cooperatesWith>"
REFUSED, ANSWERED, STOPPED = frozenset({400}), frozenset({200}), frozenset({200, 503})
JUDGED = frozenset({200, 400})
"""Answered or refused, as its depth may be."""
MOST_DEPTH = 64
MOST_IN_ADDRESS = 4000


@dataclass(frozen=True, slots=True)
class Attack:
    """One request; `statuses` are those that it may end with."""

    name: str
    statuses: frozenset[int]
    query: str = ""
    method: str = "GET"
    path: str = "/sparql"
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def sent_by(self, client: httpx.Client) -> httpx.Response:
        """Send it: a query that no address can hold goes in the body."""
        if len(self.query) > MOST_IN_ADDRESS:
            return client.post(self.path, content=self.query.encode(), headers={"Content-Type": QUERY, **self.headers})
        address = f"{self.path}?query={quote(self.query)}" if self.query else self.path
        return client.request(self.method, address, content=self.content, headers=self.headers)


NESTED: Mapping[str, tuple[str, str, str, str]] = {
    "groups": ("SELECT * { %s } LIMIT 5", "{ ", "?s ?p ?o", " }"),
    "OPTIONAL": ("SELECT * { %s } LIMIT 5", "OPTIONAL { ?s ?p ?o ", "?s ?p ?o", " }"),
    "UNION": ("SELECT * { %s } LIMIT 5", "{ { ", "?s ?p ?o", " } UNION { } }"),
    "MINUS": ("SELECT * { %s } LIMIT 5", "?s ?p ?o MINUS { ", "?s ?p ?o", " }"),
    "GRAPH": ("SELECT * { %s } LIMIT 5", "GRAPH ?g { ", "?s ?p ?o", " }"),
    "NOT EXISTS": ("SELECT * { %s } LIMIT 5", "?s ?p ?o FILTER NOT EXISTS { ", "?s ?p ?o", " }"),
    "EXISTS in FILTER": ("SELECT * { %s } LIMIT 5", "FILTER(EXISTS { ", "?s ?p ?o", " })"),
    "sub-selects": ("SELECT * { %s } LIMIT 5", "{ SELECT * { ", "?s ?p ?o", " } }"),
    "parentheses": ("SELECT * { ?s ?p ?o FILTER(%s) } LIMIT 5", "(", "true", ")"),
    "signs": ("SELECT * { ?s ?p ?o FILTER(%s) } LIMIT 5", "!", "true", ""),
    "minus signs": ("SELECT (%s AS ?n) { }", "- (", "1", ")"),
    "functions": ("SELECT * { ?s ?p ?o FILTER(%s) } LIMIT 5", "STR(", "?o", ")"),
    "IF": ("SELECT (%s AS ?n) { }", "IF(true, ", "1", ", 2)"),
    "COALESCE": ("SELECT (%s AS ?n) { }", "COALESCE(?none, ", "1", ")"),
    "IN": ("SELECT (%s AS ?n) { }", "(1 IN (", "1", "))"),
    "operators": ("SELECT (%s AS ?n) { }", "(1 + ", "1", ")"),
    "aggregates": ("SELECT (COUNT(%s) AS ?n) { ?s ?p ?o }", "STRLEN(", "?o", ")"),
    "paths": ("SELECT * { ?s %s ?o } LIMIT 5", "(", COOPERATES, ")*"),
    "inverse paths": ("SELECT * { ?s %s ?o } LIMIT 5", "^(", COOPERATES, ")"),
    "alternative paths": ("SELECT * { ?s %s ?o } LIMIT 5", f"({COOPERATES}|", COOPERATES, ")"),
    "sequence paths": ("SELECT * { ?s %s ?o } LIMIT 5", f"({COOPERATES}/", COOPERATES, ")"),
    "lists": ("SELECT * { ?s ?p %s } LIMIT 5", "(", "1", ")"),
    "blank nodes": ("SELECT * { ?s ?p %s } LIMIT 5", "[ <urn:p> ", "1", " ]"),
    "ORDER BY": ("SELECT * { ?s ?p ?o } ORDER BY (%s) LIMIT 5", "STR(", "?o", ")"),
    "HAVING": ("SELECT ?s { ?s ?p ?o } GROUP BY ?s HAVING (%s) LIMIT 5", "!(", "true", ")"),
    "CONSTRUCT": ("CONSTRUCT { ?s ?p %s } { ?s ?p ?o } LIMIT 5", "(", "1", ")"),
}
"""By construct: the query around it, what opens a level, what is innermost, what closes a level."""

CHAINED: Mapping[str, tuple[str, str, str]] = {
    "UNION": ("SELECT * { %s } LIMIT 5", "{ }", " UNION "),
    "OPTIONAL": ("SELECT * { %s } LIMIT 5", "OPTIONAL { ?s ?p ?o }", " "),
    "or": ("SELECT * { ?s ?p ?o FILTER(%s) } LIMIT 5", "false", " || "),
    "and": ("SELECT * { ?s ?p ?o FILTER(%s) } LIMIT 5", "true", " && "),
    "sums": ("SELECT (%s AS ?n) { }", "1", "+"),
    "sequences": ("SELECT * { ?s %s ?o } LIMIT 5", "<>", "/"),
    "alternatives": ("SELECT * { ?s %s ?o } LIMIT 5", "<>", "|"),
    "triples": ("SELECT * { %s } LIMIT 5", "?s ?p ?o", "."),
    "objects": ("SELECT * { ?s ?p %s } LIMIT 5", "1", ","),
    "list elements": ("SELECT * { ?s ?p (%s) } LIMIT 5", "1", " "),
    "IN elements": ("SELECT (1 IN (%s) AS ?n) { }", "1", ","),
    "filters": ("SELECT * { ?s ?p ?o %s } LIMIT 5", "FILTER(true)", " "),
    "VALUES": ("SELECT * { VALUES ?x { %s } } LIMIT 5", "1", " "),
    "VALUES blocks": ("SELECT * { %s } LIMIT 5", "VALUES ?x { 1 }", " "),
    "ORDER BY keys": ("SELECT * { ?s ?p ?o } ORDER BY %s LIMIT 5", "?o", " "),
    "prefixes": ("%s ASK { }", "PREFIX a: <urn:a>", " "),
}
"""By construct: the query around it, one link, what joins two."""

PAIRS = "?a ?b ?c . ?d ?e ?f"
TRIPLETS = f"{PAIRS} . ?g ?h ?i"


def _doubling(step: str, times: int) -> str:
    """A string that each step makes longer from the one before."""
    steps = " ".join(f"BIND({step.replace('?x', f'?s{number}')} AS ?s{number + 1})" for number in range(times))
    return f'SELECT (STRLEN(?s{times}) AS ?n) {{ BIND("aaaaaaaaaaaaaaaa" AS ?s0) {steps} }}'


def _squares(count: int, each: int) -> str:
    """VALUES whose product has no end."""
    blocks = " ".join(f"VALUES ?v{number} {{ {' '.join(map(str, range(each)))} }}" for number in range(count))
    return f"SELECT (COUNT(*) AS ?n) {{ {blocks} }}"


HEAVY: Mapping[str, str] = {
    "cross join": f"SELECT (COUNT(*) AS ?n) {{ {TRIPLETS} }}",
    "cross join, filtered": f"SELECT * {{ {TRIPLETS} FILTER(STR(?c) = CONCAT(STR(?f), STR(?i))) }} LIMIT 1",
    "cross join, OPTIONAL": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c OPTIONAL { ?d ?e ?f OPTIONAL { ?g ?h ?i } } }",
    "cross join, MINUS": f"SELECT (COUNT(*) AS ?n) {{ {PAIRS} MINUS {{ ?a ?x ?y . ?d ?z ?w }} }}",
    "cross join of graphs": "SELECT (COUNT(*) AS ?n) { GRAPH ?x { ?a ?b ?c } GRAPH ?y { ?d ?e ?f } GRAPH ?z { ?g ?h ?i } }",
    "ORDER BY": f"SELECT * {{ {PAIRS} }} ORDER BY ?f DESC(?c) CONCAT(STR(?a), STR(?d)) LIMIT 10",
    "ORDER BY RAND": f"SELECT ?a {{ {PAIRS} }} ORDER BY RAND() LIMIT 10",
    "GROUP_CONCAT": f"SELECT (GROUP_CONCAT(STR(?c)) AS ?n) {{ {PAIRS} }}",
    "GROUP_CONCAT, long separator": f'SELECT (GROUP_CONCAT(?c; SEPARATOR="{"x" * 2000}") AS ?n) {{ {PAIRS} }}',
    "GROUP BY": f"SELECT ?k (COUNT(DISTINCT ?f) AS ?n) {{ {PAIRS} }} GROUP BY (CONCAT(STR(?a), STR(?d)) AS ?k)",
    "DISTINCT": f"SELECT DISTINCT * {{ {TRIPLETS} }} LIMIT 9 OFFSET 99999999",
    "COUNT DISTINCT": f"SELECT (COUNT(DISTINCT *) AS ?n) {{ {PAIRS} }}",
    "doubling": _doubling("CONCAT(?x, ?x)", 45),
    "doubling, then a hash": _doubling("CONCAT(?x, ?x)", 27).replace("STRLEN", "SHA512"),
    "doubling, then an address": _doubling("CONCAT(?x, ?x)", 25).replace("STRLEN", "IRI"),
    "tripling by escapes": _doubling('ENCODE_FOR_URI(REPLACE(?x, "[a5]", "%%"))', 20),
    "REPLACE": _doubling('REPLACE(?x, "a", "aaaaaaaaaaaaaaaaaaaa")', 12),
    "REPLACE by itself": _doubling('REPLACE(?x, "(.)", "$1$1$1$1$1$1$1$1")', 12),
    "ring": f"SELECT (COUNT(*) AS ?n) {{ ?a ({COOPERATES}|^{COOPERATES})* ?b . ?b ({COOPERATES}|^{COOPERATES})* ?c }}",
    "ring, any property": "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|!^<urn:x>)* ?b }",
    "ring of rings": f"SELECT (COUNT(*) AS ?n) {{ ?a ((({COOPERATES}|^{COOPERATES})*)*/(({COOPERATES})*)*)* ?b }}",
    "ring, sequence": f"SELECT (COUNT(*) AS ?n) {{ ?a {'/'.join([f'({COOPERATES}|^{COOPERATES})'] * 12)} ?b }}",
    "regex, backtracking": 'SELECT (COUNT(*) AS ?n) { ?a ?b ?c FILTER REGEX(STR(?c), "^(([a-z])+.)+[A-Z]([a-z])+$|(a|aa)+$|(x+x+)+y") }',
    "regex, repeats": f'SELECT * {{ {PAIRS} FILTER REGEX(CONCAT(STR(?c), STR(?f)), "(.{{0,50}}){{0,50}}b$", "i") }} LIMIT 1',
    "regex, too large": 'SELECT * { ?a ?b ?c FILTER REGEX(STR(?c), "((a{100}){100}){100}{100}") } LIMIT 1',
    "regex of the data": f"SELECT (COUNT(*) AS ?n) {{ {PAIRS} FILTER REGEX(STR(?c), STR(?f)) }}",
    "regex, doubled": _doubling("CONCAT(?x, ?x)", 20).replace("STRLEN(", 'REGEX("aaaa", '),
    "VALUES": _squares(12, 60),
    "huge OFFSET": f"SELECT * {{ {TRIPLETS} }} OFFSET 18446744073709551615",
    "huge result": f"SELECT * {{ {PAIRS} }} LIMIT 1000000000",
    "huge result, no limit": f"SELECT * {{ {TRIPLETS} }}",
    "huge graph": f"CONSTRUCT {{ ?a ?e ?i }} {{ {TRIPLETS} }}",
    "huge description": "DESCRIBE * { ?a ?b ?c . ?c ?d ?e }",
    "new nodes": f"CONSTRUCT {{ [] ?b [ ?e ?f ] }} {{ {PAIRS} }}",
    "new names": f"SELECT (UUID() AS ?u) {{ {TRIPLETS} }}",
    "sub-selects that count": f"SELECT * {{ {{ SELECT (COUNT(*) AS ?n) {{ {PAIRS} }} }} {{ SELECT (SUM(STRLEN(STR(?f))) AS ?m) {{ {PAIRS} }} }} }}",
    "NOT EXISTS": f"SELECT (COUNT(*) AS ?n) {{ {PAIRS} FILTER NOT EXISTS {{ ?g ?h ?i FILTER(CONCAT(STR(?i), STR(?c)) = STR(?f)) }} }}",
}

SERVICES = (
    "SELECT * { SERVICE <%s> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <%s> { ?s ?p ?o } }",
    "SELECT * { sErViCe <%s> { ?s ?p ?o } }",
    r"SELECT * { \u0053ERVICE <%s> { ?s ?p ?o } }",
    r"SELECT * { \U00000053\u0045RVICE SILENT <%s> { ?s ?p ?o } }",
    r"SELECT * { \u0073\u0065\u0072\u0076\u0069\u0063\u0065<%s>{ ?s ?p ?o } }",
    "SELECT * { SERVICE#hidden }\n<%s>#}\n{ ?s ?p ?o } }",
    "SELECT * { SERVICE\t\r\n<%s> { ?s ?p ?o } }",
    r"SELECT * { # \u000A SERVICE <%s> { ?s ?p ?o } }" + "\n}",
    "PREFIX ex: <%s> SELECT * { SERVICE ex: { ?s ?p ?o } }",
    "PREFIX ex: <%s> SELECT * { SERVICEex: { ?s ?p ?o } }",
    "PREFIX ex: <%s> SELECT * { ?s ?p ex:a.b.SERVICE<%s> { ?s ?p ?o } }",
    "SELECT * { ?s ?p ?o.SERVICE<%s>{ ?s ?p ?o } }",
    "SELECT * { BIND(<%s> AS ?x) SERVICE ?x { ?s ?p ?o } }",
    "SELECT * { VALUES ?x { <%s> } SERVICE ?x { ?s ?p ?o } }",
    "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE <%s> { ?s ?p ?o } } }",
    "SELECT * { { SELECT * { SERVICE <%s> { ?s ?p ?o } } } }",
    "BASE <%s> SELECT * { SERVICE <> { ?s ?p ?o } }",
    "SELECT * { ?a ?b ?c FILTER(?a<?b#>\n) SERVICE <%s> { ?s ?p ?o } }",
    "SELECT * FROM <%s> { ?s ?p ?o }",
    "SELECT * FROM NAMED <%s> { GRAPH ?g { ?s ?p ?o } }",
    r"SELECT * \u0046ROM <%s> { ?s ?p ?o }",
    "SELECT * FROM#\n<%s> { ?s ?p ?o }",
    "PREFIX ex: <%s> SELECT * FROM ex: { ?s ?p ?o }",
    "BASE <%s> DESCRIBE <a> FROM <b>",
    "CONSTRUCT FROM <%s> WHERE { ?s ?p ?o }",
    "LOAD <%s>",
    "LOAD SILENT <%s> INTO GRAPH <urn:g>",
    r"\u004COAD <%s>",
    "PREFIX a: <urn:a> lOaD#\n<%s>",
    "SELECT * { } ; LOAD <%s>",
    "ASK { <http://www.w3.org/2005/xpath-functions#doc> ?p ?o FILTER(<http://www.w3.org/2005/xpath-functions#doc>('%s')) }",
)
"""Ways to say: go and look at this address."""

UPDATES = (
    "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
    "DELETE WHERE { ?s ?p ?o }",
    "DELETE { ?s ?p ?o } INSERT { ?s ?p 1 } WHERE { ?s ?p ?o }",
    "WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }",
    "CLEAR ALL",
    "DROP SILENT ALL",
    "CREATE GRAPH <urn:g>",
    "COPY DEFAULT TO <urn:g>",
    "MOVE <urn:g> TO DEFAULT",
    "ADD DEFAULT TO <urn:g>",
    "PREFIX a: <urn:a> # \n insert data { a:a a:b a:c }",
    r"\u0043LEAR ALL",
    "SELECT * { } ; CLEAR ALL",
    "ASK { } DELETE WHERE { ?s ?p ?o }",
)

ODD: tuple[Attack, ...] = (
    Attack("Latin-1 body", REFUSED, method="POST", content="ASK { ?s ?p 'é' }".encode("latin-1"), headers={"Content-Type": QUERY}),
    Attack("UTF-16 body", REFUSED, method="POST", content="ASK { }".encode("utf-16"), headers={"Content-Type": QUERY}),
    Attack("gzip body", REFUSED, method="POST", content=b"\x1f\x8b\x08\x00ASK", headers={"Content-Type": QUERY, "Content-Encoding": "gzip"}),
    Attack("NUL", REFUSED, "ASK { ?s ?p 1 }\0"),
    Attack("surrogate", REFUSED, r"ASK { ?s ?p '\uD800' }"),
    Attack("beyond Unicode", REFUSED, r"ASK { ?s ?p '\U00110000' }"),
    Attack("half an escape", REFUSED, r"ASK { ?s ?p '\u12' }"),
    Attack("byte-order mark", REFUSED, "\ufeffASK { }"),
    Attack("wrong UTF-8 in an address", JUDGED, path="/sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20'%ff%fe'%20%7D"),
    Attack("right-to-left", ANSWERED, "ASK { ?s ?p '\u202e\u2066'@ar }"),
    Attack("no end of a string", REFUSED, "SELECT * { ?s ?p '''" + "a'" * 5000),
    Attack("quotes", REFUSED, "SELECT * { ?s ?p " + '"' * 9999),
    Attack("backslashes", REFUSED, "SELECT * { ?s ?p '" + "\\" * 9999),
    Attack("less than", REFUSED, "SELECT * { ?s ?p " + "<" * 9999),
    Attack("dots in a name", JUDGED, "PREFIX a: <urn:a> SELECT * { ?s ?p a:" + "." * 9000 + "a }"),
    Attack("percent signs in a name", JUDGED, "PREFIX a: <urn:a> SELECT * { ?s ?p a:" + "%41" * 3000 + " }"),
    Attack("a long number", JUDGED, "SELECT (" + "9" * 9000 + " AS ?n) { }"),
    Attack("a long exponent", JUDGED, "SELECT (1e" + "9" * 900 + " AS ?n) { }"),
    Attack("a limit that is no whole number", REFUSED, "SELECT * { ?s ?p ?o } LIMIT 1.5"),
    Attack("a long limit", JUDGED, "SELECT * { ?s ?p ?o } LIMIT " + "9" * 5000),
    Attack("a text too long", REFUSED, "SELECT * { ?s ?p ?o } #" + "é" * 9000),
    Attack("a body too large", frozenset({413}), method="POST", content=b"a" * 300_000, headers={"Content-Type": QUERY}),
    Attack("a form of many fields", REFUSED, method="POST", content=b"a=&" * 5000 + b"query=ASK{}", headers={"Content-Type": FORM}),
    Attack("a body without a type", frozenset({415}), method="POST", content=b"ASK { }"),
    Attack("two queries", REFUSED, path="/sparql?query=ASK%7B%7D&query=ASK%7B%7D"),
    Attack("a picture", frozenset({406}), "ASK { }", headers={"Accept": "image/png"}),
    Attack("an endless Accept", JUDGED | {406}, "ASK { }", headers={"Accept": ",".join(["text/csv;q=0.1"] * 800)}),
    Attack("an address that is none", REFUSED, path="/sparql?query=ASK%7B%7D&default-graph-uri=%3C%3E%20%0A"),
    Attack("many graphs", REFUSED, path="/sparql?query=ASK%7B%7D" + "".join(f"&named-graph-uri=urn:g{number}" for number in range(300))),
)


def nested(name: str, depth: int) -> Attack:
    """A construct inside itself, so deep."""
    around, opening, core, closing = NESTED[name]
    statuses = REFUSED if depth > MOST_DEPTH else STOPPED | JUDGED
    return Attack(f"{name}, {depth} deep", statuses, around % (opening * depth + core + closing * depth))


def chained(name: str, links: int) -> Attack:
    """A construct in a row, so long."""
    around, link, joint = CHAINED[name]
    return Attack(f"{name}, {links} in a row", STOPPED | JUDGED, around % joint.join([link] * links))


def heavy(name: str) -> Attack:
    """A query that wants all the time or memory there is; refused where the engine finds its text too large."""
    return Attack(name, STOPPED | REFUSED if name.startswith("regex") else STOPPED, HEAVY[name])


def services(address: str) -> Iterator[Attack]:
    """Every way to say that `address` should be looked at."""
    for text in SERVICES:
        yield Attack(f"contact: {text}", REFUSED, text.replace("%s", address))
    for name in ("default-graph-uri", "named-graph-uri"):
        yield Attack(f"contact: {name}", ANSWERED, path=f"/sparql?query=ASK%7B%7D&{name}={quote(address, safe='')}")


def updates(text: str) -> Iterator[Attack]:
    """An update by every transport there is."""
    encoded = text.encode()
    yield Attack(f"update by query: {text}", REFUSED, text)
    yield Attack("update in an address", REFUSED, path=f"/sparql?update={quote(text)}")
    yield Attack("update beside a query", REFUSED, path=f"/sparql?query=ASK%7B%7D&update={quote(text)}")
    yield Attack("update as a body", REFUSED, method="POST", content=encoded, headers={"Content-Type": UPDATE})
    yield Attack("update as a query's body", REFUSED, method="POST", content=encoded, headers={"Content-Type": QUERY})
    for name in ("update", "query"):
        form = f"{name}={quote(text)}".encode()
        yield Attack(f"update in a form's {name}", REFUSED, method="POST", content=form, headers={"Content-Type": FORM})
    for method in ("PUT", "PATCH", "DELETE"):
        yield Attack(f"update by {method}", frozenset({405}), method=method, content=encoded, headers={"Content-Type": UPDATE})
        yield Attack(
            f"graph by {method}", frozenset({405}), method=method, path="/graphs?default", content=b"", headers={"Content-Type": "text/turtle"}
        )


def battery(address: str) -> Iterator[Attack]:
    """All there is, each once or in its worst sizes; `address` must never be contacted."""
    for name in NESTED:
        yield from (nested(name, depth) for depth in (12, 60, 65, 700))
    for name in CHAINED:
        yield from (chained(name, links) for links in (300, 900, 2000))
    yield from map(heavy, HEAVY)
    yield from services(address)
    for text in UPDATES:
        yield from updates(text)
    yield from ODD


def mixture(seed: int, count: int, address: str) -> Iterator[Attack]:
    """So many at random, mostly such as are quick to refuse; the same for the same seed."""
    chance = random.Random(seed)
    contacts, writes = list(services(address)), [attack for text in UPDATES for attack in updates(text)]
    kinds: tuple[tuple[float, Callable[[], Attack]], ...] = (
        (35, lambda: nested(chance.choice(list(NESTED)), chance.choice((3, 8, 65, 100, 500, 1500)))),
        (15, lambda: chained(chance.choice(list(CHAINED)), chance.choice((50, 300, 1500, 4000)))),
        (20, lambda: chance.choice(contacts)),
        (15, lambda: chance.choice(writes)),
        (14, lambda: chance.choice(ODD)),
        (1, lambda: heavy(chance.choice(list(HEAVY)))),
    )
    for kind in chance.choices([kind for _, kind in kinds], [weight for weight, _ in kinds], k=count):
        yield kind()
