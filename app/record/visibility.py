"""What of a record may leave the node: contact details and uninvited standings stay inside until the group has agreed (seed, design 5)."""

from typing import Any, Final

from app.record.compact import Document

PRIVATE_KEYS: Final = frozenset({"email", "telephone", "schema:faxNumber", "foaf:phone", "http://www.w3.org/2006/vcard/ns#hasTelephone"})
"""Keys that need the group's consent."""

PRIVATE_STATUSES: Final = frozenset({"foreseen", "declined"})
"""Standings that need the group's consent: to have been named, or to have refused, may hurt a group."""


def public_view(document: Document) -> Document:
    """Return the document without what needs a consent that it does not carry; the document itself when there is nothing to take out."""
    if document.get("consent"):
        return document
    view = _without_contacts(document)
    standings = [p for p in _several(view.get("participations", [])) if not PRIVATE_STATUSES.intersection(_several(p.get("status", [])))]
    if standings != _several(view.get("participations", [])):
        view = {key: standings if key == "participations" else value for key, value in view.items() if key != "participations" or standings}
    return document if view == document else view


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _without_contacts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_contacts(member) for key, member in value.items() if key not in PRIVATE_KEYS}
    return [_without_contacts(member) for member in value] if isinstance(value, list) else value
