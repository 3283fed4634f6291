"""Which records must be looked at together: those linked by a match, a judgement, or a group they share or shared.

Records are numbers, identities their ids with a minus sign: a group of many members is a star, not every pair of them.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection, select

from app.journal.tables import identity, member, record, source
from app.matching import filing
from app.matching.filing import among, chunks
from app.matching.judged import same_pairs
from app.names import OWN

Node = TypeVar("Node", bound=Hashable)


class Sets(Generic[Node]):
    """Disjoint sets: what is linked, directly or by others, is in one."""

    def __init__(self) -> None:
        self._parent: dict[Node, Node] = {}

    def find(self, node: Node) -> Node:
        """Return what stands for the set of `node`."""
        parent = self._parent
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def link(self, left: Node, right: Node) -> None:
        """Make the sets of both one."""
        self._parent[self.find(right)] = self.find(left)

    def sets(self, nodes: Iterable[Node]) -> list[list[Node]]:
        """Return these nodes by set, in their order."""
        found: dict[Node, list[Node]] = {}
        for node in nodes:
            found.setdefault(self.find(node), []).append(node)
        return [*found.values()]


def closure(c: Connection, record_ids: Collection[int]) -> set[int]:
    """Return all records whose groups may change with these."""
    found: set[int] = set()
    fresh = {*record_ids}
    while fresh:
        found |= fresh
        fresh = {node for pair in _links(c, fresh) for node in pair} - found
    return {node for node in found if node > 0}


def separate(c: Connection, record_ids: Iterable[int]) -> list[list[int]]:
    """Return all records in sets that have nothing to do with each other."""
    linked: Sets[int] = Sets()
    everything = {*record_ids}
    for left, right in _links(c, None):
        linked.link(left, right)
        everything.update(node for node in (left, right) if node > 0)
    return linked.sets(sorted(everything))


def components(record_ids: Iterable[int], pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return records in the sets that `pairs` make of them."""
    linked: Sets[int] = Sets()
    for left, right in pairs:
        linked.link(left, right)
    return linked.sets(sorted(record_ids))


def _links(c: Connection, nodes: Collection[int] | None) -> Iterator[tuple[int, int]]:
    """Yield the links of these nodes, or all there are."""
    records = None if nodes is None else [node for node in nodes if node > 0]
    for edge in filing.matches(c, records):
        yield edge.left, edge.right
    yield from same_pairs(c, records)
    yield from _memberships(c, nodes)
    yield from _own(c, records)


def _memberships(c: Connection, nodes: Collection[int] | None) -> Iterator[tuple[int, int]]:
    """Yield records with the identities that they are part of."""
    if nodes is None:
        yield from ((record_id, -identity_id) for record_id, identity_id in c.execute(_MEMBERS))
        return
    for sign, question in _MEMBERS_OF:
        for chunk in chunks(sign * node for node in nodes if sign * node > 0):
            yield from ((record_id, -identity_id) for record_id, identity_id in c.execute(question, {"ids": chunk}))


def _own(c: Connection, record_ids: Collection[int] | None) -> Iterator[tuple[int, int]]:
    """Yield our own records with the identities of their slugs."""
    if record_ids is None:
        yield from ((record_id, -identity_id) for record_id, identity_id in c.execute(_OWN))
        return
    for chunk in chunks(record_ids):
        yield from ((record_id, -identity_id) for record_id, identity_id in c.execute(_OWN_OF, {"ids": chunk}))


_MEMBERS: Final = select(member.c.record_id, member.c.identity_id)
_MEMBERS_OF: Final = ((1, _MEMBERS.where(member.c.record_id.in_(among()))), (-1, _MEMBERS.where(member.c.identity_id.in_(among()))))
_OWN: Final = (
    select(record.c.id, identity.c.id)
    .join(source, source.c.id == record.c.source_id)
    .join(identity, identity.c.slug == record.c.key)
    .where(source.c.name == OWN)
)
_OWN_OF: Final = _OWN.where(record.c.id.in_(among()))
