"""Any JSON list of objects, through a mapping: an API's answer, a table exported as JSON."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import mapping as mappings
from app.harvest.formats.columns import EVERY_NAME, folded, guess
from app.harvest.formats.elements import Elements
from app.harvest.formats.extract import Extractor
from app.harvest.formats.whole import licence_or, mapped, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Item, Peer, Sample

NAME = "jsonlist"
OWN_IRIS = False
PLACES: tuple[str, ...] = ()


def recognise(sample: Sample) -> int:
    """A list of objects may be one."""
    head = b"".join(sample.head[:200].split())
    return 1 if head.removeprefix(b"\xef\xbb\xbf").startswith(b"[{") else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the peer's list when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Bad | End]:
    """Yield the records of a JSON list and an End. Raises FormatError when it is not one, MappingRefused when the mapping is wrong."""
    said = bool(mapping and "fields" in mapping)
    chosen = mappings.parse(licence_or(mapping, licence), {"key": ["id", "name"]} if said else guess(EVERY_NAME))
    extractor = Extractor(chosen)
    yield from mapped(Elements(not_a_page(stream), chosen.list or ""), extractor, chosen, None if said else folded)
    yield End({}, complete=True, licence=chosen.licence, leftovers=extractor.leftovers())
