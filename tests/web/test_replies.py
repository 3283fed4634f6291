"""Answers that caches can trust."""

import gzip
import subprocess
import sys
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.replies import http_date, moment, tags
from tests.shared import SHARED, need
from tests.web.conftest import Site

CONSTRUCT = "/sparql?query=CONSTRUCT%20%7B%3Fs%20%3Fp%20%3Fo%7D%20WHERE%20%7B%3Fs%20%3Fp%20%3Fo%7D"
FORMATS = ("application/ld+json", "text/turtle", "application/n-triples", "application/trig")


@pytest.fixture(scope="module")
def group(site: Site) -> str:
    """The path of a published group."""
    site.publish("cached")
    return "/groups/cached"


@pytest.mark.parametrize(
    "path", ["/groups/cached", "/feed", "{page}", "{event}", "/records/own/cached", CONSTRUCT, "/", "/vocab", "/.well-known/void"]
)
def test_the_http_judge_finds_nothing_to_say(site: Site, group: str, path: str) -> None:
    """All checks of the shared judge pass: validators, 304, negotiation, Vary, CORS, 405, gzip."""
    judge = need(SHARED / "tools" / "run_http.py")
    page = site.get("/feed").json()["last"]
    event = site.get(page.removeprefix(site.url)).json()["orderedItems"][-1]["id"]
    address = {"{page}": page, "{event}": event}.get(path, site.url + path)
    result = subprocess.run([sys.executable, judge, address], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", ["/groups", "/groups?topic=housing&limit=3"])
def test_the_http_judge_likes_lists_too(site: Site, group: str, path: str) -> None:
    """The same checks, for the formats that a list has."""
    judge = need(SHARED / "tools" / "run_http.py")
    command = [sys.executable, judge, site.url + path, "--types", "application/geo+json,application/ld+json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_variant_and_each_encoding_has_its_own_strong_etag(site: Site, group: str) -> None:
    """Different bytes never share an ETag."""
    seen = {}
    for accept in FORMATS:
        for encoding in ("identity", "gzip"):
            answer = site.get(group, Accept=accept, Accept_Encoding=encoding)
            etag = answer.headers["etag"]
            assert etag.startswith('"')
            assert ("+gzip" in etag) == (answer.headers.get("content-encoding") == "gzip") == (encoding == "gzip")
            seen[etag] = answer.content
    assert len(seen) == 8


def test_a_suffix_is_the_same_variant_under_another_address(site: Site, group: str) -> None:
    """`/groups/x.ttl` is what `Accept: text/turtle` gives, whatever else is accepted, and the links say so."""
    for suffix, accept in zip((".jsonld", ".ttl", ".nt", ".trig"), FORMATS, strict=True):
        named, negotiated = site.get(group + suffix, Accept="image/png"), site.get(group, Accept=accept)
        assert named.status_code == 200
        assert (named.content, named.headers["etag"]) == (negotiated.content, negotiated.headers["etag"])
        others = site.get(group, Accept="application/n-triples" if suffix != ".nt" else "text/turtle").headers["link"]
        assert f'<{site.url}{group}{suffix}>; rel="alternate"; type="{accept}"' in others


def test_a_change_changes_every_etag_and_304_stops(site: Site) -> None:
    """What a client holds is current until the record changes, and not a moment longer."""
    etag = site.publish("changing").headers["etag"]
    assert site.get("/groups/changing", If_None_Match=etag).status_code == 304
    lists = site.get("/groups?q=changing").headers["etag"]
    assert site.get("/groups?q=changing", If_None_Match=lists).status_code == 304
    revised = site.ask("PUT", "/groups/changing", {"name": {"fr": "Groupe inventé changing, bis"}}, "editor", If_Match=etag)
    assert revised.status_code == 200
    fresh = site.get("/groups/changing", If_None_Match=etag)
    assert fresh.status_code == 200
    assert fresh.headers["etag"] == revised.headers["etag"] != etag
    assert site.get("/groups?q=changing", If_None_Match=lists).status_code == 200


def test_closed_things_are_kept_for_long_and_open_ones_asked_for_again(site: Site, group: str) -> None:
    """An event never changes; the root, the open page and the groups may."""
    page = site.get("/feed").json()["last"].removeprefix(site.url)
    event = site.get(page).json()["orderedItems"][-1]["id"].removeprefix(site.url)
    assert "immutable" in site.get(event).headers["cache-control"]
    for path in (group, "/feed", page, "/groups"):
        assert site.get(path).headers["cache-control"] == "no-cache"


def test_what_is_sent_compressed_is_the_same(site: Site, group: str) -> None:
    """Gzip changes the encoding, nothing else."""
    for path in (group, "/groups", "/dump.csv", "/dump.geojson", "/openapi.json"):
        plain = site.get(path, Accept_Encoding="identity")
        packed = site.get(path, Accept_Encoding="gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content
    assert gzip.decompress(site.get("/dump.ndjson.gz", Accept_Encoding="gzip").content) == gzip.decompress(
        site.get("/dump.ndjson.gz", Accept_Encoding="identity").content
    )


OPAQUE = st.text(st.characters(codec="latin-1", exclude_categories=["C"], exclude_characters='" '), max_size=40)


@given(st.lists(st.tuples(st.booleans(), OPAQUE), max_size=9))
def test_a_list_of_tags_is_read_as_it_was_written(listed: list[tuple[bool, str]]) -> None:
    """If-Match and If-None-Match may list several tags, with commas inside them too."""
    header = ", ".join(f'{"" if strong else "W/"}"{opaque}"' for strong, opaque in listed)
    assert list(tags(header)) == listed


def test_dates_are_whole_seconds_in_gmt() -> None:
    """The journal's milliseconds are cut, so that what a client sends back compares equal."""
    at = "2026-11-22T10:00:00.987Z"
    assert http_date(at) == "Sun, 22 Nov 2026 10:00:00 GMT"
    assert parsedate_to_datetime(http_date(at)) == moment(at)
