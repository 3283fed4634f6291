"""The one way by which this node reads from other people's servers: guarded, bounded, and all or nothing.

An answer is received whole, into a temporary file when it is large, before anybody sees a byte of it: so what is cut, too slow, too large or
compressed to deceive never reaches a format, and the digest of the whole is known first. The connection is made to the address that was checked,
not to the name, so that a name which changes its answer gains nothing. Nothing is taken from the environment (proxies, netrc).
"""

import hashlib
import ssl
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from tempfile import SpooledTemporaryFile
from typing import IO

import httpcore
import httpx

from app.errors import AddressRefused, FetchFailed, Text
from app.harvest.addresses import LookUp, ask_system
from app.harvest.budget import Budget
from app.harvest.inflate import PIECE, inflate
from app.harvest.network import CheckedNetwork, TimedStream

__all__ = ["Budget", "Fetched", "Fetcher"]

PAGE_BYTES = 10_000_000
LIST_BYTES = 500_000_000
WORD_BYTES = 65_536
IN_MEMORY_BYTES = 1_000_000
REDIRECTS = 3
REDIRECTING = frozenset({301, 302, 303, 307, 308})
DEFAULT_PORTS = {"http": 80, "https": 443}
GRACE_SECONDS = 20.0
"""How long one answer may be waited for before its speed is looked at."""

LONGEST_PAUSE = 86_400
"""A peer that asks to be left alone is, for a day at most."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer, received whole; `chunks` yields the decoded body, `body` holds it after `read`. Header names are in lower case.

    `status` is 200, or 304 when a condition was sent. `digest` is ``sha-256:`` and the hex digest of the decoded body. `address` is the numeric
    address that answered, where an errand to a stranger asks for it.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    digest: str
    chunks: Iterator[bytes]
    body: bytes = b""
    address: str = ""

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; empty when none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def etag(self) -> str | None:
        """The entity tag, to send back as ``If-None-Match``."""
        return self.headers.get("etag")

    @property
    def last_modified(self) -> str | None:
        """The date of the last change, to send back as ``If-Modified-Since``."""
        return self.headers.get("last-modified")


class Fetcher:
    """Fetches from public addresses, and from the ``host:port`` pairs of `allow_private`; safe to share between threads."""

    def __init__(self, allow_private: frozenset[str], agent: str, look_up: LookUp = ask_system, grace: float = GRACE_SECONDS) -> None:
        """`agent` is how this node calls itself; `look_up` finds addresses, `grace` is how long speed does not matter."""
        self._agent = agent
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=10,
            network_backend=CheckedNetwork(frozenset(pair.lower() for pair in allow_private), look_up, grace),
        )
        self.close = weakref.finalize(self, self._pool.close)

    @contextmanager
    def open(self, url: str, budget: Budget, headers: Mapping[str, str] | None = None, limit: int = LIST_BYTES) -> Iterator[Fetched]:
        """Receive what `url` answers, at most `limit` bytes once decoded, and hand it over for the length of the block.

        Raises AddressRefused, or FetchFailed with one sentence for whatever else went wrong.
        """
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            with budget.waiting():
                fetched = self._follow(url, budget, headers or {}, file, limit)
            file.seek(0)
            yield replace(fetched, chunks=iter(lambda: file.read(PIECE), b""))

    def read(self, url: str, budget: Budget, limit: int = PAGE_BYTES, headers: Mapping[str, str] | None = None) -> Fetched:
        """Receive what `url` answers as bytes, at most `limit` of them once decoded. Raises as `open` does."""
        with self.open(url, budget, headers, limit) as fetched:
            return replace(fetched, chunks=iter(()), body=b"".join(fetched.chunks))

    def ask_once(
        self, url: str, budget: Budget, limit: int = WORD_BYTES, post: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """Ask an address that a stranger named: nowhere else than there, and for a few bytes; `post` is sent to it when given.

        A connection that was closed meanwhile is tried anew, so what is posted may arrive twice.
        Raises AddressRefused, and FetchFailed unless the answer is of the 200s: a redirection is a refusal.
        """
        target, sent = _target(url), headers or {}
        with SpooledTemporaryFile(max_size=limit) as file, budget.waiting(), self._answer(target, budget, sent, post) as answer:
            received, address = _headers(answer), _address(answer)
            if not 200 <= answer.status < 300:
                _require_usable(target, answer.status, received, {})
            digest = _receive(answer, received.get("content-encoding", ""), budget, file, limit)
            file.seek(0)
            return Fetched(str(target), answer.status, received, digest, iter(()), file.read(), address)

    def _follow(self, url: str, budget: Budget, headers: Mapping[str, str], file: IO[bytes], limit: int) -> Fetched:
        """Ask `url` and where it redirects to, every hop checked like the first."""
        target = _target(url)
        for _ in range(REDIRECTS + 1):
            with self._answer(target, budget, headers) as answer:
                received = _headers(answer)
                if answer.status in REDIRECTING and "location" in received:
                    target = _redirected(target, received["location"])
                    continue
                _require_usable(target, answer.status, received, headers)
                digest = _receive(answer, received.get("content-encoding", ""), budget, file, limit) if answer.status == 200 else ""
                return Fetched(str(target), answer.status, received, digest, iter(()))
        raise FetchFailed(Text(f"{url} redirige plus de {REDIRECTS} fois de suite.", f"{url} redirects more than {REDIRECTS} times in a row."))

    @contextmanager
    def _answer(self, target: httpx.URL, budget: Budget, headers: Mapping[str, str], post: bytes | None = None) -> Iterator[httpcore.Response]:
        """Send one request and hand over the answer, of which only the headers have arrived."""
        sent = {"Host": target.netloc.decode(), "User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "gzip", **_plain(headers)}
        until = dict.fromkeys(("connect", "read", "write"), budget.deadline)
        if post is not None:
            sent["Content-Length"] = str(len(post))
        method = "GET" if post is None else "POST"
        request = httpcore.Request(method, _wire_url(target), headers=list(sent.items()), content=post, extensions={"timeout": until})
        with _plain_sentences(target, budget):
            answer = self._send(request, budget)
            try:
                yield answer
            finally:
                answer.close()

    def _send(self, request: httpcore.Request, budget: Budget) -> httpcore.Response:
        """Send it, and once more when a connection kept from an earlier request proves to have been closed meanwhile."""
        budget.ask()
        try:
            return self._pool.handle_request(request)
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            budget.ask()
            return self._pool.handle_request(request)


def server_of(url: str) -> tuple[str, int]:
    """Return the server that an address leads to: its host in lower case, in IDNA, without a final dot, and its port. Raises AddressRefused."""
    target = _target(url)
    return target.raw_host.decode("ascii").lower().rstrip("."), target.port or DEFAULT_PORTS[target.scheme]


def _target(url: str) -> httpx.URL:
    """Read an address. Raises AddressRefused when it is not plain http(s), or names a user."""
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise AddressRefused(Text(f"« {url[:200]} » n'est pas une adresse.", f"'{url[:200]}' is not an address.")) from None
    if target.scheme not in DEFAULT_PORTS or not target.host:
        raise AddressRefused(
            Text(
                f"« {url[:200]} » : seules les adresses http:// et https:// sont lues.",
                f"'{url[:200]}': only http:// and https:// addresses are read.",
            )
        )
    if target.userinfo:
        raise AddressRefused(
            Text(
                "Une adresse qui contient un nom ou un mot de passe n'est pas lue : retirez-les.",
                "An address that holds a user name or a password is not read: remove them.",
            )
        )
    return target.copy_with(fragment=None)


def _redirected(target: httpx.URL, location: str) -> httpx.URL:
    """Where a redirection leads. Raises AddressRefused when it gives up encryption."""
    try:
        address = str(target.join(location))
    except (httpx.InvalidURL, ValueError):
        raise FetchFailed(Text(f"{target} redirige vers une adresse illisible.", f"{target} redirects to an unreadable address.")) from None
    following = _target(address)
    if target.scheme == "https" and following.scheme == "http":
        raise AddressRefused(
            Text(
                f"{target} redirige vers une adresse non chiffrée : donnez une adresse https://.",
                f"{target} redirects to an unencrypted address: give an https:// address.",
            )
        )
    return following


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that can be sent: an entity tag that a peer wrote in another alphabet cannot, and then everything is asked for."""
    return {name: value for name, value in headers.items() if value.isascii() and value.isprintable()}


def _wire_url(target: httpx.URL) -> httpcore.URL:
    """The address in the form that the connection pool takes."""
    return httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port or DEFAULT_PORTS[target.scheme], target=target.raw_path)


def _headers(answer: httpcore.Response) -> Mapping[str, str]:
    """The headers of an answer, names in lower case, repeated ones joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in answer.headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined


def _address(answer: httpcore.Response) -> str:
    """The numeric address that answers; empty when the connection is gone already."""
    try:
        return str(answer.extensions["network_stream"].get_extra_info("server_addr")[0])
    except OSError:
        return ""


def _require_usable(target: httpx.URL, status: int, received: Mapping[str, str], sent: Mapping[str, str]) -> None:
    """Raise FetchFailed unless the answer is 200, or 304 to a conditional request."""
    conditional = any(name.lower() in {"if-none-match", "if-modified-since"} for name in sent)
    if status == 200 or (status == 304 and conditional):
        return
    if status == 304:
        text = Text(
            f"{target} répond « inchangé » (304) sans qu'on le lui demande.", f"{target} answers 'unchanged' (304) without having been asked."
        )
    elif status in {429, 503}:
        text = Text(f"{target} est occupé ({status}) : la visite est remise à plus tard.", f"{target} is busy ({status}): the visit is put off.")
    else:
        text = Text(f"{target} a répondu {status} : vérifiez l'adresse du pair.", f"{target} answered {status}: check the peer's address.")
    raise FetchFailed(text, status, retry_after(received.get("retry-after")))


def retry_after(value: str | None) -> int | None:
    """Read a ``Retry-After`` header (RFC 9110, 10.2.3) as seconds from now, a day at most; None when there is none or it is unreadable."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(min(max((aware - datetime.now(UTC)).total_seconds(), 0), LONGEST_PAUSE))


def _receive(answer: httpcore.Response, encoding: str, budget: Budget, file: IO[bytes], limit: int) -> str:
    """Write the decoded body to `file`; return its digest. Raises FetchFailed when it is too large, cut or encoded in another way."""
    coding = encoding.strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        raise FetchFailed(
            Text(
                f"La réponse est codée en « {coding[:40]} », qui n'était pas demandé.",
                f"The answer is encoded as '{coding[:40]}', which was not asked for.",
            )
        )
    wire = _counted(answer.iter_stream(), answer.extensions["network_stream"], budget, limit)
    digest, size = hashlib.sha256(), 0
    for piece in inflate(wire) if coding.endswith("gzip") else wire:
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        digest.update(piece)
        file.write(piece)
    return f"sha-256:{digest.hexdigest()}"


def _counted(chunks: Iterable[bytes], stream: TimedStream, budget: Budget, limit: int) -> Iterator[bytes]:
    """Count what comes over the wire."""
    received = 0
    for chunk in chunks:
        received = stream.useful = received + len(chunk)
        budget.receive(len(chunk))
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> FetchFailed:
    """Say that an answer is larger than what is read."""
    return FetchFailed(
        Text(f"La réponse dépasse {limit:_} octets : elle a été refusée.", f"The answer is larger than {limit:_} bytes: it was refused.")
    )


@contextmanager
def _plain_sentences(target: httpx.URL, budget: Budget) -> Iterator[None]:
    """Turn what goes wrong on the network into one plain sentence."""
    try:
        yield
    except httpcore.TimeoutException:
        budget.check_time()
        raise FetchFailed(
            Text(f"{target.host} n'a pas répondu à temps, ou bien trop lentement.", f"{target.host} did not answer in time, or far too slowly.")
        ) from None
    except httpcore.ConnectError as error:
        raise _unreachable(target.host, error) from None
    except (httpcore.ProtocolError, httpcore.NetworkError):
        raise FetchFailed(
            Text(
                f"La réponse de {target.host} s'arrête au milieu ou n'est pas du HTTP.", f"The answer of {target.host} stops half-way or is not HTTP."
            )
        ) from None
    except OSError as error:
        raise FetchFailed(
            Text(f"La réponse ne peut pas être gardée ici : {error.strerror}.", f"The answer cannot be kept here: {error.strerror}.")
        ) from error


def _unreachable(host: str, error: Exception) -> FetchFailed:
    """Say why no connection was made."""
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        return FetchFailed(Text(f"Le certificat de {host} n'est pas valable.", f"The certificate of {host} is not valid."))
    if isinstance(error.__context__, ssl.SSLError):
        return FetchFailed(Text(f"{host} ne parle pas le https à cette adresse.", f"{host} does not speak https at this address."))
    return FetchFailed(
        Text(
            f"{host} n'accepte pas la connexion : le serveur est peut-être arrêté.", f"{host} does not accept the connection: the server may be down."
        )
    )
