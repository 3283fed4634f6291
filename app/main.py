"""The web application of one node, and the server that runs it."""

import logging
import socket
from asyncio import TimerHandle, Transport
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app import __version__
from app.errors import SettingsError, Text, why
from app.node import RunningNode, announce
from app.web import (
    answering,
    docs,
    dumps,
    feed,
    frontdoor,
    graphs,
    group_list,
    groups,
    health,
    judging,
    mappings,
    neighbours,
    peers,
    publishing,
    records,
    relay,
    sparql,
    vocabulary,
    void,
    wakeups,
)
from app.web.line import Line
from app.web.pages import files as page_files
from app.web.pages import peers as peer_pages
from app.web.pages import review as review_pages
from app.web.pages import signing
from app.web.sessions import Sessions

_log = logging.getLogger(__name__)

ROOMS = (
    *(sparql, void, group_list, groups, publishing, records, feed, relay, wakeups, dumps, graphs, vocabulary),
    *(peer_pages, peers, neighbours, judging, mappings, review_pages, signing, health, docs, page_files),
)
"""The rooms of routes, in the order of the documentation; an address is looked for in the same order."""

PATIENCE_S = 30.0
"""Seconds in which the head of a request must have arrived."""

STALLED_S = 60.0
"""Seconds after which a reader who takes nothing more is left."""

LONGEST_HEAD = 65_536
"""Bytes of a request's head: a SPARQL query of 16 KB may stand in it, escaped."""

MOST_CONNECTIONS = 512
BACKLOG = 2048


def create_app(node: RunningNode) -> FastAPI:
    """Return the application that answers for `node`."""
    app = FastAPI(
        title=node.settings.node_name,
        version=__version__,
        openapi_url=None,  # /openapi.json and /docs are ours: without outside scripts
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
    )
    app.state.node = node
    app.state.tally = frontdoor.Tally()
    app.state.line = Line(node.queries, node.queries.limits)
    app.state.sessions = Sessions()
    for room in ROOMS:
        app.include_router(room.router)
    answering.install(app)
    app.add_middleware(frontdoor.Frontdoor)
    return app


def serve(node: RunningNode) -> None:
    """Serve `node` until the process is told to stop. Raises SettingsError when the address cannot be listened on."""
    with _listening(node.settings.host, node.settings.port) as listener:
        announce(node, listener.getsockname()[1])
        _log.info("Serving %s on %s:%s, data in %s", node.names.base, *listener.getsockname()[:2], node.settings.data_dir)
        server(create_app(node)).run(sockets=[listener])


def server(app: ASGIApp, protocol: type[HttpToolsProtocol] | None = None) -> uvicorn.Server:
    """Return the HTTP server with its limits; it writes no access log, so that no reader's address is kept."""
    config = uvicorn.Config(
        app,
        http=protocol or PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the address, or say in a sentence why it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = why(error)
        raise SettingsError(
            Text(
                f"L'adresse {host}:{port} ne peut pas être utilisée, {reason.fr} : choisissez-en une autre (HOST, PORT).",
                f"The address {host}:{port} cannot be listened on, {reason.en}: choose another one (HOST, PORT).",
            )
        ) from error
    with listener:
        yield listener


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's own, but not endlessly patient: with a head that does not come or does not end, and with a reader who stopped reading."""

    patience_s = PATIENCE_S
    stalled_s = STALLED_S
    _in_head = False
    _head_bytes = 0
    _waiting: TimerHandle | None = None
    _stalled: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the parent
        """Begin to wait for the first request; head and body of an answer are two packets, and the second must not wait for the first."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting when a request has begun; wait again when only a part of the next one is there."""
        before = self.cycle
        super().data_received(data)
        self._bound_head(len(data))
        if self.cycle is not before:
            self._stop_waiting()
        elif self._idle():
            self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._in_head = False
        super().on_headers_complete()

    def _bound_head(self, more: int) -> None:
        """Refuse a head that is too long and has not ended yet."""
        self._head_bytes += more
        if self._in_head and self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the reader a while to go on reading."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader goes on."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def _idle(self) -> bool:
        """Tell whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        """Give the head of the next request its time."""
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.patience_s, self._give_up)

    def _give_up(self) -> None:
        """Leave when still nothing can be answered."""
        self._waiting = None
        if self._idle():
            self.transport.abort()

    def _stop_waiting(self) -> None:
        """The head is there."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
