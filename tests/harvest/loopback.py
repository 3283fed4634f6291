"""A peer made of a real socket on loopback, which answers byte for byte what a test tells it to."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

Bytes = bytes | Iterable[bytes]
Answer = Bytes | Callable[["Request"], Bytes]


@dataclass
class Request:
    """One request as the peer saw it."""

    path: str
    headers: dict[str, str]
    body: bytes = b""


def answer(body: bytes | str | dict | list, status: str = "200 OK", **headers: str) -> bytes:
    """A whole, honest answer."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    named = {"Content-Type": "application/ld+json", "Content-Length": str(len(raw))} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    lines = "".join(f"{key}: {value}\r\n" for key, value in named.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + raw


def zipped(body: bytes) -> bytes:
    """An answer compressed with gzip."""
    return answer(gzip.compress(body), Content_Encoding="gzip")


@dataclass
class Peer:
    """A server whose `answers` (by path) can be changed at any time; it keeps the connection open between requests."""

    socket: socket.socket
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def start(self) -> None:
        self._spawn(self._accept)

    def stop(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError), connection.makefile("rb") as lines:
            while request := self._read(lines):
                self.requests.append(request)
                found = self.answers.get(request.path) or self.answers.get(request.path.partition("?")[0], answer("no such thing", "404 Not Found"))
                produced = found(request) if callable(found) else found
                keep = isinstance(produced, bytes)
                for piece in [produced] if isinstance(produced, bytes) else produced:
                    if self.stopping.is_set():
                        return
                    connection.sendall(piece)
                if not keep:
                    return

    @staticmethod
    def _read(lines: BinaryIO) -> Request | None:
        first = lines.readline().decode("latin-1")
        if not first.startswith(("GET ", "POST ")):
            return None
        headers = {}
        while line := lines.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(first.split(" ")[1], headers, lines.read(int(headers.get("content-length", "0"))))
