"""Who may write: bearer tokens with a role. The journal keeps their hash alone.

A token is 256 random bits, so a plain sha-256 cannot be searched backwards and a slow password hash would add nothing.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from app.errors import BadRequest, NotFound, NotSignedIn, Text
from app.journal.moments import moment, now
from app.journal.tables import token as table

PREFIX = "maillage_"
"""What every token begins with, so that scanners of leaked secrets recognise it."""

UNKNOWN = Text("Ce jeton est inconnu ici : vérifiez qu'il a été copié en entier.", "This token is unknown here: check that it was copied whole.")
REVOKED = Text(
    "Ce jeton a été révoqué : demandez-en un autre à qui administre l'annuaire.",
    "This token was revoked: ask whoever runs the directory for another one.",
)
EXPIRED = Text(
    "Ce jeton a expiré : demandez-en un autre à qui administre l'annuaire.", "This token has expired: ask whoever runs the directory for another one."
)


class Role(StrEnum):
    """What a token may do; each role may do all that the one before may, and `<` compares by that."""

    READER = "reader"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order, from 0."""
        return list(Role).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Role(other).rank


@dataclass(frozen=True, slots=True)
class Token:
    """What the node knows of a token: all but the token."""

    id: int
    label: str
    role: Role
    created_at: str
    expires_at: str | None
    revoked_at: str | None


_COLUMNS = (table.c.id, table.c.label, table.c.role, table.c.created_at, table.c.expires_at, table.c.revoked_at)


def create(c: Connection, label: str, role: Role, days: int | None = None) -> str:
    """Make a token that is valid for `days` (None: until it is revoked) and return it: it is shown this once.

    Raises BadRequest when the label is empty or the days are not positive.
    """
    if not label.strip() or len(label) > 200:
        raise BadRequest(Text("Donnez au jeton un nom de 1 à 200 caractères.", "Give the token a label of 1 to 200 characters."))
    if days is not None and not 1 <= days <= 36_500:
        raise BadRequest(Text("La durée d'un jeton est de 1 à 36500 jours.", "A token lasts from 1 to 36500 days."))
    token = PREFIX + secrets.token_urlsafe(32)
    expires = moment(datetime.now(UTC) + timedelta(days=days)) if days else None
    c.execute(insert(table).values(label=label.strip(), role=Role(role).value, hash=_hash(token), created_at=now(), expires_at=expires))
    return token


def check(c: Connection, token: str) -> Token:
    """Return what the node knows of `token`; raises NotSignedIn, whose sentence says whether it is unknown, revoked or expired."""
    digest = _hash(token)
    row = c.execute(select(table.c.hash, *_COLUMNS).where(table.c.hash == digest)).first()
    if row is None or not hmac.compare_digest(row.hash, digest):
        raise NotSignedIn(UNKNOWN)
    if row.revoked_at is not None:
        raise NotSignedIn(REVOKED)
    if row.expires_at is not None and row.expires_at <= now():
        raise NotSignedIn(EXPIRED)
    return _token(row)


def standing(c: Connection, token_id: int) -> Token | None:
    """Return a token by its number as long as it is neither revoked nor expired."""
    row = c.execute(select(*_COLUMNS).where(table.c.id == token_id, table.c.revoked_at.is_(None))).first()
    return _token(row) if row is not None and (row.expires_at is None or row.expires_at > now()) else None


def list_(c: Connection) -> list[Token]:
    """Return every token there ever was, oldest first."""
    return [_token(row) for row in c.execute(select(*_COLUMNS).order_by(table.c.id))]


def revoke(c: Connection, token_id: int) -> Token:
    """Make the token useless from now on; revoking it again changes nothing. Raises NotFound."""
    c.execute(update(table).where(table.c.id == token_id, table.c.revoked_at.is_(None)).values(revoked_at=now()))
    row = c.execute(select(*_COLUMNS).where(table.c.id == token_id)).first()
    if row is None:
        raise NotFound(Text(f"Il n'y a pas de jeton numéro {token_id}.", f"There is no token number {token_id}."))
    return _token(row)


def _hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: Row[*tuple[Any, ...]]) -> Token:
    """Read one row."""
    return Token(row.id, row.label, Role(row.role), row.created_at, row.expires_at, row.revoked_at)
