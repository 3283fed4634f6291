"""Connections that were checked and are timed: the lowest part of the guarded fetch.

It connects to the address that was looked at, not to the name, and keeps every read to the visit's deadline and to a minimum speed.
"""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from app.harvest.addresses import LookUp, checked

WAIT_SECONDS = 10.0
"""How long one connection attempt or one silence may last."""

SLOWEST = 1000
"""Bytes a second of waiting below which an answer is given up."""

HEAD_BYTES = 262_144
OVERHEAD = 4
"""An answer's head is at most so long, and each byte of its body arrives in at most so many: interim answers and tiny chunks without end are work."""


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that were checked. Every `timeout` that comes through the pool is a moment of the monotonic clock, not a length."""

    def __init__(self, allow_private: frozenset[str], look_up: LookUp, grace: float) -> None:
        self._allow_private = allow_private
        self._look_up = look_up
        self._grace = grace
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every address, connect to the first that answers."""
        failure: Exception = httpcore.ConnectTimeout()
        for address in checked(host, port, _patience(timeout), self._allow_private, self._look_up):
            try:
                return TimedStream(self._plain.connect_tcp(str(address), port, _patience(timeout), local_address, socket_options), self._grace)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _patience(until: float | None) -> float:
    """Seconds that one operation may take. Raises ReadTimeout when the time is over."""
    left = WAIT_SECONDS if until is None else min(WAIT_SECONDS, until - time.monotonic())
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


class TimedStream(httpcore.NetworkStream):
    """A connection whose every read keeps to the visit's deadline and to a minimum speed, headers and chunk marks included.

    Only the time spent waiting counts for the speed: a reader that is busy does not make its peer slow. Each request starts anew.
    `useful` is how much of what was received is body; the rest has a limit.
    """

    def __init__(self, stream: httpcore.NetworkStream, grace: float) -> None:
        self._stream = stream
        self._grace = grace
        self._received = self.useful = 0
        self._waited = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there. Raises ReadTimeout when the peer is silent or too slow, ReadError when it sends little but wrapping."""
        start = time.monotonic()
        data = self._stream.read(max_bytes, _patience(timeout))
        self._waited += time.monotonic() - start
        self._received += len(data)
        if self._waited > self._grace and self._received < self._waited * SLOWEST:
            raise httpcore.ReadTimeout
        if self._received > HEAD_BYTES + OVERHEAD * self.useful:
            raise httpcore.ReadError
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send a request."""
        self._received, self._waited, self.useful = 0, 0.0, 0
        self._stream.write(buffer, _patience(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.NetworkStream:
        """Encrypt the connection; the certificate is checked against the name, not the address."""
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, _patience(timeout)), self._grace)

    def get_extra_info(self, info: str) -> Any:
        """What the pool wants to know of the socket."""
        return self._stream.get_extra_info(info)
