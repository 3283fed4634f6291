"""How sentences and tables are written: one line each, in the reader's language, in what the terminal can show."""

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import speech


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "C"}, "fr"),
        ({"LC_ALL": "", "LANG": "en"}, "en"),
    ],
)
def test_the_language_is_that_of_the_terminal(variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """English where the locale says so, French otherwise; LC_ALL wins over LC_MESSAGES, and that over LANG."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert speech.language() == language


@given(st.text())
def test_whatever_comes_from_outside_stays_on_its_line(text: str) -> None:
    """No line break, no control character, nothing that moves a cursor or turns the direction of writing."""
    line = speech.one_line(text)
    assert "\n" not in line
    assert not [letter for letter in line if unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"}]


@given(st.lists(st.integers(min_value=0, max_value=300), min_size=1, max_size=8), st.integers(min_value=20, max_value=200))
def test_a_table_fits_where_it_can(widths: list[int], room: int) -> None:
    """No column grows, none becomes unreadable, and the row fits unless all of them are as narrow as that."""
    narrowed = speech.fitted(widths, room)
    assert all(new <= old for new, old in zip(narrowed, widths, strict=True))
    assert all(new >= min(old, speech.NARROWEST) for new, old in zip(narrowed, widths, strict=True))
    assert sum(narrowed) + 2 * (len(narrowed) - 1) <= room or max(narrowed) <= speech.NARROWEST


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_another_encoding_breaks_nothing(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot show becomes a question mark; JSON is UTF-8 whatever the terminal."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    speech.out("Café … ☂\n")
    speech.print_json({"name": "☂"})
    table, _, value = written.getvalue().partition(b"\n")
    assert table.endswith(b" ? ?")
    assert json.loads(value.decode()) == {"name": "☂"}
