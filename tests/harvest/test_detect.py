"""What an operator types is enough: the format and the right address are found out."""

import json

import pytest

from app.errors import AddressRefused, FetchFailed, FormatError
from app.harvest import formats
from app.harvest.fetch import Budget, Fetcher
from tests.harvest.feeds import Feed
from tests.harvest.loopback import answer

GOGOCARTO = {"licence": "https://opendatacommons.org/licenses/odbl/summary/", "ontology": "gogofull", "data": [{"id": "a", "name": "A"}]}
GEOJSON = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "A"}, "geometry": None}]}


@pytest.mark.parametrize("typed", ["", "/", "/feed"])
def test_a_node_is_known_by_its_description(peer, fetcher, typed):
    """The bare address of a node, or its feed's, leads to its feed through `/.well-known/void`."""
    Feed(peer).create("a")
    peer.answers["/.well-known/void"] = answer(
        {"@graph": [{"id": f"{peer.url}/catalogue", "dataDump": f"{peer.url}/dump.nq.gz"}, {"feed": f"{peer.url}/feed"}]}
    )
    assert formats.detect(peer.url + typed, fetcher, Budget()) == ("maillage", f"{peer.url}/feed")


def test_a_node_without_description_is_found_all_the_same(peer, fetcher):
    """Where the bare address is a web page, the usual places are looked at."""
    Feed(peer).create("a")
    peer.answers["/"] = answer(b"<html></html>", Content_Type="text/html")
    assert formats.detect(peer.url + "/", fetcher, Budget()) == ("maillage", f"{peer.url}/feed")


def test_a_map_is_found_behind_its_bare_address(peer, fetcher):
    """A GoGoCarto map's own page leads to its elements."""
    peer.answers["/"] = answer(b"<html></html>", Content_Type="text/html")
    peer.answers["/api/elements.json"] = answer(GOGOCARTO)
    assert formats.detect(peer.url, fetcher, Budget()) == ("gogocarto", f"{peer.url}/api/elements.json")


@pytest.mark.parametrize(
    ("name", "body"),
    [("gogocarto", GOGOCARTO), ("geojson", GEOJSON), ("jsonlist", [{"id": "a", "name": "A"}]), ("csv", b"id,name\na,A\n")],
)
def test_a_file_is_known_by_its_content(peer, fetcher, name, body):
    """The address of a file is kept, and its format recognised."""
    peer.answers["/export"] = answer(body, Content_Type="application/octet-stream" if name != "csv" else "text/csv")
    assert formats.detect(f"{peer.url}/export", fetcher, Budget()) == (name, f"{peer.url}/export")


def test_what_is_nothing_is_said_plainly(peer, fetcher):
    """A web page is no directory, and the sentence names the formats there are."""
    peer.answers["/"] = answer(b"<html></html>", Content_Type="text/html")
    with pytest.raises(FormatError, match="maillage"):
        formats.detect(peer.url, fetcher, Budget())


def test_private_and_dead_addresses_are_said_to_be_so(peer, fetcher):
    """The reason is that of the fetch, not of the format."""
    with pytest.raises(AddressRefused):
        formats.detect(peer.url, Fetcher(frozenset(), "Maillage/test"), Budget())
    with pytest.raises(FetchFailed):
        formats.detect("http://no-such-host.invalid/", fetcher, Budget())


def test_a_description_that_lies_is_not_followed_elsewhere(peer, fetcher):
    """A feed announced on another server is ignored."""
    peer.answers["/.well-known/void"] = answer(json.dumps({"feed": "http://169.254.169.254/feed"}))
    peer.answers["/"] = answer(GEOJSON)
    assert formats.detect(peer.url, fetcher, Budget()) == ("geojson", peer.url)
