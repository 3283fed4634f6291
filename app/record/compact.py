"""The compact form: which JSON keys a record has, and how each is written. Everything that reads or writes records uses this table.

A document holds `id`, `type`, then keys of the table in their order, then prefixed or absolute property IRIs that the table does not know.
Under a key of the table the form of a value is always that of its kind (see `vocabulary.Kind`); under another property it is a string,
``{"@value", "@language"}``, ``{"@value", "@type"}`` or a node ``{"id", …}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.terms import RDF
from app.vocabulary import PREFIXES, Kind, Property, compact_iri, load

Document = dict[str, Any]
"""Compact JSON-LD in our context, without "@context"."""

ROOT = "Group"
"""What a record describes."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key: its property, its concepts both ways, its place, and whether its text must stay on one line."""

    key: str
    iri: str
    kind: Kind
    datatype: str | None
    many: bool
    rank: int
    part: str | None
    one_line: bool
    concepts: Mapping[str, str]
    notations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """All keys of records, by key and by IRI, and the classes that have a name of their own."""

    fields: Mapping[str, Field]
    by_iri: Mapping[str, Field]
    classes: Mapping[str, str]
    class_names: Mapping[str, str]
    part_classes: Mapping[str, str]


@cache
def table() -> Table:
    """Build the table from the vocabulary (once)."""
    vocabulary = load()
    owners = [ROOT, *sorted({p.part for p in vocabulary.properties(ROOT).values() if p.part})]
    properties: dict[str, Property] = {}
    for owner in owners:
        for property_ in vocabulary.properties(owner).values():
            properties.setdefault(property_.key, property_)
    fields = {p.key: _field(p, rank) for rank, p in enumerate(properties.values())}
    classes = {key: expand_prefix(iri) for key, iri in vocabulary.context.items() if isinstance(iri, str) and key[0].isupper()}
    return Table(
        fields=fields,
        by_iri={field.iri: field for field in fields.values()},
        classes=classes,
        class_names={iri: key for key, iri in classes.items()},
        part_classes={owner: owner if owner in classes else f"schema:{owner}" for owner in owners},
    )


def _field(property_: Property, rank: int) -> Field:
    concepts = {c.notation: c.iri for c in load().schemes.get(property_.scheme or "", ())}
    one_line = property_.kind is Kind.TEXT or (property_.max_length or 0) in range(1, 301)
    return Field(
        key=property_.key,
        iri=property_.iri,
        kind=property_.kind,
        datatype=property_.datatype,
        many=property_.many,
        rank=rank,
        part=property_.part,
        one_line=one_line,
        concepts=concepts,
        notations={iri: notation for notation, iri in concepts.items()},
    )


def expand_prefix(name: str) -> str:
    """Return the IRI that ``schema:name`` stands for; anything else is returned as it is."""
    prefix, colon, local = name.partition(":")
    namespace = PREFIXES.get(prefix) if colon and not local.startswith("//") else None
    return namespace + local if namespace else name


def type_name(iri: str) -> str:
    """How a class is written under `type`."""
    return table().class_names.get(iri) or compact_iri(iri)


def type_iri(name: str) -> str:
    """What is written under `type`, as an IRI."""
    return table().classes.get(name) or expand_prefix(name)


def property_key(iri: str) -> str:
    """How a property is written as a key."""
    if iri == RDF.type:
        return "type"
    field = table().by_iri.get(iri)
    return field.key if field else compact_iri(iri)
