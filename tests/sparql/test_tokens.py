"""A query is cut into tokens as the grammar says, also where an address and a comparison look alike."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadQuery
from app.sparql.tokens import Kind, decoded, tokens


def cut(text: str) -> list[str]:
    """The texts of the tokens."""
    return [token.text for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT?s{}", ["SELECT", "?s", "{", "}"]),
        ("ex:a.b.c. ?x", ["ex:a.b.c", ".", "?x"]),
        (r"ex:a\#b\'c %", None),
        (r"ex:a%20b\/c", [r"ex:a%20b\/c"]),
        (":a: ex: :", [":a:", "ex:", ":"]),
        ("_:b.c. _:0", ["_:b.c", ".", "_:0"]),
        ("1.5 1. 1e3 .5 1.e2 5-3", ["1.5", "1", ".", "1e3", ".5", "1.e2", "5", "-", "3"]),
        ('"a\\"#" # "comment"\n\'b\'', ['"a\\"#"', "'b'"]),
        ('"""a"b""\nc""" \'\'\'d\'e\'\'\'', ['"""a"b""\nc"""', "'''d'e'''"]),
        ('"x"@fr-CA^^<a:b>', ['"x"', "@fr-CA", "^^", "<a:b>"]),
        ("<a:p>?<a:q>", ["<a:p>", "?", "<a:q>"]),
        ("$x ?été ?x·", ["$x", "?été", "?x·"]),
        ("!= <= >= && || ^^ ^ |", ["!=", "<=", ">=", "&&", "||", "^^", "^", "|"]),
        ("'a\nb'", None),
        ('"a', None),
        ('"\\q"', None),
        ("@", None),
        ("~", None),
        ("é", None),
        ("<x y>", ["<", "X", "Y", ">"]),
        ("a Select bOund", ["a", "SELECT", "BOUND"]),
    ],
)
def test_terminals(text: str, expected: list[str] | None) -> None:
    """Each terminal of section 19.8 is recognised at its full length; what is none is an error."""
    if expected is None:
        with pytest.raises(BadQuery):
            cut(text)
    else:
        assert cut(text) == expected


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("SELECT * { FILTER(?a<?b&&?c>?d) }", ["<", ">"]),
        ("SELECT (?a<?b#>\n AS ?x) {}", ["<"]),
        ("ASK { FILTER(1<2) FILTER(NOW()<?b) FILTER('a'<?c) FILTER(true<?d) FILTER(EXISTS{}<?e) }", ["<"] * 5),
        ("ASK { FILTER(<f:f>(?a<=?b)) }", ["<=", "<f:f>"]),
        ("ASK { FILTER(?a = <a:b> || ?a IN (<a:c>, <a:d>)) }", ["<a:b>", "<a:c>", "<a:d>"]),
        ("ASK { ?s <a:p> <a:o> , (?x <a:q> 1 <a:r>) }", ["<a:o>", "<a:p>", "<a:q>", "<a:r>"]),
        ("ASK { ?s (<a:p>|^<a:q>)/<a:r> ?o }", ["<a:p>", "<a:q>", "<a:r>"]),
        ("ASK { VALUES (?a ?b) { (<a:x> <a:y>) (1 <a:z>) } }", ["<a:x>", "<a:y>", "<a:z>"]),
        ("ASK { FILTER <f:f>(?a) ?s <a:p> (1 <a:q>) }", ["<a:p>", "<a:q>", "<f:f>"]),
        ("ASK { FILTER EXISTS { ?s <a:p> (1 <a:q>) } }", ["<a:p>", "<a:q>"]),
        ("ASK { FILTER(EXISTS { ?s <a:p> (1 <a:q>) } && ?a<?b) }", ["<", "<a:p>", "<a:q>"]),
        ("SELECT ?x {} GROUP BY ?x <f:f>(?y) (?a<?b) HAVING (?c<?d) ORDER BY ?x <f:g>(?z<?y) DESC(?a<?b)", ["<"] * 4 + ["<f:f>", "<f:g>"]),
        (
            "ASK { { SELECT (?a<?b AS ?c) { ?s <a:p> (1 <a:q>) } GROUP BY (?x<?y) } ?s <a:r> (1 <a:t>) }",
            ["<"] * 2 + ["<a:p>", "<a:q>", "<a:r>", "<a:t>"],
        ),
        ("ASK { ?s <a:p> [ <a:q> (1 <a:r>) ] }", ["<a:p>", "<a:q>", "<a:r>"]),
        ("ASK {} VALUES (?x) { (<a:b>) }", ["<a:b>"]),
        ("ASK { BIND(?a<?b AS ?c) ?s <a:p> ?o }", ["<", "<a:p>"]),
    ],
)
def test_an_address_and_a_comparison_are_told_apart_by_where_they_stand(text: str, kinds: list[str]) -> None:
    """Inside an expression ``<`` after an operand compares; everywhere else it opens an address."""
    found = [token.text for token in tokens(text) if token.kind is Kind.IRI or token.text in {"<", "<=", ">"}]
    assert sorted(found) == sorted(kinds)


@pytest.mark.parametrize("text", ["(", "{ (", "(]", "}", "{[}]", ")"])
def test_brackets_must_match(text: str) -> None:
    """A bracket that is not closed, or closes another one, is an error."""
    with pytest.raises(BadQuery):
        cut(text)


def test_an_error_says_where() -> None:
    """Line and column, from 1, are in the sentence, in both languages."""
    with pytest.raises(BadQuery) as error:
        cut("SELECT *\n{ ?s ~ ?o }")
    assert "line 2, column 6" in error.value.text.en
    assert "ligne 2, colonne 6" in error.value.text.fr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"SERV\u0049CE", "SERVICE"),
        (r"\U00000041SK", "ASK"),
        (r"'\\u0041'", r"'\\u0041'"),
        (r"'\\\u0041'", r"'\\A'"),
        (r"'\n'", r"'\n'"),
        ("nothing", "nothing"),
    ],
)
def test_codepoint_escapes_are_decoded_before_anything_else(text: str, expected: str) -> None:
    """Section 19.2; an escaped backslash keeps the letter after it."""
    assert decoded(text) == expected


@pytest.mark.parametrize("text", [r"\uD800", r"\U00110000", r"\u005Cu0041", r"\UFFFFFFFF"])
def test_escapes_of_what_is_no_character_here_are_refused(text: str) -> None:
    """Half a character, one beyond Unicode, and a backslash that would begin another escape."""
    with pytest.raises(BadQuery):
        decoded(text)


@given(st.text())
def test_any_text_is_cut_or_refused(text: str) -> None:
    """Nothing but BadQuery ever comes out, and tokens cover all that is neither blank nor comment."""
    try:
        found = list(tokens(text))
    except BadQuery:
        return
    rest = text
    for token in reversed(found):
        rest = rest[: token.start] + rest[token.start + len(token.text) :]
    assert re.sub(r"#[^\r\n]*", "", rest).strip(" \t\r\n") == ""
