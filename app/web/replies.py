"""Answers that caches and clients can trust: one table of variants a resource, validators, 304, compression, links.

A resource is a table of `Variant`s and a `Stamp` that says when two answers are the same; the body of a variant is written
only when the client does not hold it already.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from starlette.responses import Response, StreamingResponse

from app import __version__
from app.feed.dump import gzipped
from app.web import negotiation
from app.web.asking import COOKIE, HEAD, Asking
from app.web.problems import PROBLEM, Unacceptable

S = TypeVar("S")

RELEASE = __version__
"""Part of every ETag: another release may write the same thing otherwise."""

REVALIDATE = "no-cache"
HOUR = "public, max-age=3600"
IMMUTABLE = "public, max-age=2592000, immutable"
PRIVATE = "private, no-store"
YEAR_S = 31_536_000

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_GZIP = 16
_PACKER = 6, zlib.DEFLATED, _GZIP + zlib.MAX_WBITS, 8
_SMALL, _SMALL_PACKER = 4096, (3, zlib.DEFLATED, _GZIP + 12, 3)
"""Bytes up to which the compressor gets by with little memory and a window of as many: an eighth of the time for an answer of one packet."""


@dataclass(frozen=True, slots=True)
class Variant(Generic[S]):
    """One form of a resource. `name` is its mark in the ETag; `spoken` says that its words depend on the language.

    `mark` says what else the form depends on, when it shows more than the resource: the resource's own date is then not its date.
    """

    media_type: str
    name: str
    write: Callable[[Asking, S], bytes]
    suffix: str = ""
    spoken: bool = False
    mark: Callable[[Asking], str] | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """When two answers are the same: equal `version`, same variant, same bytes. `modified` is the journal's time."""

    version: str
    modified: str | None = None
    cache: str = REVALIDATE
    vary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the resource is: its address, the variant that the address itself asks for, and the links to tell of."""

    url: str
    asked: str | None = None
    links: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def link(url: str, relation: str, media_type: str | None = None) -> str:
    """Return one value of a Link header."""
    return f'<{url}>; rel="{relation}"' + (f'; type="{media_type}"' if media_type else "")


def reply(here: Asking, variants: Sequence[Variant[S]], subject: S, stamp: Stamp, place: Place) -> Response:
    """Answer with the variant that is wanted most, or with 304 when the client holds it. Raises NotAcceptable."""
    variant = choose(here, variants, place.asked)
    stamp = _completed(here, variant, stamp)
    headers = {**_headers(here, variant, stamp), **_links(variants, variant, place), **place.headers}
    if unchanged(here, headers["ETag"], stamp.modified):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return whole(here, variant.write(here, subject), content_type(variant.media_type), headers)


def held(here: Asking, variants: Sequence[Variant[S]], stamp: Stamp, asked: str | None = None) -> Response | None:
    """Answer with 304 before anything is looked up, when the client holds this already. Raises NotAcceptable."""
    variant = choose(here, variants, asked)
    stamp = _completed(here, variant, stamp)
    headers = _headers(here, variant, stamp)
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers) if unchanged(here, headers["ETag"], stamp.modified) else None


def choose(here: Asking, variants: Sequence[Variant[S]], asked: str | None = None) -> Variant[S]:
    """Return the variant that the address or else the Accept header asks for."""
    offered = [variant.media_type for variant in variants]
    chosen = asked or negotiation.media_type(here.accept, offered)
    if chosen is None or chosen not in offered:
        raise Unacceptable(tuple(offered))
    return variants[offered.index(chosen)]


def whole(here: Asking, body: bytes, media_type: str, headers: Mapping[str, str], status: int = 200) -> Response:
    """Answer with `body`, compressed when the headers were made for that."""
    if negotiation.takes_gzip(here.header("accept-encoding")) and body:
        packer = zlib.compressobj(*(_SMALL_PACKER if len(body) <= _SMALL else _PACKER))
        body = packer.compress(body) + packer.flush()
        headers = {**headers, "Content-Encoding": "gzip"}
    return Response(body, status, headers, media_type=media_type)


def tag(here: Asking, version: str) -> str:
    """Return the strong ETag of `version` in the encoding that this request gets."""
    return f'"{version}+gzip"' if negotiation.takes_gzip(here.header("accept-encoding")) else f'"{version}"'


def unchanged(here: Asking, etag: str, modified: str | None) -> bool:
    """Tell whether the client holds this already (RFC 9110 section 13.1: If-None-Match decides alone when it is there)."""
    held = here.header("if-none-match")
    if held is not None:
        return held.strip() == "*" or etag.removeprefix("W/").strip('"') in (opaque for _, opaque in tags(held))
    since = _date(here.header("if-modified-since"))
    return since is not None and modified is not None and moment(modified) <= since


def tags(header: str) -> Iterator[tuple[bool, str]]:
    """Yield what an If-Match or If-None-Match header lists: whether the tag is strong, and what stands in its quotes."""
    for found in _TAG.finditer(header[: negotiation.LONGEST]):
        yield found.group(1) is None, found.group(2)


def moment(iso: str) -> datetime:
    """Read the journal's time, cut to the whole second that HTTP dates know."""
    return datetime.fromisoformat(iso).astimezone(UTC).replace(microsecond=0)


@lru_cache(maxsize=256)
def http_date(iso: str) -> str:
    """Write the journal's time as an HTTP date."""
    return format_datetime(moment(iso), usegmt=True)


def is_head(here: Asking) -> bool:
    """Tell whether the headers alone are wanted."""
    return bool(here.request.scope.get(HEAD))


def content_type(media_type: str) -> str:
    """Add the charset to the text types, where the default would be another one."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def etag_of(variant: Variant[Any], stamp: Stamp, language: str) -> str:
    """Return what names this variant of this version; another release may write it otherwise."""
    spoken = f"-{language}" if variant.spoken else ""
    return f"{stamp.version}-{variant.name}{spoken}-{RELEASE}"


def stream(here: Asking, parts: Iterable[bytes], media_type: str, headers: Mapping[str, str], *, packed: bool = False) -> Response:
    """Answer with a body of unknown length, compressed on the way when wanted (or always, as a file, when `packed`)."""
    zipped = not packed and negotiation.takes_gzip(here.header("accept-encoding"))
    headers = {**headers, "Content-Encoding": "gzip"} if zipped else dict(headers)
    if is_head(here):
        return Response(headers=headers, media_type=media_type)
    return StreamingResponse(gzipped(parts) if zipped or packed else parts, headers=headers, media_type=media_type)


def described(variants: Sequence[Variant[Any]], text: str = "OK") -> dict[int | str, dict[str, Any]]:
    """Say to the API's description what a table of variants answers."""
    return {
        200: {"description": text, "content": {variant.media_type: {} for variant in variants}},
        304: {"description": "Not modified"},
        406: {"description": "Not acceptable", "content": {PROBLEM: {}}},
    }


def _completed(here: Asking, variant: Variant[S], stamp: Stamp) -> Stamp:
    """Return the stamp of a form that depends on more than the resource: with the form's own mark, and without the resource's date."""
    return replace(stamp, version=f"{stamp.version}-{variant.mark(here)}", modified=None) if variant.mark else stamp


def parameters(known: Mapping[str, str]) -> dict[str, Any]:
    """Say to the API's description which parameters a handler reads by itself, and what they mean."""
    listed = [{"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}} for name, text in known.items()]
    return {"parameters": listed}


def _headers(here: Asking, variant: Variant[S], stamp: Stamp) -> dict[str, str]:
    """The validators, and what they vary by."""
    vary = ("Accept", "Accept-Encoding", *stamp.vary, *(("Accept-Language", "Cookie") if variant.spoken else ()))
    headers = {"ETag": tag(here, etag_of(variant, stamp, here.language)), "Cache-Control": stamp.cache, "Vary": ", ".join(vary)}
    if stamp.modified is not None:
        headers["Last-Modified"] = http_date(stamp.modified)
    if variant.spoken:
        headers["Content-Language"] = here.language
    if variant.media_type == negotiation.HTML and here.chosen:
        secure = "; Secure" if here.node.names.base.startswith("https:") else ""
        headers["Set-Cookie"] = f"{COOKIE}={here.chosen}; Path=/; Max-Age={YEAR_S}; SameSite=Lax{secure}"
    return headers


def _links(variants: Sequence[Variant[S]], chosen: Variant[S], place: Place) -> dict[str, str]:
    """The other variants, each under its own address where it has one, and the links of the place."""
    others = (link(_suffixed(place.url, variant.suffix), "alternate", variant.media_type) for variant in variants if variant is not chosen)
    listed = ", ".join((*others, *place.links))
    return {"Link": listed} if listed else {}


def _suffixed(url: str, suffix: str) -> str:
    """Put a suffix at the end of an address's path."""
    path, mark, query = url.partition("?")
    return f"{path}{suffix}{mark}{query}"


def _date(header: str | None) -> datetime | None:
    """Read an HTTP date; one that cannot be read is as if it were not there."""
    try:
        found = parsedate_to_datetime(header) if header else None
    except (ValueError, TypeError):
        return None
    return found.astimezone(UTC) if found and found.tzinfo else None
