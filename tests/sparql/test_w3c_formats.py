"""The W3C's tests of the result formats, answered by what a query process runs: the manifests, and a list of those that are left out."""

import csv
import io
import os
from pathlib import Path

import pyoxigraph
import pytest
from pyoxigraph import BlankNode, NamedNode, QueryBoolean, QueryResultsFormat, RdfFormat

from app.sparql.formats import CSV, JSON, TSV
from app.sparql.tasks import Task
from app.sparql.worker import Answerer
from tests.shared import SHARED, need

SUITE = SHARED / "suites" / "sparql" / "sparql11"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
FORMATS = {".csv": CSV, ".tsv": TSV, ".srj": JSON}

SKIPPED = {
    "csv03": "the engine keeps numbers, not their spelling: 1.0e6 comes back as 1000000",
    "tsv03": "the same, and -3 of xsd:negativeInteger comes back as an xsd:integer",
}


def entries(folder: str) -> list[tuple[str, Path, Path, Path]]:
    """Name, query, data and result of each test of a manifest."""
    manifest = SUITE / folder / "manifest.ttl"
    if not manifest.exists():
        return []
    store = pyoxigraph.Store()
    store.load(path=os.fspath(manifest), format=RdfFormat.TURTLE, base_iri=manifest.as_uri())
    rows = store.query(f"SELECT ?t ?q ?d ?r {{ ?t <{MF}action> ?a ; <{MF}result> ?r . ?a <{QT}query> ?q ; <{QT}data> ?d }} ORDER BY ?t")
    assert not isinstance(rows, QueryBoolean)
    found = [[str(term.value).rpartition("/")[2].rpartition("#")[2] for term in row] for row in rows]
    return [(name, manifest.with_name(query), manifest.with_name(data), manifest.with_name(result)) for name, query, data, result in found]


CASES = entries("csv-tsv-res") + entries("json-res")


def test_the_suites_are_there() -> None:
    """Ten tests of the formats that are written here."""
    need(SUITE)
    assert len(CASES) == 10


def same(media_type: str, found: bytes, expected: bytes) -> bool:
    """Whether two answers say the same, whatever the order of rows and the names of blank nodes."""
    return rows_of(media_type, found) == rows_of(media_type, expected)


def rows_of(media_type: str, body: bytes) -> list[str]:
    """An answer as sorted rows; SELECT * fixes no order of columns."""
    if media_type == CSV:
        read = csv.DictReader(io.StringIO(body.decode(), newline=""))
        return sorted(str(sorted((name, "_:" if cell.startswith("_:") else cell) for name, cell in row.items())) for row in read)
    result = pyoxigraph.parse_query_results(body, QueryResultsFormat.from_media_type(media_type))
    if isinstance(result, QueryBoolean):
        return [str(bool(result))]
    names = sorted(variable.value for variable in result.variables)
    return sorted(str([(name, "_:" if isinstance(row[name], BlankNode) else str(row[name])) for name in names]) for row in result)


@pytest.mark.parametrize(("name", "query", "data", "result"), CASES, ids=[case[0] for case in CASES])
def test_result_formats(tmp_path: Path, name: str, query: Path, data: Path, result: Path) -> None:
    """The answer is the one that the manifest names."""
    if name in SKIPPED:
        pytest.skip(SKIPPED[name])
    store = pyoxigraph.Store(os.fspath(tmp_path / "store"))
    store.load(path=os.fspath(data), format=RdfFormat.TURTLE, base_iri=data.as_uri())
    store.add(pyoxigraph.Quad(NamedNode("urn:s"), NamedNode("urn:p"), NamedNode("urn:o"), NamedNode("urn:g")))
    store.backup(os.fspath(tmp_path / "copy"))
    media_type = FORMATS[result.suffix]
    copy, spool = os.fspath(tmp_path / "copy"), os.fspath(tmp_path / "spool")
    task = Task(copy, query.read_text("utf-8"), media_type, (), (), False, 1000, 1_000_000, 10.0, spool)
    outcome, body = Answerer().answer(task)
    assert outcome.media_type == media_type
    assert same(media_type, body, result.read_bytes())
