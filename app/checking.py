"""Records against the shapes: pySHACL over many at once, with the sentence, the JSON key and the value of whatever is wrong.

Why not `pyshacl.validate` itself: it parses text, builds a report graph, evaluates every property for one node at a time, and switches
rdflib's rewriting of literals back on when it returns. Here terms are built straight from records' statements, and each property shape
gets the targets of its node shape, so that it runs once over all records, of which it is only shown those that it could find fault with.
A test holds the results to those of `pyshacl.validate`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

from pyshacl.constraints import ALL_CONSTRAINT_PARAMETERS
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shape import Shape
from pyshacl.shapes_graph import ShapesGraph
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, SH
from rdflib.term import Node

from app.errors import Severity, Text, Violation
from app.record import Document, refusal, triples
from app.terms import XSD
from app.vocabulary import compact_iri, data_path, load

_TARGETS: Final = (SH.targetClass, SH.targetObjectsOf, SH.targetSubjectsOf, SH.targetNode)
_OF_VALUES: Final = frozenset(
    {SH.datatype, SH.nodeKind, SH["in"], SH.maxCount, SH.minLength, SH.maxLength, SH.pattern, SH.flags, SH.uniqueLang}
    | {SH.minInclusive, SH.maxInclusive, SH.minExclusive, SH.maxExclusive, SH.languageIn}
)
"""Constraints that a node without any value meets."""

_SHOWN: Final = 200
_MOST: Final = 100
_PLAIN_LEXICAL: Final = re.compile(r"[-+0-9.:TZ]{1,40}\Z")
_REFERENCE: Final = "urn:x-maillage-reference:"
_NO_DATATYPE: Final = "urn:x-maillage-no-datatype"


class Checker:
    """Checks records; safe to use from several threads."""

    def __init__(self) -> None:
        """Read the shapes."""
        self._rules, self._predicates = _rules()

    def check(self, documents: Sequence[Document]) -> list[tuple[Violation, ...]]:
        """Return what is wrong with each document, in their order, warnings included."""
        found: list[tuple[Violation, ...]] = [()] * len(documents)
        for places in _apart(documents):
            batch = _Batch(self._predicates)
            for place in places:
                batch.add(place, documents[place])
            for place, violations in batch.results(self._rules).items():
                found[place] = tuple(sorted(violations, key=lambda violation: (violation.severity is Severity.WARNING, violation.path))[:_MOST])
        return found

    def require(self, document: Document) -> tuple[Violation, ...]:
        """Return the warnings; raises Invalid, with all that is wrong, when the record may not be taken."""
        (found,) = self.check([document])
        if any(violation.severity is Severity.VIOLATION for violation in found):
            raise refusal(found)
        return found


# --- the shapes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    """A shape, its targets as (kind, term), and its path when it cannot find fault with a node that has no value there."""

    shape: Any  # pySHACL's Shape, whose annotations are narrower than what it takes
    targets: frozenset[tuple[Node, Node]]
    path: Node | None


@cache
def _rules() -> tuple[tuple[_Rule, ...], frozenset[str]]:
    """The shapes of records, each with targets of its own, and the properties that they look at."""
    graph = Graph().parse(data_path("shapes", "group.ttl"), format="turtle")
    predicates = {str(path) for path in graph.objects(None, SH.path)} | {str(target) for kind in _TARGETS[1:] for target in graph.objects(None, kind)}
    _spread(graph)
    rules = (_rule(graph, shape) for shape in ShapesGraph(graph).shapes)
    return tuple(rule for rule in rules if rule.targets), frozenset(predicates)


def _rule(graph: Graph, shape: Shape) -> _Rule:
    """Return one shape with what tells which nodes to show to it."""
    targets = frozenset((kind, target) for kind in _TARGETS for target in graph.objects(shape.node, kind))
    asked = set(graph.predicates(shape.node, None)).intersection(ALL_CONSTRAINT_PARAMETERS)
    path = graph.value(shape.node, SH.path)
    return _Rule(shape, targets, path if isinstance(path, URIRef) and asked <= _OF_VALUES else None)


def _spread(graph: Graph) -> None:
    """Give each property shape the targets of its node shape, and take it from under it: the same results, once for all nodes."""
    for shape, property_shape in list(graph.subject_objects(SH.property)):
        graph.remove((shape, SH.property, property_shape))
        for kind in _TARGETS:
            for target in graph.objects(shape, kind):
                graph.add((property_shape, kind, target))
    for property_shape in set(graph.subjects(SH.path, None)):
        graph.add((property_shape, RDF.type, SH.PropertyShape))


# --- the graph --------------------------------------------------------------------------------------------------


def _apart(documents: Sequence[Document]) -> Iterable[list[int]]:
    """Documents in as many batches as it takes for no batch to hold the same record twice."""
    batches: list[list[int]] = []
    seen: dict[str, int] = {}
    for place, document in enumerate(documents):
        turn = seen.get(document["id"], 0)
        seen[document["id"]] = turn + 1
        if turn == len(batches):
            batches.append([])
        batches[turn].append(place)
    return batches


@dataclass(slots=True)
class _Batch:
    """One graph of records, and where each of its nodes stands: (place of its document, JSON path)."""

    predicates: frozenset[str]
    graph: Graph = field(default_factory=lambda: Graph("SimpleMemory", bind_namespaces="none"))
    nodes: dict[str, tuple[int, str]] = field(default_factory=dict)
    references: int = 0

    def add(self, place: int, document: Document) -> None:
        """Add the statements that the shapes look at."""
        self._place(document, place, "")
        parts = _part_predicates()
        store = self.graph.store
        for triple in triples(document):
            predicate = triple.predicate.value
            if predicate in self.predicates:
                term = _term(triple.object)
                if predicate in parts and not self._is_part(str(term), place):
                    term = self._reference(place, parts[predicate])
                store.add((_iri(str(triple.subject)[1:-1]), _iri(predicate), term), self.graph)

    def _place(self, node: Document, place: int, path: str) -> None:
        self.nodes[node["id"]] = (place, path)
        for key, value in node.items():
            for member in value if isinstance(value, list) else (value,):
                if isinstance(member, dict) and len(member) > 1 and "id" in member:
                    self._place(member, place, f"{path}{key}.")

    def _is_part(self, iri: str, place: int) -> bool:
        """Say whether an address is that of a part described in this very document."""
        owner, path = self.nodes.get(iri, (place, ""))
        return owner == place and path != ""

    def _reference(self, place: int, key: str) -> URIRef:
        """A stand-in for a part that is only named: what another record says of it must not be laid at this one's door."""
        self.references += 1
        stand_in = URIRef(f"{_REFERENCE}{self.references}")
        self.nodes[str(stand_in)] = (place, f"{key}.")
        return stand_in

    def results(self, rules: Iterable[_Rule]) -> dict[int, dict[Violation, None]]:
        """Run the shapes; the results by document, each once."""
        found: dict[int, dict[Violation, None]] = {}
        executor = SHACLExecutor()
        targeted: dict[frozenset[tuple[Node, Node]], set[Node]] = {}
        for rule in rules:
            if rule.targets not in targeted:
                targeted[rule.targets] = rule.shape.focus_nodes(self.graph)
            nodes = targeted[rule.targets] if rule.path is None else targeted[rule.targets].intersection(self.graph.subjects(rule.path))
            _conforms, results = rule.shape.validate(executor, self.graph, nodes) if nodes else (True, ())
            for _text, node, statements in results:
                place, violation = self._violation(node, statements)
                found.setdefault(place, {})[violation] = None
        return found

    def _violation(self, node: Node, statements: Iterable[tuple[Node, Node, Any]]) -> tuple[int, Violation]:
        parts: dict[Node, Any] = {}
        messages: dict[str | None, str] = {}
        for subject, predicate, value in statements:
            plain = value[1] if isinstance(value, tuple) else value
            if subject != node:
                continue
            if predicate == SH.resultMessage:
                messages[plain.language] = str(plain)
            else:
                parts[predicate] = plain
        place, prefix = self.nodes[str(parts[SH.focusNode])]
        path = parts.get(SH.resultPath)
        name = prefix + _key(str(path)) if path is not None else prefix.rstrip(".") or "id"
        severity = Severity.WARNING if parts[SH.resultSeverity] == SH.Warning else Severity.VIOLATION
        return place, Violation(name, self._value(parts, path), Text(messages.get("fr", ""), messages.get("en", "")), severity)

    def _value(self, parts: dict[Node, Any], path: Node | None) -> str:
        """The value at fault; where there are too many, all of them."""
        value = parts.get(SH.value)
        values = [value] if value is not None else self.graph.objects(parts[SH.focusNode], path) if path is not None else []
        return " | ".join(sorted("" if str(v).startswith(_REFERENCE) else str(v)[:_SHOWN] for v in values))[:_SHOWN]


@cache
def _part_predicates() -> dict[str, str]:
    """The properties whose values are parts of a record, with their keys."""
    return {p.iri: p.key for p in load().properties("Group").values() if p.part}


@cache
def _key(iri: str) -> str:
    """The JSON key of a property."""
    if iri == str(RDF.type):
        return "type"
    keys = {p.iri: p.key for owner in load().owners.values() for p in owner.values()}
    return keys.get(iri) or compact_iri(iri)


@lru_cache(maxsize=4096)
def _iri(iri: str) -> URIRef:
    return URIRef(iri)


def _term(term: Any) -> URIRef | Literal:
    """A statement's object for rdflib, which neither parses nor rewrites strangers' literals: an odd lexical form is of no datatype at all."""
    datatype = getattr(term, "datatype", None)
    if datatype is None:
        return _iri(term.value)
    if term.language:
        return Literal(term.value, lang=term.language, normalize=False)
    if datatype.value == XSD.string:
        return Literal(term.value, normalize=False)
    return Literal(term.value, datatype=_iri(datatype.value if _is_plain(term.value, datatype.value) else _NO_DATATYPE), normalize=False)


def _is_plain(text: str, datatype: str) -> bool:
    """Say whether a lexical form is short, cheap to parse, and that of a value."""
    if not _PLAIN_LEXICAL.match(text):
        return False
    try:
        _PARSERS.get(datatype, str)(text)
    except (ValueError, ArithmeticError):
        return False
    return True


_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {XSD.date: date.fromisoformat, XSD.dateTime: datetime.fromisoformat, XSD.decimal: Decimal}
