"""What is left at the door: e-mail addresses and telephone numbers, of which only keyed hashes come in, as evidence for matching."""

from typing import Any

from app import record
from app.matching import contacts


def without_contacts(document: dict[str, Any], secret: bytes) -> tuple[dict[str, Any], dict[str, list[str]] | None]:
    """Return the document without contacts, at any depth, and the keyed hashes of those it had (None when it had none)."""
    hashes = contacts.hashes(document, secret)
    return record.without_contacts(document), hashes or None
