"""What the operator types about other nodes: who is told, who reads, whom peers speak of."""

import json
from pathlib import Path

import pytest

from app.journal import FILE, Journal, proposals, readers
from app.journal.readers import Reader
from tests.cli.conftest import Typed

AT = "2026-11-01T10:00:00.000Z"


@pytest.fixture
def begun(typed: Typed, tmp_path: Path) -> Typed:
    """Commands typed where a node begun, was read by another, and heard of two."""
    assert typed("token", "create", "--role", "reader", "--label", "x").status == 0
    journal = Journal(tmp_path / "data" / FILE)
    with journal.write() as c:
        readers.note(c, {"x": Reader("Maillage/0.1.0 (+https://b.example)", "https://b.example", AT, AT, 4, 12)})
        proposals.note(c, ["https://one.example", "https://two.example"], "port")
    journal.close()
    return typed


def test_webhooks_are_named_listed_and_removed(begun: Typed) -> None:
    """The secret is printed alone, once; what cannot be is one plain line."""
    secret = begun("webhooks", "add", "https://told.example/x", "--signed")
    assert len(secret.out.strip()) >= 32
    plain = begun("webhooks", "add", "https://told.example/y")
    assert (plain.out, "https://told.example/y" in plain.err) == ("", True)
    assert "already" in begun("webhooks", "add", "https://told.example/x").complaint
    assert "http" in begun("webhooks", "add", "told.example").complaint
    listed = json.loads(begun("webhooks", "list", "--json").out)
    assert [(one["url"], one["signed"], one["state"]) for one in listed] == [
        ("https://told.example/x", True, "active"),
        ("https://told.example/y", False, "active"),
    ]
    assert secret.out.strip() not in begun("webhooks", "list", "--json").out
    assert "https://told.example/y" in begun("webhooks", "list").out
    assert begun("webhooks", "remove", str(listed[0]["id"])).status == 0
    assert "no subscriber" in begun("webhooks", "remove", str(listed[0]["id"])).complaint
    assert [one["url"] for one in json.loads(begun("webhooks", "list", "--json").out)] == ["https://told.example/y"]


def test_readers_are_listed(begun: Typed) -> None:
    """Who, how often, how far."""
    (row,) = json.loads(begun("peers", "readers", "--json").out)
    assert (row["url"], row["requests"], row["sequence"]) == ("https://b.example", 4, 12)
    assert "https://b.example" in begun("peers", "readers").out


def test_proposals_are_listed_and_dismissed(begun: Typed) -> None:
    """With the peer that spoke of them; a dismissed one is not listed any more."""
    rows = json.loads(begun("peers", "proposals", "--json").out)
    assert [(row["url"], row["found_through"]) for row in rows] == [("https://one.example", "port"), ("https://two.example", "port")]
    assert begun("peers", "proposals", "--dismiss", "https://one.example").status == 0
    assert "https://one.example" not in begun("peers", "proposals").out
    assert "Nobody" in begun("peers", "proposals", "--dismiss", "https://never.example").complaint


@pytest.mark.parametrize(
    "command", [("webhooks", "--help"), ("webhooks", "add", "--help"), ("peers", "readers", "--help"), ("peers", "proposals", "--help")]
)
def test_help_is_in_both_languages(begun: Typed, command: tuple[str, ...]) -> None:
    """French and English say it in their own words."""
    french, english = begun(*command, language="fr_FR.UTF-8").out, begun(*command).out
    assert french
    assert french != english
