"""Peers that are one file: asked for only when it changed, refused when it is a web page, every record of it through one mapping."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from app.errors import FormatError, Malformed, Text
from app.harvest.fetch import Budget, Fetched, Fetcher
from app.harvest.formats.elements import NOT_AN_OBJECT, Element
from app.harvest.formats.extract import Extractor
from app.harvest.formats.mapping import RecordMapping
from app.harvest.items import Bad, End, Found, Item, Peer
from app.names import key_for

READER: Final = 1
"""Grows when a format of this folder reads the same file in another way, so that an unchanged file is read again."""

Reader = Callable[[Iterable[bytes]], Iterator[Item]]
Prepare = Callable[[Any], Any]


def read_whole(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any], reader: Reader) -> Iterator[Item]:
    """Yield the items of the peer's one file, or only an End when it has not changed.

    The cursor is ``{"reader", "etag", "last_modified", "digest"}`` of the file as it was last read.
    """
    known = cursor if cursor.get("reader") == READER else {}
    with fetcher.open(peer.url, budget, _conditions(known)) as fetched:
        if fetched.status == 304:
            yield End(known, complete=True, unchanged=True, licence=known.get("licence"))
            return
        now = _cursor_of(fetched)
        if now["digest"] == known.get("digest"):
            yield End({**known, **now}, complete=True, unchanged=True, licence=known.get("licence"))
            return
        for item in reader(fetched.chunks):
            yield replace(item, cursor={**now, "licence": item.licence}) if isinstance(item, End) else item


def _conditions(cursor: Mapping[str, Any]) -> dict[str, str]:
    """The headers that ask for the file only if it changed."""
    headers = {"If-None-Match": cursor.get("etag"), "If-Modified-Since": cursor.get("last_modified")}
    return {name: value for name, value in headers.items() if value}


def _cursor_of(fetched: Fetched) -> dict[str, Any]:
    """What tells this state of the file from another."""
    return {"reader": READER, "etag": fetched.etag, "last_modified": fetched.last_modified, "digest": fetched.digest}


def not_a_page(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Pass the bytes on. Raises FormatError when they are a web page (an error, a parked domain) or nothing."""
    begun = False
    for chunk in chunks:
        head = b"" if begun else chunk.removeprefix(b"\xef\xbb\xbf").lstrip()
        if head.startswith(b"<"):
            raise FormatError(
                Text(
                    "L'adresse répond par une page web, pas par des données : vérifiez l'adresse du fichier.",
                    "The address answers with a web page, not with data: check the address of the file.",
                )
            )
        begun = begun or bool(head)
        yield chunk
    if not begun:
        raise FormatError(Text("Le fichier est vide : rien n'est changé.", "The file is empty: nothing is changed."))


def mapped(elements: Iterable[Element], extractor: Extractor, mapping: RecordMapping, prepare: Prepare | None = None) -> Iterator[Found | Bad]:
    """Turn each element of a JSON list into Found or Bad; `prepare` may first reshape it. Both may raise Malformed for one element."""
    for element in elements:
        key = f"item-{element.position}"
        try:
            if element.refused:
                raise Malformed(element.refused)
            raw = element.read()
            if not isinstance(raw, dict | list):
                raise Malformed(NOT_AN_OBJECT)
            own = extractor.key(raw)
            key = key_for(own) if own else key
            yield found(extractor, prepare(raw) if prepare else raw, mapping, element.data)
        except Malformed as error:
            yield Bad(key, error.text)


def found(extractor: Extractor, raw: Any, mapping: RecordMapping, data: bytes) -> Found:
    """One record, of which `data` is all that its source wrote, through the mapping. Raises Malformed."""
    record = extractor.read(raw)
    own = extractor.key(raw)
    iri = own if own.startswith(("http://", "https://")) else None
    return Found(record.key, record.document, iri, digest(mapping, data), record.unmapped, notes=record.notes, size=len(data))


def digest(mapping: RecordMapping, data: bytes) -> str:
    """The digest of one record as its source wrote it, together with all that decides what we make of it."""
    return f"sha-256:{hashlib.sha256(f'{READER} {mapping.digest} '.encode() + data).hexdigest()}"


def licence_or(mapping: Mapping[str, Any] | None, licence: str | None) -> dict[str, Any]:
    """The mapping as written, with the licence that the peer's settings give where it names none."""
    written = dict(mapping or {})
    if licence and licence.startswith(("http://", "https://")):
        written.setdefault("licence", licence)
    return written
