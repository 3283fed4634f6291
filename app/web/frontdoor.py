"""What every request passes before its handler: methods, the body's size and time, and the headers that every answer has.

It is the outermost part of ours, so that no answer, not even to a fault of ours, leaves without them.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import MaillageError, Text, TooLarge, TooSlow, WrongMethod
from app.web import answering
from app.web.asking import HEAD, Asking, Direct, asking

MOST_BYTES = 10_000_000
"""The largest body that is read: that of one document (design section 5)."""

DEADLINE_S = 30.0
"""Seconds in which a body must have arrived."""

LATE = Text(
    "Le corps de la demande n'est pas arrivé à temps : vérifiez la connexion et réessayez.",
    "The body of the request did not arrive in time: check the connection and try again.",
)

LINGER_S, LINGER_BYTES = 5.0, 100_000_000
"""What is still read and thrown away of a refused body, so that the sender gets to see the answer."""

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
"""The methods that are counted by name."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

EVERYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Last-Modified, Location, Content-Location, Content-Language, Retry-After, Allow, "
    "Maillage-Epoch, Maillage-Sequence, Maillage-Truncated, Maillage-Unknown-Graph",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}

_EVERYWHERE = [(name.lower().encode(), value.encode()) for name, value in EVERYWHERE.items()]
_POLICY, _PAGE_POLICY, _DATA_POLICY = b"content-security-policy", PAGE_POLICY.encode(), DATA_POLICY.encode()

PREFLIGHT = {
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


@dataclass(slots=True)
class Tally:
    """What was answered since the start, for `/metrics`; written by the event loop alone."""

    started: float = field(default_factory=time.time)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: float = 0.0


class Frontdoor:
    """The ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._methods: list[tuple[re.Pattern[str], frozenset[str]]] = []
        self._fixed: dict[str, list[str]] = {}
        self._direct: dict[tuple[str, str], ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        intake = Intake(scope, receive)
        await self._answer(scope, intake, partial(_outgoing, Outgoing(scope, intake, send)))

    async def _answer(self, scope: Scope, receive: "Intake", send: Send) -> None:
        """Hand the request to its handler, or say what can be asked of this address."""
        request = Request(scope, receive)
        methods = self.methods(scope["app"], scope["path"])
        if methods and scope["method"] == "OPTIONS":
            await _possibilities(methods)(scope, receive, send)
        elif methods and scope["method"] not in methods:
            await _refusal(request, methods)(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._guarded(request, {**scope, "method": "GET", HEAD: True}, receive, send)
        else:
            await self._guarded(request, scope, receive, send)

    async def _guarded(self, request: Request, scope: Scope, receive: "Intake", send: Send) -> None:
        """Run the handlers; a fault of ours becomes an answer unless one has begun."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._direct.get((scope["method"], scope["path"]), self.app)(scope, receive, noting)
        except Exception as error:  # the last place where it can be answered; it is logged with its trace
            if begun:
                raise
            await answering.unexpected(request, error)(scope, receive, send)

    def methods(self, app: FastAPI, path: str) -> list[str]:
        """Return what can be asked of `path`, sorted; nothing when there is nothing at it."""
        if not self._methods:
            self._learn(app)
        return self._fixed.get(path) or self._matching(path)

    def _learn(self, app: FastAPI) -> None:
        """Look at the routes once: files on disk can only be read; what has no parameters is found without trying every pattern."""
        routes = [*iter_route_contexts(app.routes)]
        self._methods = [(route.path_regex, frozenset(route.methods or {"GET"})) for route in routes]
        self._fixed = {route.path: self._matching(route.path) for route in routes if route.path and "{" not in route.path}
        for route in routes:
            if isinstance(route.original_route, Direct):
                handled = _handled(route.original_route.endpoint)
                self._direct.update({(method, str(route.path)): handled for method in route.methods or ()})

    def _matching(self, path: str) -> list[str]:
        """Try every pattern."""
        found = {method for pattern, methods in self._methods if pattern.match(path) for method in methods}
        return sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())) if found else []


def _handled(endpoint: Callable[[Asking], Awaitable[Response]]) -> ASGIApp:
    """Return the handler of a direct route as an application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await endpoint(await asking(request))
        except MaillageError as error:
            response = answering.on_ours(request, error)
        await response(scope, receive, send)

    return app


def _possibilities(methods: list[str]) -> Response:
    """Answer OPTIONS, and a browser that asks beforehand on behalf of a page from elsewhere."""
    allowed = ", ".join(methods)
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": allowed, "Access-Control-Allow-Methods": allowed, **PREFLIGHT})


def _refusal(request: Request, methods: list[str]) -> Response:
    """Answer a method that this address does not have."""
    allowed = ", ".join(methods)
    response = answering.answer(request, WrongMethod(Text(f"Cette adresse accepte : {allowed}.", f"This address takes: {allowed}.")))
    response.headers["Allow"] = allowed
    return response


class Intake:
    """The body on its way in: counted, and late after `deadline_s`."""

    def __init__(self, scope: Scope, receive: Receive, deadline_s: float = DEADLINE_S) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + deadline_s
        self._count = 0
        headers = dict(scope["headers"])
        self._announced = int(headers.get(b"content-length", b"0").decode("latin-1") or 0)
        self.waiting = b"expect" in headers
        self.finished = not self._announced and b"transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """Return the next part; raises TooLarge and TooSlow."""
        if self._announced > MOST_BYTES:
            raise _too_large()
        message = await self._in_time()
        self._count += len(message.get("body", b""))
        if self._count > MOST_BYTES:
            raise _too_large()
        self.finished = self.finished or not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        """Wait for the next part; once the body is whole, only the end of the connection is waited for."""
        try:
            async with asyncio.timeout_at(None if self.finished else self._deadline):
                return await self._receive()
        except TimeoutError as error:
            raise TooSlow(LATE) from error

    async def drain(self) -> None:
        """Read what is left of a refused body, within bounds."""
        count = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while not self.finished and count < LINGER_BYTES:
                    message = await self._receive()
                    count += len(message.get("body", b""))
                    self.finished = not message.get("more_body", False)
        except TimeoutError:
            return


def _too_large() -> TooLarge:
    """Say what the limit is."""
    limit = MOST_BYTES // 1_000_000
    return TooLarge(Text(f"Le corps dépasse {limit} Mo : envoyez-le en plusieurs fois.", f"The body is over {limit} MB: send it in parts."))


@dataclass(slots=True)
class Outgoing:
    """One answer on its way out."""

    scope: Scope
    intake: Intake
    send: Send
    began: float = field(default_factory=time.monotonic)
    refused: bool = False  # the body was not read whole: the connection cannot be used again


async def _outgoing(answer: Outgoing, message: Message) -> None:
    """Pass one message on, with the headers that all answers have and without the body that HEAD does not want."""
    if message["type"] == "http.response.start":
        _complete(answer, message)
    elif message["type"] == "http.response.body":
        message = {**message, "body": b""} if answer.scope["method"] == "HEAD" else message
        if answer.refused and not message.get("more_body", False):
            await answer.send({**message, "more_body": True})
            await answer.intake.drain()
            message = {"type": "http.response.body", "body": b""}
    await answer.send(message)


def _complete(answer: Outgoing, message: Message) -> None:
    """Add the headers, and count the answer."""
    headers: list[tuple[bytes, bytes]] = list(message["headers"])
    given = dict(headers)
    headers += [(name, value) for name, value in _EVERYWHERE if name not in given]
    if message["status"] != HTTPStatus.NOT_MODIFIED and _POLICY not in given:  # a browser would give that of a 304 to the page it keeps
        is_page = given.get(b"content-type", b"").startswith(b"text/html")
        headers.append((_POLICY, _PAGE_POLICY if is_page else _DATA_POLICY))
    if not answer.intake.finished:
        headers.append((b"connection", b"close"))
        answer.refused = not answer.intake.waiting
    message["headers"] = headers
    tally: Tally = answer.scope["app"].state.tally
    method = answer.scope["method"] if answer.scope["method"] in METHODS else "other"
    tally.answers[method, message["status"]] += 1
    tally.seconds += time.monotonic() - answer.began
