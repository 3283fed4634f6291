"""GoGoCarto maps, the engine of Transiscope: a JSON object whose `data` lists elements (or is one), as its public API sends it.

Its JSON-LD loses names and categories (measured, peer-systems 1.1), so the plain JSON is read. People's addresses that it lets slip
(`subscriberEmails`) are never taken, nor said in a report.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from app.errors import FormatError, Malformed, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import mapping as mappings
from app.harvest.formats.elements import RECORD_BYTES, Element, Elements
from app.harvest.formats.extract import Extractor
from app.harvest.formats.mapping import RecordMapping
from app.harvest.formats.whole import found, licence_or, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Gone, Item, Peer, Sample
from app.names import key_for

NAME = "gogocarto"
OWN_IRIS = False
PLACES = ("/api/elements.json",)

COMPACT_BYTES: Final = 20 * RECORD_BYTES
_MARK = re.compile(rb'"ontology"\s*:\s*"gogo')

TOPICS: Final[Mapping[str, str]] = {
    "Urbanisme": "urban-planning",
    "Aménagement": "urban-planning",
    "Cadre de vie": "urban-planning",
    "Ville durable": "urban-planning",
    "Environnement": "environment",
    "Écologie": "environment",
    "Nature": "environment",
    "Biodiversité": "environment",
    "Climat": "environment",
    "Énergie": "environment",
    "Jardins partagés": "environment",
    "Jardin partagé": "environment",
    "Compost": "environment",
    "Déchets": "environment",
    "Culture": "culture",
    "Arts": "culture",
    "Lieu culturel": "culture",
    "Bibliothèque": "culture",
    "Économie sociale": "social-economy",
    "Économie sociale et solidaire": "social-economy",
    "Économie": "social-economy",
    "Finance solidaire": "social-economy",
    "Monnaie locale": "social-economy",
    "Coopérative": "social-economy",
    "AMAP": "social-economy",
    "AMAP / Paniers": "social-economy",
    "Circuits courts": "social-economy",
    "Épicerie solidaire": "social-economy",
    "Recyclerie": "social-economy",
    "Ressourcerie": "social-economy",
    "Mobilité": "transport",
    "Mobilités": "transport",
    "Transports": "transport",
    "Transport": "transport",
    "Vélo": "transport",
    "Covoiturage": "transport",
    "Logement": "housing",
    "Habitat": "housing",
    "Habitat participatif": "housing",
    "Habitat groupé": "housing",
}
"""Usual names of categories, French as the maps are; any other stays a keyword."""

LICENCES: Final[Mapping[str, str]] = {
    "odbl": "https://opendatacommons.org/licenses/odbl/1-0/",
    "cc-by": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "licence ouverte": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
    "licence ouverte / open licence": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
}
"""Names of licences: a map that mixes sources states them as categories."""

MAPPING: Final[Mapping[str, Any]] = {
    "list": "data",
    "key": "id",
    "fields": {
        "name": "name",
        "alternateName": "otherName",
        "description": {"from": ["abstract", "description", "descriptionMore"], "join": "\n\n", "strip_html": True},
        "url": {"from": ["website", "siteWeb", "site_web", "url"], "take": "all"},
        "email": "email",
        "telephone": "telephone",
        "topics": {"from": "categories", "values": {**TOPICS, **dict.fromkeys(LICENCES, "")}, "otherwise": "keyword"},
        "license": {"from": "categories", "values": dict(LICENCES), "otherwise": "drop"},
        "location.latitude": "geo.latitude",
        "location.longitude": "geo.longitude",
        "location.streetAddress": {"from": ["address.streetNumber", "address.streetAddress"], "join": " "},
        "location.postalCode": "address.postalCode",
        "location.addressLocality": "address.addressLocality",
        "location.addressCountry": "address.addressCountry",
        "created": "createdAt",
        "modified": "updatedAt",
    },
    "ignore": [
        "status",
        "moderationState",
        "categoriesFull",
        "images",
        "files",
        "stamps",
        "address.customFormatedAddress",
        "modifiedElement",
        "aggregatedElements",
        "subscriberEmails",
        "refreshNeeded",
        "reports",
        "contributions",
        "pendingContribution",
        "votes",
        "searchScore",
    ],
}
"""The public API's fields (ElementJsonGenerator); what a map adds of its own is reported until a mapping names it."""

WITHDRAWN: Final = frozenset({-2, -3, -4, -6})  # refused by a moderator, refused by votes, deleted, merged as a duplicate
PENDING = Text("Cette fiche attend une modération sur sa carte d'origine.", "This record waits for moderation on its own map.")


def recognise(sample: Sample) -> int:
    """The wrapper names its ontology."""
    return 3 if _MARK.search(sample.head) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the map when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Gone | Bad | End]:
    """Yield the elements of a map and an End. Raises FormatError when it is not one, MappingRefused when the mapping is wrong."""
    elements = Elements(not_a_page(stream), mappings.parse(mapping, MAPPING).list or "data")
    several = _spelt_out(elements)
    first = next(several, None)
    _refuse_dates(elements.frame())
    chosen = mappings.parse(licence_or(mapping, licence or _licence(elements.frame())), MAPPING)
    extractor = Extractor(chosen)
    if first:
        yield from (_item(element, extractor, chosen) for element in chain((first,), several))
    yield End({}, complete=True, licence=chosen.licence or _licence(elements.frame()), leftovers=extractor.leftovers())


def _item(element: Element, extractor: Extractor, mapping: RecordMapping) -> Found | Gone | Bad:
    """Turn one element into what it says."""
    key = f"item-{element.position}"
    try:
        if element.refused:
            raise Malformed(element.refused)
        raw = element.read()
        own = extractor.key(raw)
        key = key_for(own) if own else key
        status = raw.get("status") if isinstance(raw, dict) else None
        if isinstance(status, int) and status < 0:
            if own and status in WITHDRAWN:
                return Gone(key, None)
            raise Malformed(PENDING)
        return found(extractor, _without_secrets(raw), mapping, element.data)
    except Malformed as error:
        return Bad(key, error.text)


def _without_secrets(raw: Any) -> Any:
    """The element without the mark that an address exists but is not given."""
    return {key: value for key, value in raw.items() if not (key == "email" and value == "private")} if isinstance(raw, dict) else raw


def _spelt_out(elements: Elements) -> Iterator[Element]:
    """The elements as objects: those of `gogocompact` are lists whose fields are named only after the last of them."""
    held: list[Element] = []
    size = 0
    for element in elements:
        if not element.data.startswith(b"["):
            yield element
            continue
        held.append(element)
        size += len(element.data)
        if size > COMPACT_BYTES:
            raise _not_a_map(
                "trop grand pour être lu en forme compacte : demandez gogofull", "too large to be read in its compact form: ask for gogofull"
            )
    if held:
        names = elements.frame().get("mapping")
        if not isinstance(names, list) or len(names) < 4 or not isinstance(names[1], list):
            raise _not_a_map("compact et ne nomme pas ses champs : demandez gogofull", "compact and does not name its fields: ask for gogofull")
        yield from (_spell(element, names[1]) for element in held)


def _spell(element: Element, names: list[Any]) -> Element:
    """One compact element, `[id, [fields], latitude, longitude, [categories], status]`, as an object; unchanged when it is not that."""
    try:
        raw = element.read()
        key, values, latitude, longitude, *rest = raw
        named = dict(zip(names, values, strict=True))
    except (Malformed, ValueError, TypeError):
        return element
    spelt = {
        **named,
        "id": key,
        "geo": {"latitude": latitude, "longitude": longitude},
        "categoryIds": rest[0] if rest else [],
        "status": (rest[1:2] or [1])[0],
    }
    return replace(element, data=json.dumps(spelt).encode())


def _licence(frame: Mapping[str, Any]) -> str | None:
    """The licence that the wrapper states, as an address."""
    stated = str(frame.get("licence") or "").strip()
    return stated if stated.startswith(("http://", "https://")) else LICENCES.get(stated.lower())


def _refuse_dates(frame: Mapping[str, Any]) -> None:
    """Refuse the list of identifiers and dates that names no group."""
    if frame.get("ontology") == "gogosync":
        raise _not_a_map(
            "une simple liste de dates : ôtez « ontology=gogosync » de l'adresse", "a mere list of dates: remove 'ontology=gogosync' from the address"
        )


def _not_a_map(fr: str, en: str) -> FormatError:
    """What arrived cannot be read as a map."""
    return FormatError(Text(f"Ce GoGoCarto est {fr}.", f"This GoGoCarto is {en}."))
