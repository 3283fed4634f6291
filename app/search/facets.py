"""What groups can be chosen by: the parameters of a selection, where a record holds their values, and which values exist."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from app import vocabulary

Document = dict[str, Any]

TERRITORY = "territory"
SOURCE = "source"


@dataclass(frozen=True, slots=True)
class ConceptFacet:
    """A facet whose values are the notations of a scheme; `path` leads to them from the record."""

    name: str
    path: tuple[str, ...]
    scheme: str


CONCEPTS = (
    ConceptFacet("topic", ("topics",), "topics"),
    ConceptFacet("know_how", ("knowHow",), "knowhow"),
    ConceptFacet("objective", ("objectives",), "objectives"),
    ConceptFacet("scale", ("scales",), "scales"),
    ConceptFacet("status", ("participations", "status"), "statuses"),
)

NAMES = (*(facet.name for facet in CONCEPTS), SOURCE, TERRITORY)
"""The facets, in the order of the design's list of parameters."""


@cache
def notations(scheme: str) -> tuple[str, ...]:
    """Return the notations of a scheme, in the vocabulary's order."""
    return tuple(concept.notation for concept in vocabulary.load().schemes[scheme])


def values(document: Document) -> Iterator[tuple[str, str]]:
    """Yield facet and value for all that a group says of itself; its sources are known to the journal alone."""
    for facet in CONCEPTS:
        known = notations(facet.scheme)
        yield from ((facet.name, value) for value in _at(document, facet.path) if value in known)
    yield from ((TERRITORY, code) for code in _at(document, ("territories",)) if isinstance(code, str))


def many(value: Any) -> list[Any]:
    """Return what a key holds as a list; JSON-LD lets a single value stand alone."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield what stands at the end of a path of keys."""
    if not path:
        yield value
        return
    for inner in many(value.get(path[0]) if isinstance(value, dict) else None):
        yield from _at(inner, path[1:])
