"""The three real directories: harvested through their mappings, every record accounted for, the second visit almost free, a third of a file held."""

import csv
import io
import json
import tomllib
from pathlib import Path

import pytest

from tests.harvest.loopback import answer
from tests.shared import SHARED, need

MAPPINGS = Path(__file__).parent / "formats" / "real"


def json_third(data, path):
    """The file without a third of the records of its list."""
    whole = json.loads(data)
    holder = whole if path is None else whole[path]
    del holder[len(holder) // 3 : 2 * len(holder) // 3]
    return json.dumps(whole).encode()


def csv_third(data, _):
    """The file without a third of its rows."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    kept = [row for at, row in enumerate(rows) if at == 0 or at % 3]
    text = io.StringIO()
    csv.writer(text).writerows(kept)
    return text.getvalue().encode()


FILES = {
    "susy": ("geojson", SHARED / "data" / "susy" / "susy.geojson", json_third, "features"),
    "brigades": ("jsonlist", SHARED / "data" / "brigades" / "organizations.json", json_third, None),
    "workers-coop": ("csv", SHARED / "data" / "workers-coop" / "workers-coop.csv", csv_third, None),
}


@pytest.mark.parametrize("name", FILES)
def test_a_real_directory_is_harvested_twice_and_braked(room, peer, name):
    """Added and refused add up to the records of the file; then nothing changes; then a third of the file is missing and the visit waits."""
    format_, path, shortened, holder = FILES[name]
    data = need(path).read_bytes()
    peer.answers["/file"] = answer(data, Content_Type="application/octet-stream")
    room.add("peer", f"{peer.url}/file", format_, mapping=tomllib.loads((MAPPINGS / f"{name}.toml").read_text("utf-8")))
    first = room.visit()
    assert first.outcome == "applied", first.message
    met = first.counts["added"] + first.counts["refused"]
    lines = room.lines(first)
    assert sum(line.outcome in {"added", "refused"} for line in lines.values()) <= met
    assert first.counts["added"] > 0.8 * met
    assert all(line.message for line in lines.values() if line.outcome == "refused")
    second = room.visit()
    assert (second.outcome, second.requests) == ("unchanged", 1)
    assert second.counts["unchanged"] == first.counts["added"]
    assert second.counts["refused"] == first.counts["refused"]
    peer.answers["/file"] = answer(shortened(data, holder), Content_Type="application/octet-stream")
    third = room.visit()
    assert third.outcome == "held", third.counts
    assert third.counts["gone"] > 0.25 * first.counts["added"]
    assert len(room.live()) == first.counts["added"]
