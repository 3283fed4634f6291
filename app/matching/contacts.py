"""Contacts as evidence: keyed hashes of their normal forms, so that matching never holds an address or a number.

The flags that need the text (is its host a free mail host?) are derived before hashing.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from app.matching.words import FREE_MAIL

PHONES: Final = "phones"
EMAILS: Final = "emails"
HOSTS: Final = "hosts"
NEAR: Final = "near"
KINDS: Final = (PHONES, EMAILS, HOSTS, NEAR)

_PARTS: Final = re.compile(r"[;,|\n]|\s[/-]\s|\bou\b|\bor\b|\bet\b|\band\b|\bext\b|\bposte\b")
_FRENCH: Final = re.compile(r"(?<!\d)(?:\+33|0033|0)[\s.]*([1-9](?:[\s.\-]*\d\d){4})(?!\d)")
_BETWEEN: Final = re.compile(r"[\s;,|/<>]+")
_DIGITS: Final = re.compile(r"\D+")
_LETTERS: Final = re.compile(r"[^a-z]+")

Hashes: TypeAlias = Mapping[str, Iterable[str]]


def hashes(document: Mapping[str, Any], secret: bytes) -> dict[str, list[str]]:
    """Return the keyed hashes of a document's contacts, by kind; kinds without value are left out.

    `phones` and `emails` are equal when the contact is; `hosts` when two addresses share a mail host that is the group's own;
    `near` when two addresses of a free mail host differ only by vowels, digits and punctuation.
    """
    phones = {normal for text in texts(document.get("telephone")) for normal in _phones(text)}
    emails = {normal for text in texts(document.get("email")) for part in _BETWEEN.split(text) if (normal := _email(part))}
    shared = {email for email in emails if _host(email) in FREE_MAIL}
    found = (
        (PHONES, phones),
        (EMAILS, emails),
        (HOSTS, {_host(email) for email in emails - shared}),
        (NEAR, {near for email in shared if (near := _near(email))}),
    )
    return {kind: sorted([_hash(secret, kind, value) for value in values]) for kind, values in found if values}


def merged(first: Hashes, second: Hashes | None) -> dict[str, tuple[str, ...]]:
    """Return both sets of hashes as one; `second` is what was kept when the contacts were dropped at the door."""
    if not second:
        return {kind: tuple(first.get(kind, ())) for kind in KINDS}
    return {kind: tuple(sorted({*first.get(kind, ()), *second.get(kind, ())})) for kind in KINDS}


def texts(value: object) -> Iterable[str]:
    """Return the texts of a JSON value that may be one, a list of them, or missing."""
    if isinstance(value, str):
        return (value,)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()


def _hash(secret: bytes, kind: str, value: str) -> str:
    """Return 64 bits of a keyed hash, as hexadecimal; `kind` keeps a phone from ever equalling an e-mail."""
    return hmac.digest(secret, f"{kind}:{value}".encode(), hashlib.sha256).hex()[:16]


def _phones(text: str) -> Iterable[str]:
    """Yield the last nine digits of each number: the part that no international or national prefix changes."""
    text = text.replace("(0)", "").replace("(+33)", "+33")
    french = [_DIGITS.sub("", number) for number in _FRENCH.findall(text)]
    yield from french
    for part in () if french else _PARTS.split(text):
        digits = _DIGITS.sub("", part)
        if 6 <= len(digits) <= 15:
            yield digits[-9:] if len(digits) >= 9 else digits


def _email(text: str) -> str:
    """Return an address in its normal form, empty when it is none."""
    address = text.strip().lower().removeprefix("mailto:")
    local, at, host = address.partition("@")
    return f"{local.partition('+')[0]}@{host}" if at and local and "." in host else ""


def _host(email: str) -> str:
    """Return the host of a normal address."""
    return email.rpartition("@")[2]


def _near(email: str) -> str:
    """Return what typing errors seldom touch of a free mail address: its consonants and its host; empty when too little is left."""
    local, _, host = email.rpartition("@")
    consonants = re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouy]", "", _LETTERS.sub("", local)))
    return f"{consonants}@{host}" if len(consonants) >= 5 else ""
