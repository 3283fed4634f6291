"""What a stranger's query may not ask: refused here, on its tokens, before the engine reads it.

The engine's own parser is looser than the grammar: it reads ``SERVICEex:a`` and ``ex:a.b.SERVICE<…>`` as federated queries.
So it is never given the stranger's text but the tokens that were checked, each on a line of its own, under other
prefixes and with their strings quoted anew, which can be read in one way only.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from app.errors import QueryRefused, Text
from app.sparql.tokens import Holds, Kind, Token, decoded, error_at, line_and_column, tokens

MAX_BYTES = 16 * 1024
MAX_DEPTH = 64
"""Brackets inside brackets."""
MAX_SIGNS = 16
"""``!``, ``+`` and ``-`` in a row before one operand."""
MAX_LINKS = 1000
"""Operators, patterns and list elements that an engine may chain: the depth of what it builds is below it."""

FORMS = frozenset({"SELECT", "CONSTRUCT", "DESCRIBE", "ASK"})
UPDATES = frozenset({"INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"})
_LINKING = frozenset({"UNION", "OPTIONAL", "MINUS", "FILTER", "BIND", "GRAPH", "VALUES", "IN", "AS"})
_KEYWORDS = "BASE PREFIX DISTINCT REDUCED WHERE FROM NAMED GROUP BY HAVING ORDER ASC DESC LIMIT OFFSET UNDEF NOT EXISTS SEPARATOR TRUE FALSE a"
_FUNCTIONS = """
    COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT STR LANG LANGMATCHES DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND CONCAT SUBSTR
    STRLEN REPLACE UCASE LCASE ENCODE_FOR_URI CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ
    NOW UUID STRUUID MD5 SHA1 SHA256 SHA384 SHA512 COALESCE IF STRLANG STRDT SAMETERM ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC REGEX
"""
_FLEETING = frozenset({"NOW", "RAND", "UUID", "STRUUID", "BNODE"})
"""What gives another value each time it is asked."""

_WORDS = FORMS | _LINKING | frozenset(_KEYWORDS.split()) | frozenset(_FUNCTIONS.split())
_LINK_MARKS = frozenset({"||", "&&", "=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "|", "^", "!", ".", ";"})
_SIGNS = frozenset({"!", "+", "-"})
_NAMES = frozenset({Kind.IRI, Kind.NAME})
_TERMS = frozenset({Kind.IRI, Kind.STRING, Kind.NAME, Kind.NODE, Kind.VARIABLE, Kind.NUMBER})
_IN_STRING = re.compile(r"""\\.|["'\n\r]""", re.DOTALL)
_IN_LOCAL = re.compile(r"\\.|\.")
_REQUOTED = {'"': r"\"", "'": r"\'", "\n": r"\n", "\r": r"\r"}


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph that the query names in FROM or FROM NAMED, as a term under the prologue."""

    term: str
    named: bool
    start: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that may be run: the engine's lines, the graphs it asks for, and the way back from its lines to the stranger's.

    `limit` is the line of the number of its LIMIT, `values` that of the VALUES that follow it, where a SELECT has them.
    """

    lines: tuple[str, ...]
    form: str
    prologue: str
    graphs: tuple[Graph, ...]
    original: str
    places: tuple[tuple[int, int], ...]
    """The lines of the engine's text, and where in the stranger's each begins."""
    limit: int | None
    values: int | None
    lasting: bool
    """Whether it gives the same answer each time it is asked of the same data."""

    @property
    def text(self) -> str:
        """The query as the engine reads it."""
        return "\n".join(self.lines)

    def bounded(self, rows: int) -> str:
        """Return the text; a SELECT gives at most so many rows."""
        if self.form != "SELECT":
            return self.text
        lines = list(self.lines)
        if self.limit is not None:
            lines[self.limit] = _at_most(rows, lines[self.limit])
        elif self.values is not None:
            lines[self.values] = f"LIMIT {rows} {lines[self.values]}"
        else:
            lines.append(f"LIMIT {rows}")
        return "\n".join(lines)

    @property
    def spaced(self) -> str:
        """The text with so many blanks after each line that the parser, which looks ahead by a keyword, never looks into the next."""
        return "".join(f"{line}{' ' * 20}\n" for line in self.lines)

    def origin(self, line: int) -> tuple[int, str]:
        """Return where in the stranger's text the token of a line begins, and the token; the end has none."""
        index = bisect_left(self.places, (line, 0))
        if index == len(self.places):
            return len(self.original.rstrip()), ""
        start = self.places[index][1]
        end = self.places[index + 1][1] if index + 1 < len(self.places) else len(self.original)
        return start, (self.original[start:end].split() or [""])[0]


def _at_most(rows: int, number: str) -> str:
    """Return the lesser of both. What is no whole number stays for the parser to refuse; one of any length is not read in full."""
    if not number.isdecimal():
        return number
    digits = number.lstrip("0")
    return str(rows) if len(digits) > len(str(rows)) else str(min(rows, int(digits or "0")))


@dataclass(slots=True)
class _Reading:
    """What is known of the query so far."""

    original: str
    lines: list[str] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    prefixes: dict[str, str] = field(default_factory=dict)
    graphs: list[Graph] = field(default_factory=list)
    last: Token | None = None
    links: int = 0
    signs: int = 0
    limit: int | None = None
    values: int | None = None
    before: str = ""
    lasting: bool = True


@lru_cache(maxsize=256)
def check(text: str) -> Checked:
    """Return the query as the engine may read it.

    Raises BadQuery when it is not SPARQL 1.1 by its tokens, QueryRefused when it asks for what is not allowed here.
    """
    refuse_long(text)
    original = decoded(text)
    reading = _Reading(original)
    stream = tokens(original)
    first = _prologue(reading, stream)
    prologue = "\n".join(reading.lines)
    first = _one_of_the_forms(original, first)
    token: Token | None = first
    while token is not None:
        if token.kind is Kind.WORD:
            _refuse_word(original, token)
        _refuse_deep(reading, token)
        if token.kind in _NAMES:
            _note_graph(reading, token)
        _write(reading, token, _rewritten(reading, token))
        _note_end(reading, token)
        token = next(stream, None)
    return Checked(
        lines=tuple(reading.lines),
        form=first.text,
        prologue=prologue,
        graphs=tuple(reading.graphs),
        original=original,
        places=tuple(reading.places),
        limit=reading.limit,
        values=reading.values,
        lasting=reading.lasting,
    )


def refuse_long(text: str) -> None:
    """Refuse a text that is too long to look at, or that is none. Raises QueryRefused or BadQuery."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise error_at(text, error.start, "ce caractère n'existe pas", "this character does not exist") from error
    if size > MAX_BYTES:
        raise QueryRefused(Text("La requête dépasse 16 Ko : raccourcissez-la.", "The query is longer than 16 KB: shorten it."))


def _prologue(reading: _Reading, stream: Iterator[Token]) -> Token | None:
    """Read BASE and PREFIX, giving each prefix another name; return the first token after them."""
    token = next(stream, None)
    while token is not None and token.kind is Kind.WORD and token.text in {"BASE", "PREFIX"}:
        _write(reading, token, token.text)
        if token.text == "PREFIX":
            _declare(reading, next(stream, None))
        iri = _expected(reading, next(stream, None), Kind.IRI, "une adresse entre < et >", "an address between < and >")
        _write(reading, iri, iri.text)
        token = next(stream, None)
    return token


def _declare(reading: _Reading, label: Token | None) -> None:
    """Give a prefix its other name."""
    sentences = ("un préfixe suivi de « : »", "a prefix followed by ':'")
    known = _expected(reading, label, Kind.NAME, *sentences)
    prefix, _, local = known.text.partition(":")
    if local:
        raise error_at(reading.original, known.start, f"{sentences[0]} est attendu", f"{sentences[1]} is expected")
    name = reading.prefixes.setdefault(prefix, f"p{len(reading.prefixes)}")
    _write(reading, known, f"{name}:")


def _expected(reading: _Reading, token: Token | None, kind: Kind, fr: str, en: str) -> Token:
    """Return `token` if it is of that kind."""
    if token is None or token.kind is not kind:
        start = len(reading.original) if token is None else token.start
        raise error_at(reading.original, start, f"{fr} est attendu", f"{en} is expected")
    return token


def _one_of_the_forms(text: str, first: Token | None) -> Token:
    """Return the word that begins one of the four forms of a query."""
    if first is not None and first.text in UPDATES:
        raise QueryRefused(
            Text("Ce point d'accès ne fait que lire : il n'accepte aucune mise à jour.", "This endpoint only reads: it takes no update."),
        )
    if first is None or first.text not in FORMS:
        start = len(text) if first is None else first.start
        raise error_at(text, start, "SELECT, CONSTRUCT, DESCRIBE ou ASK est attendu", "SELECT, CONSTRUCT, DESCRIBE or ASK is expected")
    return first


def _refuse_word(text: str, token: Token) -> None:
    """Refuse SERVICE, and words that SPARQL 1.1 queries do not have."""
    if token.text in _WORDS:
        return
    if token.text == "SERVICE":
        raise QueryRefused(
            Text(
                "SERVICE n'est pas permis : ce point d'accès n'interroge aucun autre serveur.",
                "SERVICE is not allowed: this endpoint asks no other server.",
            )
        )
    if token.text in UPDATES:
        raise QueryRefused(
            Text(f"{token.text} n'est pas permis : ce point d'accès ne fait que lire.", f"{token.text} is not allowed: this endpoint only reads.")
        )
    word = text[token.start : token.start + len(token.text)]
    raise error_at(text, token.start, f"« {word} » n'est pas un mot de SPARQL 1.1", f"'{word}' is not a word of SPARQL 1.1")


def _refuse_deep(reading: _Reading, token: Token) -> None:
    """Count what the engine would nest."""
    reading.signs = reading.signs + 1 if token.text in _SIGNS else 0
    reading.links += _is_link(token)
    if token.depth > MAX_DEPTH or reading.signs > MAX_SIGNS or reading.links > MAX_LINKS:
        line, column = line_and_column(reading.original, token.start)
        raise QueryRefused(
            Text(
                f"La requête est trop imbriquée ou trop longue à cet endroit (ligne {line}, colonne {column}) : simplifiez-la.",
                f"The query is nested too deep or chained too long there (line {line}, column {column}): simplify it.",
            )
        )


def _is_link(token: Token) -> bool:
    """Tell whether the token may make what the engine builds one step deeper."""
    if token.kind is Kind.WORD:
        return token.text in _LINKING
    if token.kind is Kind.MARK:
        return token.text in _LINK_MARKS or (token.text in "({[" and token.depth > 0) or (token.text == "," and token.holds is not Holds.EXPRESSION)
    return token.holds is Holds.TERMS and token.kind in _TERMS


def _note_graph(reading: _Reading, token: Token) -> None:
    """Keep the graphs that FROM and FROM NAMED ask for."""
    last = reading.last
    if token.depth == 0 and last is not None and last.text in {"FROM", "NAMED"}:
        reading.graphs.append(Graph(_rewritten(reading, token), last.text == "NAMED", token.start))


def _note_end(reading: _Reading, token: Token) -> None:
    """Keep where the query's own LIMIT and its last VALUES are, and whether its answer lasts; called once the token is written."""
    if token.depth == 0 and token.kind is Kind.NUMBER and reading.before == "LIMIT":
        reading.limit = len(reading.lines) - 1
    if token.depth == 0 and token.text == "VALUES":
        reading.values = len(reading.lines) - 1
    reading.before = token.text
    reading.lasting = reading.lasting and not (token.kind is Kind.WORD and token.text in _FLEETING)


def _rewritten(reading: _Reading, token: Token) -> str:
    """Return the token as the engine shall read it."""
    if token.kind is Kind.NAME:
        return _renamed(reading, token)
    if token.kind is Kind.STRING:
        return _requoted(token.text)
    return token.text.lower() if token.text in {"TRUE", "FALSE"} else token.text


def _renamed(reading: _Reading, token: Token) -> str:
    """Return a prefixed name under the prefix's other name, its dots escaped: the engine ends a name at its second dot."""
    prefix, _, local = token.text.partition(":")
    if prefix not in reading.prefixes:
        raise error_at(reading.original, token.start, f"le préfixe « {prefix}: » n'est pas déclaré", f"the prefix '{prefix}:' is not declared")
    return f"{reading.prefixes[prefix]}:" + _IN_LOCAL.sub(lambda found: found[0] if found[0] != "." else r"\.", local)


def _requoted(text: str) -> str:
    """Return a string between single double quotes, on one line."""
    width = 3 if text[:3] in {'"""', "'''"} else 1
    return '"' + _IN_STRING.sub(lambda found: _REQUOTED.get(found[0], found[0]), text[width:-width]) + '"'


def _write(reading: _Reading, token: Token, text: str) -> None:
    """Add the token on a line of its own; what the engine wants side by side stays so."""
    last = reading.last
    reading.last = token
    if last is not None and _beside(last, token):
        reading.lines[-1] += text
    else:
        reading.lines.append(text)
        reading.places.append((len(reading.lines), token.start))


def _beside(last: Token, token: Token) -> bool:
    """Tell whether two tokens share a line: a function's name and its parenthesis, a sign and its number where they were side by side."""
    if token.text == "(":
        return last.kind is Kind.WORD
    return token.kind is Kind.NUMBER and last.text in {"+", "-"} and last.start + 1 == token.start
