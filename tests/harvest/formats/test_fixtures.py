"""Every format reads its fixtures: `<format>/<case>/` holds `input.*`, `mapping.toml` where there is one, and `expected.json`."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from app import record
from app.checking import Checker
from app.errors import Severity
from app.harvest import references
from app.harvest.formats import FORMATS
from app.harvest.items import Found

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/expected.json"))
READERS = sorted(name for name, module in FORMATS.items() if hasattr(module, "records"))


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(case: Path, size: int = 1 << 16) -> list[Any]:
    """Read a case whose bytes come in chunks of `size`."""
    mapping = case / "mapping.toml"
    written = tomllib.loads(mapping.read_text()) if mapping.exists() else None
    (source,) = case.glob("input.*")
    return list(FORMATS[case.parent.name].records(chunks(source.read_bytes(), size), written))


def as_json(items: list[Any]) -> list[Any]:
    """Items as the fixtures write them: without digests, sizes and empty fields."""
    written = []
    for item in items:
        members = {key: value for key, value in asdict(item).items() if key not in {"raw_digest", "size"} and value not in (None, (), {}, False)}
        written.append({type(item).__name__: members})
    return json.loads(json.dumps(written))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_each_fixture_gives_exactly_what_is_expected_of_it(case: Path) -> None:
    """Each fixture gives exactly what is expected of it."""
    assert as_json(read(case)) == json.loads((case / "expected.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
@pytest.mark.parametrize("size", [1, 7, 61])
def test_where_the_network_cuts_a_file_changes_nothing(case: Path, size: int) -> None:
    """Where the network cuts a file into pieces changes nothing of what is read."""
    assert read(case, size) == read(case)


def test_what_formats_find_stands_before_the_shapes() -> None:
    """What formats find can be read as records and breaks no shape: bad values were left out before."""
    found = [item for case in CASES for item in read(case) if isinstance(item, Found)]
    readings = [
        record.read(
            references.resolve(item.document, lambda key: f"https://node.example/groups/{key}"),
            iri=f"https://node.example/records/x/{item.key}",
        )
        for item in found
    ]
    verdicts = Checker().check([reading.document for reading in readings])
    assert [(item.key, reading.unknown) for item, reading in zip(found, readings, strict=True) if reading.unknown] == []
    broken = [violation for verdict in verdicts for violation in verdict if violation.severity is Severity.VIOLATION]
    assert broken == []


@pytest.mark.parametrize("name", READERS)
def test_every_format_that_reads_files_has_a_fixture(name: str) -> None:
    """Every format that reads files has a fixture folder of its own name."""
    assert any(case.parent.name == name for case in CASES)
