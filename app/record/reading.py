"""From one JSON-LD object of anybody to our compact form, or a sentence that says why not.

Why not `pyld.compact`: it drops unknown keys in silence, leaves blank nodes, and accepts statements about other people's groups.
A document already in our keys is read by the table alone; any other is first expanded by PyLD, without a network (`expanding`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.record.addresses import ID_KEYS, Addresses
from app.record.compact import ROOT, Document, Field, property_key, table, type_name
from app.record.expanding import expanded_root, is_ours, refuse_keyword
from app.record.faults import Faults, shown
from app.record.limits import bounded
from app.record.statements import content_hash
from app.record.text import UNMAPPED, absolute_iri
from app.record.values import Values, several
from app.terms import MLG, RDF, SCHEMA
from app.vocabulary import Kind

_TYPE_KEYS = ("type", "@type")
_ROOT_TYPES = (MLG.Group, SCHEMA.Organization)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; `unknown` are the JSON paths of the keys that nothing maps, which were dropped."""

    document: Document
    iri: str
    unknown: tuple[str, ...]

    @property
    def content_hash(self) -> str:
        """The hash of what the document says, computed when it is asked for."""
        return content_hash(self.document)


def read(value: object, *, iri: str | None = None, contexts: Collection[str] = ()) -> Reading:
    """Read one record from parsed JSON; `iri` gives or replaces its address, `contexts` are further addresses of our context.

    Raises Malformed when it cannot be read as a record at all, Invalid (with every fault found) when values are not what their keys ask for.
    """
    bounded(value)
    root: Mapping[str, Any]
    if isinstance(value, dict) and "@graph" not in value and is_ours(value.get("@context"), contexts):
        root = {key: member for key, member in value.items() if key != "@context"}
    else:
        root = expanded_root(value, iri, contexts)
    return _Reader(root, iri).reading(root)


def completed(document: Document, values: Mapping[str, str]) -> Document:
    """Return a document that was read with these values under keys of ours, one each, every key in its place."""
    fields = table().fields
    first, last = {"id": -2, "type": -1}, len(fields)
    return dict(
        sorted({**document, **values}.items(), key=lambda item: (fields[item[0]].rank if item[0] in fields else first.get(item[0], last), item[0]))
    )


class _Reader:
    """The reading of one record: its addresses, the faults and the unknown keys met on the way."""

    def __init__(self, root: Mapping[str, Any], iri: str | None) -> None:
        self._addresses = Addresses(root, iri)
        self._faults = Faults()
        self._values = Values(self._addresses, self._faults, self._node)
        self._unknown: dict[str, None] = {}

    def reading(self, root: Mapping[str, Any]) -> Reading:
        document = self._node(root, self._addresses.iri, "", ROOT)
        self._faults.raise_any()
        return Reading(document, self._addresses.iri, tuple(self._unknown))

    def _node(self, raw: Mapping[str, Any], iri: str, path: str, owner: str | None) -> Document:
        """One object with statements: `id`, `type`, known keys in their order, other properties in theirs."""
        known: dict[str, list[Any]] = {}
        others: dict[str, list[Any]] = {}
        types: list[str] = list(_ROOT_TYPES) if owner == ROOT else []
        for key, value in raw.items():
            if value is None or key in ID_KEYS:
                continue
            if key in _TYPE_KEYS:
                types.extend(self._types(value, path))
            elif (field := table().fields.get(key)) is not None:
                known.setdefault(key, []).extend(self._values.under(field, value, path + key))
            elif (predicate := self._predicate(key, path)) == RDF.type:
                types.extend(self._types([item.get("@id", item.get("id")) if isinstance(item, dict) else item for item in several(value)], path))
            elif predicate is not None:
                name, field = property_key(predicate), table().by_iri.get(predicate)
                (others if field is None else known).setdefault(name, []).extend(self._values.stated(value, path + name, field))
        return _assembled(iri, types, known, others, owner)

    def _predicate(self, key: str, path: str) -> str | None:
        """The property that a key names by its IRI; None, and a note of it, when nothing maps the key."""
        if key.startswith("@"):
            raise refuse_keyword(key)
        predicate = absolute_iri(key) if ":" in key else None
        if predicate is None:
            self._unknown[path + shown(key.removeprefix(UNMAPPED))] = None
        return predicate

    def _types(self, value: Any, path: str) -> list[str]:
        found = []
        for name in several(value):
            iri = None
            if isinstance(name, str):
                iri = table().classes.get(name) or (absolute_iri(name) if ":" in name else None)
            if iri is None:
                self._unknown[f"{path}type.{shown(name).removeprefix(UNMAPPED)}"] = None
            else:
                found.append(iri)
        return found


def _assembled(iri: str, types: list[str], known: Mapping[str, list[Any]], others: Mapping[str, list[Any]], owner: str | None) -> Document:
    """The node in our form: a part that states no class gets that of its kind."""
    fields = table().fields
    names = list(dict.fromkeys(type_name(type_) for type_ in types)) or ([table().part_classes[owner]] if owner else [])
    node: Document = {"id": iri}
    if names:
        node["type"] = names if owner == ROOT or len(names) > 1 else names[0]
    for key in sorted(known, key=lambda key: fields[key].rank):
        if known[key]:
            node[key] = _written(fields[key], known[key])
    for key in sorted(others):
        values = _unique(others[key])
        if values:
            node[key] = values if len(values) > 1 else values[0]
    return node


def _unique(values: list[Any]) -> list[Any]:
    """The values without repetition, in their order; nested ones cannot be hashed."""
    several(values)
    if len(values) < 2:
        return values
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _written(field: Field, values: list[Any]) -> Any:
    """The values of a key as the document has them: a language map, a list, or the one value of a key that has one."""
    unique = _unique(values)
    if field.kind is not Kind.LANGUAGE_MAP:
        return unique if field.many or len(unique) > 1 else unique[0]
    by_language: dict[str, list[str]] = {}
    for language, text in unique:
        by_language.setdefault(language, []).append(text)
    return {language: texts if len(texts) > 1 else texts[0] for language, texts in by_language.items()}
