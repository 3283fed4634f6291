"""Which format, language and encoding a request is answered in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import negotiation
from app.web.negotiation import JSONLD, NTRIPLES, TRIG, TURTLE

OFFERED = (JSONLD, TURTLE, NTRIPLES, TRIG)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSONLD),
        ("", JSONLD),
        ("*/*", JSONLD),
        ("text/turtle", TURTLE),
        ("TEXT/TURTLE", TURTLE),
        ("text/turtle; charset=utf-8", TURTLE),
        ("text/turtle;q=0.9, application/ld+json;q=0.2", TURTLE),
        ("text/turtle;q=0.2, application/ld+json;q=0.9", JSONLD),
        ("text/turtle;q=0, application/n-triples;q=0.1", NTRIPLES),
        ("application/ld+json;q=0, */*;q=0.5", TURTLE),
        ("text/*", TURTLE),
        ("application/*;q=0.3, application/trig;q=0.8", TRIG),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', JSONLD),
        ("application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9", TRIG),
        (";;q=x,,/", JSONLD),
        ("text/turtle;q=9, application/trig", TRIG),
        ("image/png", None),
        ("*/*;q=0", None),
    ],
)
def test_the_most_wanted_format_wins(accept: str | None, expected: str | None) -> None:
    """Quality decides, the more specific range before the wider one, our own order among equals; what cannot be read is not there."""
    assert negotiation.media_type(accept, OFFERED) == expected


@given(st.text(max_size=300))
def test_no_header_is_too_odd(header: str) -> None:
    """Whatever a header holds, the answer is one of the offers or none."""
    assert negotiation.media_type(header, OFFERED) in {*OFFERED, None}
    assert set(negotiation.preferred(header, OFFERED)) <= set(OFFERED)
    assert negotiation.language(header, ("fr", "en")) in {"fr", "en"}
    assert negotiation.takes_gzip(header) in {True, False}


@given(st.lists(st.tuples(st.sampled_from([*OFFERED, "text/*", "*/*", "image/png"]), st.integers(0, 1000)), min_size=1, max_size=8))
def test_the_choice_is_the_first_preference(wanted: list[tuple[str, int]]) -> None:
    """`media_type` and `preferred` agree, and never choose what is refused by its own name alone."""
    header = ", ".join(f"{name};q={quality / 1000:.3f}" for name, quality in wanted)
    ranked = negotiation.preferred(header, OFFERED)
    assert negotiation.media_type(header, OFFERED) == (ranked[0] if ranked else None)
    refused = {name for name, quality in wanted if quality == 0} - {name for name, quality in wanted if quality > 0}
    assert not refused & set(ranked)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("gzip", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("identity", False),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0, *", False),
    ],
)
def test_gzip_only_where_it_is_taken(header: str | None, expected: bool) -> None:
    """An answer is compressed only for those who say that they take it."""
    assert negotiation.takes_gzip(header) is expected


@pytest.mark.parametrize(
    ("header", "expected"), [(None, "fr"), ("en", "en"), ("en-GB,fr;q=0.5", "en"), ("de, fr;q=0.1", "fr"), ("de", "fr"), ("en;q=0.1, fr;q=0.2", "fr")]
)
def test_the_language_that_is_wanted_most(header: str | None, expected: str) -> None:
    """French unless English is wanted more."""
    assert negotiation.language(header, ("fr", "en")) == expected


@pytest.mark.parametrize(
    ("name", "stem", "asked"),
    [("a-b", "a-b", None), ("a.ttl", "a", TURTLE), ("a.jsonld", "a", JSONLD), ("a.pdf", "a.pdf", None), (".ttl", "", TURTLE)],
)
def test_a_suffix_asks_for_a_format(name: str, stem: str, asked: str | None) -> None:
    """The end of an address chooses the format; other ends are part of the name."""
    assert negotiation.split_suffix(name) == (stem, asked)
