"""SPARQL 1.1 text as tokens, exactly by the terminals of the grammar (section 19.8), after its codepoint escapes (19.2).

Whether ``<`` opens an IRI or compares cannot be told from the characters alone: ``?a<?b#>`` is a comparison and a comment
to a parser, an IRI to a scanner. So brackets are followed with what they hold, and ``<`` compares exactly where the
grammar lets an operator stand: inside an expression, after an operand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from app.errors import BadQuery, Text

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_U = f"{_BASE}_"
_VARIABLE = f"{_U}0-9\u00b7\u0300-\u036f\u203f-\u2040"
_CHARACTER = rf"{_VARIABLE}\-"
_PREFIX = rf"[{_BASE}](?:[{_CHARACTER}.]{{0,100}}[{_CHARACTER}])?"
_PLX = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]"
_LOCAL = rf"(?:[{_U}:0-9]|{_PLX})(?:(?:[{_CHARACTER}.:]|{_PLX})*(?:[{_CHARACTER}:]|{_PLX}))?"
_ECHAR = r"""\\[tbnrf\\"']"""

_TOKEN = re.compile(
    rf'''
    (?P<blank>[ \t\r\n]+|\#[^\r\n]*)
  | (?P<iri><[^<>"{{}}|^`\\\x00-\x20]*>)
  | (?P<string>"""(?:"{{0,2}}(?:[^"\\]|{_ECHAR}))*+"""|\'\'\'(?:'{{0,2}}(?:[^'\\]|{_ECHAR}))*+\'\'\'
      |"(?:[^"\\\r\n]|{_ECHAR})*+"|'(?:[^'\\\r\n]|{_ECHAR})*+')
  | (?P<name>(?:{_PREFIX})?:(?:{_LOCAL})?)
  | (?P<node>_:[{_U}0-9](?:[{_CHARACTER}.]*[{_CHARACTER}])?)
  | (?P<variable>[?$][{_U}0-9][{_VARIABLE}]*)
  | (?P<language>@[a-zA-Z]+(?:-[a-zA-Z0-9]+)*)
  | (?P<number>(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)[eE][+-]?[0-9]+|[0-9]*\.[0-9]+|[0-9]+)
  | (?P<word>[A-Za-z][A-Za-z0-9_]*)
  | (?P<mark>\^\^|\|\||&&|<=|>=|!=|[{{}}()\[\];,.+\-*/<>=!^|?])
    ''',
    re.VERBOSE,
)
_COMPARISON = re.compile("<=?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|.)", re.DOTALL)
_CLOSING = {"{": "}", "(": ")", "[": "]"}
_EXPRESSION_CLAUSES = {"SELECT", "GROUP", "ORDER", "HAVING"}
_EXPRESSION_NEXT = {"FILTER", "BIND"}


class Kind(StrEnum):
    """What a token is; the groups of the scanner have these names."""

    IRI = "iri"
    STRING = "string"
    NAME = "name"
    NODE = "node"
    VARIABLE = "variable"
    LANGUAGE = "language"
    NUMBER = "number"
    WORD = "word"
    MARK = "mark"


_KINDS: Final = {kind.value: kind for kind in Kind} | {"": Kind.MARK}
"""By the group that matched; a comparison has none."""


class Token(NamedTuple):
    """One token: `text` as written (words in capitals), where it starts, and what is open around it.

    `depth` counts the open brackets, the token's own included; `holds` says what the innermost of them holds.
    """

    kind: Kind
    text: str
    start: int
    depth: int
    holds: "Holds"


class Holds(StrEnum):
    """What is between two brackets."""

    PATTERN = "pattern"
    DATA = "data"
    TERMS = "terms"
    EXPRESSION = "expression"


@dataclass(slots=True)
class _Frame:
    """One open bracket, or the query as a whole."""

    mark: str
    holds: Holds
    clause: bool = False
    """A clause whose parentheses hold expressions has begun: SELECT, GROUP BY, HAVING, ORDER BY."""
    once: bool = False
    """The next bracket belongs to FILTER or BIND."""
    data: bool = False
    """The next braces are those of VALUES."""


@dataclass(slots=True)
class _Scanner:
    """The state of one pass over the text."""

    text: str
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("", Holds.PATTERN)])
    operand: bool = False
    """The last token ended an operand, so that ``<`` after it compares if this is an expression."""


def decoded(text: str) -> str:
    r"""Return `text` with its ``\uXXXX`` and ``\UXXXXXXXX`` replaced. Raises BadQuery for one that stands for no character here.

    >>> decoded(r"SERV\u0049CE")
    'SERVICE'
    """
    return _ESCAPE.sub(lambda found: _character(text, found), text) if "\\" in text else text


def _character(text: str, found: re.Match[str]) -> str:
    """Return the character an escape stands for; other escapes stay, an escaped backslash before a ``u`` among them."""
    digits = found[1] or found[2]
    if not digits:
        return found[0]
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000 or code == ord("\\"):
        raise error_at(text, found.start(), f"« {found[0]} » ne peut pas être écrit ici", f"'{found[0]}' cannot be written here")
    return chr(code)


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of decoded text. Raises BadQuery, with line and column, where no token can start or a bracket does not match."""
    scanner = _Scanner(text)
    at = 0
    while at < len(text):
        found = _next(scanner, at)
        if found is None:
            raise error_at(text, at, f"« {text[at]} » n'a pas de sens ici", f"'{text[at]}' makes no sense here")
        if found.lastgroup != "blank":
            yield _token(scanner, found)
        at = found.end()
    if len(scanner.frames) > 1:
        raise error_at(text, at, f"il manque « {_CLOSING[scanner.frames[-1].mark]} »", f"'{_CLOSING[scanner.frames[-1].mark]}' is missing")


def _next(scanner: _Scanner, at: int) -> re.Match[str] | None:
    """Match the token at `at`; inside an expression, ``<`` after an operand is a comparison."""
    if scanner.operand and scanner.text[at] == "<" and scanner.frames[-1].holds is Holds.EXPRESSION:
        return _COMPARISON.match(scanner.text, at)
    return _TOKEN.match(scanner.text, at)


def _token(scanner: _Scanner, found: re.Match[str]) -> Token:
    """Make the token and follow what it opens, closes or announces."""
    kind = _KINDS[found.lastgroup or ""]
    text = found[0].upper() if kind is Kind.WORD and found[0] != "a" else found[0]
    frame = scanner.frames[-1]
    if kind is Kind.WORD:
        _announce(frame, text)
        scanner.operand = text in {"TRUE", "FALSE"}
    elif kind is Kind.MARK:
        _bracket(scanner, frame, text, found.start())
        scanner.operand = text in {")", "}", "]"}
    else:
        scanner.operand = True
    inner = scanner.frames[-1] if text in _CLOSING else frame
    return Token(kind, text, found.start(), len(scanner.frames) - 1 + (text in {")", "}", "]"}), inner.holds)


def _announce(frame: _Frame, word: str) -> None:
    """Note what a word says of the brackets that follow."""
    if word in _EXPRESSION_CLAUSES:
        frame.clause = True
    elif word in _EXPRESSION_NEXT:
        frame.once = True
    elif word == "VALUES":
        frame.data = True


def _bracket(scanner: _Scanner, frame: _Frame, mark: str, at: int) -> None:
    """Open or close a bracket. Raises BadQuery when it closes another one than the last opened."""
    if mark in _CLOSING:
        scanner.frames.append(_Frame(mark, _inside(frame, mark)))
        frame.once = False
        frame.data = frame.data and mark != "{"
    elif mark in {")", "}", "]"}:
        if _CLOSING.get(frame.mark) != mark:
            raise error_at(scanner.text, at, f"« {mark} » ne ferme rien", f"'{mark}' closes nothing")
        scanner.frames.pop()


def _inside(frame: _Frame, mark: str) -> Holds:
    """Tell what a bracket opened in `frame` holds."""
    if mark == "{":
        return Holds.DATA if frame.data else Holds.PATTERN
    if mark == "[":
        return Holds.TERMS
    if frame.holds is Holds.EXPRESSION:
        return Holds.EXPRESSION
    if frame.holds is Holds.PATTERN and not frame.data and (frame.clause or frame.once):
        return Holds.EXPRESSION
    return Holds.TERMS


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Return the line and the column, both from 1, of an offset in the text."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def error_at(text: str, at: int, fr: str, en: str) -> BadQuery:
    """Return the error that says what is wrong where."""
    line, column = line_and_column(text, at)
    return BadQuery(Text(f"Requête SPARQL, ligne {line}, colonne {column} : {fr}.", f"SPARQL query, line {line}, column {column}: {en}."))
