"""The webhooks that an operator names: addresses that get ``{"feed", "sequence"}`` whenever our feed moves."""

import secrets
from typing import Any

from sqlalchemy import Connection

from app.errors import Conflict, NotFound, Text
from app.feed import pages
from app.harvest.telling import address
from app.journal import subscribers
from app.journal.subscribers import Kind, Subscriber
from app.names import Names

MOST = 100
ABSENT = Text("Il n'y a pas d'abonné de ce numéro.", "There is no subscriber of this number.")


def add(c: Connection, names: Names, url: str, *, signed: bool) -> Subscriber:
    """Add a webhook; a signed one gets a secret, for whoever receives it. Raises BadRequest, Conflict when it is there or there are too many."""
    held = [one for one in subscribers.list_(c) if one.kind is Kind.WEBHOOK]
    if any(one.callback == url for one in held):
        raise Conflict(Text("Cette adresse est déjà prévenue.", "This address is told already."))
    if len(held) >= MOST:
        raise Conflict(Text(f"Il y a déjà {MOST} adresses à prévenir.", f"There are {MOST} addresses to tell already."))
    secret = secrets.token_urlsafe(32) if signed else None
    return subscribers.keep(c, Kind.WEBHOOK, address(url), topic(names), secret, None, pages.state(c).sequence)


def topic(names: Names) -> str:
    """Return what webhooks are told of; not the feed itself, so that no stranger's subscription can take a webhook's place."""
    return f"{names.feed}#sequence"


def get(c: Connection, number: int) -> Subscriber:
    """Return a webhook or a WebSub subscriber. Raises NotFound."""
    if not 0 < number < 2**63:
        raise NotFound(ABSENT)
    return subscribers.get(c, number)


def remove(c: Connection, number: int) -> None:
    """Remove one. Raises NotFound."""
    subscribers.remove(c, get(c, number).id)


def as_json(one: Subscriber, language: str) -> dict[str, Any]:
    """Return a subscriber as other programs read it, without its secret."""
    return {
        "id": one.id,
        "kind": one.kind.value,
        "url": one.callback,
        "signed": one.secret is not None,
        "state": one.state,
        "message": one.message.in_language(language) if one.message else None,
        "failures": one.failures,
        "sequence": one.sequence,
        "created": one.created_at,
        "last_ping": one.last_ping_at,
        "next_try": one.next_at if one.failures else None,
        "lease_until": one.lease_until,
    }
