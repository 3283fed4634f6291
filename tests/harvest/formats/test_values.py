"""The normal forms of single values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.harvest.formats.values import NORMALISERS, UnusableError, clean, fold, without_html
from app.names import key_for

GOOD = [
    ("url", "www.exemple.org", "http://www.exemple.org"),
    ("url", " https://exemple.org/a b?c=d ", "https://exemple.org/a%20b?c=d"),
    ("url", "http://été.exemple.fr/é", "http://été.exemple.fr/é"),
    ("decimal", "48,8566", "48.8566"),
    ("decimal", "+2.30", "2.30"),
    ("decimal", "−1", "-1"),
    ("date", "2003-03-25", "2003-03-25"),
    ("date", "5/3/2003", "2003-03-05"),
    ("date", "2003-03-25T10:00:00Z", "2003-03-25"),
    ("date-or-year", "2003", "2003"),
    ("date-or-year", "2003-12", "2003-12"),
    ("date-or-year", "01/02/2003", "2003-02-01"),
    ("timestamp", "2017-08-01T14:15:08+02:00", "2017-08-01T12:15:08Z"),
    ("timestamp", "2020-06-04 10:00:00", "2020-06-04T10:00:00Z"),
    ("timestamp-s", "0", "1970-01-01T00:00:00Z"),
    ("timestamp-ms", "1505836684470", "2017-09-19T15:58:04.470Z"),
    ("country", "Österreich", "AT"),
    ("country", "UK", "GB"),
    ("country", "england", "GB"),
    ("country", "Ελλάδα", "GR"),
    ("country", "USA", "US"),
    ("country", "FRANCE", "FR"),
    ("country", "Belgique", "BE"),
    ("phone", "05.90-26 28 39", "05 90 26 28 39"),
    ("phone", "tel:+33 1 02 03 04 05", "+33 1 02 03 04 05"),
    ("email", "MAILTO:Contact@Exemple.org", "contact@exemple.org"),
    ("slug", "L'Été", "l-ete"),
    ("siren", "123 456 789", "123456789"),
    ("siret", "123 456 789 00012", "12345678900012"),
    ("rna", "w751234567", "W751234567"),
    ("territory", "com-93066", "COM-93066"),
    ("line", " a\n b\u200b\x00 ", "a b"),
    ("text", "a \r\n\u202e b", "a\nb"),
]
BAD = [
    ("url", value)
    for value in (
        "update6",
        "n/a",
        "-",
        "",
        "info@exemple.org",
        "javascript:alert(1)",
        "http://a.org http://b.org",
        "http://user:p@a.org/",
        "http://",
    )
] + [
    ("decimal", "abc"),
    ("decimal", "1e5"),
    ("decimal", "12°"),
    ("decimal", "٤"),
    ("date", "2003"),
    ("date", "31/02/2003"),
    ("date-or-year", "2003-13"),
    ("timestamp", "hier"),
    ("timestamp-ms", "9" * 17),
    ("timestamp-s", "1.5"),
    ("country", "Frace"),
    ("phone", "poste 12"),
    ("phone", "12"),
    ("email", "private"),
    ("email", "a@b"),
    ("slug", "…"),
    ("siren", "12"),
    ("rna", "X751234567"),
    ("territory", "Paris"),
]


@pytest.mark.parametrize(("name", "written", "normal"), GOOD)
def test_what_neighbours_type_is_tidied(name: str, written: str, normal: str) -> None:
    """What neighbours type is brought to its normal form."""
    assert NORMALISERS[name](written) == normal


@pytest.mark.parametrize(("name", "written"), BAD)
def test_what_cannot_be_used_is_said_to_be_unusable(name: str, written: str) -> None:
    """What cannot be used is refused with a reason in both languages, never guessed."""
    with pytest.raises(UnusableError) as caught:
        NORMALISERS[name](written)
    assert caught.value.text.fr
    assert caught.value.text.en


@given(st.sampled_from(sorted(NORMALISERS)), st.text() | st.from_regex(r"[0-9 +./:-]{0,20}") | st.sampled_from([good for _, good, _ in GOOD]))
def test_a_normal_form_is_its_own_normal_form(name: str, written: str) -> None:
    """A normal form has itself as its normal form, and holds no control character."""
    try:
        normal = NORMALISERS[name](written)
    except UnusableError:
        return
    assert clean(normal) == normal
    if name not in {"timestamp-s", "timestamp-ms"}:
        assert NORMALISERS[name](normal) == normal


def test_html_gives_the_text_that_is_seen() -> None:
    """HTML gives the text that a reader sees: tags and scripts away, blocks as lines, entities read."""
    assert without_html("<p>Un <b>café</b> &amp; th&eacute;<br>x<script>evil('</p>')</script><style>p</style></p>") == "Un café & thé\nx"
    assert without_html("5 < 6 et 7 > 3, L&apos;eau") == "5 < 6 et 7 > 3, L'eau"
    assert without_html("sans rien") == "sans rien"


@pytest.mark.parametrize("piece", ["<", "<!--", "<a ", "<a href='", "<script>", "</", "&", "<![CDATA["])
def test_html_without_end_does_not_keep_anybody_busy(piece: str) -> None:
    """HTML made to be slow (60 KB of tags that never end, 38 seconds in html.parser) is read like any other."""
    assert len(without_html(piece * (60_000 // len(piece)))) <= 60_000


def test_names_of_tags_without_end_do_not_keep_anybody_busy() -> None:
    """One tag whose name never ends (64 KB of it, 26 seconds with a pattern that looks back) is text like any other."""
    assert without_html("<" + "a" * 64_000) == "<" + "a" * 64_000
    assert without_html(f"<p>Un <{'b' * 64_000}>café</p>") == "Un café"


def test_accents_without_end_do_not_keep_anybody_busy() -> None:
    """A megabyte of accents on one letter, which Unicode would put in order for minutes, is cut to thirty, or makes a key as it is."""
    pile = "a" + "\u0301\u0327" * 250_000
    assert len(clean(pile)) <= 31
    assert fold(pile) == "a"
    assert key_for(pile) != key_for(f"{pile}\u0301")
    assert key_for(pile).startswith("a-")
