"""The feed of another Maillage node: a log of its own records, followed by the number of the last event read, never by a clock.

How such a log is followed is `app.harvest.ldes`; here its events become records. With that module and the guarded fetch it can live on its own.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Text
from app.harvest import ldes
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats.elements import RECORD_BYTES, TOO_LONG
from app.harvest.items import Bad, Checkpoint, End, Found, Gone, Item, Peer, Restart, Sample
from app.harvest.ldes import Event, Member, Position, follow
from app.harvest.stream import DECISIONS, Root, broken
from app.names import key_for

NAME = "maillage"
OWN_IRIS = True
PLACES = ("/feed",)

LONGEST_IRI = 2048


def recognise(sample: Sample) -> int:
    """The root of a feed names its event stream."""
    marks = (b'"EventStream"', b'"OrderedCollection"')
    return 3 if sample.head.lstrip()[:1] == b"{" and all(mark in sample.head for mark in marks) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Yield what happened since `cursor`, or everything where the log must be read anew; see `ldes.follow` for when, and for the cursor."""
    groups = f"{peer.base}/groups/" if peer.base else None
    for root, found in follow(peer.url, fetcher, budget, cursor):
        if isinstance(found, Event):
            yield _event(found, root, groups)
        elif isinstance(found, Member):
            yield _member(found, root, groups)
        elif isinstance(found, ldes.Restart):
            yield Restart(found.why)
        elif isinstance(found, ldes.Checkpoint):
            yield Checkpoint(found.place)
        else:
            yield _end(found, root)


def _end(position: Position, root: Root) -> End:
    """End the visit: what was not met when everything was read anew was withdrawn for certain. The cursor also says where people's decisions are."""
    cursor = {**position.cursor, DECISIONS: root.decisions} if root.decisions else position.cursor
    return End(cursor, complete=position.anew, unchanged=position.unchanged, withdrawn=position.anew)


def _key(iri: str, groups: str | None) -> str:
    """Return the key of a record: the last part of a group's IRI where it is one."""
    return key_for(iri.removeprefix(groups) if groups and iri != groups else iri)


def _event(event: Event, root: Root, groups: str | None) -> Item:
    """Read one event."""
    said, number = event.said, event.number
    kind, iri, origin = said.get("type"), said.get("object"), (root.epoch, number)
    if not isinstance(iri, str) or not 0 < len(iri) <= LONGEST_IRI:
        return Bad(
            f"event-{number}",
            Text(f"L'événement {number} ne dit pas de quelle fiche il parle.", f"Event {number} does not say which record it is about."),
        )
    key = _key(iri, groups)
    if said.get("origin", root.origin) != root.origin:
        return Bad(
            key,
            Text(
                f"L'événement {number} vient d'un autre nœud : il n'est cru que chez lui.",
                f"Event {number} comes from another node: it is believed only there.",
            ),
        )
    if kind == "Delete":
        return Gone(key, iri, origin, purge=said.get("purge") is True)
    record = said.get("record")
    if kind not in {"Create", "Update"} or not isinstance(record, dict):
        return Bad(
            key,
            Text(
                f"L'événement {number} n'est ni création, ni révision, ni retrait.",
                f"Event {number} is no Create, Update or Delete that can be read.",
            ),
        )
    if record.get("id", record.get("@id", iri)) != iri:
        return Bad(
            key, Text(f"L'événement {number} parle d'une fiche et en contient une autre.", f"Event {number} is about one record and holds another.")
        )
    return _found(key, record, iri, origin)


def _member(member: Member, root: Root, groups: str | None) -> Item:
    """Read one record of the dump; its digest is that of the same record in an event, which names its context once a page."""
    iri = member.document.get("id")
    if not isinstance(iri, str) or not 0 < len(iri) <= LONGEST_IRI:
        raise broken("une fiche de sa copie complète n'a pas d'IRI", "a record of its dump has no IRI")
    record = {key: value for key, value in member.document.items() if key != "@context"}
    return _found(_key(iri, groups), record, iri, (root.epoch, member.sequence))


def _found(key: str, record: Mapping[str, Any], iri: str, origin: tuple[int, int]) -> Found | Bad:
    """Take a record of bearable length; its digest is that of what the peer sent, whatever the order of its keys."""
    written = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    if len(written) > RECORD_BYTES:
        return Bad(key, TOO_LONG)
    return Found(key, record, iri, hashlib.sha256(written).hexdigest(), origin=origin, size=len(written))
