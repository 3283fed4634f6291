"""A few statements about the node itself, written as Turtle, N-Triples or JSON-LD; for descriptions, not for records."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.record import serialise_ntriples
from app.terms import RDF, XSD

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class Iri:
    """An IRI as the object of a statement."""

    value: str

    def line(self) -> str:
        """Return it as N-Triples writes it."""
        return f"<{self.value}>"

    def json(self) -> Any:
        """Return it as JSON-LD writes it."""
        return {"@id": self.value}


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal: with a language, or with a datatype."""

    value: str
    datatype: str = XSD.string
    language: str | None = None

    def line(self) -> str:
        """Return it as N-Triples writes it."""
        quoted = f'"{self.value.translate(_ESCAPES)}"'
        if self.language:
            return f"{quoted}@{self.language}"
        return quoted if self.datatype == XSD.string else f"{quoted}^^<{self.datatype}>"

    def json(self) -> Any:
        """Return it as JSON-LD writes it."""
        if self.language:
            return {"@value": self.value, "@language": self.language}
        return self.value if self.datatype == XSD.string else {"@value": self.value, "@type": self.datatype}


Term: TypeAlias = Iri | Literal
Statement: TypeAlias = tuple[str, str, Term]


def lines(statements: Iterable[Statement]) -> str:
    """Write statements as N-Triples; equal ones once, in a fixed order."""
    return "".join(sorted({f"<{subject}> <{predicate}> {value.line()} .\n" for subject, predicate, value in statements}))


def rdf(statements: Iterable[Statement], media_type: str, prefixes: Mapping[str, str]) -> bytes:
    """Write statements as Turtle or another format of `app.record`."""
    return serialise_ntriples(lines(statements), media_type, prefixes)


def jsonld(statements: Iterable[Statement], prefixes: Mapping[str, str]) -> bytes:
    """Write statements as JSON-LD with these prefixes: a node a subject, in the order in which they come."""
    nodes: dict[str, dict[str, Any]] = {}
    for subject, predicate, value in statements:
        node = nodes.setdefault(subject, {"@id": subject})
        if predicate == RDF.type and isinstance(value, Iri):
            node.setdefault("@type", []).append(shortened(value.value, prefixes))
        else:
            node.setdefault(shortened(predicate, prefixes), []).append(value.json())
    document = {"@context": dict(prefixes), "@graph": list(nodes.values())}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def shortened(iri: str, prefixes: Mapping[str, str]) -> str:
    """Return an IRI with the prefix whose namespace it begins with."""
    return next((f"{name}:{iri[len(space) :]}" for name, space in prefixes.items() if iri.startswith(space)), iri)
