"""One value at a time: what a key makes of a plain string, what a value says of itself, and the one form in which each kind is kept.

A value is a string, ``{"@language", "@value"}``, ``{"@type", "@value"}`` or a node ``{"id", …}``; None stands for one that was at fault.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.errors import Malformed, Text
from app.record.addresses import ID_KEYS, Addresses, identifier
from app.record.compact import Document, Field
from app.record.expanding import refuse_keyword
from app.record.faults import ASKED, NO_SUCH_DATATYPE, NOT_A_LANGUAGE, NOT_AN_IRI, NOT_TEXT, Faults, foreign_subject, nameless
from app.record.limits import VALUES
from app.record.text import UNMAPPED, absolute_iri, fault, language_tag, lexical
from app.terms import RDF, XSD
from app.vocabulary import Kind, compact_iri

_NUMBERS = (bool, int, float)
_PLAIN = frozenset({Kind.TEXT, Kind.TYPED})
_VALUE_KEYS = frozenset({"@value", "@language", "@type", "type"})

Describe = Callable[[Mapping[str, Any], str, str, str | None], Document]
"""Reads a nested node: (raw node, its address, path, kind of part)."""


def several(value: Any) -> list[Any]:
    """The values of a key, one or many; raises Malformed when there are too many."""
    if not isinstance(value, list):
        return [value]
    if len(value) > VALUES:
        raise Malformed(Text(f"Une propriété a plus de {VALUES} valeurs.", f"A property has more than {VALUES} values."))
    return value


class Values:
    """The reader of values of one record."""

    def __init__(self, addresses: Addresses, faults: Faults, describe: Describe) -> None:
        self._addresses = addresses
        self._faults = faults
        self._describe = describe

    def under(self, field: Field, value: Any, path: str) -> list[Any]:
        """The values under one of our keys, where the key says what a plain string is."""
        if field.kind is Kind.LANGUAGE_MAP and isinstance(value, dict) and "@value" not in value:
            return self._language_map(field, value, path)
        found = (self._one(field, item, path) for item in several(value) if item is not None)
        return [item for item in found if item is not None]

    def stated(self, value: Any, path: str, field: Field | None) -> list[Any]:
        """The values under a property's IRI, where each says itself what it is; fitted to our key when we have one."""
        found = (self._explicit(item, path, field) for item in several(value) if item is not None)
        kept = [item for item in found if item is not None]
        if field is None:
            return kept
        return [fitted for item in kept if (fitted := self._fitted(field, item, path)) is not None]

    # --- what our keys make of values ----------------------------------------------------------------------------

    def _one(self, field: Field, item: Any, path: str) -> Any:
        if isinstance(item, str):
            return self._string(field, item, path)
        if isinstance(item, _NUMBERS) and field.kind is Kind.TYPED:
            return lexical(item)
        if isinstance(item, dict):
            explicit = self._explicit(item, path, field)
            return None if explicit is None else self._fitted(field, explicit, path)
        return self._refuse(field, item, path)

    def _string(self, field: Field, item: str, path: str) -> Any:
        if field.kind in _PLAIN:
            return self._clean(item, path, one_line=field.one_line)
        if item in field.concepts:
            return item
        if field.kind is Kind.LANGUAGE_MAP:
            return self._refuse(field, item, path)
        iri = self._addresses.reference(item)
        return self._refuse(field, item, path) if iri is None else self._fitted(field, {"id": iri}, path)

    def _language_map(self, field: Field, value: Mapping[str, Any], path: str) -> list[tuple[str, str]]:
        found = []
        for tag, texts in value.items():
            language = language_tag(tag)
            for text in several(texts):
                if text is None:
                    continue
                if language is None:
                    self._faults.add(f"{path}.{tag[:40]}", text, NOT_A_LANGUAGE)
                elif not isinstance(text, str):
                    self._refuse(field, text, f"{path}.{language}")
                elif (clean := self._clean(text, f"{path}.{language}", one_line=field.one_line)) is not None:
                    found.append((language, clean))
        return found

    def _fitted(self, field: Field, value: Any, path: str) -> Any:
        """The value in the form that its key has in our documents."""
        if isinstance(value, str):
            return self._clean(value, path, one_line=True) if field.kind is Kind.TEXT else self._refuse(field, value, path)
        if "@value" in value:
            return self._fitted_literal(field, value, path)
        if field.kind is Kind.PART:
            return value
        if field.kind not in (Kind.IRI, Kind.CONCEPT):
            return self._refuse(field, value["id"], path)
        if len(value) > 1:
            raise Malformed(Text(f"« {path} » attend une adresse, pas une description.", f"“{path}” takes an address, not a description."))
        return field.notations.get(value["id"], value["id"])

    def _fitted_literal(self, field: Field, value: Mapping[str, str], path: str) -> Any:
        text, language = value["@value"], value.get("@language")
        if language is not None and field.kind is Kind.LANGUAGE_MAP:
            clean = self._clean(text, f"{path}.{language}", one_line=field.one_line)
            return None if clean is None else (language, clean)
        if field.kind is Kind.TYPED and language is None and value["@type"] == compact_iri(str(field.datatype)):
            return text
        return self._refuse(field, text, path)

    # --- what values say of themselves ---------------------------------------------------------------------------

    def _explicit(self, item: Any, path: str, field: Field | None) -> Any:
        if isinstance(item, str):
            return self._clean(item, path, one_line=False)
        if isinstance(item, _NUMBERS):
            return {"@type": _datatype(item), "@value": lexical(item)}
        if isinstance(item, dict):
            return self._literal(item, path) if "@value" in item else self._node(item, path, field)
        return self._fault(path, item, NOT_TEXT)

    def _literal(self, item: Mapping[str, Any], path: str) -> Any:
        for key in item:
            if key not in _VALUE_KEYS:
                raise refuse_keyword(key)
        value, language = item["@value"], item.get("@language")
        datatype = item.get("@type", item.get("type"))
        if value is None:
            return None
        if isinstance(value, _NUMBERS):
            datatype = datatype or _datatype(value)
            value = lexical(value)
        if not isinstance(value, str) or (language is not None and datatype is not None):
            return self._fault(path, value, NOT_TEXT)
        if self._clean(value, path, one_line=False) is None:
            return None
        if language is not None:
            tag = language_tag(language) if isinstance(language, str) else None
            return {"@language": tag, "@value": value} if tag else self._fault(path, language, NOT_A_LANGUAGE)
        return value if datatype is None else self._datatyped(value, datatype, path)

    def _datatyped(self, value: str, datatype: Any, path: str) -> Any:
        iri = absolute_iri(datatype) if isinstance(datatype, str) and ":" in datatype else None
        if iri is None or iri == RDF.langString:
            return self._fault(path, datatype, NO_SUCH_DATATYPE)
        return value if iri == XSD.string else {"@type": compact_iri(iri), "@value": value}

    def _node(self, item: Mapping[str, Any], path: str, field: Field | None) -> Any:
        """A reference, or a part of the record with statements of its own, whose address must be under the record's."""
        given = identifier(item)
        speaks = any(key not in ID_KEYS for key in item)
        part = field.part if field else None
        if given is not None and not given.startswith("_:"):
            iri = self._addresses.reference(given)
            if not speaks:
                return {"id": iri} if iri else self._fault(path, given.removeprefix(UNMAPPED), ASKED[field.kind] if field else NOT_AN_IRI)
            if iri is None or not self._addresses.owns(iri):
                raise foreign_subject(path, given)
            return self._describe(item, iri, path + ".", part)
        if given is not None and not speaks:
            return {"id": self._addresses.label(given, path)}
        if field is None or part is None:
            raise nameless(path)
        return self._describe(item, self._addresses.minted(given, field.key, path), path + ".", part)

    def _clean(self, text: str, path: str, *, one_line: bool) -> str | None:
        wrong = fault(text, one_line=one_line)
        if wrong is not None:
            self._faults.add(path, text, wrong)
        return text if wrong is None else None

    def _refuse(self, field: Field, value: object, path: str) -> None:
        self._fault(path, value, ASKED[field.kind])

    def _fault(self, path: str, value: object, message: Text) -> None:
        self._faults.add(path, value, message)


def _datatype(value: bool | float) -> str:
    """The datatype of a JSON number that no key gives one; a fraction is a decimal, since 48.9 is what was written."""
    return "xsd:boolean" if isinstance(value, bool) else "xsd:integer" if isinstance(value, int) else "xsd:decimal"
