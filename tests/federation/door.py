"""The only way to a node: a small proxy under the node's public address, which can do to each reader what networks and caches do."""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSED_ON = ("accept", "accept-encoding", "if-none-match", "if-modified-since", "content-type", "user-agent")
BETWEEN_HOPS = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Weather(Enum):
    """What befalls a request on its way."""

    FAIR = "passed on"
    CUT = "nobody answers"
    HALF = "the answer stops in the middle"
    LATE = "the answer comes late"
    OLD = "a cache answers with what it kept long ago"


@dataclass
class Door:
    """Listens on `port` and passes on to `behind`; `weather` is by the reader's own address, fair for whom it does not name.

    `asked` lists what was asked, by whom, in order; `sent` (bytes of bodies) is counted by reader.
    """

    port: int
    behind: int
    chance: random.Random
    weather: dict[str, Weather] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    kept: dict[str, list[bytes]] = field(default_factory=dict)

    def __enter__(self) -> "Door":
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                door.answer(self)

            do_POST = do_GET  # noqa: N815 - the name is http.server's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The public address of the node behind."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the weather of its reader is."""
        reader = handler.headers.get("User-Agent", "").partition("(+")[2].rstrip(")")
        weather = self.weather.get(reader, Weather.FAIR)
        self.asked.append(f"{time.time():.2f} {handler.command} {self.url}{handler.path} by {reader}")
        if weather is Weather.CUT:
            return
        if weather is Weather.OLD and handler.path in self.kept:
            handler.wfile.write(self.chance.choice(self.kept[handler.path]))
            return
        whole, body = self._asked(handler)
        self.sent[reader] += body
        if weather is Weather.LATE:
            time.sleep(0.2)
        handler.wfile.write(whole[: len(whole) - max(1, body // 2)] if weather is Weather.HALF else whole)

    def _asked(self, handler: BaseHTTPRequestHandler) -> tuple[bytes, int]:
        """Ask the node behind, remember what it answered, and return that with the length of its body; nothing when nobody is there."""
        length = int(handler.headers.get("Content-Length") or 0)
        headers = {name: value for name, value in handler.headers.items() if name.lower() in PASSED_ON}
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=30)
        try:
            connection.request(handler.command, handler.path, handler.rfile.read(length) or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return b"", 0
        finally:
            connection.close()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in BETWEEN_HOPS]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        whole = "\r\n".join(lines).encode("latin-1") + body
        if answer.status == 200:
            self.kept.setdefault(handler.path, []).append(whole)
        return whole, len(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that was killed while it was answered is the weather, too."""


def two_ports() -> tuple[int, int]:
    """Return two ports nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
