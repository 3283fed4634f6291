"""Peers and visits as other programs read them: one shape for the API and the command line (design 4.3)."""

import re
from typing import Any, Final

from app.errors import BadRequest, Text
from app.journal.sources import Source
from app.journal.visits import Item, Visit

COUNTS: Final = ("added", "changed", "unchanged", "gone", "refused", "unmapped")
UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "j": 86_400}
LONGEST_INTERVAL_S: Final = 366 * 86_400
INTERVAL: Final = Text("« every » est un intervalle : 30m, 6h ou 1d.", "'every' is an interval: 30m, 6h or 1d.")

_INTERVAL = re.compile(r"([1-9][0-9]{0,6})([mhdj])\Z")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`\x00-\x1f]{1,2000}\Z")


def peer_json(peer: Source, language: str) -> dict[str, Any]:
    """Return a peer, its message in `language`."""
    return {
        "name": peer.name,
        "url": peer.url,
        "format": peer.format,
        "trust": peer.trust.value,
        "every": interval(peer.every_s),
        "pace": peer.pace_s or peer.every_s,
        "mapping": peer.mapping,
        "enabled": peer.enabled,
        "keep_contacts": peer.keep_contacts,
        "licence": peer.licence,
        "last_visit": peer.last_visit_at,
        "next_visit": peer.next_visit_at,
        "state": peer.state,
        "message": peer.message.in_language(language) if peer.message else None,
    }


def head_json(visit: Visit, language: str) -> dict[str, Any]:
    """Return a visit without its lines."""
    return {
        "id": visit.id,
        "peer": visit.source,
        "started": visit.started_at,
        "finished": visit.finished_at,
        "outcome": visit.outcome,
        "message": visit.message.in_language(language) if visit.message else None,
        "dry_run": visit.dry_run,
        "counts": dict.fromkeys(COUNTS, 0) | dict(visit.counts),
        "requests": visit.requests,
        "bytes": visit.bytes,
        "undone": visit.undone_at,
    }


def item_json(item: Item, language: str) -> dict[str, Any]:
    """Return one line of a visit."""
    return {"key": item.key, "iri": item.iri, "outcome": item.outcome, "message": item.message.in_language(language) if item.message else None}


def interval(seconds: int) -> str:
    """Write seconds as people do: ``6h``."""
    size, unit = next(((size, unit) for unit, size in (("d", 86_400), ("h", 3600)) if seconds % size == 0), (60, "m"))
    return f"{max(1, seconds // size)}{unit}"


def seconds_of(text: str) -> int:
    """Read ``6h`` as seconds. Raises BadRequest."""
    found = _INTERVAL.match(text)
    seconds = int(found.group(1)) * UNITS[found.group(2)] if found else 0
    if not 0 < seconds <= LONGEST_INTERVAL_S:
        raise BadRequest(INTERVAL)
    return seconds


def address(url: str) -> str:
    """Return an address that could be visited; what it leads to is checked when it is. Raises BadRequest."""
    if not _URL.match(url):
        raise BadRequest(Text("« url » doit commencer par http:// ou https://.", "'url' must begin with http:// or https://."))
    return url
