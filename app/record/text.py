"""Texts, IRIs and language tags from strangers: what is let through, decided once, in linear time.

Why before RDF: rdflib and N-Quads writers let datatypes and blank node labels carry whole statements; nothing that is not proved to be
an IRI, a tag or clean text gets as far as a term.
"""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pyoxigraph import Literal, NamedNode

from app.errors import Text
from app.record.compact import expand_prefix
from app.record.faults import shown
from app.record.limits import IRI_LENGTH

SCHEMES: Final = ("http", "https", "urn", "mailto", "tel", "geo", "did")
"""The IRI schemes of records; none is a prefix of our context, so an IRI never means something else once compacted."""

UNMAPPED: Final = "urn:x-maillage-unmapped:"
"""The namespace into which names fall that no context maps, so that they are seen and reported instead of dropped in silence."""

_IRI: Final = re.compile(r"(?:https?://[^/?#@\s]+(?:[/?#]|\Z)|(?:urn|mailto|tel|geo|did):[^\s])", re.IGNORECASE)
_UNSAFE: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_BAD_TEXT: Final = re.compile(f"[{_UNSAFE}]")
_BAD_LINE: Final = re.compile(f"[\\t\\n\\r{_UNSAFE}]")
_BAD_IRI: Final = re.compile(f'[\\s<>"{{}}|\\\\^`\u200b-\u200f\u061c{_UNSAFE}]')
_PILES: Final = re.compile(r"(?:[^\w\s\x00-\x7f]|[\uff9e\uff9f]){31,}+")
_LANGUAGE: Final = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8})*\Z")

PILE: Final = 30
"""Marks upon one letter (UAX #15, stream-safe text): Unicode's normal forms take seconds for 64 KB of them, and nothing else runs meanwhile."""

ONE_LINE: Final = Text("Ce texte doit tenir sur une ligne, sans tabulation.", "This text must fit on one line, without tabs.")
TOO_MANY_MARKS: Final = Text(
    "Ce texte empile trop d'accents sur une lettre : retirez-les.", "This text piles too many accents upon one letter: remove them."
)


def absolute_iri(name: str) -> str | None:
    """Return the IRI that `name` (absolute or prefixed) stands for, None when it is not one that a record may carry."""
    return _absolute(name) if len(name) <= IRI_LENGTH and not name.startswith(UNMAPPED) else None


@lru_cache(maxsize=8192)
def _absolute(name: str) -> str | None:
    iri = expand_prefix(name)
    if len(iri) > IRI_LENGTH or not _IRI.match(iri) or _BAD_IRI.search(iri):
        return None
    try:
        NamedNode(iri)
    except ValueError:
        return None
    return iri


def language_tag(tag: str) -> str | None:
    """Return the tag in lower case, None when it is not a BCP 47 one."""
    return _tag(tag) if len(tag) <= 35 else None


@lru_cache(maxsize=512)
def _tag(tag: str) -> str | None:
    lowered = tag.lower()
    if not _LANGUAGE.match(lowered):
        return None
    try:
        Literal("", language=lowered)
    except ValueError:
        return None
    return lowered


def fault(text: str, *, one_line: bool) -> Text | None:
    """Return what is wrong with a text, None when nothing is."""
    if (_BAD_LINE if one_line else _BAD_TEXT).search(text) is None:
        return None if text.isascii() or without_piles(text) == text else TOO_MANY_MARKS
    return _hidden(text) or ONE_LINE


def _hidden(text: str) -> Text | None:
    """Say which character nobody sees a text holds, and where, so that it can be found; None when it holds none."""
    found = _BAD_TEXT.findall(text)
    if not found:
        return None
    at, others = text.index(found[0]), len(found) - 1
    code, before = f"U+{ord(found[0]):04X}", shown(text[max(0, at - 20) : at])
    after = Text(f"après « {before} »", f"after “{before}”") if at else Text("au début", "at its beginning")
    more = Text(f", et {others} autre(s) de ce genre", f", and {others} more of the kind") if others else Text("", "")
    return Text(
        f"Ce texte contient le caractère invisible {code}, interdit ici, {after.fr}{more.fr} : à retirer dans la fiche, là où elle est publiée.",
        f"This text holds the invisible character {code}, forbidden here, {after.en}{more.en}: remove it from the record, where it is published.",
    )


def without_piles(text: str) -> str:
    """Return the text with at most `PILE` marks upon a letter."""
    return _PILES.sub(_thinned, text)


def _thinned(found: re.Match[str]) -> str:
    """Return a run of signs of which some are marks, without the marks that are too many."""
    kept, height = [], 0
    for sign in found[0]:
        height = height + 1 if unicodedata.category(sign)[0] == "M" or sign in "\uff9e\uff9f" else 0
        if height <= PILE:
            kept.append(sign)
    return "".join(kept)


def lexical(value: bool | float) -> str:
    """Write a JSON number as a decimal and a JSON boolean as such: 48.9362 -> "48.9362", 1e-7 -> "0.0000001", True -> "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")
