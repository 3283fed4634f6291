"""A peer that is one file, over real HTTP: asked only when it changed, and refused when it is not what it was."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.errors import FetchFailed, FormatError, MappingRefused
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import FORMATS
from app.harvest.items import Bad, End, Found, Item, Sample
from app.harvest.items import Peer as Source
from tests.harvest.loopback import Peer, Request, answer

MAP = {
    "licence": "OdBL",
    "ontology": "gogofull",
    "data": [{"id": "a", "name": "Inventée", "status": 1}, {"id": "b", "name": "Autre inventée", "status": 1}],
}


def visit(peer: Peer, fetcher: Fetcher, name: str = "gogocarto", cursor: Mapping[str, Any] | None = None, **more: Any) -> list[Item]:
    """All that a visit of the peer's file yields."""
    return list(FORMATS[name].visit(Source("voisins", f"{peer.url}/file", **more), fetcher, Budget(), cursor or {}))


def end(items: list[Item]) -> End:
    (last,) = [item for item in items if isinstance(item, End)]
    assert items[-1] is last
    return last


def test_a_file_is_read_whole_and_its_cursor_brings_an_answer_of_unchanged(peer: Peer, fetcher: Fetcher) -> None:
    """The cursor sends back the tag and the date; 304 gives one End that says unchanged and keeps the cursor."""

    def conditional(request: Request) -> bytes:
        same = request.headers.get("if-none-match") == '"v1"' and request.headers.get("if-modified-since") == "Sun, 22 Nov 2026 10:00:00 GMT"
        return (
            answer(b"", "304 Not Modified", Content_Length=None) if same else answer(MAP, ETag='"v1"', Last_Modified="Sun, 22 Nov 2026 10:00:00 GMT")
        )

    peer.answers["/file"] = conditional
    first = visit(peer, fetcher)
    assert [type(item) for item in first] == [Found, Found, End]
    assert end(first).complete
    assert not end(first).unchanged
    assert end(first).licence == "https://opendatacommons.org/licenses/odbl/1-0/"
    assert json.loads(json.dumps(end(first).cursor)) == end(first).cursor
    (second,) = visit(peer, fetcher, cursor=end(first).cursor)
    assert second == End(end(first).cursor, complete=True, unchanged=True, licence=end(first).licence)


def test_a_server_without_tags_is_known_by_the_digest_of_the_file(peer: Peer, fetcher: Fetcher) -> None:
    """A server that knows neither tag nor date: the digest says that nothing changed, and that something did."""
    peer.answers["/file"] = answer(MAP)
    first = end(visit(peer, fetcher))
    assert [type(item) for item in visit(peer, fetcher, cursor=first.cursor)] == [End]
    assert end(visit(peer, fetcher, cursor=first.cursor)).unchanged
    peer.answers["/file"] = answer({**MAP, "data": MAP["data"][:1]})
    assert [type(item) for item in visit(peer, fetcher, cursor=first.cursor)] == [Found, End]


def test_records_keep_their_digest_unless_they_or_what_is_made_of_them_change(peer: Peer, fetcher: Fetcher) -> None:
    """The digest of a record changes with its own bytes, the mapping and the licence, and with nothing else in the file."""

    def digests(**more: Any) -> list[str | None]:
        return [item.raw_digest for item in visit(peer, fetcher, **more) if isinstance(item, Found)]

    peer.answers["/file"] = answer(MAP)
    before = digests()
    peer.answers["/file"] = answer({**MAP, "data": [{**MAP["data"][0], "name": "Renommée"}, MAP["data"][1]]})
    after = digests()
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert digests(mapping={"language": "en"})[1] != after[1]
    assert digests(licence="https://creativecommons.org/publicdomain/zero/1.0/")[1] != after[1]


@pytest.mark.parametrize("name", ["gogocarto", "geojson", "jsonlist", "csv", "kumu", "jsonld"])
@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><html><body>a,b,c</body></html>", b"", b"\xef\xbb\xbf  \n", b'{"data": [{"id": "a"', b"\x89PNG\r\n\x1a\n\x00\x00"]
)
def test_a_page_nothing_and_half_a_file_are_refused(peer: Peer, fetcher: Fetcher, name: str, body: bytes) -> None:
    """A web page, an empty answer, half a file and an image fail the visit in every format: no End, so nothing is applied."""
    peer.answers["/file"] = answer(body)
    with pytest.raises(FormatError):
        visit(peer, fetcher, name)


def test_a_wrong_mapping_and_an_absent_file_fail_the_visit(peer: Peer, fetcher: Fetcher) -> None:
    """A mapping that does not fit our vocabulary and a file that is not there fail the visit with their own sentences."""
    peer.answers["/file"] = answer(MAP)
    with pytest.raises(MappingRefused):
        visit(peer, fetcher, mapping={"fields": {"nme": "name"}})
    with pytest.raises(MappingRefused):
        visit(peer, fetcher, "jsonld", mapping={"fields": {"name": "name"}})
    del peer.answers["/file"]
    with pytest.raises(FetchFailed):
        visit(peer, fetcher)


def test_the_licence_of_the_peer_s_settings_is_given_to_records_that_state_none(peer: Peer, fetcher: Fetcher) -> None:
    """The licence that an operator noted for the peer is that of its records, unless the mapping names another."""
    peer.answers["/file"] = answer(b"id,nom\n1,Invente\n")
    licence, other = "https://creativecommons.org/publicdomain/zero/1.0/", "https://opendatacommons.org/licenses/by/1-0/"
    first = visit(peer, fetcher, "csv", licence=licence)
    assert first[0].document["license"] == licence
    assert end(first).licence == licence
    assert visit(peer, fetcher, "csv", licence=licence, mapping={"licence": other})[0].document["license"] == other


def test_the_only_list_of_dates_of_a_gogocarto_is_refused_with_advice(peer: Peer, fetcher: Fetcher) -> None:
    """GoGoCarto's list of dates names no group: the sentence says what to change in the address."""
    peer.answers["/file"] = answer({"licence": "", "ontology": "gogosync", "data": [{"id": "a", "updatedAt": "2019-01-03T00:00:00+00:00"}]})
    with pytest.raises(FormatError, match="remove 'ontology=gogosync'"):
        visit(peer, fetcher)


def test_addresses_of_people_that_a_gogocarto_lets_slip_are_nowhere() -> None:
    """The addresses of subscribers and the mark of a private e-mail are in no item, not even in the report of what was left."""
    element = {
        "id": "a",
        "name": "Inventée",
        "status": 1,
        "email": "private",
        "subscriberEmails": ["someone@example.org"],
        "contact_mail": "x@example.org",
    }
    items = list(FORMATS["gogocarto"].records([json.dumps({**MAP, "data": [element]}).encode()]))
    assert "@" not in repr(items)
    assert "private" not in repr(items[0].document)


def test_each_format_knows_its_own_files() -> None:
    """Each format recognises a file of its own with more certainty than any other does."""
    heads = {
        "gogocarto": json.dumps(MAP).encode(),
        "geojson": b'\xef\xbb\xbf{\n "type": "FeatureCollection", "features": []}',
        "kumu": b'{"elements":[{"label":"A"}],"connections":[]}',
        "jsonlist": b' [\n {"name": "x"}]',
        "csv": b"id;nom;ville\n1;x;y\n",
        "jsonld": b'{"@context": "https://w3id.org/maillage/context/v1.jsonld", "id": "https://a.example/"}',
    }
    for name, head in heads.items():
        sure = {other: module.recognise(Sample("https://x.example/", "application/octet-stream", head)) for other, module in FORMATS.items()}
        assert max(sure, key=lambda other: sure[other]) == name
        assert list(sure.values()).count(sure[name]) == 1
    page = Sample("https://x.example/", "text/html", b"<!doctype html><title>a,b;c,d;e,f</title>")
    assert not any(module.recognise(page) for module in FORMATS.values())


def test_lines_and_bad_rows_do_not_end_a_table(peer: Peer, fetcher: Fetcher) -> None:
    """UTF-16 as spreadsheets write it, a byte-order mark, three kinds of line ends and a row of one megabyte: the rest is read."""
    for body in (
        "id\tnom\r\n1\tÉcole inventée\r\n".encode("utf-16"),
        "\ufeffid;nom\r1;École inventée\r".encode(),
        "id|nom\n1|École inventée".encode("windows-1252"),
        "\n\nid,nom\n1,École inventée\n".encode(),
    ):
        peer.answers["/file"] = answer(body)
        items = visit(peer, fetcher, "csv")
        assert [item.document["name"]["fr"] for item in items if isinstance(item, Found)] == ["École inventée"]
    peer.answers["/file"] = answer(b'id,nom\n1,"' + b"x" * 200_000 + b'"\n2,Invente\n')
    assert [type(item) for item in visit(peer, fetcher, "csv")] == [Bad, Found, End]


@pytest.mark.parametrize("body", [b"one column\n1\n", b"id,nom,nom\n1,a,b\n", b"x,y\n1,2\n", b"id,nom\n1," + b"x" * 1_100_000])
def test_a_table_without_usable_columns_is_refused(peer: Peer, fetcher: Fetcher, body: bytes) -> None:
    """A table of one column, with two of the same name, without a key, or with a line of a megabyte is refused as a whole."""
    peer.answers["/file"] = answer(body)
    with pytest.raises(FormatError):
        visit(peer, fetcher, "csv")
