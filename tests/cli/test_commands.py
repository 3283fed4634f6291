"""The commands that read and write groups, peers, matches and tokens, with good and bad arguments, typed one after the other."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import BASE, DEMO, Said, Typed

KUMU = (DEMO / "kumu.json", "--mapping", DEMO / "kumu.toml")
ATELIER = f"{BASE}/records/own/atelier-des-quatre-chemins"
MAP = f"{BASE}/records/map/Q4C"

NEEDS_A_NODE = [
    ("token", "list"),
    ("token", "revoke", "1"),
    ("peers", "list"),
    ("peers", "show", "map"),
    ("peers", "remove", "map"),
    ("peers", "apply", "map"),
    ("peers", "discard", "map"),
    ("peers", "undo", "map"),
    ("harvest",),
    ("merge",),
    ("relations",),
    ("weights", "list"),
    ("weights", "learn"),
    ("weights", "adopt"),
    ("weights", "revert"),
    ("judge", "same", ATELIER, MAP),
    ("explain", ATELIER, MAP),
    ("query", "-"),
    ("export",),
    ("backup", "copy"),
    ("compact",),
    ("rebuild",),
]


@pytest.mark.parametrize("command", NEEDS_A_NODE, ids=lambda command: " ".join(command[:2]))
def test_typed_in_the_wrong_folder_a_command_says_so_and_makes_nothing(typed: Typed, tmp_path: Path, command: tuple[str, ...]) -> None:
    """Instead of answering from a new, empty node."""
    assert typed(*command).complaint == f"There is no node in {tmp_path / 'data'} yet: go to the folder of maillage.toml, or set DATA_DIR."
    assert list(tmp_path.iterdir()) == []


def test_a_token_is_printed_alone_and_opens_until_it_is_revoked(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """`token create` prints nothing else; the list never shows it."""
    created = typed("token", "create", "--role", "editor", "--label", "Camille, mairie", "--days", "30")
    assert (created.status, created.err) == (0, "")
    token = created.out.removesuffix("\n")
    assert token.startswith("maillage_")
    assert token.split() == [token]
    assert typed("token", "create", "--role", "admin", "--label", " ").complaint == "Give the token a label of 1 to 200 characters."
    (listed,) = json.loads(typed("token", "list", "--json").out)
    assert (listed["label"], listed["role"], listed["revoked_at"]) == ("Camille, mairie", "editor", None)
    assert typed("token", "revoke", "7").complaint == "There is no token number 7."
    assert typed("token", "revoke", "1").err == "Token 1 is revoked.\n"
    table = typed("token", "list").out
    assert "Camille, mairie" in table
    assert token not in table
    assert max(map(len, table.splitlines())) <= 80


def test_check_says_what_is_wrong_and_leaves_nothing_behind(typed: Typed, tmp_path: Path) -> None:
    """Where there is no node yet, there is none afterwards."""
    said = typed("check", *KUMU)
    assert said.status == 1
    assert said.err == "Records: 7 good, 1 refused.\n"
    assert said.out.startswith("refused connection-4 : No element is called")
    report = json.loads(typed("check", *KUMU, "--json").out)
    assert report["counts"] == {"good": 7, "refused": 1}
    assert {item["outcome"] for item in report["items"]} == {"good", "refused"}
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_loaded_are_said_to_be_what_they_are(typed: Typed, tmp_path: Path) -> None:
    """Missing, a folder, empty, a page, half of one; a mapping that is missing, malformed or asks for what there is not."""
    for name, text in {"empty": "", "page": "<html>", "half.toml": "a = [", "odd.toml": "kee = 1", "list.json": "[1]"}.items():
        (tmp_path / name).write_text(text)
    kumu = ("load", DEMO / "kumu.json", "--mapping")
    assert typed("load", "nothing.csv").complaint == "nothing.csv cannot be read: there is nothing of that name."
    assert typed("load", tmp_path).complaint.endswith("cannot be read: it is a directory.")
    assert typed("load", "empty").complaint == "empty is empty."
    assert typed("load", "page").complaint == "page is a web page (or XML), not data."
    assert typed("load", "page", "--format", "nope").complaint.startswith("The format 'nope' is not loaded from a file; choose among: csv,")
    assert typed(*kumu, "nothing.toml").complaint == "nothing.toml cannot be read: there is nothing of that name."
    assert typed(*kumu, "half.toml").complaint.startswith("half.toml is not well-formed TOML")
    assert typed(*kumu, "odd.toml").complaint == "Mapping: 'kee' is not an option; did you mean 'key'?"
    assert typed(*kumu, "list.json").complaint == "list.json must hold a JSON object."
    assert typed("load", "http://127.0.0.1:9/list.csv").complaint.startswith("Port 9 of 127.0.0.1 is not contacted")


def test_load_sums_up_what_it_met(typed: Typed, tmp_path: Path) -> None:
    """Refusals one by one; what many records have in common once, with the first of them; JSON names them all."""
    rows = "".join(f"{number};Groupe {number};\n" for number in range(1, 7))
    (tmp_path / "table.csv").write_text(f"id;nom;humeur\n{rows}7;;\n8;Groupe 8;bonne\n")
    said = typed("load", "table.csv")
    assert said.out.splitlines() == [
        "refused 7 : This record has no name.",
        "Give at least one topic: the group will be found more easily.",
        "    1, 2, 3 and 4 more (--json names them)",
        "Fields that nothing takes:",
        "    humeur: in 1 record, for instance 'bonne'.",
    ]
    assert said.err == "Records: 7 added, 1 refused.\n"
    report = json.loads(typed("load", "table.csv", "--json").out)
    assert report["counts"] == {"added": 0, "changed": 0, "unchanged": 7, "refused": 1}
    assert report["items"][0]["iri"] == f"{BASE}/groups/groupe-1"


def test_export_writes_whole_files_or_none(typed: Typed, tmp_path: Path) -> None:
    """Each format on stdout and into a file; a file that cannot be written is said, and what stood there stays."""
    typed("load", *KUMU)
    for ending, mark in {"nq": "<https", "jsonld": '"@graph"', "csv": "id,name", "geojson": '"FeatureCollection"'}.items():
        written = typed("export", "--format", ending, "--output", f"all.{ending}")
        assert (written.status, written.out, written.err) == (0, "", "")
        assert mark in (tmp_path / f"all.{ending}").read_text("utf-8")
        assert typed("export", "--format", ending).out.splitlines() == (tmp_path / f"all.{ending}").read_text("utf-8").splitlines()
    assert typed("export", "--output", "nowhere/all.nq").complaint == "nowhere/all.nq cannot be written: there is nothing of that name."
    assert typed("export", "--output", tmp_path / "data").complaint == f"{tmp_path / 'data'} cannot be written: it is a directory."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "all.geojson", "all.jsonld", "all.nq", "data"]


@pytest.fixture
def lenient(typed: Typed, files: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """A node that may read the loopback server's files, with groups of its own."""
    monkeypatch.setenv("MAILLAGE_ALLOW_PRIVATE_PEERS", files)
    typed("load", *KUMU)
    return typed


def test_a_peer_is_checked_before_it_is_added(lenient: Typed, files: str) -> None:
    """Name, address, format, interval and mapping are refused with a sentence; nothing is added by half."""
    url = f"http://{files}/elements.json"
    refused = {
        ("Bad Name", url): "A peer's name is made of lower-case letters, digits and hyphens.",
        ("own", url): "There is already a source named 'own'.",
        ("map", "annuaire.example"): "'url' must begin with http:// or https://.",
        ("map", "http://127.0.0.1:9/"): "Port 9 of 127.0.0.1 is not contacted: only 80 and 443 are, or those this node's operator allows.",
        ("map", f"http://{files}/kumu.toml"): f"Nothing readable at http://{files}/kumu.toml: give the address of the file",
        ("map", url, "--format", "xls"): "This node does not read 'xls'; it reads: csv, geojson",
        ("map", url, "--every", "6x"): "'every' is an interval: 30m, 6h or 1d.",
        ("map", url, "--mapping", "nothing.toml"): "nothing.toml cannot be read: there is nothing of that name.",
    }
    for arguments, sentence in refused.items():
        assert lenient("peers", "add", *arguments).complaint.startswith(sentence)
    assert lenient("peers", "list", "--json").out == "[]\n"
    added = json.loads(lenient("peers", "add", "map", url, "--every", "1d", "--json").out)
    assert {"name": "map", "url": url, "format": "gogocarto", "trust": "auto", "every": "1d", "state": "new"}.items() <= added.items()
    assert lenient("peers", "add", "map", url).complaint == "There is already a source named 'map'."
    for name in ("nobody", "own"):
        assert lenient("peers", "show", name).status == lenient("peers", "remove", name).status == lenient("harvest", name).status == 1


def test_a_harvest_tells_what_came_in_and_goes_on_past_a_peer_that_fails(lenient: Typed, files: str) -> None:
    """Dry run first; then each visit as it ends; status 1 and one line when a peer could not be read; the peers' page of it."""
    assert "No peer to visit" in lenient("harvest").err
    lenient("peers", "add", "map", f"http://{files}/elements.json")
    assert "dry run, nothing is changed (7 added, 1 refused" in lenient("harvest", "--dry-run").out
    lenient("peers", "add", "absent", f"http://{files}/absent.csv", "--format", "csv")
    assert lenient("harvest", "map", "nobody").complaint == "There is no source named 'nobody'."
    said = lenient("harvest")
    assert said.complaint == f"absent : http://{files}/absent.csv answered 404: check the peer's address."
    assert said.out.splitlines()[0] == "absent : failed"
    assert said.out.splitlines()[1].startswith("map : applied (7 added, 1 refused, 7 with fields left out)")
    assert "  refused BAD This record has no name." in said.out
    reports = json.loads(lenient("harvest", "map", "--json").out)
    assert [(report["peer"], report["outcome"], report["counts"]["unchanged"]) for report in reports] == [("map", "unchanged", 7)]
    shown = json.loads(lenient("peers", "show", "map", "--json").out)
    assert [visit["outcome"] for visit in shown["visits"]] == ["unchanged", "applied", "dry-run"]
    assert "applied (7 added, 1 refused" in lenient("peers", "show", "map").out
    assert lenient("peers", "remove", "absent").err == "absent is removed.\n"
    assert [peer["name"] for peer in json.loads(lenient("peers", "list", "--json").out)] == ["map"]


def test_a_visit_that_waits_is_decided_here(lenient: Typed, files: str) -> None:
    """What a peer under review sends is held; `peers discard` drops it, `peers apply` takes it."""
    lenient("peers", "add", "map", f"http://{files}/elements.json", "--trust", "review")
    held = lenient("harvest").out
    assert held.startswith("map : waits for a person (7 added")
    assert "maillage peers apply map" in held
    assert lenient("peers", "discard", "map").err.endswith("dropped.\n")
    assert lenient("peers", "apply", "map").complaint == "No visit to 'map' waits for a decision."
    assert len(lenient("export", "--format", "csv").out.splitlines()) == 8
    lenient("harvest")
    assert lenient("peers", "apply", "map").err.endswith("applied.\n")
    assert len(lenient("export", "--format", "csv").out.splitlines()) > 8


def test_an_applied_visit_is_taken_back_here(lenient: Typed, files: str) -> None:
    """`peers undo` takes back the newest visit that was applied, or the one named; what is not one is refused in a sentence."""
    lenient("peers", "add", "map", f"http://{files}/elements.json")
    assert lenient("peers", "undo", "map").complaint == "'map' has no such applied visit."
    lenient("harvest")
    number = json.loads(lenient("peers", "show", "map", "--json").out)["visits"][0]["id"]
    assert lenient("peers", "undo", "map", "999").complaint == "There is no visit number 999."
    assert "7 were withdrawn" in lenient("peers", "undo", "map").err
    assert "undone since" in lenient("peers", "show", "map").out
    assert len(lenient("export", "--format", "csv").out.splitlines()) == 8
    assert "already" in str(lenient("peers", "undo", "map", str(number)).complaint)
    assert lenient("harvest").out.startswith("map : waits for a person")
    lenient("peers", "apply", "map")
    report = json.loads(lenient("peers", "undo", "map", "--json").out)
    assert report["id"] > number
    assert report["undone"]


def test_judgements_outlive_every_merge(lenient: Typed, files: str, tmp_path: Path) -> None:
    """`judge different` parts what was merged, `merge` leaves it so, `judge same` puts it together again; contradictions are refused."""
    lenient("peers", "add", "map", f"http://{files}/elements.json")
    lenient("harvest")
    told = lenient("explain", ATELIER, MAP).out
    assert "same website" in told
    assert told.endswith("One group.\n")
    assert json.loads(lenient("judge", "different", ATELIER, MAP, "--reason", "Two addresses", "--json").out) == {"id": 1}
    assert json.loads(lenient("explain", ATELIER, MAP, "--json").out)["same_group"] is False
    assert json.loads(lenient("merge", "--json").out)["groups_written"] >= 0
    apart = lenient("explain", ATELIER, MAP).out
    assert "Judged: two groups." in apart
    assert apart.endswith("Two groups.\n")
    assert lenient("judge", "same", ATELIER, MAP).err == "Judgement 2 recorded.\n"
    assert json.loads(lenient("explain", ATELIER, MAP, "--json").out)["same_group"] is True
    for command in (("judge", "same"), ("explain",)):
        assert (
            lenient(*command, ATELIER, f"{BASE}/groups/nobody").complaint == f"There is neither a record nor a group here at '{BASE}/groups/nobody'."
        )
        assert lenient(*command, ATELIER, ATELIER).complaint == "Both addresses mean the same record."


def test_a_question_is_answered_as_a_table_or_as_asked(lenient: Typed, tmp_path: Path) -> None:
    """Tables, words, graphs; what cannot be asked, read or written so is said."""
    questions = {
        "select": "SELECT ?n { ?g <https://schema.org/name> ?n } ORDER BY ?n LIMIT 1",
        "ask": "ASK { ?s ?p ?o }",
        "construct": "CONSTRUCT { ?s a ?o } WHERE { ?s a ?o } LIMIT 1",
        "wrong": "SELECT * {",
        "service": "SELECT * { SERVICE <https://x.example/> { ?s ?p ?o } }",
        "update": "DELETE WHERE { ?s ?p ?o }",
        "void": "",
    }
    for name, text in questions.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert lenient("query", "select").out == "n\n--------------------------\nAtelier des Quatre Chemins\n"
    assert json.loads(lenient("query", "select", "--format", "json").out)["results"]["bindings"][0]["n"]["value"] == "Atelier des Quatre Chemins"
    assert lenient("query", "ask").out == "yes\n"
    assert lenient("query", "construct", "--format", "nt").out.startswith("<https://annuaire.example/")
    refused = {
        ("wrong",): "SPARQL query, line 1, column 11: '}' is missing.",
        ("service",): "SERVICE is not allowed: this endpoint asks no other server.",
        ("update",): "This endpoint only reads: it takes no update.",
        ("void",): "SPARQL query, line 1, column 1: SELECT, CONSTRUCT, DESCRIBE or ASK is expected.",
        ("nothing",): "nothing cannot be read: there is nothing of that name.",
        ("bytes",): "The question is not text in UTF-8.",
        ("construct", "--format", "csv"): "The format csv does not suit this question; choose among: ttl, nt, jsonld.",
        ("select", "--format", "ttl"): "The format ttl does not suit this question; choose among: table, json, csv, tsv, xml.",
    }
    for arguments, sentence in refused.items():
        assert lenient("query", *arguments).complaint == sentence


def test_the_graph_made_anew_answers_as_before(lenient: Typed, tmp_path: Path) -> None:
    """Deleted or damaged, it is rebuilt from the journal: by `rebuild`, and by the next question too."""
    (tmp_path / "all").write_text("SELECT ?s ?p ?o { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } } ORDER BY ?s ?p ?o")
    before = lenient("query", "all", "--format", "csv").out
    assert len(before.splitlines()) > 50
    graph = tmp_path / "data" / "graph"
    for file in graph.rglob("*.sst"):
        file.write_bytes(b"\xaa" * 1000)
    assert lenient("rebuild").err.splitlines()[-1] == "The graph is rebuilt."
    assert lenient("query", "all", "--format", "csv").out == before
    for file in graph.rglob("CURRENT"):
        file.write_bytes(b"")
    assert lenient("query", "all", "--format", "csv").out == before


def test_a_copy_restored_is_said_with_its_epoch(lenient: Typed, tmp_path: Path) -> None:
    """`backup` names its file, `restore` the epoch and where the journal that was there is kept."""
    assert lenient("backup", "copy").err == f"Copy written: {Path('copy') / 'journal.sqlite'}\n"
    exported = lenient("export", "--own", "--format", "jsonld").out
    done = json.loads(lenient("restore", "copy", "--json").out)
    assert done["epoch"] == 2
    assert Path(done["replaced"]).is_file()
    assert lenient("export", "--own", "--format", "jsonld").out == exported
    assert lenient("restore", "nowhere").complaint == f"{Path('nowhere') / 'journal.sqlite'} is not a whole copy of a journal."
    assert lenient("backup", tmp_path / "data").complaint.startswith("This directory is the node's own")


def test_a_journal_that_cannot_be_used_is_said(typed: Typed, tmp_path: Path) -> None:
    """Something else under its name, a newer version, a file where the directory should be."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal.sqlite").write_text("not a journal " * 100)
    assert typed("token", "list").complaint.startswith("The journal's file is damaged or is not a journal")
    (tmp_path / "data" / "journal.sqlite").unlink()
    typed("token", "create", "--role", "reader", "--label", "x")
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    assert typed("token", "list").complaint == "This journal was written by a newer version of Maillage: update Maillage."


def test_the_generated_files_are_up_to_date(typed: Typed) -> None:
    """`vocabulary --check` has nothing to say."""
    assert typed("vocabulary", "--check").err == "Everything is up to date.\n"
    assert typed("version").out[0].isdigit()


def test_a_young_feed_loses_nothing(typed: Typed) -> None:
    """`compact` says what it dropped and what is left, for people and for programs."""
    typed("load", *KUMU)
    groups = len(typed("export", "--format", "ndjson", "--own").out.splitlines())
    assert json.loads(typed("compact", "--json").out) == {"dropped": 0, "events": groups, "pages": 1, "resync_below": 0}
    assert typed("compact").err == f"Events dropped: 0; {groups} are left, in 1 page(s).\n"
