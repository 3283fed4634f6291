"""Dumps hold the whole directory, in formats that others read, a few groups in memory at a time."""

import csv
import gzip
import io
import json
import tracemalloc
from typing import Any

import pytest
from pyoxigraph import DefaultGraph, NamedNode, RdfFormat, parse

from app.feed import dump
from app.record import n_triples
from app.tabular import CSV_COLUMNS


def taken(directory: Any, kind: str, own: bool = False) -> str:
    """Return a whole dump."""
    with directory.journal.read() as c:
        return b"".join(dump.STREAMS[kind](c, directory.names, own)).decode()


@pytest.fixture
def full(directory: Any) -> Any:
    """Two groups; records of our own, of a peer, of one in quarantine, and one withdrawn."""
    directory.source("appui")
    directory.source("doubtful", "quarantine")
    ours = directory.document("a") | {
        "email": "contact@exemple.example",
        "location": [{"id": "https://a.example/groups/a#location-1", "type": "schema:Place", "latitude": "48.9", "longitude": "2.3"}],
    }
    directory.state_many("own", {"a": ours})
    directory.state_many("own", {"withdrawn": directory.document("withdrawn")}, "gone")
    theirs = directory.document("b", "=cmd|' /C calc'!A1") | {"id": "https://appui.example/groups/b"}
    directory.state_many("appui", {"b": theirs})
    directory.state_many("doubtful", {"c": directory.document("c")})
    combined = {key: value for key, value in ours.items() if key != "email"} | {"records": ["https://a.example/records/own/a"]}
    directory.combine_many({"b": theirs | {"id": "https://a.example/groups/b"}, "a": combined})
    return directory


def test_quads_hold_the_groups_and_what_each_source_says(full: Any) -> None:
    """The default graph is the combined directory, a named graph one source's record; nothing private, withdrawn, in quarantine."""
    quads = list(parse(taken(full, "nq"), format=RdfFormat.N_QUADS))
    graphs = {str(quad.graph_name) for quad in quads}
    assert graphs == {"DEFAULT", "<https://a.example/catalogue>", "<https://a.example/records/own/a>", "<https://a.example/records/appui/b>"}
    with full.journal.read() as c:
        documents = [json.loads(text) for (text,) in c.exec_driver_sql("SELECT document FROM combined_group")]
    default = sorted(f"{quad.triple} .\n" for quad in quads if quad.graph_name == DefaultGraph())
    assert default == sorted(line for document in documents for line in n_triples(document).splitlines(keepends=True))
    assert "contact@exemple.example" not in taken(full, "nq")


def test_own_quads_are_our_records_alone(full: Any) -> None:
    """With `own` there is neither a default graph nor anybody else's record."""
    assert {str(quad.graph_name) for quad in parse(taken(full, "nq", own=True), format=RdfFormat.N_QUADS)} == {"<https://a.example/records/own/a>"}


def test_each_line_is_a_document(full: Any) -> None:
    """Every line of ndjson is one JSON-LD document that names its context."""
    lines = [json.loads(line) for line in taken(full, "ndjson").splitlines()]
    assert [line["id"] for line in lines] == ["https://a.example/groups/a", "https://a.example/groups/b"]
    assert {line["@context"] for line in lines} == {"https://a.example/vocab/context/v1.jsonld"}
    (ours,) = [json.loads(line) for line in taken(full, "ndjson", own=True).splitlines()]
    assert "email" not in ours
    assert json.loads(taken(full, "jsonld"))["@graph"][0]["id"] == "https://a.example/groups/a"


def test_a_spreadsheet_gets_a_table_without_formulas(full: Any) -> None:
    """One line per group under the columns, in the reader's language; a value that begins like a formula is text."""
    lines = list(csv.DictReader(io.StringIO(taken(full, "csv"), newline="")))
    assert [line["id"] for line in lines] == ["https://a.example/groups/a", "https://a.example/groups/b"]
    assert lines[1]["name"].startswith("Exemple inventé b")
    assert lines[0]["latitude"] == "48.9"


def test_a_map_gets_features(full: Any) -> None:
    """Groups without coordinates are features without geometry."""
    features = json.loads(taken(full, "geojson"))["features"]
    assert [feature["geometry"] for feature in features] == [{"type": "Point", "coordinates": [2.3, 48.9]}, None]


@pytest.mark.parametrize("kind", dump.STREAMS)
def test_an_empty_directory_is_a_valid_file(directory: Any, kind: str) -> None:
    """Each format has its empty form, and a media type."""
    text = taken(directory, kind)
    assert dump.MEDIA_TYPES[kind]
    if kind in ("jsonld", "geojson"):
        json.loads(text)
    elif kind == "nq":
        assert {quad.graph_name for quad in parse(text, format=RdfFormat.N_QUADS)} <= {NamedNode("https://a.example/catalogue")}
    else:
        assert text.splitlines() == ([] if kind == "ndjson" else [",".join(CSV_COLUMNS)])


def test_a_dump_says_where_in_the_log_it_stands(directory: Any) -> None:
    """Sequence of the last event and date of the last change of the directory."""
    assert directory.do(dump.state)[0] == 0
    event = directory.publish("a")
    assert directory.do(dump.state) == (1, event.published)
    directory.combine_many({"a": directory.document("a")})
    assert directory.do(dump.state)[1] >= event.published


def test_compressing_is_streaming_and_repeatable() -> None:
    """Equal dumps give equal bytes, whenever they are made; gunzip reads them."""
    chunks = [b"abc" * 100, b"", b"def" * 100_000]
    packed = b"".join(dump.gzipped(chunks))
    assert packed == b"".join(dump.gzipped(chunks))
    assert gzip.decompress(packed) == b"".join(chunks)


def peak(directory: Any, kind: str) -> tuple[int, int]:
    """Return the memory that a dump takes at most, and its size."""
    with directory.journal.read() as c:
        size = sum(map(len, dump.STREAMS[kind](c, directory.names, False)))
        tracemalloc.start()
        for _ in dump.gzipped(dump.STREAMS[kind](c, directory.names, False)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most, size


@pytest.mark.parametrize("kind", ["nq", "ndjson", "csv", "geojson"])
def test_memory_does_not_grow_with_the_directory(directory: Any, kind: str) -> None:
    """A directory four times as large takes no more memory to write."""
    directory.source("appui")
    documents = {f"g{number}": directory.document(f"g{number}", "mot " * 250) for number in range(2800)}
    few = dict(list(documents.items())[:700])
    directory.combine_many(few)
    directory.state_many("appui", few)
    small, size = peak(directory, kind)
    rest = dict(list(documents.items())[700:])
    directory.combine_many(rest)
    directory.state_many("appui", rest)
    large, whole = peak(directory, kind)
    assert whole > 3.5 * size
    assert large < 1.5 * small
