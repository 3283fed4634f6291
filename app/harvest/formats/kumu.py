"""Kumu's blueprint: a map of elements and of the connections between them, the form in which the poster's map was drawn.

Elements become groups; a connection becomes a cooperation link, written ``key:…`` as `app.harvest.references` says: of both its ends,
or of the first alone where it is directed.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.errors import FormatError, Malformed, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import mapping as mappings
from app.harvest.formats.columns import SEPARATORS, guess
from app.harvest.formats.elements import NOT_AN_OBJECT, without_mark
from app.harvest.formats.extract import Extractor, as_text, shorten
from app.harvest.formats.values import fold, line
from app.harvest.formats.whole import found, licence_or, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Item, Leftover, Peer, Sample
from app.harvest.references import reference
from app.names import key_for
from app.record import parse_json
from app.record.limits import VALUES

NAME = "kumu"
OWN_IRIS = False
PLACES: tuple[str, ...] = ()

BYTES: Final = 10_000_000
TYPES: Final = ("type", "element type", "connection type")
LINK_KEYS: Final = frozenset({"id", "_id", "from", "to", "direction", "label", "description", *TYPES})
"""What is read of a connection."""

MAPPING: Final[Mapping[str, Any]] = {
    "key": ["id", "_id", "label"],
    "fields": {"name": "label", "keywords": {"from": list(TYPES[:2]), "take": "all"}, "topics": {"from": "tags", "take": "all"}},
    "ignore": ["image", "pinned"],
}
"""Kumu's own fields; a tag that is a topic of the vocabulary becomes one, any other a keyword."""


@dataclass(slots=True)
class _Links:
    """The connections of one element: the keys it cooperates with, and the described ones."""

    partners: list[str] = field(default_factory=list)
    described: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Names:
    """How connections name the elements: by identifier, else by a label that only one element has."""

    keys: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def find(self, name: str) -> str:
        """Return the key of the element called `name`. Raises Malformed when there is none, or more than one."""
        if name in self.keys:
            return self.keys[name]
        same = self.labels.get(fold(name), [])
        if len(same) == 1:
            return same[0]
        shown = shorten(name)
        if same:
            raise Malformed(Text(f"Plusieurs éléments s'appellent « {shown} ».", f"Several elements are called '{shown}'."))
        raise Malformed(Text(f"Aucun élément ne s'appelle « {shown} ».", f"No element is called '{shown}'."))


def recognise(sample: Sample) -> int:
    """A blueprint has elements and usually connections."""
    marks = sum(mark in sample.head for mark in (b'"elements"', b'"connections"', b'"label"'))
    return 2 if sample.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{" and b'"elements"' in sample.head and marks > 1 else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the blueprint when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Bad | End]:
    """Yield the elements of a blueprint, the connections that lead nowhere as Bad, and an End. Raises FormatError, MappingRefused."""
    blueprint = _read(stream)
    elements = [_flat(element) for element in blueprint["elements"]]
    chosen = mappings.parse(licence_or(mapping, licence), _default(mapping, elements))
    extractor = Extractor(chosen)
    names, lost = _names(elements, extractor)
    connections = [_flat(connection) for connection in _list_of(blueprint, "connections")]
    links, broken = _links(connections, names, chosen.language)
    for position, element in enumerate(elements, 1):
        yield lost[position] if position in lost else _item(position, element, extractor, chosen, links)
    yield from broken
    yield End({}, complete=True, licence=chosen.licence, leftovers=(*extractor.leftovers(), *_unread(connections)))


def _read(stream: Iterable[bytes]) -> dict[str, Any]:
    """The whole blueprint. Raises FormatError when it is too large, no JSON, or has no elements."""
    data = bytearray()
    for chunk in without_mark(not_a_page(stream)):
        data += chunk
        if len(data) > BYTES:
            raise FormatError(Text("Ce plan Kumu dépasse dix mégaoctets.", "This Kumu blueprint is larger than ten megabytes."))
    try:
        blueprint = parse_json(bytes(data), limit=BYTES)
    except Malformed as error:
        raise FormatError(error.text) from error
    if not isinstance(blueprint, dict) or not isinstance(blueprint.get("elements"), list):
        raise FormatError(Text("Ce n'est pas un plan Kumu : il n'a pas d'« elements ».", "This is not a Kumu blueprint: it has no 'elements'."))
    return blueprint


def _list_of(blueprint: Mapping[str, Any], key: str) -> list[Any]:
    """A list of the blueprint, empty when it is not there."""
    value = blueprint.get(key)
    return value if isinstance(value, list) else []


def _flat(thing: Any) -> Any:
    """A project's export keeps what a blueprint writes flat under `attributes`."""
    attributes = thing.get("attributes") if isinstance(thing, dict) else None
    return {**attributes, **{key: part for key, part in thing.items() if key != "attributes"}} if isinstance(attributes, dict) else thing


def _default(mapping: Mapping[str, Any] | None, elements: Iterable[Any]) -> dict[str, Any]:
    """Kumu's own fields and, where no mapping names fields, what the names of the others suggest."""
    if mapping and "fields" in mapping:
        return dict(MAPPING)
    used = {str(key): None for element in elements if isinstance(element, dict) for key in element}
    guessed = guess(key for key in used if key not in {*TYPES, "tags", "label", "id", "_id"})["fields"]
    own = MAPPING["fields"]
    for target in ("keywords", "topics"):
        if target in guessed:
            guessed[target] = {"from": [*guessed[target]["from"], *mappings.as_list(own[target]["from"])], "take": "all", "split": list(SEPARATORS)}
    return {**MAPPING, "fields": {**own, **guessed, "name": own["name"]}}


def _names(elements: list[Any], extractor: Extractor) -> tuple[_Names, dict[int, Bad]]:
    """Name the elements; those that cannot be told from another by identifier or label are Bad, by position."""
    names, lost = _Names(), dict[int, Bad]()
    for position, element in enumerate(elements, 1):
        own = extractor.key(element) if isinstance(element, dict) else ""
        if not own:
            continue
        if own in names.keys:
            why = Text(
                f"Deux éléments s'appellent « {shorten(own)} » : donnez-leur des « id » différents.",
                f"Two elements are called '{shorten(own)}': give them different 'id's.",
            )
            lost[position] = Bad(f"item-{position}", why)
            continue
        names.keys[own] = key_for(own)
        names.labels[fold(as_text(element.get("label")))].append(key_for(own))
    return names, lost


def _links(connections: list[Any], names: _Names, language: str) -> tuple[dict[str, _Links], list[Bad]]:
    """Turn connections into the links of each element, by key; those that lead nowhere are Bad."""
    links: dict[str, _Links] = defaultdict(_Links)
    broken = []
    for position, connection in enumerate(connections, 1):
        try:
            _link(connection, names, language, links)
        except Malformed as error:
            broken.append(Bad(f"connection-{position}", error.text))
    return links, broken


def _link(connection: Any, names: _Names, language: str, links: dict[str, _Links]) -> None:
    """Add one connection to both its ends, or to the first alone where it is directed. Raises Malformed."""
    if not isinstance(connection, dict):
        raise Malformed(NOT_AN_OBJECT)
    start, end = (names.find(as_text(connection.get(key))) for key in ("from", "to"))
    if start == end:
        raise Malformed(Text("Cette connexion relie un élément à lui-même.", "This connection joins an element to itself."))
    _add(links[start], end)
    if as_text(connection.get("direction")) != "directed":
        _add(links[end], start)
    said = ", ".join(dict.fromkeys(text for key in (*TYPES, "label", "description") if (text := line(as_text(connection.get(key))))))
    if said and len(links[start].described) < VALUES:
        links[start].described.append({"partner": reference(end), "description": {language: said[:5000]}})


def _add(links: _Links, partner: str) -> None:
    """Add a partner once, while there are not too many."""
    if reference(partner) not in links.partners and len(links.partners) < VALUES:
        links.partners.append(reference(partner))


def _item(position: int, element: Any, extractor: Extractor, mapping: mappings.RecordMapping, links: Mapping[str, _Links]) -> Found | Bad:
    """One element with its links."""
    own = extractor.key(element) if isinstance(element, dict) else ""
    key = key_for(own) if own else f"item-{position}"
    try:
        if not isinstance(element, dict):
            raise Malformed(NOT_AN_OBJECT)
        linked = links.get(key, _Links())
        item = found(extractor, element, mapping, json.dumps([element, linked.partners, linked.described], sort_keys=True).encode())
    except Malformed as error:
        return Bad(key, error.text)
    assert isinstance(item.document, dict)
    more = {"cooperatesWith": [*item.document.get("cooperatesWith", []), *linked.partners], "cooperations": linked.described}
    return replace(item, document={**item.document, **{name: value for name, value in more.items() if value}})


def _unread(connections: list[Any]) -> Iterator[Leftover]:
    """What the connections say that is not read."""
    counted: Counter[str] = Counter()
    samples: dict[str, str] = {}
    for connection in connections:
        for key, value in connection.items() if isinstance(connection, dict) else ():
            if key not in LINK_KEYS and as_text(value):
                counted[key] += 1
                samples.setdefault(key, shorten(as_text(value)))
    yield from (Leftover(f"connections.{key}", count, samples[key]) for key, count in counted.most_common(VALUES))
