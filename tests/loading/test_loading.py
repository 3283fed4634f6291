"""A file of records becomes our groups, once; nothing of it is lost in silence, and no other group is written over."""

import json
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from app import loading
from app.errors import FormatError
from app.feed import dump
from app.journal import records
from app.names import OWN
from app.node import Node
from tests.loading.conftest import BASE, Loaded
from tests.shared import SHARED, need

TABLE = "id;nom;thématiques\n1;Café du coin;Logement\n2;Jardin des Lilas;Environnement\n"
REAL = {"susy": "susy/susy.geojson", "brigades": "brigades/organizations.json", "workers-coop": "workers-coop/workers-coop.csv"}
MAPPINGS = Path(__file__).parents[1] / "harvest" / "formats" / "real"
DEMO = Path(__file__).parents[2] / "app" / "demo" / "data"


def outcomes(lines: list[loading.Line]) -> dict[str, int]:
    """Return how many lines there are of each outcome, but the one of no record."""
    return dict(Counter(line.outcome for line in lines if line.key != "*"))


def ours(node: Node) -> dict[str, str]:
    """Return the names of our groups by slug."""
    with node.journal.read() as connection:
        return {record.key: next(iter(record.document["name"].values())) for record in records.live(connection, OWN)}


def test_the_same_file_again_changes_nothing(load: Loaded, node: Node) -> None:
    """Each record is the group it became last time; only what says something else is revised."""
    assert outcomes(load(TABLE)) == {"added": 2}
    assert outcomes(load(TABLE)) == {"unchanged": 2}
    assert outcomes(load(TABLE.replace("Logement", "Culture"))) == {"changed": 1, "unchanged": 1}
    assert ours(node) == {"cafe-du-coin": "Café du coin", "jardin-des-lilas": "Jardin des Lilas"}


def test_another_group_of_the_same_name_is_not_written_over(load: Loaded, node: Node) -> None:
    """It stands beside the first, the report says so, and both files can be loaded again."""
    load(TABLE)
    node.directory.publish({"name": {"fr": "Théâtre"}, "topics": ["culture"]}, None, "somebody")
    other = "id;nom;thématiques\nx;Café du coin;Culture\ny;Théâtre;Culture\n"
    lines = load(other)
    assert outcomes(lines) == {"added": 2}
    assert [line.messages[0].en for line in lines if line.key == "x"] == [
        "Another group is called 'cafe-du-coin' already: this one is published as 'cafe-du-coin-2'."
    ]
    assert set(ours(node)) == {"cafe-du-coin", "jardin-des-lilas", "theatre", "cafe-du-coin-2", "theatre-2"}
    assert outcomes(load(other)) == outcomes(load(TABLE)) == {"unchanged": 2}


def test_a_group_that_a_person_revised_is_still_the_one_of_its_file(load: Loaded, node: Node) -> None:
    """What people write between two loads does not make a second group of it."""
    load(TABLE)
    node.directory.revise("cafe-du-coin", {"name": {"fr": "Café"}, "topics": ["culture"]}, "*", "somebody")
    assert outcomes(load(TABLE)) == {"changed": 1, "unchanged": 1}
    assert set(ours(node)) == {"cafe-du-coin", "jardin-des-lilas"}


def test_records_without_a_key_are_known_by_their_name(load: Loaded, node: Node) -> None:
    """One that is put before the others does not turn them into new groups."""
    groups = [{"name": {"fr": name}, "topics": ["culture"]} for name in ("Un", "Deux", "Trois")]
    assert outcomes(load(json.dumps(groups[1:]), "jsonld")) == {"added": 2}
    assert outcomes(load(json.dumps(groups), "jsonld")) == {"added": 1, "unchanged": 2}
    assert set(ours(node)) == {"un", "deux", "trois"}


@pytest.mark.parametrize("ending", ["jsonld", "ndjson", "csv"])
def test_what_export_writes_can_be_loaded_again(load: Loaded, node: Node, ending: str, tmp_path: Path) -> None:
    """The records name our groups, and change nothing."""
    load(TABLE)
    load(DEMO / "appuii.jsonld")
    with node.journal.read() as connection:
        (tmp_path / "export").write_bytes(b"".join(dump.STREAMS[ending](connection, node.names, True)))
    assert outcomes(load(tmp_path / "export")) == {"unchanged": 10}


def test_a_key_that_comes_twice_is_refused_the_second_time(load: Loaded, node: Node) -> None:
    """The first record is taken as it is; the second does not take its place."""
    lines = load(TABLE + "1;Autre;Culture\n")
    assert outcomes(lines) == {"added": 2, "refused": 1}
    assert "several times" in next(line for line in lines if line.outcome == "refused").messages[0].en
    assert ours(node)["cafe-du-coin"] == "Café du coin"


def test_records_of_a_file_may_name_one_another_in_any_order(load: Loaded, node: Node) -> None:
    """`check` and `load` follow a link to a record that comes later."""
    mapping = tomllib.loads((DEMO / "kumu.toml").read_text("utf-8"))
    with loading.opened(str(DEMO / "kumu.json"), "kumu", mapping, node.fetcher) as read:
        checked = list(loading.check(node.directory, node.journal, node.names, read))
    assert outcomes(checked) == {"good": 7, "refused": 1}
    assert ours(node) == {}
    assert outcomes(load(DEMO / "kumu.json", "kumu", mapping)) == {"added": 7, "refused": 1}
    document = node.directory.statement("atelier-des-quatre-chemins").document
    assert f"{BASE}/groups/reseau-logement-metropole" in document["cooperatesWith"]


def test_what_is_left_and_what_is_wrong_is_said(load: Loaded) -> None:
    """Unknown keys are named, a refusal names the field and the value."""
    lines = load(
        json.dumps([{"name": {"fr": "Un"}, "topics": ["culture"], "colour": "red"}, {"name": {"fr": "Deux"}, "siren": "12"}, {"name": {"fr": ""}}]),
        "jsonld",
    )
    assert lines[0].left == ("colour",)
    assert lines[0].as_json("en")["unmapped"] == ["colour"]
    assert lines[1].outcome == lines[2].outcome == "refused"
    assert lines[1].messages[0].en.startswith("siren: ")
    assert lines[1].messages[0].en.endswith("(12)")
    assert not lines[2].messages[0].en.endswith("()")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty."),
        (b" \n ", "is empty."),
        (b"<!doctype html><html></html>", "is a web page (or XML), not data."),
        (b"\xef\xbb\xbf<html>", "is a web page (or XML), not data."),
        (b"\x00\x01\x02", "is not recognised; give it with --format: csv, geojson"),
        (b'{"a": 1}', "is not recognised; give it with --format: csv, geojson"),
    ],
    ids=["empty", "blank", "page", "page with a mark", "bytes", "another JSON"],
)
def test_a_file_that_is_none_of_ours_is_said_to_be_what_it_is(node: Node, tmp_path: Path, content: bytes, sentence: str) -> None:
    """Before anything is read."""
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(FormatError) as error, loading.opened(str(tmp_path / "file"), None, None, node.fetcher):
        pass
    assert sentence in error.value.text.en


@pytest.mark.parametrize(
    "beginning", [b'[{"name": {"fr": "Un"}}, {"na', b"id;nom\n1;Un\n2;" + b"x" * 2_000_000], ids=["half a list", "an endless line"]
)
def test_half_a_file_loads_nothing(node: Node, load: Loaded, tmp_path: Path, beginning: bytes) -> None:
    """It is read to its end before the first record is published."""
    (tmp_path / "half").write_bytes(beginning)
    with pytest.raises(FormatError):
        load(tmp_path / "half", "jsonld" if beginning.startswith(b"[") else "csv")
    assert ours(node) == {}


def test_the_three_real_files_load_and_load_again(load: Loaded, node: Node) -> None:
    """Every record of each is taken; the second time none says anything new, though some groups share their names."""
    first, second = {}, {}
    for found in (first, second):
        for name, file in REAL.items():
            mapping = tomllib.loads((MAPPINGS / f"{name}.toml").read_text("utf-8"))
            found[name] = outcomes(load(need(SHARED / "data" / file), None, mapping))
    assert first == {"susy": {"added": 1200}, "brigades": {"added": 221}, "workers-coop": {"added": 387}}
    assert second == {"susy": {"unchanged": 1200}, "brigades": {"unchanged": 221}, "workers-coop": {"unchanged": 387}}
    assert len(ours(node)) == 1808
