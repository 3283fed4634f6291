"""Matching never holds a contact, only keyed hashes of its normal form."""

import sqlite3
from typing import Any

from app.matching.contacts import hashes
from app.matching.normalise import features
from tests.matching.desk import Desk, put


def test_no_table_of_matching_holds_a_contact(desk: Desk, atelier: dict[str, Any]) -> None:
    """Not one column of features, keys, edges or statistics holds an e-mail, its host or a phone number."""
    private = {key: value for key, value in atelier.items() if key != "consent"}
    with desk.journal.write() as c:
        for number in range(60):
            put(c, f"annuaire/{number}", {**private, "location": [{"postalCode": f"{10_000 + number}"}]})
        put(c, "carte/7", {**private, "location": [{"postalCode": "10007"}]})
        desk.settle(c)
    with sqlite3.connect(desk.journal.path) as c:
        for table in ("feature", "match_key", "edge", "statistic", "combined_group"):
            text = repr(c.execute(f"SELECT * FROM {table}").fetchall())
            assert len(text) > 2, table
            assert "contact@" not in text, table
            assert "99001234" not in text.replace(" ", ""), table


def test_hashes_need_the_secret() -> None:
    """The same contact under another secret is another hash."""
    document = {"email": "info@a.example", "telephone": "01 99 00 12 34"}
    assert hashes(document, b"one") != hashes(document, b"two")
    assert hashes(document, b"one") == hashes({"email": " INFO@a.example", "telephone": "+33 (0)1.99.00.12.34"}, b"one")


def test_contacts_dropped_at_the_door_still_count(atelier: dict[str, Any]) -> None:
    """What a peer's settings forbid to keep leaves its hash as evidence."""
    kept = features(atelier, None, b"s")
    dropped = features({key: value for key, value in atelier.items() if key not in ("email", "telephone")}, hashes(atelier, b"s"), b"s")
    assert kept == dropped


def test_numbers_of_all_countries_have_a_normal_form() -> None:
    """A number is its last nine digits, whatever prefix it is written with."""
    assert hashes({"telephone": "020 7946 0018"}, b"s") == hashes({"telephone": "+44 20 7946 0018"}, b"s")
    assert hashes({"telephone": "310/246-1501"}, b"s") == hashes({"telephone": "+1 310 246 1501"}, b"s")
    assert "phones" not in hashes({"telephone": "12"}, b"s")
