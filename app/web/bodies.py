"""The bodies of requests: read whole, of a type that is read here, parsed within bounds; then only handed on."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from app import record
from app.errors import BadRequest, Text, TooLarge, UnsupportedType
from app.web.frontdoor import MOST_BYTES
from app.web.negotiation import JSON, JSONLD

SEND_JSON = Text(f"Envoyez du {JSONLD} ou du {JSON} (en-tête Content-Type).", f"Send {JSONLD} or {JSON} (header Content-Type).")


class Unread(UnsupportedType):
    """A body of another type than those in `accepted`."""

    def __init__(self, text: Text, accepted: tuple[str, ...]) -> None:
        super().__init__(text)
        self.accepted = accepted


def at_most(limit: int) -> Callable[[Request], Awaitable[bytes]]:
    """Return what reads a body of at most `limit` bytes; the front door counts and times it besides.

    Declared after the token in a handler, so that strangers' bodies are not read.
    """

    async def content(request: Request) -> bytes:
        parts = bytearray()
        async for part in request.stream():
            parts += part
            if len(parts) > limit:
                raise TooLarge(Text(f"Le corps dépasse {limit // 1000} ko.", f"The body is over {limit // 1000} kB."))
        return bytes(parts)

    return content


Content = Annotated[bytes, Depends(at_most(MOST_BYTES))]


def media_type(request: Request) -> str:
    """Return the body's media type without its parameters, empty when none is given."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def document(request: Request, body: bytes) -> object:
    """Read a JSON or JSON-LD body. Raises UnsupportedType and Malformed."""
    if media_type(request) not in (JSONLD, JSON):
        raise Unread(SEND_JSON, (JSONLD, JSON))
    return record.parse_json(body)


def fields(request: Request, body: bytes, known: frozenset[str]) -> dict[str, Any]:
    """Read a JSON object whose keys are all `known`. Raises UnsupportedType, Malformed and BadRequest."""
    value = document(request, body)
    if not isinstance(value, dict):
        raise BadRequest(Text("Envoyez un objet JSON.", "Send a JSON object."))
    if unknown := sorted(set(value) - known):
        listed = ", ".join(unknown)
        raise BadRequest(Text(f"Ces clés ne sont pas connues ici : {listed}.", f"These keys are not known here: {listed}."))
    return value


def text(fields_: dict[str, Any], key: str, longest: int = 2000) -> str:
    """Return a field that must be text. Raises BadRequest."""
    value = fields_.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise BadRequest(Text(f"« {key} » doit être un texte de 1 à {longest} caractères.", f"'{key}' must be text of 1 to {longest} characters."))
    return value.strip()


def maybe_text(fields_: dict[str, Any], key: str, longest: int = 2000) -> str | None:
    """Return a field that is text or absent (or null). Raises BadRequest."""
    return None if fields_.get(key) is None else text(fields_, key, longest)


def flag(fields_: dict[str, Any], key: str, default: bool) -> bool:
    """Return a field that is true or false. Raises BadRequest."""
    value = fields_.get(key, default)
    if not isinstance(value, bool):
        raise BadRequest(Text(f"« {key} » doit être true ou false.", f"'{key}' must be true or false."))
    return value
