"""The ledger of real groups: a slug names one group for ever, and a merged one leads to its successor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from app.errors import Conflict, Text
from app.journal.moments import now
from app.journal.suppression import erased_slugs
from app.journal.tables import identity as table
from app.journal.tables import member, record, source
from app.names import OWN

LIVE, MERGED, GONE = "live", "merged", "gone"
NAMELESS = "groupe"
LONGEST = 80


@dataclass(frozen=True, slots=True)
class Identity:
    """One line of the ledger; `state` is live, merged (see `successor_id`) or gone."""

    id: int
    slug: str
    state: str
    successor_id: int | None
    created_at: str


def exact(c: Connection, slug: str) -> Identity | None:
    """Return the line of this very slug, merged or gone as it may be."""
    return _identity(c.execute(select(table).where(table.c.slug == slug)).first())


def known(c: Connection, slugs: Iterable[str]) -> set[str]:
    """Return those of a few hundred slugs that were ever given."""
    return set(c.execute(_KNOWN, {"slugs": list(slugs)}).scalars())


def of_others(c: Connection) -> set[str]:
    """Return the slugs of the groups of which we never published a record."""
    own = select(record.c.key).join(source, source.c.id == record.c.source_id).where(source.c.name == OWN)
    return set(c.execute(select(table.c.slug).where(table.c.slug.not_in(own))).scalars())


def by_id(c: Connection, identity_id: int) -> Identity | None:
    """Return one line."""
    return _identity(c.execute(select(table).where(table.c.id == identity_id)).first())


def get(c: Connection, slug: str) -> Identity | None:
    """Return the line that `slug` leads to today, through all its successors; its own slug tells whether that is another one."""
    found = exact(c, slug)
    while found is not None and found.successor_id is not None:
        found = by_id(c, found.successor_id)
    return found


def create(c: Connection, wanted: str) -> int:
    """Open a line under `wanted`, or `wanted`-2, -3 … where it was ever used; return its id."""
    return _insert(c, free_slug(c, wanted))


def free_slug(c: Connection, wanted: str) -> str:
    """Return `wanted`, or the first of `wanted`-2, -3 … that no group ever had."""
    wanted = wanted or NAMELESS
    return wanted if not _taken(c, wanted) else _numbered(wanted, _first_free(c, wanted))


def claim(c: Connection, slug: str) -> int:
    """Return the live line of this very slug for one of our own records: opened, revived or as it is."""
    found = exact(c, slug)
    if found is None:
        return _insert(c, slug)
    if found.state != LIVE:
        revive(c, found.id)
    return found.id


def merge(c: Connection, loser_id: int, winner_id: int) -> None:
    """The group `loser_id` turned out to be `winner_id`: from now on its slug leads there. Raises Conflict on a circle."""
    if loser_id in _line(c, winner_id):
        raise Conflict(Text("Ces deux groupes mèneraient l'un à l'autre sans fin.", "These two groups would lead to each other for ever."))
    c.execute(update(table).where(table.c.id == loser_id).values(state=MERGED, successor_id=winner_id))


def revive(c: Connection, identity_id: int) -> None:
    """The group stands for itself (again)."""
    c.execute(update(table).where(table.c.id == identity_id).values(state=LIVE, successor_id=None))


def retire(c: Connection, identity_id: int) -> None:
    """Nothing is said of the group any more; its slug stays its own."""
    c.execute(update(table).where(table.c.id == identity_id).values(state=GONE, successor_id=None))


def members(c: Connection, identity_id: int) -> list[int]:
    """Return the ids of the records that are part of the group."""
    return list(c.execute(select(member.c.record_id).where(member.c.identity_id == identity_id).order_by(member.c.record_id)).scalars())


def _line(c: Connection, identity_id: int) -> Iterator[int]:
    """Yield the identity and its successors."""
    found = by_id(c, identity_id)
    while found is not None:
        yield found.id
        found = by_id(c, found.successor_id) if found.successor_id is not None else None


def _insert(c: Connection, slug: str) -> int:
    """Add a live line."""
    (identity_id,) = c.execute(insert(table).values(slug=slug, state=LIVE, created_at=now())).inserted_primary_key or (0,)
    return int(identity_id)


def _taken(c: Connection, slug: str) -> bool:
    """Tell whether the slug was ever given, also to a group whose name was erased."""
    return c.execute(select(table.c.id).where(table.c.slug == slug)).first() is not None or bool(erased_slugs(c, [slug]))


def _first_free(c: Connection, wanted: str) -> int:
    """Return a free number from 2 on: by doubling, then by halving, so that a thousand namesakes cost ten questions each."""
    low, high = 1, 2
    while _taken(c, _numbered(wanted, high)):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _taken(c, _numbered(wanted, middle)) else (low, middle)
    return high


def _numbered(wanted: str, number: int) -> str:
    """Return ``wanted-number`` within the length of a slug."""
    tail = f"-{number}"
    return wanted[: LONGEST - len(tail)].rstrip("-") + tail


_KNOWN = select(table.c.slug).where(table.c.slug.in_(bindparam("slugs", expanding=True)))


def _identity(row: Row[*tuple[Any, ...]] | None) -> Identity | None:
    """Read one row."""
    return None if row is None else Identity(row.id, row.slug, row.state, row.successor_id, row.created_at)
