"""One record through a mapping: values found, tidied, put in place; what is dropped and what is left over are said."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import record
from app.checking import Checker
from app.errors import Malformed, Severity
from app.harvest.formats.extract import Extractor
from app.harvest.formats.mapping import parse
from app.vocabulary import Kind, load

KEYS = "abcd"


def extract(raw: Any, **mapping: Any) -> Any:
    """One record through a mapping whose key is `k` and whose name is `n`, which the record need not give."""
    fields = {"name": "n", **mapping.pop("fields", {})}
    return Extractor(parse({"key": "k", "fields": fields, **mapping})).read({"k": "1", "n": "Nom", **raw})


def only(raw: Any, target: str, **rule: Any) -> Any:
    """The value that one field gives."""
    value: Any = extract(raw, fields={target: rule}).document
    for key in target.split("."):
        value = value.get(key) if isinstance(value, dict) else value
    return value


def test_the_first_path_that_gives_something_is_taken() -> None:
    """Of several paths the first that gives something is taken; all of them where the mapping says so."""
    raw = {"a": " ", "b": "x.org", "c": "y.org"}
    assert only(raw, "url", **{"from": ["a", "b", "c"]}) == ["http://x.org"]
    assert only(raw, "url", **{"from": ["a", "b", "c"], "take": "all"}) == ["http://x.org", "http://y.org"]


def test_paths_lead_through_objects_lists_and_keys_with_points() -> None:
    """A path leads through objects, into lists (every element, or the one of a number) and to keys that hold points."""
    raw = {"a": {"b.c": "1", "b": {"c": "2"}}, "l": [{"x": "3"}, {"x": "4"}], "d.e": "5"}
    assert only(raw, "keywords", **{"from": "a.b.c"}) == ["1"]
    assert only(raw, "keywords", **{"from": "l.x"}) == ["3", "4"]
    assert only(raw, "keywords", **{"from": "l.1.x"}) == ["4"]
    assert only(raw, "keywords", **{"from": "d.e"}) == ["5"]
    assert only(raw, "keywords", **{"from": "l.7.x"}) is None


def test_values_are_freed_of_html_split_joined_looked_up_and_prefixed_in_this_order() -> None:
    """HTML goes first, then values are split, joined, looked up, tidied and prefixed."""
    assert only({"a": "<b>x</b>;y"}, "keywords", **{"from": "a", "strip_html": True, "split": ";"}) == ["x", "y"]
    assert only({"a": "1\n2", "b": "3"}, "location.streetAddress", **{"from": ["a", "b"], "split": "\n", "join": ", "}) == "1, 2, 3"
    assert only({"a": "ÉTÉ "}, "keywords", **{"from": "a", "values": {"été": ["summer", "warm"]}}) == ["summer", "warm"]
    assert only({"a": "4821"}, "identifiers", **{"from": "a", "prefix": "GB-MPR-"}) == ["GB-MPR-4821"]


def test_a_value_that_the_table_does_not_hold_goes_where_the_mapping_says() -> None:
    """A value that the table does not hold is kept, becomes a keyword, is dropped or reported, as the mapping says."""
    table = {"from": "a", "values": {"habitat": "housing"}}
    assert extract({"a": "jeu"}, fields={"topics": table}).document["keywords"] == ["jeu"]
    assert "keywords" not in extract({"a": "jeu"}, fields={"topics": {**table, "otherwise": "drop"}}).document
    (note,) = extract({"a": "jeu"}, fields={"topics": {**table, "otherwise": "report"}}).notes
    assert "'a': the value 'jeu' was left out" in note.en
    kept = extract({"a": "https://concepts.example/jeu"}, fields={"topics": {**table, "otherwise": "keep"}})
    assert kept.document["topics"] == ["https://concepts.example/jeu"]
    assert only({"a": "x"}, "identifiers", **{"from": "a", "values": {"y": "z"}}) == ["x"]
    assert only({"a": "y"}, "identifiers", **{"from": "a", "values": {"y": ""}}) is None


def test_labels_of_our_concepts_are_understood_without_a_table() -> None:
    """The vocabulary's own labels and notations, in French or English, need no table."""
    for said in ("Logement", "logement", "Housing", "housing"):
        assert only({"a": said}, "topics", **{"from": "a"}) == ["housing"]


def test_a_field_with_a_condition_applies_only_where_it_holds() -> None:
    """A condition asks for one of several texts, or for nothing."""
    rule = {"from": "a", "when": {"b": ["x", "y"]}}
    assert only({"a": "1", "b": "y"}, "keywords", **rule) == ["1"]
    assert only({"a": "1", "b": "z"}, "keywords", **rule) is None
    assert only({"a": "1", "b": " "}, "keywords", **{"from": "a", "when": {"b": ""}}) == ["1"]


def test_constants_fill_in_and_add() -> None:
    """A constant fills in a single value that is missing and is added to a list."""
    constants = {"topics": "culture", "location.addressCountry": "FR", "description": "Inventé"}
    given_all = extract({"t": "housing", "p": "BE"}, fields={"topics": "t", "location.addressCountry": "p"}, constants=constants).document
    assert given_all["topics"] == ["housing", "culture"]
    assert given_all["location"] == {"addressCountry": "BE"}
    assert extract({}, constants=constants).document["location"] == {"addressCountry": "FR"}
    assert given_all["description"] == {"fr": "Inventé"}


def test_a_bad_value_is_dropped_and_said_and_the_record_stands() -> None:
    """A bad value is dropped and said, the record stands; contact values are not repeated."""
    found = extract({"a": "update6", "b": "abc", "c": "poste 12"}, fields={"url": "a", "location.latitude": "b", "telephone": "c"})
    assert found.document == {"name": {"fr": "Nom"}}
    assert [note.en for note in found.notes] == [
        "'url': the value 'update6' was left out, it is not a web address.",
        "'location.latitude': the value 'abc' was left out, it is not a decimal number.",
        "'telephone': the value '…' was left out, it is not a telephone number.",
    ]


@pytest.mark.parametrize(
    ("latitude", "longitude", "why"),
    [
        ("0", "0.0", "ocean"),
        ("48.8", "", "half of it is missing"),
        ("148", "2", "swapped"),
        ("100", "100", "not on the globe"),
        ("2.35", "48.85", "swapped"),
        ("40", "-3", "outside the bounds"),
    ],
)
def test_a_position_that_cannot_be_right_is_dropped(latitude: str, longitude: str, why: str) -> None:
    """A position at 0,0, by half, swapped, off the globe or out of bounds is dropped; the rest of the place stays."""
    found = extract(
        {"a": latitude, "b": longitude, "c": "Paris"},
        bounds=[-5, 42, 9, 52],
        fields={"location.latitude": "a", "location.longitude": "b", "location.addressLocality": "c"},
    )
    assert found.document["location"] == {"addressLocality": "Paris"}
    assert why in found.notes[0].en


def test_a_record_without_name_or_key_or_left_out_by_the_mapping_is_refused() -> None:
    """A record without a name, without a key, or which the mapping leaves out is refused, each with its reason."""
    for raw, mapping, reason in (({"n": ""}, {}, "name"), ({"k": None}, {}, "key"), ({"x": "1"}, {"when": {"x": ""}}, "leaves this record out")):
        with pytest.raises(Malformed, match=reason):
            extract(raw, **mapping)


def test_texts_too_long_are_cut_for_people_and_dropped_for_machines() -> None:
    """A description too long is cut at a word and said; an identifier too long is worth nothing and dropped."""
    found = extract({"a": "mot " * 2_000, "b": "x" * 101}, fields={"description": "a", "identifiers": "b"})
    assert found.document["description"]["fr"].endswith("mot…")
    assert len(found.document["description"]["fr"]) <= 5_000
    assert "identifiers" not in found.document
    assert ["too long" in note.en for note in found.notes] == [True, True]


def test_what_no_field_takes_is_named_and_summed_over_the_visit() -> None:
    """What is neither taken nor ignored is named record by record and summed, with a sample that holds no address."""
    extractor = Extractor(parse({"key": "k", "ignore": ["x*", "o"], "fields": {"name": "n", "url": "obj"}}))
    raws = [
        {"k": "1", "n": "a", "x1": 1, "o": {"p": 1}, "z": [{"y": "deep"}, {"y": 2}], "obj": {"inner": 1}},
        {"k": "2", "n": "b", "blank": "", "none": None, "m": "someone@example.org"},
        {"k": "3", "n": "c", "m": "x"},
    ]
    assert [extractor.read(raw).unmapped for raw in raws] == [("z.y", "obj.inner"), ("m",), ("m",)]
    assert [(left.path, left.records, left.sample) for left in extractor.leftovers()] == [("m", 2, "…"), ("obj.inner", 1, "1"), ("z.y", 1, "deep")]


def test_a_record_with_endless_fields_is_refused_and_notes_are_bounded() -> None:
    """A record of twenty thousand fields is refused; a thousand bad values give fifty notes."""
    with pytest.raises(Malformed, match="too many fields"):
        extract({str(number): "x" for number in range(20_001)})
    assert len(extract({"a": ["!"] * 1_000}, fields={"url": {"from": "a", "take": "all"}}).notes) == 50


TARGETS = [
    f"{key}.{inner}" if found.kind is Kind.PART else key
    for key, found in load().properties("Group").items()
    for inner in (load().properties(found.part or "") if found.kind is Kind.PART else [""])
    if key not in {"records", "exactMatch", "name"}
]
TEXTS = st.text(max_size=20) | st.sampled_from(["12", "2.5", "x.org", "a@b.fr", "FR", "2020-01-01", "housing", "http://x/\x00", "\u202e", "0" * 300])
RAWS = st.dictionaries(st.sampled_from(KEYS), TEXTS | st.lists(TEXTS, max_size=3) | st.floats() | st.integers() | st.none(), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(TARGETS), st.sampled_from(KEYS)), max_size=12), st.lists(RAWS, min_size=1, max_size=4))
def test_whatever_a_source_says_the_document_can_be_read_as_a_record(pairs: list, raws: list[dict]) -> None:
    """Whatever a source says and wherever a mapping puts it, the document is a record that can be read, with no key unknown."""
    extractor = Extractor(parse({"key": "k", "fields": {"name": "n", **dict(pairs)}}))
    for raw in raws:
        found = extractor.read({"k": "1", "n": "Nom", **raw})
        assert record.read(found.document, iri="https://node.example/records/x/1").unknown == ()


def test_hostile_values_in_every_key_at_once_break_no_shape() -> None:
    """A source that fills every key of a group with every kind of rubbish yields records that break no shape."""
    rubbish = [
        "",
        "x",
        "0",
        "-1",
        "1e9",
        "☠",
        "a b",
        "http://[",
        "http://x.org/%zz",
        "x" * 3_000,
        "\u202eabc",
        "2020-13-45",
        "@",
        "W",
        "COM-é",
        "999",
    ]
    simple = [target for target in TARGETS if target.partition(".")[0] not in {"shares", "participations", "cooperations"}]
    extractor = Extractor(parse({"key": "k", "fields": {"name": "n", **dict.fromkeys(simple, "a")}}))
    documents = [extractor.read({"k": str(number), "n": "Nom", "a": value}).document for number, value in enumerate(rubbish)]
    readings = [record.read(document, iri=f"https://node.example/records/x/{number}").document for number, document in enumerate(documents)]
    broken = [violation for verdict in Checker().check(readings) for violation in verdict if violation.severity is Severity.VIOLATION]
    assert broken == []
