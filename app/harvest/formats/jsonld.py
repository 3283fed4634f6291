"""Records in JSON-LD as they are: one object, a list, the list under `@graph`, or one object a line (the dump of a node).

What each says is read by `app.record` like any other; here they are only told apart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any, Final

from app.errors import FormatError, Malformed, MappingRefused, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats.elements import NOT_AN_OBJECT, STEP, Element, Elements, pieces, without_mark
from app.harvest.formats.mapping import RecordMapping
from app.harvest.formats.whole import digest, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Item, Peer, Sample
from app.names import key_for
from app.record import parse_json

NAME = "jsonld"
OWN_IRIS = True
PLACES: tuple[str, ...] = ()

HEAD_BYTES: Final = 65_536
"""How far the beginning is looked at."""
DOCUMENT_BYTES: Final = 10_000_000
NO_MAPPING: Final = RecordMapping(digest="")

_GRAPH = re.compile(rb'"@graph"\s*:\s*\[')
_CONTEXT = re.compile(rb'"@context"\s*:')


def recognise(sample: Sample) -> int:
    """JSON-LD says so by its type or its context."""
    if sample.media_type == "application/ld+json":
        return 2
    return 1 if sample.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["} and _CONTEXT.search(sample.head) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the peer's file when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Bad | End]:
    """Yield the records and an End. Raises FormatError when the document is no JSON or is cut short, MappingRefused when there is a mapping."""
    if mapping:
        raise MappingRefused(Text("Le JSON-LD se lit sans correspondance : ôtez-la.", "JSON-LD is read without a mapping: remove it."))
    head, chunks = _peek(without_mark(not_a_page(stream)))
    if head.startswith(b"["):
        yield from (_item(element, None) for element in Elements(chunks))
    elif _GRAPH.search(head):
        graph = Elements(chunks, "@graph")
        context = cache(lambda: graph.frame().get("@context"))  # what comes before the list stays the same while it is read
        yield from (_item(element, context()) for element in graph)
    else:
        yield from (_item(element, None) for element in _objects(chunks))
    yield End({}, complete=True, licence=licence)


def _item(element: Element, context: object) -> Found | Bad:
    """One record, with the context of the list that holds it."""
    key = f"item-{element.position}"
    try:
        if element.refused:
            raise Malformed(element.refused)
        document = parse_json(element.data, limit=DOCUMENT_BYTES)
        if not isinstance(document, dict):
            raise Malformed(NOT_AN_OBJECT)
        iri = document.get("id", document.get("@id"))
        key = key_for(iri) if isinstance(iri, str) and iri else key
        if context is not None and "@context" not in document:
            document = {"@context": context, **document}
        return Found(key, document, iri if isinstance(iri, str) else None, digest(NO_MAPPING, element.data), size=len(element.data))
    except Malformed as error:
        return Bad(key, error.text)


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of the document without blanks before it, and the whole of it again."""
    seen: list[bytes] = []
    size = 0
    for chunk in chunks:
        seen.append(chunk)
        size += len(chunk)
        if size >= HEAD_BYTES:
            break
    return b"".join(seen)[:HEAD_BYTES].lstrip(), chain(seen, chunks)


def _objects(chunks: Iterable[bytes]) -> Iterator[Element]:
    """One object a line where the first line is one; else the whole is one object."""
    lines = _lines(chunks)
    first = next(lines)
    if _is_whole(first):
        yield from (Element(position, data) for position, data in enumerate(chain((first,), lines), 1))
        return
    whole = bytearray(first)
    for data in lines:
        whole += b"\n" + data
        if len(whole) > DOCUMENT_BYTES:
            raise _too_large()
    if not _is_whole(bytes(whole)):
        raise FormatError(Text("Ce document JSON est mal formé ou incomplet.", "This JSON document is malformed or cut short."))
    yield Element(1, bytes(whole))


def _is_whole(data: bytes) -> bool:
    """Tell whether `data` ends as many objects and lists as it opens, and is no scalar."""
    depth = 0
    for _, bracket in pieces((data,)):
        depth += STEP[bracket]
    return depth == 0 and data.rstrip().endswith(b"}")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that are not blank."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (data for data in whole if data.strip())
        if len(rest) > DOCUMENT_BYTES:
            raise _too_large()
    if rest.strip():
        yield rest


def _too_large() -> FormatError:
    """Say that one document is longer than what is read whole."""
    return FormatError(
        Text(
            "Ce document dépasse dix mégaoctets : donnez un objet par ligne, ou une liste.",
            "This document is larger than ten megabytes: give one object a line, or a list.",
        )
    )
