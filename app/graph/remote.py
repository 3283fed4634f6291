"""SPARQL over HTTP: the server that an operator chose to hold the graph, and the endpoint of a running node as the command line asks it.

Nothing of this is reached by an address from outside: the server's addresses are settings, so they may be private.
"""

import json
import socket
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

import httpx

from app.errors import BadQuery, Busy, NotAcceptable, QueryRefused, QueryStopped, RequestError, StoreUnavailable, Text
from app.names import without_secrets

TIMEOUT_S = 60.0
CONNECT_S = 5.0
UPDATE_S = 600.0
"""Seconds for one update: a server that is busy with a checkpoint may take its time."""

RESULTS = "application/sparql-results+json"
TRIPLES = "application/n-triples"

Row = dict[str, str]
"""The values of one solution by variable, without their types."""

_ERRORS: dict[int, type[RequestError]] = {403: QueryRefused, 406: NotAcceptable}
_CHUNK = 1 << 16
_SAID = 300


class Dataset(NamedTuple):
    """The graphs that a query is asked of (SPARQL 1.1 Protocol, 2.1.4); none: the server's own dataset."""

    default: Sequence[str] = ()
    named: Sequence[str] = ()


OWN = Dataset()


@dataclass(frozen=True, slots=True)
class Received:
    """What a server answered: the format, and the rows above which it is known to cut, if it says so."""

    media_type: str
    most_rows: int | None


class Server:
    """A SPARQL 1.1 server: one address for queries, one for updates; user and password may stand in them. From any thread."""

    def __init__(self, query_url: str, update_url: str) -> None:
        self._client = httpx.Client(trust_env=False, follow_redirects=False, limits=httpx.Limits(max_connections=None, keepalive_expiry=30))
        self._query, self._query_auth = _apart(query_url)
        self._update, self._update_auth = _apart(update_url)
        self.software = ""

    @property
    def address(self) -> str:
        """Where queries go, without user and password."""
        return without_secrets(self._query)

    def rows(self, query: str, dataset: Dataset = OWN, timeout_s: float = TIMEOUT_S) -> list[Row]:
        """Ask a SELECT of our own. Raises StoreUnavailable."""
        body = self._asked(query, RESULTS, dataset, timeout_s)
        try:
            return [{name: str(term["value"]) for name, term in row.items()} for row in json.loads(body)["results"]["bindings"]]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise _unavailable(self._query, f"{type(error).__name__}: {body[:_SAID].decode(errors='replace')}") from error

    def triples(self, query: str, dataset: Dataset = OWN) -> str:
        """Ask a CONSTRUCT of our own; N-Triples lines. Raises StoreUnavailable."""
        return self._asked(query, TRIPLES, dataset, UPDATE_S).decode()

    def _asked(self, query: str, accept: str, dataset: Dataset, timeout_s: float) -> bytes:
        """Return the body that answers a query of our own."""
        try:
            with self._opened(query, accept, dataset, {}, timeout_s) as response:
                body = response.read()
                if not response.is_success:
                    raise _unavailable(self._query, _said(response))
                return body
        except QueryStopped as error:
            raise _unavailable(self._query, f"{timeout_s:g} s") from error

    def update(self, text: str) -> None:
        """Send one update. Raises StoreUnavailable; the server may have done it all the same."""
        headers = {"Content-Type": "application/sparql-update; charset=utf-8"}
        try:
            response = self._client.post(self._update, content=text.encode(), headers=headers, auth=self._update_auth, timeout=_timeouts(UPDATE_S))
        except httpx.HTTPError as error:
            raise _unavailable(self._update, _named(error)) from error
        if not response.is_success:
            raise _unavailable(self._update, _said(response))

    def answer(self, query: str, accept: str, dataset: Dataset, timeout_s: float, into: IO[bytes], most: int) -> Received:
        """Ask a checked query of a stranger's and write the answer to `into`; the connection is dropped when its time is over.

        Raises QueryStopped when it takes longer than `timeout_s` or more than `most` bytes, QueryRefused when the server does not
        take the query, StoreUnavailable when it does not answer.
        """
        deadline = time.monotonic() + timeout_s
        with self._opened(query, accept, dataset, self._own_limit(timeout_s), timeout_s) as response, _dropped_at(response, deadline) as late:
            try:
                if not response.is_success:
                    raise self._refused(response)
                _copy(response, into, most)
            except httpx.HTTPError as error:
                raise (
                    _out_of_time() if late.is_set() or isinstance(error, httpx.TimeoutException) else _unavailable(self._query, _named(error))
                ) from error
            if late.is_set() or "x-sql-state" in response.headers:
                raise _out_of_time()
            cap = response.headers.get("x-sparql-maxrows", "")
            return Received(_media_type(response), int(cap) if cap.isdecimal() else None)

    def _own_limit(self, timeout_s: float) -> dict[str, str]:
        """Return the parameter by which the server stops a query itself, where it has one: Virtuoso's is in milliseconds."""
        return {"timeout": str(max(1000, int(timeout_s * 1000)))} if self.software.startswith("Virtuoso") else {}

    @contextmanager
    def _opened(self, query: str, accept: str, dataset: Dataset, more: dict[str, str], timeout_s: float) -> Iterator[httpx.Response]:
        """Ask, and hold the answer while it is read: a form, which every server reads. Raises StoreUnavailable or QueryStopped."""
        form: dict[str, Any] = {"query": query, **more}
        form |= {name: list(graphs) for name, graphs in (("default-graph-uri", dataset.default), ("named-graph-uri", dataset.named)) if graphs}
        try:
            with self._client.stream(
                "POST", self._query, data=form, headers={"Accept": accept}, auth=self._query_auth, timeout=_timeouts(timeout_s)
            ) as response:
                self.software = response.headers.get("server", "")
                yield response
        except httpx.ReadTimeout as error:
            raise _out_of_time() from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _unavailable(self._query, _named(error)) from error

    def _refused(self, response: httpx.Response) -> RequestError | StoreUnavailable:
        """Say what a server that does not answer a stranger's query says of it."""
        response.read()
        said = _said(response)
        if response.status_code in (
            HTTPStatus.UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ):
            return _unavailable(self._query, said)
        return QueryRefused(
            Text(
                f"Le serveur qui tient le graphe ne prend pas cette requête : {said}",
                f"The server that holds the graph does not take this query: {said}",
            )
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


class _Credentials(httpx.Auth):
    """A user and a password, in the way the server asks for: basic or digest."""

    def __init__(self, user: str, password: str) -> None:
        self._basic, self._digest = httpx.BasicAuth(user, password), httpx.DigestAuth(user, password)
        self._chosen: httpx.Auth | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Find out the way at the first answer, and keep to it."""
        if self._chosen is None:
            response = yield request
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                return
            asked = response.headers.get("www-authenticate", "").lower()
            self._chosen = self._digest if "digest" in asked else self._basic
        yield from self._chosen.auth_flow(request)


def _apart(url: str) -> tuple[str, httpx.Auth]:
    """Return an address without its user and password, and these as the proof they are."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user_info, at, host = authority.rpartition("@")
    user, _, password = user_info.partition(":")
    return f"{scheme}://{host}{slash}{path}", _Credentials(unquote(user), unquote(password)) if at else httpx.Auth()


def _timeouts(seconds: float) -> httpx.Timeout:
    """Return the limits of one request: connecting is quick or it fails."""
    return httpx.Timeout(seconds, connect=min(CONNECT_S, seconds))


@contextmanager
def _dropped_at(response: httpx.Response, deadline: float) -> Iterator[threading.Event]:
    """Drop the connection at the deadline, however slowly bytes come; the event tells that it was."""
    late = threading.Event()
    connection: socket.socket = response.extensions["network_stream"].get_extra_info("socket")

    def drop() -> None:
        late.set()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), drop)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _copy(response: httpx.Response, into: IO[bytes], most: int) -> None:
    """Copy a body of at most so many bytes. Raises QueryStopped."""
    size = 0
    for piece in response.iter_bytes(_CHUNK):
        size += len(piece)
        if size > most:
            raise QueryStopped(
                Text(
                    f"La réponse dépasse {most // 1_000_000} Mo : ajoutez LIMIT et OFFSET, ou prenez l'export complet (/dump.nq.gz).",
                    f"The answer is over {most // 1_000_000} MB: add LIMIT and OFFSET, or take the whole dump (/dump.nq.gz).",
                )
            )
        into.write(piece)


def _media_type(response: httpx.Response) -> str:
    """Return the format of a body, without its parameters."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip()


def _said(response: httpx.Response) -> str:
    """Return the first line of what a server says, or its status."""
    line = next((line.strip() for line in response.text.splitlines() if line.strip()), "")
    return f"HTTP {response.status_code} {line[:_SAID]}".strip()


def _named(error: Exception) -> str:
    """Return what a failure of the network is."""
    return str(error) or type(error).__name__


def _unavailable(url: str, why: str) -> StoreUnavailable:
    """Say that the server does not serve, and what to look at."""
    address = without_secrets(url)
    return StoreUnavailable(
        Text(
            f"Le serveur qui tient le graphe, {address}, ne répond pas comme il faut ({why}) : vérifiez qu'il tourne et les réglages GRAPH_URL "
            "et GRAPH_UPDATE_URL. Rien n'est perdu : le nœud le mettra à jour dès qu'il répondra.",
            f"The server that holds the graph, {address}, does not answer as it should ({why}): check that it runs, and the settings GRAPH_URL "
            "and GRAPH_UPDATE_URL. Nothing is lost: the node brings it up to date as soon as it answers.",
        )
    )


def _out_of_time() -> QueryStopped:
    """Say that the time is over."""
    return QueryStopped(
        Text(
            "La requête a été interrompue : elle prenait trop de temps. Précisez-la, ou ajoutez LIMIT.",
            "The query was stopped: it took too long. Make it narrower, or add LIMIT.",
        )
    )


def ask(url: str, query: str, accept: str, timeout_s: float = TIMEOUT_S, language: str = "fr") -> tuple[str, bytes]:
    """Return the media type and the body of the answer to `query`.

    Raises BadQuery, QueryRefused, QueryStopped, NotAcceptable or Busy, with the endpoint's own sentence in `language` where it has one,
    and StoreUnavailable when nobody answers.
    """
    headers = {"Accept": accept, "Content-Type": "application/sparql-query", "Accept-Language": language}
    try:
        response = httpx.post(url, content=query.encode(), headers=headers, timeout=timeout_s, trust_env=False)
    except httpx.HTTPError as error:
        raise StoreUnavailable(Text(f"{url} ne répond pas : {error}", f"{url} does not answer: {error}")) from error
    if response.is_success:
        return response.headers.get("content-type", "").partition(";")[0].strip(), response.content
    raise _refusal(response)


def _refusal(response: httpx.Response) -> RequestError:
    """Return the error that an answer stands for, in the endpoint's words."""
    try:
        problem = json.loads(response.content)
        slug, said = str(problem.get("type", "")), str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        slug, said = "", f"HTTP {response.status_code}"
    text = Text(said, said)
    by_slug: tuple[type[RequestError], ...] = (BadQuery, QueryRefused, QueryStopped, NotAcceptable)
    named = next(
        (kind for kind in by_slug if slug.endswith(kind.slug)),
        _ERRORS.get(response.status_code, QueryStopped if response.is_server_error else BadQuery),
    )
    return Busy(text) if slug.endswith(Busy.slug) or response.status_code == 429 else named(text)
