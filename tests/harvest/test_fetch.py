"""The one fetch: what is slow, cut, too large, deceptive or private never arrives, and says why in one sentence."""

import gzip
import socket
import ssl
import subprocess
import threading
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.errors import AddressRefused, FetchFailed
from app.harvest import fetch
from app.harvest.fetch import Budget, Fetcher, retry_after
from tests.harvest.loopback import answer, zipped


def test_an_honest_answer_arrives_whole(peer, fetcher):
    """Body, media type, entity tag and digest of an ordinary answer are handed over, compressed or not."""
    body = b'{"name": "x"}' * 10_000
    peer.answers["/plain"] = answer(body, ETag='"1"', Content_Type="Application/JSON; charset=utf-8")
    peer.answers["/zipped"] = zipped(body)
    plain, packed = fetcher.read(peer.url + "/plain", Budget()), fetcher.read(peer.url + "/zipped", Budget())
    assert plain.body == packed.body == body
    assert (plain.media_type, plain.etag, plain.status) == ("application/json", '"1"', 200)
    assert plain.digest == packed.digest
    assert peer.requests[0].headers["accept-encoding"] == "gzip"
    assert len(peer.connections) == 1, "the connection was kept"


def test_a_large_answer_is_read_in_pieces(peer, fetcher):
    """An answer larger than what is kept in memory comes in pieces of bounded size."""
    body = bytes(5_000_000)
    peer.answers["/"] = answer(body)
    with fetcher.open(peer.url, Budget()) as fetched:
        pieces = list(fetched.chunks)
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= 65_536


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/", "gopher://a.example/", "//a.example", "a.example", "http://", "http://[::1", "http://u:p@a.example/"],
)
def test_only_plain_web_addresses_are_read(fetcher, url):
    """Other schemes, users, passwords and what is no address at all are refused unread."""
    with pytest.raises(AddressRefused):
        fetcher.read(url, Budget())


def test_a_private_peer_is_not_contacted_unless_allowed(peer):
    """Without the operator's word no request reaches a private address."""
    fetcher = Fetcher(frozenset(), "Maillage/test")
    with pytest.raises(AddressRefused):
        fetcher.read(peer.url, Budget())
    assert peer.requests == []


def test_redirects_are_checked_like_the_first_address(new_peer, new_fetcher):
    """A redirect to a private address, or to another scheme, is refused; an ordinary one is followed."""
    allowed, other = new_peer(), new_peer()
    fetcher = new_fetcher(allowed)
    allowed.answers["/to-other"] = answer(b"", "302 Found", Location=other.url + "/secret")
    allowed.answers["/to-file"] = answer(b"", "302 Found", Location="file:///etc/passwd")
    allowed.answers["/to-self"] = answer(b"", "301 Moved", Location="/here")
    allowed.answers["/here"] = answer(b"ok")
    for path in ("/to-other", "/to-file"):
        with pytest.raises(AddressRefused):
            fetcher.read(allowed.url + path, Budget())
    assert other.requests == []
    fetched = fetcher.read(allowed.url + "/to-self", Budget())
    assert (fetched.body, fetched.url) == (b"ok", allowed.url + "/here")


def test_encryption_is_not_given_up_by_a_redirect():
    """From https a redirect to http is refused."""
    with pytest.raises(AddressRefused, match="unencrypted"):
        fetch._redirected(fetch._target("https://a.example/"), "http://a.example/")


def test_redirects_without_end_are_left(peer, fetcher):
    """More than three redirects in a row are not followed."""
    peer.answers["/"] = answer(b"", "302 Found", Location="/")
    with pytest.raises(FetchFailed, match="redirects more than 3"):
        fetcher.read(peer.url + "/", Budget())
    assert len(peer.requests) == 4


CUT = {
    "content length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "not http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"x" * 10_000)[:-20],
    "damaged gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n\x1f\x8b\x08garbage that is no gzip",
}


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_half_an_answer_is_no_answer(peer, fetcher, raw):
    """An answer that stops before its end, at whatever place, is a failure and never a short success."""
    peer.answers["/"] = lambda _: iter([raw])
    with pytest.raises(FetchFailed):
        fetcher.read(peer.url, Budget())


def test_a_bomb_is_stopped_before_it_unfolds(peer, fetcher):
    """A body that grows more than a hundredfold, or is packed twice, or in a way that was not asked for, is refused."""
    peer.answers["/ratio"] = zipped(bytes(50_000_000))
    peer.answers["/twice"] = answer(gzip.compress(gzip.compress(b"x")), Content_Encoding="gzip, gzip")
    peer.answers["/brotli"] = answer(b"whatever", Content_Encoding="br")
    peer.answers["/deflate"] = answer(zlib.compress(b"x"), Content_Encoding="deflate")
    with pytest.raises(FetchFailed, match="hundredfold"):
        fetcher.read(peer.url + "/ratio", Budget(), limit=100_000_000)
    for path in ("/twice", "/brotli", "/deflate"):
        with pytest.raises(FetchFailed, match="not asked for"):
            fetcher.read(peer.url + path, Budget())


def test_members_of_a_gzip_file_follow_one_another(peer, fetcher):
    """A body made of several gzip members is read to its end."""
    peer.answers["/"] = answer(gzip.compress(b"one") + gzip.compress(b"two"), Content_Encoding="gzip")
    assert fetcher.read(peer.url, Budget()).body == b"onetwo"


def test_sizes_and_numbers_are_bounded(peer, fetcher):
    """One answer, all answers of a visit and the number of requests each have their limit."""
    peer.answers["/"] = answer(bytes(2000))
    with pytest.raises(FetchFailed, match="larger than"):
        fetcher.read(peer.url, Budget(), limit=1000)
    with pytest.raises(FetchFailed, match="more than 3000 bytes"):
        budget = Budget(bytes=3000)
        fetcher.read(peer.url, budget)
        fetcher.read(peer.url, budget)
    with pytest.raises(FetchFailed, match="more than 1 pages"):
        budget = Budget(requests=1)
        fetcher.read(peer.url, budget)
        fetcher.read(peer.url, budget)
    assert budget.used_bytes == 2000


def drip(head: bytes):
    """Send `head`, then one byte now and then, for ever."""

    def send(request):
        yield head
        while True:
            time.sleep(0.02)
            yield b"a"

    return send


DRIPS = {
    "status line": b"",
    "headers": b"HTTP/1.1 200 OK\r\nX-A: ",
    "body": b"HTTP/1.1 200 OK\r\n\r\n",
    "chunk mark": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
}


@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS.keys())
def test_a_peer_that_drips_is_left_when_the_time_is_over(peer, fetcher, head):
    """The wall clock covers every byte: status line, headers, chunk marks and body."""
    peer.answers["/"] = drip(head)
    with pytest.raises(FetchFailed):
        fetcher.read(peer.url, Budget(seconds=0.5))


def test_a_peer_that_drips_is_left_long_before_that(peer):
    """Below a minimum speed an answer is given up, however much time the visit has."""
    fetcher = Fetcher(frozenset({peer.host}), "Maillage/test", grace=0.2)
    peer.answers["/"] = drip(b"HTTP/1.1 200 OK\r\n\r\n")
    budget = Budget(seconds=600)
    with pytest.raises(FetchFailed, match="far too slowly"):
        fetcher.read(peer.url, budget)
    assert budget.left > 500


def without_end(head: bytes, piece: bytes):
    """Send `head`, then `piece` again and again, as fast as it is taken."""

    def send(request):
        yield head
        while True:
            yield piece

    return send


WRAPPING = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500),
    "tiny chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 5000),
    "empty chunks of gzip": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 5000),
}


@pytest.mark.parametrize(("head", "piece"), WRAPPING.values(), ids=WRAPPING.keys())
def test_wrapping_without_end_is_left_long_before_the_time_is_over(peer, fetcher, head, piece):
    """A peer that keeps a node busy for an hour with answers that are nearly all wrapping is left after a few hundred kilobytes."""
    peer.answers["/"] = without_end(head, piece)
    budget = Budget(seconds=600)
    with pytest.raises(FetchFailed):
        fetcher.read(peer.url, budget)
    assert budget.left > 400


@pytest.mark.parametrize("tag", ['"\xe9"', '"\u20ac"', '"a\r\nX-Evil: 1"', '"\x00"'])
def test_an_entity_tag_that_cannot_be_sent_back_is_not(peer, fetcher, tag):
    """A tag in another alphabet, or with a line of its own, costs the comparison and never the visit."""
    peer.answers["/"] = answer(b"{}")
    assert fetcher.read(peer.url, Budget(), headers={"If-None-Match": tag}).body == b"{}"
    assert set(peer.requests[-1].headers) == {"host", "user-agent", "accept", "accept-encoding"}


def test_a_visit_can_be_interrupted(peer, fetcher):
    """Once the node is stopping, what is being received is dropped."""
    stop = threading.Event()
    peer.answers["/"] = drip(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(FetchFailed, match="stopping"):
        fetcher.read(peer.url, Budget(stop=stop))


def test_unchanged_is_an_answer_only_to_who_asked(peer, fetcher):
    """304 is taken after a conditional request, and is a failure otherwise."""
    peer.answers["/"] = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
    assert fetcher.read(peer.url, Budget(), headers={"If-None-Match": '"1"'}).status == 304
    with pytest.raises(FetchFailed, match="without having been asked"):
        fetcher.read(peer.url, Budget())


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Oops", "206 Partial Content", "204 No Content", "304 Not Modified"])
def test_other_answers_are_failures_that_say_their_status(peer, fetcher, status):
    """Whatever is not 200 fails, with the status for who wants to know."""
    peer.answers["/"] = answer(b"", status)
    with pytest.raises(FetchFailed) as caught:
        fetcher.read(peer.url, Budget())
    assert caught.value.status == int(status[:3])


def test_a_busy_peer_says_when_to_come_back(peer, fetcher):
    """Retry-After is handed over in seconds, in both of its forms, a day at most."""
    peer.answers["/"] = answer(b"", "429 Too Many", Retry_After="120")
    with pytest.raises(FetchFailed, match="busy") as caught:
        fetcher.read(peer.url, Budget())
    assert caught.value.retry_after == 120
    assert retry_after("999999999999") == 86_400
    assert retry_after(format_datetime(datetime.now(UTC) + timedelta(days=30), usegmt=True)) == 86_400
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(days=30), usegmt=True)) == 0
    assert retry_after("soon") is retry_after(None) is None


def test_nobody_there_is_said_plainly(fetcher):
    """A closed port and a name that does not exist each give one plain sentence."""
    with pytest.raises(FetchFailed, match="does not exist"):
        fetcher.read("http://no-such-host.invalid/", Budget())
    closed = Fetcher(frozenset({"127.0.0.1:1"}), "Maillage/test")
    with pytest.raises(FetchFailed, match="does not accept"):
        closed.read("http://127.0.0.1:1/", Budget())


def test_a_kept_connection_that_was_closed_is_opened_again(peer, fetcher):
    """A peer that closes between two requests is simply asked anew."""
    peer.answers["/"] = lambda _: iter([answer(b"x")])
    assert [fetcher.read(peer.url, Budget()).body for _ in range(3)] == [b"x"] * 3


def test_the_environment_has_no_say(peer, fetcher, monkeypatch):
    """A proxy named in the environment is not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    peer.answers["/"] = answer(b"x")
    assert Fetcher(frozenset({peer.host}), "Maillage/test").read(peer.url, Budget()).body == b"x"


def test_a_name_that_changes_its_answer_gains_nothing(peer):
    """The address that was checked is the one connected to: a name that is public when checked cannot be private when used."""
    looked_up = []

    def rebinding(host, port):
        looked_up.append(host)
        return ["8.8.8.8"] if len(looked_up) % 2 else ["127.0.0.1"]

    fetcher = Fetcher(frozenset(), "Maillage/test", look_up=rebinding)
    with pytest.raises(FetchFailed):
        fetcher.read("http://rebinding.example/", Budget(seconds=0.5))
    assert looked_up == ["rebinding.example"], "one look-up, one check, one connection"
    with pytest.raises(AddressRefused):
        fetcher.read("http://rebinding.example/", Budget(seconds=0.5))
    assert peer.requests == []


def test_one_private_address_among_public_ones_refuses_the_name():
    """Every address of a name is checked, not only the first."""
    fetcher = Fetcher(frozenset(), "Maillage/test", look_up=lambda *_: ["8.8.8.8", "169.254.169.254"])
    with pytest.raises(AddressRefused):
        fetcher.read("http://mixed.example/", Budget(seconds=0.5))


def test_a_resolver_that_hangs_is_left_behind():
    """Looking up a name counts in the visit's time."""
    done = threading.Event()
    fetcher = Fetcher(frozenset(), "Maillage/test", look_up=lambda *_: done.wait(30) and [])
    with pytest.raises(FetchFailed, match="in time"):
        fetcher.read("http://slow.example/", Budget(seconds=0.2))
    done.set()


def test_what_is_not_encrypted_is_said_plainly(peer, fetcher):
    """A server that speaks no https at an https address gives one plain sentence."""
    with pytest.raises(FetchFailed, match="does not speak https"):
        fetcher.read(f"https://{peer.host}/", Budget())


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path):
    """A self-made certificate does not pass."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1", "-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=_greet, args=(context, listening))
        thread.start()
        with pytest.raises(FetchFailed, match="certificate"):
            Fetcher(frozenset({host}), "Maillage/test").read(f"https://{host}/", Budget())
        thread.join()


def _greet(context, listening):
    connection, _ = listening.accept()
    with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
        encrypted.recv(1)


def test_what_a_stranger_named_is_asked_once(peer, fetcher):
    """A body is posted as it is and a small answer comes back; any 2xx is one, without a body too."""
    peer.answers["/hook"] = answer("taken", "201 Created")
    peer.answers["/empty"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    taken = fetcher.ask_once(peer.url + "/hook", Budget(), post=b'{"sequence": 1}', headers={"Content-Type": "application/json"})
    assert (taken.status, taken.body) == (201, b"taken")
    assert peer.requests[0].body == b'{"sequence": 1}'
    assert peer.requests[0].headers["content-type"] == "application/json"
    assert fetcher.ask_once(peer.url + "/empty", Budget(), post=b"x").status == 204
    assert fetcher.ask_once(peer.url + "/hook?q=1", Budget()).body == b"taken"


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect", "304 Not Modified"]
)
def test_what_a_stranger_named_leads_nowhere_else(peer, fetcher, status):
    """A redirect is a failure: neither GET nor POST goes on to another address."""
    peer.answers |= {"/hook": answer("", status, Location="/elsewhere"), "/elsewhere": answer("ok")}
    for post in (None, b"x"):
        with pytest.raises(FetchFailed):
            fetcher.ask_once(peer.url + "/hook", Budget(), post=post)
    assert {request.path for request in peer.requests} == {"/hook"}


def test_a_stranger_may_not_answer_much_nor_slowly(peer, fetcher):
    """More than a few bytes, or more time than its budget, is refused."""
    peer.answers["/much"] = answer("x" * 70_000)
    peer.answers["/drip"] = lambda _: (time.sleep(0.02) or b"a" for _ in iter(int, 1))
    for path in ("/much", "/drip"):
        with pytest.raises(FetchFailed):
            fetcher.ask_once(peer.url + path, Budget(seconds=0.5), post=b"x")


@pytest.mark.parametrize("post", [None, b"x"])
def test_nothing_is_sent_to_private_addresses(peer, post):
    """Asking once is guarded like reading."""
    with pytest.raises(AddressRefused):
        Fetcher(frozenset(), "Maillage/test").ask_once(peer.url, Budget(), post=post)
    assert peer.requests == []
