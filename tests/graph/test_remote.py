"""A question to an endpoint over HTTP, on a real server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.errors import BadQuery, Busy, QueryRefused, QueryStopped, StoreUnavailable
from app.graph.remote import ask

ANSWERS = {
    "ok": (200, "text/csv; charset=utf-8", b"x\r\n1\r\n"),
    "bad": (400, "application/problem+json", json.dumps({"type": "/problems/bad-query", "detail": "line 1"}).encode()),
    "refused": (403, "application/problem+json", json.dumps({"type": "/problems/query-refused", "detail": "SERVICE"}).encode()),
    "stopped": (503, "application/problem+json", json.dumps({"type": "/problems/query-stopped", "detail": "too long"}).encode()),
    "busy": (503, "application/problem+json", json.dumps({"type": "/problems/busy", "detail": "later"}).encode()),
    "page": (500, "text/html", b"<html>"),
    "list": (400, "application/json", b"[1]"),
}


class Endpoint(BaseHTTPRequestHandler):
    """Answers what the query asks it to."""

    def do_POST(self) -> None:
        """Answer by the query's word."""
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, media_type, body = ANSWERS[query]
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Was", self.headers["Accept"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name it overrides
        """Say nothing."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sparql"
        server.shutdown()
        thread.join()


def test_an_answer_comes_with_its_format(endpoint: str) -> None:
    """Without its parameters."""
    assert ask(endpoint, "ok", "text/csv") == ("text/csv", b"x\r\n1\r\n")


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("bad", BadQuery, "line 1"),
        ("refused", QueryRefused, "SERVICE"),
        ("stopped", QueryStopped, "too long"),
        ("busy", Busy, "later"),
        ("page", QueryStopped, "HTTP 500"),
        ("list", BadQuery, "HTTP 400"),
    ],
)
def test_an_error_is_told_in_the_endpoints_words(endpoint: str, query: str, error: type[Exception], said: str) -> None:
    """Each kind as itself; what is no problem document by its status."""
    with pytest.raises(error, match=said):
        ask(endpoint, query, "*/*")


def test_nobody_there_is_said(endpoint: str) -> None:
    """The sentence names the address."""
    with pytest.raises(StoreUnavailable, match="does not answer"):
        ask("http://127.0.0.1:1/sparql", "ok", "*/*")
