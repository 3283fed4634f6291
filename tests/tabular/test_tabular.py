"""A group as a line of a table and as a point of a map."""

import csv
import io

import pytest

from app.record import read
from app.tabular import CSV_COLUMNS, feature, position, row, text_in
from app.vocabulary import load

IRI = "https://a.example/groups/g1"
GROUP = read(
    {
        "id": IRI,
        "name": {"fr": "Groupe", "en": "Group"},
        "url": ["https://a.example/", "https://b.example/"],
        "topics": ["housing", "culture"],
        "location": [{"addressLocality": "Nulle part"}, {"latitude": "48.900000", "longitude": "2.3574", "postalCode": "93200"}],
    }
).document


def test_a_row_has_every_column_in_the_language_asked():
    """Several values are joined; the place's columns are those of the first place; columns are keys of records."""
    line = row(GROUP, "en")
    assert tuple(line) == CSV_COLUMNS
    assert (line["name"], line["url"], line["topics"]) == ("Group", "https://a.example/ | https://b.example/", "housing | culture")
    assert (line["addressLocality"], line["postalCode"], line["email"]) == ("Nulle part", "", "")
    assert set(CSV_COLUMNS) - {"id"} <= {*load().properties("Group"), *load().properties("Place")}


@pytest.mark.parametrize("text", ['=HYPERLINK("http://evil.example")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    """What a spreadsheet would run is opened by an apostrophe, also after a trip through the CSV writer."""
    line = row({**GROUP, "name": {"fr": text}, "keywords": [text]}, "fr")
    buffer = io.StringIO()
    csv.DictWriter(buffer, CSV_COLUMNS).writerow(line)
    cells = next(csv.reader(io.StringIO(buffer.getvalue())))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_numbers_stay_numbers():
    """A negative longitude and an international number are no formulas."""
    line = row({**GROUP, "telephone": "+33 1 23 45 67 89", "location": [{"longitude": "-1.55", "latitude": "47.2"}]}, "fr")
    assert (line["longitude"], line["telephone"]) == ("-1.55", "+33 1 23 45 67 89")


def test_a_feature_is_a_point_or_nothing():
    """GeoJSON has longitude first, the group's address as id, and a null geometry where no coordinates are known."""
    point = feature(GROUP)
    assert (point["type"], point["id"]) == ("Feature", IRI)
    assert point["geometry"] == {"type": "Point", "coordinates": [2.3574, 48.9]}
    assert point["properties"]["name"] == {"fr": "Groupe", "en": "Group"}
    assert feature({**GROUP, "location": []})["geometry"] is None


@pytest.mark.parametrize(
    "place", [{"latitude": "91", "longitude": "0"}, {"latitude": "x", "longitude": "0"}, {"latitude": "nan", "longitude": "nan"}, {"latitude": "48"}]
)
def test_a_position_is_on_the_globe(place):
    """Coordinates that are no place on earth are no position."""
    assert position({"location": [place]}) is None
    assert position({"location": [place, {"latitude": "1", "longitude": "2"}]}) == (1.0, 2.0)


def test_a_text_is_found_in_the_nearest_language():
    """The language asked, its base, French, English, then whatever there is."""
    texts = {"en": "E", "fr": ["F", "G"], "br": "B"}
    assert [text_in(texts, tag) for tag in ("en", "en-GB", "fr", "de", "br")] == ["E", "E", "F", "F", "B"]
    assert text_in({"br": "B"}, "fr") == "B"
    assert text_in({}, "fr") == text_in(None, "fr") == ""
