"""The three real directories through their mappings: every record accounted for, and the figures frozen.

When a figure changes, look at why, then write what this prints into `real/expected.json`.
"""

import json
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app import record
from app.checking import Checker
from app.errors import Severity
from app.harvest.formats import FORMATS
from app.harvest.items import Bad, End, Found, Item
from tests.shared import SHARED, need

REAL = Path(__file__).parent / "real"
SOURCES = {
    "susy": ("geojson", "susy/susy.geojson"),
    "brigades": ("jsonlist", "brigades/organizations.json"),
    "workers-coop": ("csv", "workers-coop/workers-coop.csv"),
}
BOXES = {  # west, south, east, north, with room to spare
    "AT": (9, 46, 18, 49.5),
    "BE": (2, 49, 7, 52),
    "DE": (5, 47, 16, 55.5),
    "EE": (21, 57, 29, 60),
    "ES": (-19, 27, 5, 44),
    "FR": (-5.5, 41, 10, 51.5),
    "GB": (-9, 49, 2.5, 61),
    "GR": (19, 34, 30, 42),
    "HR": (13, 42, 20, 47),
    "HU": (16, 45, 23, 49),
    "IT": (6, 35, 19, 48),
    "JP": (122, 24, 154, 46),
    "MT": (14, 35, 15, 37),
    "PL": (14, 49, 25, 55),
    "PT": (-32, 32, -6, 43),
    "SI": (13, 45, 17, 47),
    "SK": (16, 47, 23, 50),
    "US": (-180, 17, -60, 72),
}


@cache
def harvest(name: str) -> list[Item]:
    """One real file through its mapping."""
    format_, path = SOURCES[name]
    mapping = tomllib.loads((REAL / f"{name}.toml").read_text())
    with need(SHARED / "data" / path).open("rb") as file:
        return list(FORMATS[format_].records(iter(lambda: file.read(1 << 16), b""), mapping))


def found(name: str) -> list[Found]:
    return [item for item in harvest(name) if isinstance(item, Found)]


def figures(name: str) -> dict[str, Any]:
    """What a visit would tell of the file."""
    documents: list[Any] = [item.document for item in found(name)]
    end = harvest(name)[-1]
    assert isinstance(end, End)
    return {
        "found": len(documents),
        "bad": sum(isinstance(item, Bad) for item in harvest(name)),
        "notes": sum(len(item.notes) for item in found(name)),
        "records with fields left over": sum(bool(item.unmapped) for item in found(name)),
        "fields left over": len(end.leftovers),
        "keys": dict(sorted(Counter(key for document in documents for key in document).items())),
        "topics": dict(sorted(Counter(topic for document in documents for topic in document.get("topics", []) if ":" not in topic).items())),
        "keywords": len({word for document in documents for word in document.get("keywords", [])}),
        "countries": dict(sorted(Counter(document.get("location", {}).get("addressCountry", "-") for document in documents).items())),
        "positions": sum("latitude" in document.get("location", {}) for document in documents),
    }


@pytest.mark.parametrize(("name", "records"), [("susy", 1200), ("brigades", 221), ("workers-coop", 387)])
def test_every_record_of_the_real_files_is_accounted_for(name: str, records: int) -> None:
    """Every record of the file is found or refused with its reason, each under a key of its own."""
    items = harvest(name)[:-1]
    assert len(items) == records
    assert len({item.key for item in items if isinstance(item, Found | Bad)}) == records


@pytest.mark.parametrize("name", SOURCES)
def test_the_figures_of_the_real_files_are_those_that_were_looked_at(name: str) -> None:
    """What the mappings make of the real files is what a person looked at."""
    told = figures(name)
    print(json.dumps({name: told}, ensure_ascii=False, indent=1))
    assert told == json.loads((REAL / "expected.json").read_text())[name]


@pytest.mark.parametrize("name", SOURCES)
def test_the_records_of_the_real_files_stand_before_the_shapes(name: str) -> None:
    """Every record found can be read, has no unknown key and breaks no shape (a hundred of each file are checked)."""
    readings = [record.read(item.document, iri=f"https://node.example/records/{name}/{item.key}") for item in found(name)]
    assert [reading.iri for reading in readings if reading.unknown] == []
    verdicts = Checker().check([reading.document for reading in readings[:: max(1, len(readings) // 100)]])
    assert [violation for verdict in verdicts for violation in verdict if violation.severity is Severity.VIOLATION] == []


@pytest.mark.parametrize("name", ["susy", "brigades"])
def test_positions_are_in_the_countries_that_the_records_name(name: str) -> None:
    """At least 98 of 100 positions lie in the country that the same record names."""
    placed: list[Any] = [item.document["location"] for item in found(name) if "latitude" in item.document.get("location", {})]
    judged = [
        west <= float(place["longitude"]) <= east and south <= float(place["latitude"]) <= north
        for place in placed
        for west, south, east, north in [BOXES.get(place.get("addressCountry"), (181, 0, 0, 0))]
        if west < 181
    ]
    assert len(judged) > len(placed) * 0.8
    assert sum(judged) / len(judged) > 0.98


@pytest.mark.parametrize("name", SOURCES)
def test_the_digest_of_every_record_is_the_same_at_each_reading(name: str) -> None:
    """A second reading of the same file gives the same digests, so that nothing is said to have changed."""
    before = [(item.key, item.raw_digest) for item in found(name)]
    harvest.cache_clear()
    assert [(item.key, item.raw_digest) for item in found(name)] == before
