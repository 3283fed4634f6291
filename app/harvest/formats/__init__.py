"""The peer formats this node reads, one a file; the table is the folder itself, so that adding one touches nothing else."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlsplit

from app.errors import FetchFailed, FormatError, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.items import Bad, End, Format, Found, Gone, Item, Peer, Sample

__all__ = ["FORMATS", "Bad", "End", "Format", "Found", "Gone", "Item", "Peer", "Sample", "detect"]

HEAD_BYTES = 65_536
NATIVE = "maillage"
VOID = "/.well-known/void"
ACCEPT = {"Accept": "application/ld+json, application/json;q=0.9, */*;q=0.5"}


def _table() -> dict[str, Format]:
    """Every module of this folder that can visit a peer, by its name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {module.NAME: cast("Format", module) for module in modules if hasattr(module, "visit")}


FORMATS: dict[str, Format] = _table()


def detect(url: str, fetcher: Fetcher, budget: Budget) -> tuple[str, str]:
    """Return (format, corrected address) for what an operator typed: a node's bare address, a site's, or that of a file.

    A node's own description is asked first, then the address itself, then where sites of each kind serve their records.
    Raises AddressRefused, FetchFailed when nothing answers, FormatError when nothing there is a format we read.
    """
    feed = _announced_feed(url, fetcher, budget)
    if feed is not None:
        return NATIVE, feed
    for address, sample in _samples(url, fetcher, budget):
        name = max(FORMATS, key=lambda name: FORMATS[name].recognise(sample))
        if FORMATS[name].recognise(sample):
            return name, address
    known = ", ".join(sorted(FORMATS))
    raise FormatError(
        Text(
            f"Rien de lisible à l'adresse {url} : donnez l'adresse du fichier ou du flux lui-même, et son format ({known}).",
            f"Nothing readable at {url}: give the address of the file or of the feed itself, and its format ({known}).",
        )
    )


def _announced_feed(url: str, fetcher: Fetcher, budget: Budget) -> str | None:
    """Return the feed that a node's description at ``/.well-known/void`` names, if there is one."""
    if urlsplit(url).query:
        return None
    base = url.rstrip("/").removesuffix("/feed")
    try:
        fetched = fetcher.read(base + VOID, budget, headers=ACCEPT)
        feed = _feed_in(json.loads(fetched.body), base)
        return feed and (feed if FORMATS[NATIVE].recognise(_sample(feed, fetcher, budget)) else None)
    except (FetchFailed, ValueError, RecursionError):
        return None


def _feed_in(value: Any, base: str) -> str | None:
    """Return the first IRI under `base` whose last part is ``feed``, anywhere in a JSON value."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str) and found.startswith(f"{base}/") and found.endswith("/feed"):
            return found
        waiting += found.values() if isinstance(found, dict) else found if isinstance(found, list) else []
    return None


def _samples(url: str, fetcher: Fetcher, budget: Budget) -> Iterator[tuple[str, Sample]]:
    """Yield what the address answers, then what answers where sites of each kind serve their records."""
    places = sorted({place for peer_format in FORMATS.values() for place in peer_format.PLACES})
    for address in (url, *(url.rstrip("/") + place for place in places)):
        try:
            yield address, _sample(address, fetcher, budget)
        except FetchFailed as error:
            if error.status is None:  # nobody there: the other addresses of the same site will not answer either
                raise


def _sample(url: str, fetcher: Fetcher, budget: Budget) -> Sample:
    """Read the beginning of what an address answers."""
    with fetcher.open(url, budget, headers=ACCEPT) as fetched:
        head = b""
        for chunk in fetched.chunks:
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
        return Sample(fetched.url, fetched.media_type, head[:HEAD_BYTES])
