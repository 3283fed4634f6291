"""What is left at the door: e-mail addresses and telephone numbers, of which only keyed hashes come in, as evidence for matching."""

from typing import Any

from app.matching import contacts

CONTACTS = frozenset({"email", "telephone"})


def without_contacts(document: dict[str, Any], secret: bytes) -> tuple[dict[str, Any], dict[str, list[str]] | None]:
    """Return the document without contact fields, at any depth, and the keyed hashes of those it had (None when it had none)."""
    hashes = contacts.hashes(document, secret)
    return {key: _bare(value) for key, value in document.items() if key not in CONTACTS}, hashes or None


def _bare(value: Any) -> Any:
    """Return a value without the contact fields of its parts."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in CONTACTS}
    return value
