"""The log in which a peer tells what its people judged, read on from where it was left; all that was read is taken in one transaction, or nothing.

The root of the peer's feed announces it (``decisions``, ``decidedAt``), so that a peer where nobody judged anything costs no request. What is wrong
with it harms nothing: the visit is what it was, and the log is read again when there is more.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from app.errors import MaillageError
from app.harvest.fetch import Budget, Fetcher
from app.harvest.stream import ACCEPT, broken, moment, parsed, same_host
from app.journal import Journal, evidence
from app.journal.evidence import Place, Revoked, Said
from app.journal.judgements import Verdict
from app.journal.sources import Source, Trust

SECONDS: Final = 120.0
PAGES: Final = 50
BYTES: Final = 20_000_000
"""What one reading may take; a longer log is read on at the next visit."""

PAGE: Final = 1000
"""Entries that are asked for at once."""

LONGEST: Final = 2048
LONGEST_MOMENT: Final = 40
LONGEST_LABEL: Final = 100
AHEAD: Final = timedelta(days=1)
"""How wrong a peer's clock may be."""

MANUAL: Final = "semapv:ManualMappingCuration"
EXACT: Final = "skos:exactMatch"
Entry = Said | Revoked

_log = logging.getLogger(__name__)


def follow(journal: Journal, fetcher: Fetcher, source: Source, base: str | None, announced: object, budget: Budget) -> None:
    """Take what a peer's people judged since its log was last read; `announced` is its address and the moment of its last entry.

    Nothing is asked of a peer that is kept apart, nor where nothing is new; whatever goes wrong is noted in the node's own log and no more.
    """
    known = _announced(announced)
    if source.trust is Trust.QUARANTINE or base is None or known is None:
        return
    with journal.read() as c:
        place = evidence.read_to(c, source.id)
    if place and place.url == known.url and place.after >= known.after:
        return
    begun = place if place and place.url == known.url else Place(known.url, "")
    try:
        entries, reached = _read(fetcher, budget, begun, known, f"{base}/")
    except MaillageError as error:
        _log.warning("decisions of %s: %s", source.name, error)
        return
    with journal.write() as c:
        if place and place.url != known.url:
            evidence.forget(c, source.id)
        evidence.take(c, source.id, entries, reached)


def allowance(visit: Budget) -> Budget:
    """Return what reading a log may take beside the visit that it follows."""
    return Budget(min(SECONDS, max(visit.left, 0.0)), BYTES, PAGES, stop=visit.stop, waiting=visit.waiting)


def _announced(value: object) -> Place | None:
    """Read what the root of the feed announced, None when that is nothing, or a moment that has not come."""
    match value:
        case [str(url), str(after)] if _has_come(after):
            return Place(url, after)
    return None


def _read(fetcher: Fetcher, budget: Budget, begun: Place, known: Place, base: str) -> tuple[list[Entry], Place]:
    """Return the entries after a place, and the place that was reached. Raises PeerError."""
    entries: list[Entry] = []
    last = begun.after
    asked: str | None = f"{known.url}?{urlencode(({'after': begun.after} if begun.after else {}) | {'limit': PAGE})}"
    while asked and budget.used_requests < PAGES:
        page = parsed(fetcher.read(asked, budget, headers=ACCEPT))
        items = page.get("orderedItems")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise broken("une page de ses avis n'est pas une liste", "a page of its decisions is no list")
        entries += _entries(items, base)
        last = str(items[-1]["published"]) if items else last
        asked = same_host(known.url, page["next"]) if page.get("next") else None
    goes_on = asked and last > begun.after  # a log that gets nowhere is not asked again
    return entries, Place(known.url, last if goes_on else max(last, known.after))


def _entries(items: list[dict[str, Any]], base: str) -> Iterator[Entry]:
    """Read the entries of a page; those that say nothing of two records are passed over. Raises FormatError."""
    for item in items:
        said, at = item.get("object"), item.get("published")
        if not isinstance(said, dict) or not isinstance(at, str) or not _has_come(at):
            raise broken("un de ses avis n'a pas de date, ou une date à venir", "one of its decisions has no date, or one that has not come")
        iri = said.get("id")
        if not isinstance(iri, str) or not iri.startswith(base) or len(iri) > LONGEST:
            raise broken("un de ses avis n'est pas de ce nœud", "one of its decisions is not of that node")
        if item.get("type") == "Undo":
            yield Revoked(iri, at)
        elif item.get("type") == "Create" and (judged := _judged(iri, said, at)):
            yield judged


def _judged(iri: str, said: Mapping[str, Any], at: str) -> Said | None:
    """Read a judgement, None when it is not one of a person about two groups."""
    left, right = said.get("subject_id"), said.get("object_id")
    if not (isinstance(left, str) and isinstance(right, str)) or left == right or not all(0 < len(one) <= LONGEST for one in (left, right)):
        return None
    if said.get("predicate_id") != EXACT or said.get("mapping_justification") != MANUAL or said.get("predicate_modifier") not in (None, "Not"):
        return None
    author = said.get("author_label")
    verdict = Verdict.DIFFERENT if said.get("predicate_modifier") else Verdict.SAME
    return Said(iri, left, right, verdict, author[:LONGEST_LABEL] if isinstance(author, str) else "", at)


def _has_come(at: str) -> bool:
    """Tell whether a text is a moment, and one that has come by any clock."""
    read = moment(at) if len(at) <= LONGEST_MOMENT else None
    return read is not None and read <= datetime.now(UTC) + AHEAD
