"""Words of texts and questions meet whatever their accents, case and ending."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.words import expression, indexed, stem, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'Œuvre d'ÉTÉ", ["l", "oeuvre", "d", "ete"]),
        ("aujourd’hui, Saint-Denis (93)", ["aujourd", "hui", "saint", "denis", "93"]),
        ("habitant·es", ["habitant", "es"]),
        ('"NEAR(" OR * ^ col:x', ["near", "or", "col", "x"]),
        ("\x00 _ -- ''", []),
    ],
)
def test_words_are_what_a_person_would_call_so(text: str, expected: list[str]) -> None:
    """Case, accents and ligatures are set aside; apostrophes, hyphens, quotes and signs only part words."""
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("habitants", "habitant"),
        ("quartiers", "quartier"),
        ("associations", "association"),
        ("citoyenne", "citoyen"),
        ("solidarités", "solidarité"),
        ("locales", "local"),
    ],
)
def test_french_forms_of_a_word_share_their_stem(one: str, other: str) -> None:
    """Plural and feminine find singular and masculine."""
    assert stem(words(one)[0]) == stem(words(other)[0])


@given(st.text(max_size=60))
def test_case_and_accents_never_count(text: str) -> None:
    """What is indexed of a text is indexed of its plain form too."""
    assert indexed(" ".join(words(text))) == indexed(text)


@given(st.text(max_size=200))
def test_a_question_is_only_ever_quoted_words(text: str) -> None:
    """Outside quotes an expression holds nothing but our own operators."""
    made = expression(text)
    outside = "".join((made or "").split('"')[0::2])
    assert set(outside.replace("AND", "").replace("OR", "")) <= set(" ()*")


def test_words_that_say_nothing_do_not_narrow_a_question() -> None:
    """«les habitants de la ville» asks for habitants and ville; a question made of such words alone keeps them."""
    assert expression("les habitants de la ville") == expression("habitants ville")
    assert expression("de la") is not None
