"""Two records field by field, as a reader sees at a glance."""

from typing import Any

import pytest

from app.matching.agreement import agreement

HERE = {"streetAddress": "12, r. du Moutier", "postalCode": "93300", "addressLocality": "AUBERVILLIERS"}
THERE = {"streetAddress": "12 rue du Moutier", "postalCode": "93300", "addressLocality": "Aubervilliers"}


@pytest.mark.parametrize(
    ("key", "left", "right", "expected"),
    [
        ("name", {"fr": "L'Atelier"}, {"en": "l’atelier"}, "same"),
        ("name", {"fr": "Repair Café de la Butte"}, {"fr": "Repair Café des Buttes"}, "near"),
        ("name", {"fr": "Chorale Ocarina"}, {"fr": "Fanfare Quetsche"}, "apart"),
        ("telephone", "01 99 00 12 34", "+33 1 99 00 12 34", "same"),
        ("url", ["https://www.a.example/"], ["http://a.example", "https://b.example"], "near"),
        ("siren", "123456782", "987654321", "apart"),
        ("siren", "123456782", None, "alone"),
        ("location", [HERE], [THERE], "same"),
        ("location", [HERE], [THERE | {"streetAddress": "3 rue Inventée"}], "near"),
        ("location", [HERE], [{"postalCode": "13001"}], "apart"),
        ("topics", ["housing"], ["housing", "culture"], "near"),
        ("shares", [{"name": {"fr": "x"}}], [{"name": {"fr": "x"}}], "same"),
    ],
)
def test_records_agree_more_or_less(key: str, left: Any, right: Any, expected: str) -> None:
    """The same in other words, nearly, not at all, or only one says it; either way round."""
    assert agreement(key, left, right) == expected
    assert agreement(key, right, left) == expected
