"""The directory's questions: which groups, in which order, and how many there would be under each further choice."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap
from sqlalchemy import Connection, Select, bindparam, func, select, tuple_

from app.journal import Journal
from app.journal.bitmaps import Facets, Snapshot, group_set
from app.journal.tables import group, identity
from app.search.facets import CONCEPTS, NAMES, SOURCE, notations
from app.search.selection import Box, Place, Selection
from app.search.words import expression

__all__ = ["Result", "Row", "Search", "Selection"]

Document = dict[str, Any]
Counts = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Row:
    """One group of a list."""

    identity_id: int
    slug: str
    document: Document
    modified_at: str


@dataclass(frozen=True, slots=True)
class Result:
    """One page of a selection, its total, the place after the page, and for each facet the count of each value.

    A count is the total there would be with that value alone chosen in its facet. Values of the vocabulary are all there, in its order.
    """

    total: int
    groups: list[Row]
    next_cursor: str | None
    facets: Mapping[str, Counts]


class Search:
    """Answers from one snapshot of the journal at a time; any number of threads may ask."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._facets = Facets()

    def find(self, selection: Selection) -> Result:
        """Return a page of the groups selected: by name, or when words are looked for, those first that have them in their name."""
        with self._journal.read() as c:
            snapshot = self._facets.at(c)
            base, tiers = _base(c, snapshot, selection)
            chosen = {name: _any(snapshot.values.get(name, {}), selection.chosen(name)) for name in NAMES if selection.chosen(name)}
            found = _all([base, *chosen.values()])
            page = _page(c, (found & tier for tier in tiers), len(snapshot.everything), selection)
            return Result(
                total=len(found),
                groups=_rows(c, [place.identity_id for place in page[: selection.limit]]),
                next_cursor=page[selection.limit - 1].written() if len(page) > selection.limit else None,
                facets={
                    name: _counts(snapshot, name, _all([base, *(sets for other, sets in chosen.items() if other != name)]), selection)
                    for name in NAMES
                },
            )


def _base(c: Connection, snapshot: Snapshot, selection: Selection) -> tuple[BitMap, Iterable[BitMap]]:
    """Return the groups that all but the facets select, and the tiers in which they are listed."""
    base = snapshot.everything
    tiers: Iterable[BitMap] = [base]
    if selection.q is not None:
        wanted = expression(selection.q)
        anywhere = _matching(c, wanted) if wanted else BitMap()
        base = base & anywhere
        tiers = _tiers(c, wanted, anywhere) if wanted else ()
    if selection.bbox is not None:
        base = base & _within(c, selection.bbox)
    if selection.updated_since is not None:
        base = base & group_set(
            c, "SELECT json_group_array(identity_id) FROM combined_group WHERE modified_at >= :since", since=selection.updated_since
        )
    return base, tiers


def _matching(c: Connection, wanted: str, columns: str = "") -> BitMap:
    """Return the groups whose words fit an expression, in these columns of the index or anywhere."""
    return group_set(c, "SELECT json_group_array(rowid) FROM search_text WHERE search_text MATCH :wanted", wanted=f"{columns}({wanted})")


def _tiers(c: Connection, wanted: str, anywhere: BitMap) -> Iterator[BitMap]:
    """Yield the groups in which all words are found in the name, then with other names, then with the place, then all the others.

    Relevance is a fact of the group alone, unlike weights by rarity: so pages stay whole while groups come and go.
    """
    seen = BitMap()
    for columns in ("{name} : ", "{name other_names} : ", "{name other_names place} : "):
        matching = _matching(c, wanted, columns)
        yield matching - seen
        seen = matching
    yield anywhere - seen


def _within(c: Connection, box: Box) -> BitMap:
    """Return the groups in a box, in two parts when it crosses the antimeridian."""
    west, south, east, north = box
    parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return BitMap.union(*(_between(c, left, south, right, north) for left, right in parts))


def _between(c: Connection, west: float, south: float, east: float, north: float) -> BitMap:
    """Return the groups in a box that does not; the R*Tree rounds, so those at its edge are looked at exactly."""
    sides = {"west": west, "south": south, "east": east, "north": north}
    inside = "min_lon >= :west AND max_lon <= :east AND min_lat >= :south AND max_lat <= :north"
    overlapping = "max_lon >= :west AND min_lon <= :east AND max_lat >= :south AND min_lat <= :north"
    exact = "longitude BETWEEN :west AND :east AND latitude BETWEEN :south AND :north"
    sure = group_set(c, f"SELECT json_group_array(id) FROM search_place WHERE {inside}", **sides)  # noqa: S608 - our own words
    edge = (
        f"SELECT json_group_array(id) FROM search_place JOIN combined_group ON identity_id = id"  # noqa: S608 - our own words
        f" WHERE {overlapping} AND NOT ({inside}) AND {exact}"
    )
    return sure | group_set(c, edge, **sides)


def _any(sets: Mapping[str, BitMap], values: Sequence[str]) -> BitMap:
    """Return the groups that have one of these values."""
    return BitMap().union(*(sets[value] for value in values if value in sets))


def _all(sets: Sequence[BitMap]) -> BitMap:
    """Return the groups that are in all sets."""
    return BitMap.intersection(*sets) if len(sets) > 1 else sets[0]


def _counts(snapshot: Snapshot, name: str, base: BitMap, selection: Selection) -> Counts:
    """Return the values of a facet with the number of groups each would leave."""
    sets = snapshot.values.get(name, {})
    counts = {value: groups.intersection_cardinality(base) for value, groups in sets.items()}
    scheme = next((facet.scheme for facet in CONCEPTS if facet.name == name), None)
    if scheme is not None:
        return [(value, counts.get(value, 0)) for value in notations(scheme)]
    kept = {value: count for value, count in counts.items() if count or name == SOURCE} | {
        value: counts.get(value, 0) for value in selection.chosen(name)
    }
    return sorted(kept.items(), key=lambda item: (-item[1], item[0]))


def _page(c: Connection, tiers: Iterable[BitMap], size: int, selection: Selection) -> list[Place]:
    """Return the places of one page and of the group after it; no further tier is looked for than the page needs."""
    after = selection.cursor or Place(0, "", -1)
    page: list[Place] = []
    for number, tier in enumerate(tiers):
        if number >= after.tier and tier:
            start = after if number == after.tier else Place(number, "", -1)
            page += _named(c, tier, size, start, selection.limit + 1 - len(page))
        if len(page) > selection.limit:
            break
    return page


def _named(c: Connection, groups: BitMap, size: int, start: Place, wanted: int) -> list[Place]:
    """Return the first groups of a set after a place, by name.

    A small set is sorted; a large one is met soon enough by walking along the index of names.
    """
    order = (group.c.sort_name, group.c.identity_id)
    following = select(*order).where(tuple_(*order) > tuple_(start.sort_name, start.identity_id)).order_by(*order)
    if len(groups) * len(groups) <= wanted * size:
        following = following.where(group.c.identity_id.in_(_listed())).limit(wanted)
        return [Place(start.tier, *row) for row in c.execute(following, {"ids": json.dumps(groups.to_array().tolist())})]
    return list(_walk(c, following, groups, start.tier, wanted))


def _listed() -> Select[Any]:
    """Return the ids of a JSON list as a question of its own: a set may hold more than one statement can name."""
    ids = func.json_each(bindparam("ids")).table_valued("value")
    return select(ids.c.value)


def _walk(c: Connection, following: Select[Any], groups: BitMap, tier: int, wanted: int) -> Iterator[Place]:
    """Yield those groups of a set that come first in the order of names."""
    met = 0
    with c.execute(following.execution_options(yield_per=1000)) as rows:
        for sort_name, identity_id in rows:
            if identity_id in groups:
                yield Place(tier, sort_name, identity_id)
                met += 1
                if met == wanted:
                    return


def _rows(c: Connection, ids: Sequence[int]) -> list[Row]:
    """Return these groups in this order."""
    columns = (group.c.identity_id, identity.c.slug, group.c.document, group.c.modified_at)
    chosen = select(*columns).join(identity, identity.c.id == group.c.identity_id).where(group.c.identity_id.in_(ids))
    found = {row.identity_id: Row(row.identity_id, row.slug, json.loads(row.document), row.modified_at) for row in c.execute(chosen)}
    return [found[identity_id] for identity_id in ids]
