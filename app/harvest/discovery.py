"""Who our peers know: their descriptions name their own peers, which are shown to the operator and never contacted by themselves."""

import json
import logging
import re
import time
from collections.abc import Iterator
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

from app.errors import MaillageError
from app.harvest.authority import base_of
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import NATIVE, VOID
from app.journal import Journal, proposals, sources
from app.journal.sources import Source, Trust
from app.names import OWN, Names
from app.terms import MLG

DAILY_S = 86_400.0
BYTES = 2_000_000
SECONDS = 30.0
MOST_A_LIST = 200
"""Nodes of which one peer's list may speak; what follows is not read."""

LONGEST = 300
ACCEPT = {"Accept": "application/ld+json"}

_NODE = re.compile(r"(https?://[a-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?)/node\Z")
_log = logging.getLogger(__name__)


class Discovery:
    """Reads the peer lists of native peers, at most once a day each while the process runs."""

    def __init__(self, journal: Journal, names: Names, fetcher: Fetcher, stop: Event | None = None) -> None:
        self._journal = journal
        self._names = names
        self._fetcher = fetcher
        self._stop = stop or Event()
        self._read: dict[str, float] = {}
        self._lock = Lock()

    def look(self, name: str) -> None:
        """Read the peer list of a peer when that is due; one that cannot be read is no failure of the peer."""
        with self._journal.read() as c:
            source = sources.get(c, name)
        if source.name == OWN or source.format != NATIVE or source.trust is Trust.QUARANTINE or source.failures or not self._due(name):
            return
        try:
            found = self.spoken_of(source)
            if found:
                with self._journal.write() as c:
                    proposals.note(c, found, name)
        except MaillageError as error:
            _log.info("no peer list at %s: %s", name, error)

    def spoken_of(self, source: Source) -> list[str]:
        """Return the base addresses of the nodes that a peer names as its peers, but for this node and itself. Raises what `Fetcher.read` does."""
        base = (source.base or base_of(source.url or "")).rstrip("/")
        fetched = self._fetcher.read(base + VOID, Budget(SECONDS, stop=self._stop), BYTES, ACCEPT)
        try:
            named = [_base(iri) for iri in _peers(json.loads(fetched.body))]
        except (ValueError, RecursionError):
            return []
        return [url for url in dict.fromkeys(named) if url and url not in {base, self._names.base}][:MOST_A_LIST]

    def _due(self, name: str) -> bool:
        """Tell whether a day has passed, and count from now on if so."""
        present = time.monotonic()
        with self._lock:
            if present - self._read.get(name, -DAILY_S) < DAILY_S:
                return False
            self._read[name] = present
            return True


def _peers(value: Any) -> Iterator[str]:
    """Yield the IRIs that a description in JSON-LD gives as peers, wherever it does."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            for key, below in found.items():
                if key in {"mlg:peer", "peer", MLG.peer}:
                    yield from _iris(below)
                elif isinstance(below, dict | list):
                    waiting.append(below)


def _iris(value: Any) -> Iterator[str]:
    """Yield IRIs written in any of the ways of JSON-LD."""
    for one in value if isinstance(value, list) else [value]:
        iri = one.get("@id", one.get("id")) if isinstance(one, dict) else one
        if isinstance(iri, str):
            yield iri


def _base(iri: str) -> str | None:
    """Return the base address of a node from its IRI; None for what is not plainly one."""
    found = _NODE.match(iri) if len(iri) <= LONGEST else None
    if found is None:
        return None
    try:
        return found[1] if urlsplit(found[1]).hostname else None
    except ValueError:
        return None
