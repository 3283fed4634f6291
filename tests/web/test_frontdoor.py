"""What every request passes: methods, size and time of bodies, headers of answers."""

import asyncio
import json
import socket
import time

import pytest
from starlette.types import Message

from app.errors import TooLarge, TooSlow
from app.main import PatientProtocol, server
from app.web.frontdoor import MOST_BYTES, Intake
from tests.web.conftest import Site, eventually, listening


def raw(site: Site, *parts: bytes, pause_s: float = 0) -> bytes:
    """Send bytes as they are and return all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", site.node.settings.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("path", ["/groups", "/feed", "/sparql", "/dump.nq.gz", "/docs", "/health", "/vocab/context/v1.jsonld"])
def test_head_has_the_headers_of_get_and_no_body(site: Site, path: str) -> None:
    """HEAD answers as GET does, without the body."""
    got, head = site.get(path, Accept_Encoding="identity"), site.ask("HEAD", path, Accept_Encoding="identity")
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers.get(name) for name in ("content-type", "etag", "vary")} == {
        name: got.headers.get(name) for name in ("content-type", "etag", "vary")
    }


def test_options_tells_what_can_be_asked(site: Site) -> None:
    """OPTIONS lists the methods of an address, and answers a browser that asks beforehand."""
    answer = site.ask("OPTIONS", "/groups/any", Origin="https://elsewhere.example", Access_Control_Request_Method="PUT")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert site.ask("OPTIONS", "/nothing-here").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("POST", "/feed"), ("PUT", "/groups"), ("TRACE", "/"), ("PUT", "/graphs"), ("DELETE", "/sparql")])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(site: Site, method: str, path: str) -> None:
    """405 names the methods of the address."""
    answer = site.ask(method, path, b"x")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.json()["type"].endswith("#wrong-method")


def test_every_answer_can_be_read_from_elsewhere_and_runs_nothing(site: Site) -> None:
    """CORS is open without credentials; nothing that is sent may run scripts or be taken for another type."""
    for path in ("/groups", "/nothing-here", "/docs"):
        answer = site.get(path, Origin="https://elsewhere.example", Cookie="a=b")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert {"ETag", "Link", "Maillage-Sequence"} <= set(answer.headers["access-control-expose-headers"].split(", "))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_body_announced_too_large_is_refused_unread(site: Site) -> None:
    """A Content-Length over the limit is answered with 413 while the body is still on its way."""
    head = f"PUT /groups/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.token['editor']}\r\n"
    head += f"Content-Type: application/ld+json\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
    answer = raw(site, head.encode(), b"{" * 200_000, b" " * (MOST_BYTES + 1 - 200_000))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"].endswith("#too-large")


def test_a_body_that_grows_too_large_is_refused(site: Site) -> None:
    """A body without a length is counted as it comes."""
    head = f"PUT /groups/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.token['editor']}\r\n"
    head += "Content-Type: application/ld+json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answer = raw(site, head.encode(), *([chunk] * 11), b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_strangers_bodies_are_not_read(site: Site) -> None:
    """Without a token the answer is 401 before the body was sent."""
    answer = raw(site, b"POST /groups HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_body_must_arrive_in_time() -> None:
    """A body that drips is given up at its deadline, however often something arrives."""

    async def dripping() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        intake = Intake({"headers": [(b"transfer-encoding", b"chunked")]}, dripping, deadline_s=0.1)
        while True:
            await intake()

    with pytest.raises(TooSlow):
        asyncio.run(read())


def test_what_is_counted_is_what_arrives() -> None:
    """A body longer than it said is refused once it passes the limit."""

    async def flood() -> Message:
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}

    async def read() -> int:
        intake, parts = Intake({"headers": [(b"content-length", b"5")]}, flood), 0
        with pytest.raises(TooLarge):
            while True:
                await intake()
                parts += 1
        return parts

    assert asyncio.run(read()) == 10


class Hasty(PatientProtocol):
    """The same protocol with little patience."""

    patience_s = 0.2
    stalled_s = 0.2


def test_a_head_must_arrive_in_time() -> None:
    """A connection that says nothing, or half of a request's head, is closed."""

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nothing was asked")

    with socket.create_server(("127.0.0.1", 0)) as listener, listening(listener, server(app, Hasty)):
        for start in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection(listener.getsockname(), timeout=20) as connection:
                connection.sendall(start)
                assert connection.recv(1) == b""


def test_a_reader_who_stops_reading_is_left() -> None:
    """An answer that nobody takes does not hold its connection for ever."""
    ended = []

    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        for _ in range(2000):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})  # type: ignore[operator]
        ended.append(True)
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        listening(listener, server(app, Hasty)),
        socket.create_connection(listener.getsockname(), timeout=20) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert eventually(lambda: bool(ended))


def test_the_host_header_never_becomes_part_of_an_answer(site: Site) -> None:
    """Addresses are built from the settings."""
    site.publish("hosted")
    for path in ("/groups/hosted", "/groups", "/feed", "/.well-known/void", "/sparql", "/groups/hosted/history"):
        answer = site.get(path, Host="evil.example", X_Forwarded_Host="evil.example")
        assert "evil" not in answer.text + str(answer.headers)
        assert site.url in answer.text


def test_nonsense_gets_an_answer_and_no_trace(site: Site) -> None:
    """Odd addresses are answered with a problem, never with a fault or a piece of program."""
    for path in (
        "/groups/%00",
        "/groups/..%2f..%2fetc",
        "/records/own/%ff",
        "/groups/" + "a" * 5000,
        "/feed/pages/-1",
        "/feed/events/1/x",
        "/api/visits/x",
        "//",
    ):
        answer = site.get(path)
        assert 400 <= answer.status_code < 500, path
        assert "Traceback" not in answer.text
