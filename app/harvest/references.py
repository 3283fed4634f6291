"""References between the records of one source, written ``key:…`` until somebody knows the IRIs: a visit mints them, `load` chooses slugs.

Formats whose links name other records of the same file (Kumu's connections, a mapping with ``as = "key"``) write them so; whoever takes the
records replaces them before reading the documents.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from app.names import key_for

PREFIX: Final = "key:"
HOLDERS: Final = frozenset({"cooperatesWith", "memberOf", "partner"})
"""The keys whose values may be such references."""


def reference(identifier: str) -> str:
    """Write a reference to the record that the source itself calls `identifier`."""
    return PREFIX + key_for(identifier)


def resolve(document: Any, iri_of: Callable[[str], str | None]) -> Any:
    """Return the document with every reference replaced by the IRI that `iri_of` gives for its key; those without one are left out."""
    if isinstance(document, list):
        return [resolve(part, iri_of) for part in document]
    if not isinstance(document, dict):
        return document
    return {key: found for key, value in document.items() if (found := _value(key, value, iri_of)) not in (None, [])}


def _value(key: str, value: Any, iri_of: Callable[[str], str | None]) -> Any:
    """One value of a document, its references replaced."""
    if key not in HOLDERS:
        return resolve(value, iri_of)
    if isinstance(value, list):
        return [found for part in value if (found := _value(key, part, iri_of)) is not None]
    return iri_of(value.removeprefix(PREFIX)) if isinstance(value, str) and value.startswith(PREFIX) else value


def keys_in(document: Any) -> Iterator[str]:
    """The keys of the records that a document refers to."""
    if isinstance(document, list):
        for part in document:
            yield from keys_in(part)
    elif isinstance(document, dict):
        for key, value in document.items():
            listed = value if isinstance(value, list) else [value]
            if key in HOLDERS:
                yield from (text.removeprefix(PREFIX) for text in listed if isinstance(text, str) and text.startswith(PREFIX))
            else:
                yield from keys_in(value)
