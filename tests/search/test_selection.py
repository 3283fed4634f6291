"""The parameters of a selection: what is read, and what is refused with a sentence that names the parameter."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadRequest
from app.search.facets import CONCEPTS, notations
from app.search.selection import READERS, Place, Selection

BAD = [
    ("topic", "logement"),
    ("topic", "housing,transport"),
    ("know_how", "' OR 1=1 --"),
    ("objective", "\x00"),
    ("scale", "x" * 5000),
    ("status", "Foreseen"),
    ("source", "../own"),
    ("territory", "93066"),
    ("territory", "COM-<script>"),
    ("q", "a" * 201),
    ("bbox", "1,2,3"),
    ("bbox", "nan,0,1,1"),
    ("bbox", "2,49,3,48"),
    ("bbox", "-181,0,1,1"),
    ("bbox", "1e1,0,20,1"),
    ("bbox", "1_0,0,20,1"),
    ("updated_since", "hier"),
    ("updated_since", "2026-11-22T10:00:00"),
    ("updated_since", "2026-13-01"),
    ("updated_since", "0001-01-01T00:00:00+10:00"),
    ("cursor", "x"),
    ("cursor", "éé"),
    ("cursor", "W10"),
    ("cursor", Place(0, "a", 2**70).written()),
    ("cursor", "WzAsIlx1ZDgwMCIsMV0"),
    ("cursor", "WzAs" * 2000),
    ("cursor", "WzAsIFtbXV0sIDFd"),
    ("limit", "0"),
    ("limit", "1001"),
    ("limit", "-1"),
    ("limit", "١"),
    ("limit", "9" * 5000),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    """Each parameter refuses what it cannot mean, in a sentence that names it and does not repeat a long value."""
    with pytest.raises(BadRequest) as refused:
        Selection.from_query([(name, value)])
    for sentence in (refused.value.text.fr, refused.value.text.en):
        assert name in sentence
        assert len(sentence) < 300


def test_a_parameter_that_takes_one_value_is_not_given_two() -> None:
    """Two different questions at once are refused; the same one twice is not."""
    with pytest.raises(BadRequest, match="'q'"):
        Selection.from_query([("q", "a"), ("q", "b")])
    assert Selection.from_query([("q", "a"), ("q", "a")]).q == "a"


def test_a_hundred_values_are_enough() -> None:
    """A facet takes many values, not any number."""
    with pytest.raises(BadRequest, match="territory"):
        Selection.from_query([("territory", f"COM-{number:05}") for number in range(101)])


def test_foreign_and_empty_parameters_are_passed_over() -> None:
    """A form sends empty fields, pages have parameters of their own."""
    assert Selection.from_query([("lang", "fr"), ("q", " "), ("topic", ""), ("bbox", "")]) == Selection()


def test_times_become_the_journal_s() -> None:
    """A date is midnight UTC, a moment is brought to UTC."""
    assert Selection.from_query([("updated_since", "2026-11-22")]).updated_since == "2026-11-22T00:00:00.000Z"
    assert Selection.from_query([("updated_since", "2026-11-22T10:00:00+02:00")]).updated_since == "2026-11-22T08:00:00.000Z"


def concepts(name: str, scheme: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.sampled_from(notations(scheme)), unique=True).map(lambda values: [(name, value) for value in values])


degrees = st.floats(-89, 89, allow_nan=False).map(lambda number: f"{number:.6f}")


@given(
    st.tuples(*(concepts(facet.name, facet.scheme) for facet in CONCEPTS)),
    st.tuples(degrees, degrees).map(lambda sides: f"170.5,{min(sides, key=float)},-170.25,{max(sides, key=float)}"),
    st.text(max_size=50),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=30),
)
def test_a_selection_written_and_read_again_is_the_same(chosen: tuple[list[tuple[str, str]], ...], box: str, name: str, question: str) -> None:
    """`pairs` writes what `from_query` reads."""
    place = Place(3, name, 12).written()
    read = Selection.from_query([*(pair for pairs in chosen for pair in pairs), ("bbox", box), ("q", question), ("limit", "7"), ("cursor", place)])
    assert Selection.from_query(read.pairs()) == read


@given(st.sampled_from(sorted(READERS)), st.text(max_size=80))
def test_no_value_breaks_the_reader(name: str, value: str) -> None:
    """Whatever is typed into an address, it is a selection or a BadRequest."""
    with contextlib.suppress(BadRequest):
        Selection.from_query([(name, value)])
