"""What the directory says of a group of which several records speak: one table of rules, and for every value who says it.

A value that loses stays one hop away, in the record that says it; nothing is blended, nothing is invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

from app.matching import places
from app.matching.choosing import Said, every, unanimous
from app.matching.places import Located
from app.matching.rules import PLACE, RULES, UNION, VOTE_BY_DATE, Rule, Rules
from app.names import Names
from app.terms import OWL
from app.vocabulary import Kind, load

Document: TypeAlias = dict[str, Any]
Origins: TypeAlias = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one record says, in its public view; `at` is when its source last changed it, `own` whether it is one of ours."""

    reference: str
    iri: str
    document: Document
    at: str
    own: bool


@dataclass(frozen=True, slots=True)
class Fused:
    """The group's document, and for each of its keys a list of ``{value, language?, from, rule, lost?, conflict?}``.

    `from` are the references of the records that say the value, `lost` the values not chosen with theirs. The fields of places have
    keys of their own, ``location.postalCode``.
    """

    document: Document
    origins: Origins


PARTS: Final[Mapping[str, tuple[str, ...]]] = {"cooperations": ("partner",), "participations": ("initiative",), "shares": ("url", "name")}
"""Nested parts, and what makes two of them the same one."""

_COMPUTED: Final = frozenset({"id", "type", "records", "exactMatch", PLACE, f"{OWL.NAMESPACE}sameAs", *PARTS})
"""What no record says of a group by itself: who is the same is decided here, and said by `exactMatch` alone."""


def fuse(iri: str, statements: Sequence[Statement], names: Names, rules: Rules = RULES) -> Fused:
    """Return what is said of the group `iri` at the node that `names` is about, by the node's rules."""
    statements = sorted(statements, key=lambda statement: statement.reference)
    origins: Origins = {}
    document: Document = {"id": iri, "type": ["Group", "schema:Organization"]}
    for key in _keys(statements):
        _fuse_key(key, statements, document, origins, rules)
    located, said = places.fuse(iri, [one for statement in statements for one in _places(statement)], rules[PLACE])
    if located:
        document["location"] = located
        origins.update(said)
    for key, same in PARTS.items():
        _fuse_parts(iri, key, same, statements, document, origins)
    document["records"] = [names.record(*statement.reference.split("/", 1)) for statement in statements]
    matches = sorted(
        {statement.iri for statement in statements if statement.iri != iri and names.reference_of(statement.iri.partition("#")[0]) is None}
    )
    if matches:
        document["exactMatch"] = matches
    return Fused(_rooted(iri, document), origins)


def _places(statement: Statement) -> list[Located]:
    """Return the places of one record."""
    found = [place for place in _listed(statement.document.get("location")) if isinstance(place, dict)]
    return [Located(place, statement.reference, statement.at, statement.own) for place in found]


def name_of(statements: Sequence[Statement], rules: Rules = RULES) -> str:
    """Return the name of a group before it has an IRI: the French one if there is one."""
    document: Document = {}
    _fuse_key("name", sorted(statements, key=lambda statement: statement.reference), document, {}, rules)
    return displayed(document.get("name"))


def displayed(name: object) -> str:
    """Return one text of a language map, French first."""
    if isinstance(name, dict):
        languages = sorted(name, key=lambda tag: (not tag.startswith("fr"), tag))
        name = name[languages[0]] if languages else ""
    return name if isinstance(name, str) else ""


def _keys(statements: Sequence[Statement]) -> list[str]:
    """Return the keys to be fused, those of the table first and in its order."""
    found = {key for statement in statements for key in statement.document if not key.startswith("@")} - _COMPUTED
    return [key for key in RULES if key in found] + sorted(found - RULES.keys())


def _fuse_key(key: str, statements: Sequence[Statement], document: Document, origins: Origins, rules: Rules) -> None:
    """Apply a key's rule, language by language where values have one."""
    values = [(statement, value) for statement in statements if (value := statement.document.get(key)) or value == 0]
    rule = rules.get(key) or (UNION if any(isinstance(value, list | dict) for _, value in values) else VOTE_BY_DATE)
    if key in _language_maps():
        _fuse_languages(key, rule, values, document, origins)
        return
    if rule.choose is unanimous and len(values) < len(statements):
        return
    kept, found = _choose(rule, [(statement, item) for statement, value in values for item in (_listed(value) if rule.many else (value,))])
    if kept:
        document[key] = kept if rule.many or len(kept) > 1 else kept[0]
        origins[key] = found


@cache
def _language_maps() -> frozenset[str]:
    """Return the keys whose values are given by language."""
    return frozenset(key for key, known in load().properties("Group").items() if known.kind is Kind.LANGUAGE_MAP)


def _fuse_languages(key: str, rule: Rule, values: Sequence[tuple[Statement, Any]], document: Document, origins: Origins) -> None:
    """Apply a rule to each language by itself."""
    maps = [(statement, value if isinstance(value, dict) else {"und": value}) for statement, value in values]
    fused: dict[str, Any] = {}
    for language in sorted({language for _, by_language in maps for language in by_language}):
        kept, found = _choose(rule, [(statement, value) for statement, by_language in maps if (value := by_language.get(language))])
        if kept:
            fused[language] = kept[0]
            origins.setdefault(key, []).extend([{"language": language} | origin for origin in found])
    document[key] = fused


def _choose(rule: Rule, stated: Sequence[tuple[Statement, Any]]) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the values kept by a rule and their origins; what only one record says needs no choosing."""
    if not stated:
        return [], []
    if len(stated) == 1:
        ((statement, value),) = stated
        return [value], [{"value": value, "from": [statement.reference], "rule": rule.name}]
    chosen = rule.choose([Said(value, one.reference, one.at, one.own, rule.normal(value)) for one, value in stated])
    return [one.value for one in chosen.kept], chosen.origins(rule.name)


def _fuse_parts(iri: str, key: str, same: tuple[str, ...], statements: Sequence[Statement], document: Document, origins: Origins) -> None:
    """Unite nested parts under the group's IRI; of several about the same thing the newest is kept."""
    said = [
        Said(part, statement.reference, statement.at, statement.own, _about(part, same))
        for statement in statements
        for part in _listed(statement.document.get(key))
        if isinstance(part, dict)
    ]
    if not said:
        return
    chosen = every(sorted(said, key=lambda one: (one.own, one.at), reverse=True))
    ids = [f"{iri}#{key}-{number}" for number in range(1, len(chosen.kept) + 1)]
    document[key] = [dict(one.value, id=part_id) for one, part_id in zip(chosen.kept, ids, strict=True)]
    origins[key] = [origin | {"value": part_id} for origin, part_id in zip(chosen.origins("union"), ids, strict=True)]


def _about(part: Mapping[str, Any], same: tuple[str, ...]) -> str:
    """Return what a nested part is about: two parts about the same thing are one."""
    named = next((str(part[name]) for name in same if part.get(name)), None)
    return named or repr(sorted((key, repr(value)) for key, value in part.items() if key != "id"))


def _rooted(iri: str, document: Document) -> Document:
    """Return the document with every part under the group's IRI, whichever key holds it: a group speaks of itself only."""
    moved: dict[str, str] = {}
    _parts(iri, document, moved)
    return {key: _moved(value, moved) for key, value in document.items()} if moved else document


def _parts(iri: str, value: Any, moved: dict[str, str]) -> None:
    """Find new addresses for the parts that are still under their record's."""
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict) and "id" in member and len(member) > 1 and not member["id"].startswith(f"{iri}#"):
            moved.setdefault(member["id"], f"{iri}#part-{len(moved) + 1}")
        if isinstance(member, dict | list):
            _parts(iri, member, moved)


def _moved(value: Any, moved: Mapping[str, str]) -> Any:
    """Return a value with the new addresses of parts, wherever they are named."""
    if isinstance(value, list):
        return [_moved(member, moved) for member in value]
    if not isinstance(value, dict):
        return value
    return {key: moved.get(member, member) if key == "id" else _moved(member, moved) for key, member in value.items()}


def _listed(value: Any) -> list[Any]:
    """Return a JSON value that may be one or several as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
