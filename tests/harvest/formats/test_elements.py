"""JSON lists of any length: every element, its limits, and documents that lie about where they end."""

import json
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FormatError, Malformed
from app.harvest.formats.elements import RECORD_BYTES, TOO_DEEP, TOO_LONG, Elements

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    """`data` in pieces that end at `places`."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return (data[start:end] for start, end in pairwise(edges))


@given(st.lists(OBJECTS | st.lists(SCALARS, max_size=3)), st.lists(st.integers(min_value=0)), st.sampled_from([None, 1]), st.booleans())
def test_every_element_of_a_list_comes_out_as_json_reads_it(values: list, places: list[int], indent: int | None, ascii_: bool) -> None:
    """Every element of a list comes out as the JSON module reads it, wherever the bytes are cut."""
    written = json.dumps(values, indent=indent, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    assert [json.loads(element.data) for element in Elements(cut(written, places))] == values


@given(OBJECTS, st.lists(OBJECTS, max_size=3), OBJECTS, st.lists(st.integers(min_value=0)))
def test_the_list_is_found_inside_any_document_and_the_rest_is_at_hand(before: dict, values: list, after: dict, places: list[int]) -> None:
    """The list is found inside any document, and what surrounds it is at hand."""
    whole = {**{f"b{key}": part for key, part in before.items()}, "data": values, **{f"a{key}": part for key, part in after.items()}}
    elements = Elements(cut(json.dumps(whole).encode(), places), "data")
    assert [json.loads(element.data) for element in elements] == values
    assert elements.frame() == whole | {"data": []}


@given(st.lists(OBJECTS, min_size=1, max_size=4), st.integers(min_value=1))
def test_a_document_that_is_cut_short_is_refused(values: list, missing: int) -> None:
    """A document that lacks its end is refused, however little is missing."""
    written = json.dumps({"data": values}).encode()
    with pytest.raises(FormatError):
        list(Elements([written[: -(missing % len(written)) or -1]], "data"))


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"   ",
        b"[",
        b'{"data": [1 2]}',
        b'{"data": [{} {}]}',
        b'{"data": [{},]}',
        b'{"data": [,{}]}',
        b'{"data": [{},,{}]}',
        b'{"data": [{}}]',
        b'{"data": [{}]',
        b'{"data": [{}]} trailing',
        b'{"data": [{}], "data": [{}]}',
        b'{"data": 3}',
        b'{"other": [{}]}',
        b"{data: [{}]}",
        b'{"data": [nonsense]}',
        b"]",
        b"<html><body>{}</body></html>",
        b"\x00\x01\x02",
        b'{"data": ["unclosed]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_a_document_with_a_list_is_refused(written: bytes) -> None:
    """What is not JSON, or holds no list where one is looked for, is refused with a sentence."""
    with pytest.raises(FormatError, match="cannot be read"):
        list(Elements([written], "data"))


def test_an_element_that_is_too_long_or_too_deep_is_passed_over_and_the_rest_goes_on() -> None:
    """An element that is too long or too deep is passed over and named; the others are read."""
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    long = b'{"a":"' + b"x" * (RECORD_BYTES + 1) + b'"}'
    written = b'[{"n":1},' + deep + b"," + long + b',{"n":2},"alone",{"n":3}]'
    elements = list(Elements(written[start : start + 4096] for start in range(0, len(written), 4096)))
    assert [element.refused for element in elements][1:3] == [TOO_DEEP, TOO_LONG]
    assert [json.loads(element.data) for element in elements if not element.refused] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert [element.position for element in elements] == [1, 2, 3, 4, 5, 6]


def test_an_object_where_a_list_is_looked_for_is_the_only_element() -> None:
    """An object where a list is looked for is the only element (GoGoCarto's answer for one element)."""
    assert [element.data for element in Elements([b'{"data": {"id": "a"}, "x": 1}'], "data")] == [b'{"id": "a"}']


def test_an_element_that_is_no_json_is_refused_when_it_is_read() -> None:
    """An element whose brackets match but which is no JSON is Malformed; a key given twice is too."""
    for written in (b"[{a}]", b'[{"a":1,"a":2}]', b'[{"a":NaN}]'):
        (element,) = Elements([written])
        with pytest.raises(Malformed):
            element.read()


def test_memory_does_not_grow_with_the_length_of_the_list() -> None:
    """Memory does not grow with the length of the list: 10 MB go through in less than 3 MB."""

    def long_list() -> Iterator[bytes]:
        yield b"["
        for number in range(100):
            yield (b"," if number else b"") + b",".join([b'{"name":"' + b"n" * 980 + b'"}'] * 100)
        yield b"]"

    tracemalloc.start()
    try:
        assert sum(1 for _ in Elements(long_list())) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_mark_of_utf_8_at_the_beginning_is_not_part_of_the_document() -> None:
    """The byte-order mark that some editors write is passed over."""
    assert [element.data for element in Elements([b"\xef", b"\xbb\xbf[{}]"])] == [b"{}"]
