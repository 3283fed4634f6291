"""Hand-made traps: what must merge merges, and what must not does not."""

from itertools import combinations

import pytest

from app.matching.bulk import match
from app.matching.coordinates import point
from app.matching.normalise import features, street_parts
from app.matching.repair import repaired
from tests.matching.gold import french
from tests.matching.traps import FIELDS, rows


def test_no_trap_catches() -> None:
    """Of all pairs of trap records, exactly those of one group are merged."""
    entries = [*rows()]
    forms = [
        (number, f"{row['source']}/{row['id']}", features(french({field: row.get(field, "") for field in FIELDS}), None, b"secret"))
        for number, row in enumerate(entries)
    ]
    found = {number: cluster for cluster in match(forms).clusters for number in cluster}
    wrong = [
        (entries[one]["trap"], entries[one]["name"], entries[other]["name"])
        for one, other in combinations(range(len(entries)), 2)
        if (found[one] is found[other]) != (entries[one]["entity"] == entries[other]["entity"])
    ]
    assert wrong == []


def test_there_are_traps_of_many_kinds() -> None:
    """Each kind has its groups, and there are more than a hundred and eighty pairs to get right."""
    entries = [*rows()]
    pairs = [(one, other) for one, other in combinations(entries, 2) if one["entity"][:-1] == other["entity"][:-1]]
    assert len(pairs) >= 180
    assert len({row["trap"] for row in entries}) >= 15


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("435 S. La Cienega Blv.", ("435", "south cienega boulevard")),
        ("650 E. 91st Pl.", ("650", "east 91st place")),
        ("c/o Mairie, 37 AVENUE JEAN JAURÈS", ("37", "avenue jean jaures")),
        ("Maison des associations, 67 rue Saint-François", ("67", "rue st francois")),
        ("Rue de la Loi 12", ("12", "rue loi")),
        ("12 bis, bat. 3, rue du 8 mai 1945", ("12", "rue 8 mai 1945")),
    ],
)
def test_addresses_are_read_as_they_come(text: str, parts: tuple[str, str]) -> None:
    """House number and street, whatever stands before, between and after them."""
    assert street_parts(text) == parts


def test_swapped_coordinates_are_turned_only_where_the_address_says_so() -> None:
    """Latitude and longitude change places when only then they are where the address is."""
    assert point("55.45", "-20.88", "", "974") == (-20.88, 55.45)
    assert point("2.38", "48.88", "", "75") == (48.88, 2.38)
    assert point("2.04", "45.34", "SO", "") == (2.04, 45.34)
    assert point("100", "45", "", "") == (45, 100)
    assert point("0", "0", "", "") is None


@pytest.mark.parametrize(
    ("broken", "whole"),
    [("CafÃ© d\u2019en bas", "Café d\u2019en bas"), ("Ã‰cole", "École"), ("Ça va ?", "Ça va ?"), ("SÃO PAULO", "SÃO PAULO"), ("Caf\ufffd", "Cafe")],
)
def test_broken_text_is_mended_and_whole_text_is_not(broken: str, whole: str) -> None:
    """Text that was read in the wrong character set becomes readable; text that was not stays as it is."""
    assert repaired(broken) == whole
