"""What is held to be one group, as SSSOM, and the log of decisions; checked against the rules of sssom_schema 1.0.0 (its YAML)."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from app.journal import records, sources
from app.matching.deciding import record as record_of
from app.record import parse_json
from tests.web.conftest import Site, serving

ATELIER: dict[str, Any] = {
    "type": ["Group", "schema:Organization"],
    "name": {"fr": "Atelier des Lucioles (exemple)"},
    "url": ["https://lucioles.example/"],
    "location": [{"id": "https://lucioles.example/#place", "type": "schema:Place", "postalCode": "93200", "addressLocality": "Saint-Denis"}],
}
OTHER = {"type": ["Group", "schema:Organization"], "name": {"fr": "Repair Café de la Butte (exemple)"}}

SET_SLOTS: Final = {"curie_map", "mapping_set_id", "mapping_set_title", "license"}
SLOTS: Final = {
    *("subject_id", "predicate_id", "object_id", "predicate_modifier", "mapping_justification", "author_label", "mapping_date"),
    *("mapping_tool", "mapping_tool_version", "confidence", "comment"),
}
"""Of the slots that the schema knows, those that we give."""

REQUIRED: Final = {"subject_id", "predicate_id", "object_id", "mapping_justification"}
CURIE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):(\S+)\Z")
JUSTIFICATION = re.compile(r"semapv:(ManualMappingCuration|CompositeMatching)\Z")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node that read four records of three sources: two of one group, and two that people judged."""
    with serving(tmp_path_factory.mktemp("mappings")) as at_work:
        with at_work.node.journal.write() as c:
            for reference, said in {"a/1": ATELIER, "b/1": ATELIER, "a/2": OTHER, "c/x 1": OTHER | {"name": {"fr": "Chorale inventée"}}}.items():
                name, _, key = reference.partition("/")
                known = {one.name for one in sources.list_(c)}
                origin = sources.get(c, name) if name in known else sources.add(c, name, f"https://{name}.example/", "jsonld", enabled=False)
                iri = f"https://{name}.example/groups#{key.replace(' ', '%20')}"
                records.put(c, origin.id, key.replace(" ", "-"), iri, {"id": iri} | said, f"sha-256:{reference}", "test")
        at_work.node.combined.settle_pending(at_work.node.journal)
        judge(at_work, "a/2", "c/x-1", "same", 'on dit "oui",\tpartout')
        judge(at_work, "b/1", "a/2", "different")
        judge(at_work, "a/1", "c/x-1", "unsure")
        yield at_work


def judge(site: Site, left: str, right: str, verdict: str, reason: str | None = None) -> str:
    """Judge two references and return the judgement's address."""
    body = {
        "left": site.node.names.record(*left.split("/")),
        "right": site.node.names.record(*right.split("/")),
        "verdict": verdict,
        "reason": reason,
    }
    answer = site.ask("POST", "/api/judgements", body, "editor", Content_Type="application/json")
    assert answer.status_code == 201, answer.text
    return f"/api/judgements/{answer.json()['id']}"


def metadata(lines: list[str]) -> dict[str, Any]:
    """Read the little YAML that the metadata are: quoted texts, and one mapping of them."""
    found: dict[str, Any] = {}
    for line in lines:
        name, _, text = line.strip().partition(": ")
        if line.startswith(" "):
            found["curie_map"][name] = json.loads(text)
        else:
            found[name.rstrip(":")] = json.loads(text) if text else {}
    return found


def read_tsv(text: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read SSSOM/TSV: metadata in comments, then the table; CURIEs become addresses."""
    body = [line for line in text.splitlines() if not line.startswith("#")]
    found = metadata([line[1:] for line in text.splitlines() if line.startswith("#")])
    rows = []
    for row in csv.DictReader(body, delimiter="\t"):
        for key in ("subject_id", "object_id", "predicate_id", "mapping_justification"):
            matched = CURIE.match(row[key])
            assert matched, row[key]
            assert matched[1] in found["curie_map"], row[key]
        ends = {key: found["curie_map"][row[key].partition(":")[0]] + row[key].partition(":")[2] for key in ("subject_id", "object_id")}
        rows.append({key: value for key, value in (row | ends).items() if value})
    return found, rows


def keeps_to_the_schema(mapping: dict[str, Any]) -> None:
    """Slots, patterns and values as sssom_schema 1.0.0 says."""
    assert set(mapping) >= REQUIRED
    assert set(mapping) <= SLOTS
    assert JUSTIFICATION.match(mapping["mapping_justification"])
    assert mapping["predicate_id"] == "skos:exactMatch"
    assert mapping.get("predicate_modifier", "Not") == "Not"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", mapping.get("mapping_date", "2026-01-01"))
    assert 0 <= float(mapping.get("confidence", 0)) <= 1


def test_both_forms_say_the_same_and_keep_to_the_schema(site: Site) -> None:
    """People's judgements with their author, 'different' as Not, 'unsure' nowhere; the machine's with its confidence."""
    head, rows = read_tsv(site.get("/mappings.sssom.tsv").text)
    assert set(head) == SET_SLOTS
    assert head["mapping_set_id"] == f"{site.url}/mappings"
    assert head["license"].startswith("https://")
    for row in rows:
        keeps_to_the_schema(row)
    told = {(row["subject_id"], row["object_id"], row.get("predicate_modifier"), row["mapping_justification"][7:]) for row in rows}
    assert told == {
        ("https://a.example/groups#2", "https://c.example/groups#x%201", None, "ManualMappingCuration"),
        ("https://a.example/groups#2", "https://b.example/groups#1", "Not", "ManualMappingCuration"),
        ("https://a.example/groups#1", "https://b.example/groups#1", None, "CompositeMatching"),
    }
    assert rows[0]["author_label"] == "test editor"
    assert rows[0]["comment"] == 'on dit "oui", partout'
    document = site.get("/mappings.jsonld").json()
    for mapping in document["mappings"]:
        keeps_to_the_schema({key: value for key, value in mapping.items() if not key.startswith("@")})
    assert [(one["subject_id"], one["object_id"]) for one in document["mappings"]] == [(row["subject_id"], row["object_id"]) for row in rows]
    assert parse_json(site.get("/mappings.jsonld").content) == document


def test_the_form_is_negotiated_and_asked_once(site: Site) -> None:
    """By address or by Accept; with its ETag it costs nothing until something is decided; the description of the node names it."""
    assert site.get("/mappings", Accept="application/ld+json").headers["content-type"] == "application/ld+json"
    assert site.get("/mappings", Accept="text/tab-separated-values").text.startswith("#mapping_set_id")
    assert site.get("/mappings", Accept="image/png").status_code == 406
    first = site.get("/mappings.sssom.tsv")
    assert site.get("/mappings.sssom.tsv", If_None_Match=first.headers["etag"]).status_code == 304
    assert "decisions" in first.headers["link"]
    door = site.get("/.well-known/void", Accept="text/turtle").text
    assert "mappings.sssom.tsv" in door
    assert "Linkset" in door
    kept = judge(site, "a/1", "a/2", "different")
    assert site.get("/mappings.sssom.tsv", If_None_Match=first.headers["etag"]).status_code == 200
    site.ask("DELETE", kept, role="editor")


def test_the_log_of_decisions_only_grows(site: Site) -> None:
    """Pages by moment; what is taken back is a new entry that names the first; nothing before it changes."""
    before = entries(site)
    kept = judge(site, "a/1", "a/2", "different")
    assert site.ask("DELETE", kept, role="editor").status_code == 204
    after = entries(site)
    assert after[: len(before)] == before
    made, taken_back = after[len(before) :]
    assert (made["type"], taken_back["type"]) == ("Create", "Undo")
    assert taken_back["object"] == {"id": made["object"]["id"]}
    assert made["object"]["predicate_modifier"] == "Not"
    assert [one["published"] for one in after] == sorted({one["published"] for one in after})
    assert site.get("/mappings/decisions?limit=0").status_code == 400


def entries(site: Site) -> list[dict[str, Any]]:
    """Follow the log, one entry a page, to its end."""
    found: list[dict[str, Any]] = []
    address = "/mappings/decisions?limit=1"
    while address:
        page = json.loads(site.get(address).content)
        found += page["orderedItems"]
        address = page.get("next", "").removeprefix(site.url)
    return found


def test_a_record_that_is_not_shown_is_not_named(site: Site) -> None:
    """What its source withdrew leaves the mappings and the log, which keeps that something was decided."""
    assert "c.example" in site.get("/mappings.sssom.tsv").text
    with site.node.journal.write() as c:
        records.withdraw(c, record_of(c, "c/x-1").id, "test")
    site.node.combined.settle_pending(site.node.journal)
    for path in ("/mappings.sssom.tsv", "/mappings.jsonld", "/mappings/decisions"):
        assert "c.example" not in site.get(path).text, path
    assert entries(site)[0]["object"].keys() == {"id"}
