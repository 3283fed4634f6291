"""The vocabulary as the program uses it, read from `vocab/*.ttl` and `shapes/*.ttl`, which are its one source.

Why here: the JSON-LD context, the typed terms, the labels of pages and the table that turns records into triples
must never disagree, so all of them are derived from the same few files by this module.
"""

import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import OWL, RDF, RDFS, SH, SKOS, XSD
from rdflib.term import Node

PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "mlg": "https://w3id.org/maillage/ns#",
        "mc": "https://w3id.org/maillage/concept/",
        "schema": "https://schema.org/",
        "org": "http://www.w3.org/ns/org#",
        "dcterms": "http://purl.org/dc/terms/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "prov": "http://www.w3.org/ns/prov#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "void": "http://rdfs.org/ns/void#",
        "sd": "http://www.w3.org/ns/sparql-service-description#",
        "as": "https://www.w3.org/ns/activitystreams#",
        "ldes": "https://w3id.org/ldes#",
        "tree": "https://w3id.org/tree#",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)
"""The prefixes of the context, of Turtle answers and of the SPARQL page."""

_ONLY_IN_TERMS = {"owl": str(OWL), "sh": str(SH), "formats": "http://www.w3.org/ns/formats/"}
_MLG = Namespace(PREFIXES["mlg"])
_LANGUAGES = ("fr", "en")


class Kind(StrEnum):
    """How the value of a JSON key is written."""

    LANGUAGE_MAP = "language map"  # {"fr": "…", "en": "…"}
    TEXT = "text"  # "…"
    TYPED = "typed"  # "48.9362", the datatype being the key's
    IRI = "iri"  # "https://…"
    CONCEPT = "concept"  # "housing" for a concept of the key's scheme, "https://…" for any other
    PART = "part"  # {"id": "…#location-1", …}


@dataclass(frozen=True, slots=True)
class Property:
    """One JSON key of one kind of thing (`owner`: "Group", "Place", "Participation", …)."""

    key: str
    iri: str
    kind: Kind
    datatype: str | None
    scheme: str | None
    many: bool
    order: float
    owner: str
    part: str | None
    labels: Mapping[str, str]
    required: bool = False
    max_length: int | None = None
    ordered: bool = False
    reverse: bool = False
    messages: Mapping[str, str] = field(default_factory=dict)  # what to do, as said when a value breaks the shape


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of one of our schemes; `scheme` is the scheme's local name ("topics")."""

    iri: str
    notation: str
    scheme: str
    labels: Mapping[str, str]
    definitions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Term:
    """A class, a property or a scheme, as the documentation shows it; `parents` are what it specialises."""

    iri: str
    name: str
    labels: Mapping[str, str]
    definitions: Mapping[str, str]
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All of it, immutable; made once by `load`."""

    context: Mapping[str, Any]
    context_bytes: bytes
    owners: Mapping[str, Mapping[str, Property]]
    schemes: Mapping[str, tuple[Concept, ...]]
    concepts: Mapping[str, Concept]
    classes: tuple[Term, ...]
    relations: tuple[Term, ...]
    scheme_terms: tuple[Term, ...]
    labels: Mapping[str, Mapping[str, str]] = field(repr=False)

    def properties(self, owner: str) -> Mapping[str, Property]:
        """The keys of one kind of thing, in the order in which they are shown."""
        return self.owners[owner]

    def label(self, iri: str, language: str) -> str:
        """Return the name of a term or concept in `language`; French, then the compact IRI, stand in for a missing one."""
        labels = self.labels.get(iri, {})
        return labels.get(language[:2].lower()) or labels.get("fr") or compact_iri(iri)


def data_path(*parts: str) -> Path:
    """Return a file of `vocab/` or `shapes/`: the checkout's when there is one, else the copy inside the wheel."""
    here = Path(__file__).parent
    checkout = here.parent
    return (checkout if (checkout / "vocab" / "maillage.ttl").exists() else here / "data").joinpath(*parts)


def compact_iri(iri: str) -> str:
    """Return ``schema:name`` for an IRI of a known namespace, else the IRI."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace) and len(iri) > len(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


@cache
def load() -> Vocabulary:
    """Read the vocabulary (once)."""
    terms, shapes = _read("vocab"), _read("shapes")
    owners = _owners(shapes)
    concepts = {concept.iri: concept for concept in _concepts(terms)}
    context = _context(terms, owners)
    labels: dict[str, Mapping[str, str]] = {
        iri: _languages(terms, URIRef(iri), RDFS.label, SKOS.prefLabel) for iri in {str(s) for s in terms.subjects() if isinstance(s, URIRef)}
    }
    for property_ in _each(owners):
        labels.setdefault(property_.iri, property_.labels)
    return Vocabulary(
        context=context,
        context_bytes=_json({"@context": context}).encode(),
        owners=owners,
        schemes={name: tuple(c for c in concepts.values() if c.scheme == name) for name in dict.fromkeys(c.scheme for c in concepts.values())},
        concepts=concepts,
        classes=_own_terms(terms, OWL.Class),
        relations=_own_terms(terms, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty),
        scheme_terms=tuple(_term(terms, scheme) for scheme in sorted(terms.subjects(RDF.type, SKOS.ConceptScheme), key=str)),
        labels=labels,
    )


def generated() -> dict[Path, str]:
    """The files made from the vocabulary, as they should be; a test and `maillage vocabulary --check` compare them."""
    vocabulary = load()
    return {data_path("vocab", "context.jsonld"): vocabulary.context_bytes.decode(), Path(__file__).parent / "terms.py": _terms_module()}


# --- reading the files ------------------------------------------------------------------------------------------


def _read(folder: str) -> Graph:
    graph = Graph()
    for path in sorted(data_path(folder).glob("*.ttl")):
        graph.parse(path, format="turtle")
    return graph


def _languages(graph: Graph, subject: Node, *predicates: URIRef) -> dict[str, str]:
    """The texts of a subject by language, the first predicate that has any."""
    for predicate in predicates:
        found = {str(getattr(text, "language", None)): str(text) for text in graph.objects(subject, predicate)}
        if found:
            return {language: found[language] for language in _LANGUAGES if language in found}
    return {}


def _local(iri: Node | str) -> str:
    return re.split(r"[/#]", str(iri))[-1]


def _concepts(terms: Graph) -> Iterator[Concept]:
    """The concepts, scheme by scheme, each in its place (`schema:position`)."""
    position = URIRef(PREFIXES["schema"] + "position")

    def place(iri: Node) -> tuple[str, int]:
        return str(terms.value(iri, SKOS.inScheme)), int(str(terms.value(iri, position)))

    for iri in sorted(terms.subjects(RDF.type, SKOS.Concept), key=place):
        notation, scheme = str(terms.value(iri, SKOS.notation)), _local(str(terms.value(iri, SKOS.inScheme)))
        yield Concept(str(iri), notation, scheme, _languages(terms, iri, SKOS.prefLabel), _languages(terms, iri, SKOS.definition))


def _owners(shapes: Graph) -> dict[str, dict[str, Property]]:
    """The keys of every shape, by owner, in their order."""
    parts = {path: str(shapes.value(shape, _MLG.owner)) for shape, path in shapes.subject_objects(SH.targetObjectsOf)}
    owners: dict[str, dict[str, Property]] = {}
    for shape, owner in sorted(shapes.subject_objects(_MLG.owner), key=lambda pair: str(pair[1])):
        found = [_property(shapes, node, str(owner), parts) for node in shapes.objects(shape, SH.property) if shapes.value(node, _MLG.key)]
        owners[str(owner)] = {p.key: p for p in sorted(found, key=lambda p: (p.order, p.key))}
    return owners


def _property(shapes: Graph, node: Node, owner: str, parts: Mapping[Node, str]) -> Property:
    path, scheme, datatype = shapes.value(node, SH.path), shapes.value(node, _MLG.scheme), shapes.value(node, SH.datatype)
    inverse = shapes.value(path, SH.inversePath)
    length = shapes.value(node, SH.maxLength)
    assert path is not None
    return Property(
        key=str(shapes.value(node, _MLG.key)),
        iri=str(inverse or path),
        kind=_kind(path, parts, datatype, scheme),
        datatype=str(datatype) if datatype not in (None, XSD.string, RDF.langString) else None,
        scheme=_local(scheme) if scheme else None,
        many=str(shapes.value(node, SH.maxCount)) != "1",
        order=float(str(shapes.value(node, SH.order))),
        owner=owner,
        part=parts.get(path),
        labels=_languages(shapes, node, SH.name),
        required=shapes.value(node, SH.minCount) is not None,
        max_length=int(str(length)) if length else None,
        ordered=shapes.value(node, _MLG.ordered) is not None,
        reverse=inverse is not None,
        messages=_languages(shapes, node, SH.message),
    )


def _kind(path: Node, parts: Mapping[Node, str], datatype: Node | None, scheme: Node | None) -> Kind:
    if path in parts:
        return Kind.PART
    if scheme is not None:
        return Kind.CONCEPT
    if datatype is None:
        return Kind.IRI
    return {RDF.langString: Kind.LANGUAGE_MAP, XSD.string: Kind.TEXT}.get(datatype, Kind.TYPED)  # type: ignore[call-overload,no-any-return]


def _each(owners: Mapping[str, Mapping[str, Property]]) -> Iterator[Property]:
    return (property_ for keys in owners.values() for property_ in keys.values())


def _own_terms(terms: Graph, *types: URIRef) -> tuple[Term, ...]:
    found = {subject for type_ in types for subject in terms.subjects(RDF.type, type_) if str(subject).startswith(str(_MLG))}
    return tuple(_term(terms, subject) for subject in sorted(found, key=str))


def _term(terms: Graph, subject: Node) -> Term:
    parents = sorted(str(parent) for predicate in (RDFS.subClassOf, RDFS.subPropertyOf) for parent in terms.objects(subject, predicate))
    return Term(
        str(subject),
        _local(subject),
        _languages(terms, subject, RDFS.label, SKOS.prefLabel),
        _languages(terms, subject, SKOS.definition),
        tuple(parents),
    )


# --- the generated files ----------------------------------------------------------------------------------------


def _context(terms: Graph, owners: Mapping[str, Mapping[str, Property]]) -> dict[str, Any]:
    """The JSON-LD context: prefixes, classes, then every key of every shape."""
    notations = _notations(terms)
    classes = {_local(c): compact_iri(str(c)) for c in terms.subjects(RDF.type, OWL.Class) if str(c).startswith(str(_MLG))}
    classes |= {str(key): compact_iri(str(c)) for c, key in terms.subject_objects(_MLG.key)}
    keys: dict[str, Any] = {}
    for property_ in _each(owners):
        definition = _definition(property_, notations)
        if keys.setdefault(property_.key, definition) != definition:
            raise ValueError(f"the key {property_.key!r} means two things")
    aliases = {"id": "@id", "type": "@type", "record": "@graph"}
    return {"@version": 1.1, "@protected": True, **PREFIXES, **aliases, **dict(sorted(classes.items())), **dict(sorted(keys.items()))}


def _notations(terms: Graph) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for concept in _concepts(terms):
        found.setdefault(concept.scheme, {})[concept.notation] = compact_iri(concept.iri)
    return found


def _definition(property_: Property, notations: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """One key of the context; a scheme's concepts are terms of a context that holds under this key alone."""
    if property_.reverse:
        return {"@reverse": compact_iri(property_.iri)}
    definition: dict[str, Any] = {"@id": compact_iri(property_.iri)}
    if property_.kind is Kind.CONCEPT:
        definition |= {"@type": "@vocab", "@context": dict(sorted(notations[str(property_.scheme)].items()))}
    elif property_.kind in (Kind.IRI, Kind.PART):
        definition["@type"] = "@id"
    elif property_.datatype:
        definition["@type"] = compact_iri(property_.datatype)
    container = "@list" if property_.ordered else "@language" if property_.kind is Kind.LANGUAGE_MAP else "@set" if property_.many else None
    return definition | ({"@container": container} if container else {})


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


_TERMS_HEAD = '''"""Every term the program names, typed and written once. Generated from vocab/ and shapes/ by `maillage vocabulary`; do not edit."""

# ruff: noqa: N815 - the names are those that the vocabularies gave them

from typing import Final
'''


def _terms_module() -> str:
    """The text of app/terms.py: one class a namespace, one constant a term."""
    graphs = (_read("vocab"), _read("shapes"))
    used = {str(node) for graph in graphs for triple in graph for node in triple if isinstance(node, URIRef)}
    sections = (_terms_class(prefix, namespace, used) for prefix, namespace in sorted({**PREFIXES, **_ONLY_IN_TERMS}.items()))
    return _TERMS_HEAD + "".join(sections)


def _terms_class(prefix: str, namespace: str, used: Iterable[str]) -> str:
    names = sorted(iri[len(namespace) :] for iri in used if iri.startswith(namespace) and re.fullmatch(r"[A-Za-z][\w-]*", iri[len(namespace) :]))
    head = f'\n\nclass {prefix.upper()}:\n    """Terms of <{namespace}>."""\n\n    NAMESPACE: Final = "{namespace}"\n'
    return head + "".join(f'    {_identifier(name)}: Final = "{namespace}{name}"\n' for name in names)


def _identifier(name: str) -> str:
    plain = name.replace("-", "_")
    return f"{plain}_" if keyword.iskeyword(plain) else plain
