"""What of a record may leave the node: contact details and uninvited standings stay inside until the group has agreed (seed, design 5)."""

import re
from functools import lru_cache
from typing import Any, Final

from app.record.compact import Document

PRIVATE_STATUSES: Final = frozenset({"foreseen", "declined"})
"""Standings that need the group's consent: to have been named, or to have refused, may hurt a group."""

_CONTACT_KEY: Final = re.compile(r"(?:.*[/#:])?(?:[^/#:]*(?:e-?mail|mbox|phone|fax)[^/#:]*|(?:has)?tel)\Z", re.IGNORECASE | re.DOTALL)
"""Whatever vocabulary a peer takes them from: a contact is told by the last part of its property's name."""

_CONTACT: Final = re.compile(r"(?:mailto|tel):\S+\Z", re.IGNORECASE)


def public_view(document: Document) -> Document:
    """Return the document without what needs a consent that it does not carry; the document itself when there is nothing to take out."""
    if document.get("consent"):
        return document
    view = without_contacts(document)
    standings = [p for p in _several(view.get("participations", [])) if not PRIVATE_STATUSES.intersection(_several(p.get("status", [])))]
    if standings != _several(view.get("participations", [])):
        view = {key: standings if key == "participations" else value for key, value in view.items() if key != "participations" or standings}
    return document if view == document else view


def without_contacts(document: Document) -> Document:
    """Return the document without e-mail addresses and numbers, whichever property holds them and at any depth."""
    bare: Document = _bare(document)
    return bare


def _bare(value: Any) -> Any:
    """Return a value without the contacts in it; a list of which nothing is left goes with them."""
    if isinstance(value, list):
        return [_bare(member) for member in value if not _is_contact(member)]
    if not isinstance(value, dict):
        return value
    kept = {key: (_bare(member), member) for key, member in value.items() if not (_is_contact_key(key) or _is_contact(member))}
    return {key: bare for key, (bare, member) in kept.items() if bare or not member}


@lru_cache(maxsize=4096)
def _is_contact_key(key: str) -> bool:
    return _CONTACT_KEY.match(key) is not None


def _is_contact(value: Any) -> bool:
    """Say whether a value as a whole is an address or a number to write to or to call."""
    text = value.get("@value", value.get("id")) if isinstance(value, dict) else value
    return isinstance(text, str) and _CONTACT.match(text) is not None


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
