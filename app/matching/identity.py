"""Which slug each group bears: kept through splits and merges, so that an address once given leads to the same group for ever.

A group with records of our own bears the slug of the oldest of them; any other inherits the identity that most of its records
had; what is left gets a new slug. A slug is never given to another group: the losers of a merge lead to the winner.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from app.journal import identities, now
from app.journal.suppression import erased_slugs
from app.journal.tables import identity, member
from app.matching.filing import among, chunks
from app.names import OWN, slugify

_HELD: Final = select(member.c.record_id, member.c.identity_id).where(member.c.record_id.in_(among()))
_BY_SLUG: Final = select(identity.c.slug, identity.c.id).where(identity.c.slug.in_(among()))
_LEDGER: Final = select(identity.c.id, identity.c.slug, identity.c.state).where(identity.c.id.in_(among()))
_LED_HERE: Final = select(identity.c.id, identity.c.slug).where(identity.c.successor_id.in_(among())).order_by(identity.c.id)
_LEAVE: Final = delete(member).where(member.c.record_id.in_(among()))
_LAST: Final = select(func.max(identity.c.id))
_NEW_MEMBER: Final = upsert(member)
_JOIN: Final = _NEW_MEMBER.on_conflict_do_update(index_elements=["record_id"], set_={"identity_id": _NEW_MEMBER.excluded.identity_id})

_FAMILY: Final = select(identity.c.slug).where(identity.c.slug >= bindparam("first"), identity.c.slug < bindparam("last"))
_LONGEST_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class Part:
    """A record as a part of a group."""

    id: int
    reference: str
    created_at: str

    @property
    def own_slug(self) -> str | None:
        """Return the slug of a record of our own."""
        source, _, key = self.reference.partition("/")
        return key if source == OWN else None


@dataclass(slots=True)
class Assigned:
    """`identities`: one id per group, in the order asked; `released`: ids that bear no group any more; `slugs` of all of them."""

    identities: list[int]
    released: set[int]
    slugs: dict[int, str] = field(default_factory=dict)


def held(c: Connection, record_ids: Iterable[int]) -> dict[int, int]:
    """Return which identity each of these records is part of."""
    found: dict[int, int] = {}
    for chunk in chunks(record_ids):
        rows = c.execute(_HELD, {"ids": chunk})
        found.update((row[0], row[1]) for row in rows)
    return found


def assign(c: Connection, groups: Sequence[Sequence[Part]], before: Mapping[int, int], name_of: Callable[[int], str]) -> Assigned:
    """Give every group its identity and write the ledger and the members.

    `before` says which identity each record had, the records that went included; `name_of` gives the name of a group by its place.
    """
    by_slug = _own(c, [slug for parts in groups for part in parts if (slug := part.own_slug)])
    chosen: dict[int, int] = {}
    for place, parts in enumerate(groups):
        own = sorted((part.created_at, part.id, part.own_slug) for part in parts if part.own_slug)
        if own:
            chosen[place] = by_slug[own[0][2]]
    _inherit(groups, before, chosen, {*by_slug.values()})
    wanted: dict[int, str] = {}
    for place in range(len(groups)):
        if place not in chosen:
            returning = _returning(c, name_of(place), before, groups[place], {*chosen.values()})
            if returning is None:
                wanted[place] = slugify(name_of(place))
            else:
                chosen[place] = returning
    chosen.update(_opened(c, wanted))
    assigned = Assigned([chosen[place] for place in range(len(groups))], set())
    _settle(c, groups, before, assigned, {*before.values(), *by_slug.values()})
    return assigned


def _own(c: Connection, slugs: Sequence[str]) -> dict[str, int]:
    """Return the identities of our own records, opened where there is none yet."""
    found = _by_slug(c, slugs)
    found.update(_written(c, [slug for slug in slugs if slug not in found]))
    return found


def _opened(c: Connection, wanted: Mapping[int, str]) -> dict[int, int]:
    """Return a new identity for each group, opened all at once: under the slug it wants, or the first free number after it."""
    named = {place: slug or identities.NAMELESS for place, slug in wanted.items()}
    given = _families(c, named.values())
    numbers: Counter[str] = Counter()
    opened: dict[int, str] = {}
    for place, slug in named.items():
        opened[place] = next(free for free in _numbered(slug, numbers) if free not in given)
        given.add(opened[place])
    written = _written(c, opened.values())
    return {place: written[slug] for place, slug in opened.items()}


def _written(c: Connection, slugs: Iterable[str]) -> dict[str, int]:
    """Enter slugs that were never given in the ledger, and return their identities."""
    at = now()
    found = {slug: identity_id for identity_id, slug in enumerate(slugs, start=(c.execute(_LAST).scalar() or 0) + 1)}
    if found:
        c.execute(insert(identity), [{"id": found[slug], "slug": slug, "state": identities.LIVE, "created_at": at} for slug in found])
    return found


def _numbered(slug: str, numbers: Counter[str]) -> Iterator[str]:
    """Yield a slug, then with the numbers after it, from the one last tried."""
    while True:
        numbers[slug] += 1
        tail = f"-{numbers[slug]}" if numbers[slug] > 1 else ""
        yield slug[: identities.LONGEST - len(tail)].rstrip("-") + tail


def _families(c: Connection, wanted: Iterable[str]) -> set[str]:
    """Return all slugs ever given that one of these, or a number after it, could meet."""
    counts = Counter(wanted)
    taken = {*_by_slug(c, counts), *erased_slugs(c, counts)}
    for slug in taken | {slug for slug, count in counts.items() if count > 1}:
        stem = slug[: identities.LONGEST - _LONGEST_NUMBER].rstrip("-")
        taken.update(c.execute(_FAMILY, {"first": stem, "last": f"{stem}~"}).scalars())
    return taken


def _by_slug(c: Connection, slugs: Iterable[str]) -> dict[str, int]:
    """Return the identities that have these slugs, whatever their state."""
    found: dict[str, int] = {}
    for chunk in chunks(slugs):
        found.update((row[0], row[1]) for row in c.execute(_BY_SLUG, {"ids": chunk}))
    return found


def _inherit(groups: Sequence[Sequence[Part]], before: Mapping[int, int], chosen: dict[int, int], own: set[int]) -> None:
    """Give identities to the groups that hold most of their records; the slugs of our own records stay with them."""
    votes: Counter[tuple[int, int]] = Counter()
    for place, parts in enumerate(groups):
        votes.update((before[part.id], place) for part in parts if part.id in before)
    taken = own | {*chosen.values()}
    for (identity_id, place), _ in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0][0], _first(groups[vote[0][1]]))):
        if place not in chosen and identity_id not in taken:
            chosen[place] = identity_id
            taken.add(identity_id)


def _first(parts: Sequence[Part]) -> str:
    """Return the first reference of a group."""
    return min(part.reference for part in parts)


def _returning(c: Connection, name: str, before: Mapping[int, int], parts: Sequence[Part], taken: set[int]) -> int | None:
    """Return the identity that a part split off had before it was merged: one that leads to where its records were, under its name."""
    origins = {before[part.id] for part in parts if part.id in before}
    slug = slugify(name)
    if not origins or not slug:
        return None
    for identity_id, found in c.execute(_LED_HERE, {"ids": sorted(origins)}):
        if identity_id not in taken and (found == slug or found.rpartition("-")[0] == slug):
            return int(identity_id)
    return None


def _settle(c: Connection, groups: Sequence[Sequence[Part]], before: Mapping[int, int], assigned: Assigned, touched: set[int]) -> None:
    """Write members, revive what bears a group again, and lead the losers to their successors."""
    after = {part.id: identity_id for identity_id, parts in zip(assigned.identities, groups, strict=True) for part in parts}
    bearing = {*assigned.identities}
    rows = _ledger(c, bearing | touched)
    assigned.slugs = {identity_id: slug for identity_id, (slug, _) in rows.items()}
    for identity_id in bearing:
        if rows[identity_id][1] != identities.LIVE:
            identities.revive(c, identity_id)
    moved = [{"record_id": record_id, "identity_id": identity_id} for record_id, identity_id in after.items() if before.get(record_id) != identity_id]
    if moved:
        c.execute(_JOIN, moved)
    successors = _successors(groups, before, assigned)
    _leave(c, [record_id for record_id in before.keys() - after.keys() if before[record_id] in bearing | successors.keys()])
    for identity_id in sorted(touched - bearing):
        assigned.released.add(identity_id)
        if identity_id in successors:
            identities.merge(c, identity_id, successors[identity_id])
        elif rows[identity_id][1] == identities.LIVE:
            identities.retire(c, identity_id)


def _ledger(c: Connection, identity_ids: set[int]) -> dict[int, tuple[str, str]]:
    """Return slug and state of these identities."""
    found: dict[int, tuple[str, str]] = {}
    for chunk in chunks(identity_ids):
        rows = c.execute(_LEDGER, {"ids": chunk})
        found.update((row[0], (row[1], row[2])) for row in rows)
    return found


def _leave(c: Connection, gone: Iterable[int]) -> None:
    """Take records that went out of groups that stay; the last ones of a group stay its members, so that it returns as itself."""
    for chunk in chunks(gone):
        c.execute(_LEAVE, {"ids": chunk})


def _successors(groups: Sequence[Sequence[Part]], before: Mapping[int, int], assigned: Assigned) -> dict[int, int]:
    """Return where each identity's records went: to the group that has most of them, and our own slugs to the group of their record."""
    votes: dict[int, Counter[int]] = {}
    own: dict[str, int] = {}
    for identity_id, parts in zip(assigned.identities, groups, strict=True):
        for part in parts:
            if part.id in before:
                votes.setdefault(before[part.id], Counter())[identity_id] += 1
            if part.own_slug:
                own[part.own_slug] = identity_id
    found = {before_id: max(counts.items(), key=lambda vote: (vote[1], -vote[0]))[0] for before_id, counts in votes.items()}
    found.update((identity_id, own[slug]) for identity_id, slug in assigned.slugs.items() if slug in own)
    return found
