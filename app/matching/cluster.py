"""From scored pairs to groups: the best pairs merge first, and a merge that something contradicts is refused with its reason.

Connected components would chain a federation's branches, homonyms and neighbours into one; this does not.
The result depends on records, pairs and judgements only, never on their order of arrival: ties are broken by reference.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.errors import Text
from app.matching.score import MATCH

UNSCORED: Final = -4.0
"""What a pair weighs that nothing brought together, in a component too large to compare all its pairs."""

CAP: Final = 10.0
"""No single pair weighs more than this in the mean of a merge."""

SURE: Final = 6.5
"""From here on two records are alike beyond doubt, whatever their source is used to."""

COMPARED: Final = 300
"""In a component of at most this many records every pair across a merge is compared."""

SEPARATED: Final = Text(
    "Un avis humain dit que ces groupes sont différents, ou qu'on n'en est pas sûr.",
    "A human judgement says that these groups are different, or that it is unsure.",
)
IDENTIFIERS: Final = Text("Les identifiants officiels se contredisent.", "The official identifiers contradict each other.")
ONCE: Final = Text(
    "Deux fiches d'une source qui ne liste guère un groupe deux fois, sans identifiant officiel commun.",
    "Two records of a source that hardly lists a group twice, without an official identifier in common.",
)
MEAN: Final = Text("L'ensemble des fiches se ressemble trop peu.", "Taken together, the records are too little alike.")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records and how likely they are one."""

    left: int
    right: int
    score: float


@dataclass(frozen=True, slots=True)
class Constraints:
    """What people judged, as pairs of record ids: `same` must be together, `apart` may only be by a chain of `same`."""

    same: tuple[tuple[int, int], ...] = ()
    apart: frozenset[tuple[int, int]] = frozenset()

    def among(self, record_ids: Iterable[int]) -> "Constraints":
        """Return those between these records."""
        if not self.same and not self.apart:
            return self
        known = {*record_ids}
        return Constraints(
            tuple(pair for pair in self.same if known.issuperset(pair)), frozenset(pair for pair in self.apart if known.issuperset(pair))
        )


@dataclass(frozen=True, slots=True)
class Clusters:
    """The groups as sets of record ids, and the pairs whose merge was refused, each with its reason."""

    groups: tuple[frozenset[int], ...]
    refused: Mapping[tuple[int, int], Text]


@dataclass(slots=True)
class _Group:
    """A group while it grows; a register stays unknown as long as none of its records names one."""

    members: list[int]
    registers: dict[str, set[str]] = field(default_factory=dict)
    singles: dict[str, list[int]] = field(default_factory=dict)


def cluster(
    references: Mapping[int, str],
    registers: Mapping[int, Mapping[str, tuple[str, ...]]],
    pairs: Iterable[Pair],
    constraints: Constraints,
    score: Callable[[int, int], float],
    singles: Collection[str] = (),
) -> Clusters:
    """Group records: `references` names them all, `registers` gives official identifiers, `score` compares any two of them.

    `singles` are the sources that list each group once.
    """
    state = _State(references, registers, constraints, score, singles)
    state.known = {(min(pair.left, pair.right), max(pair.left, pair.right)): pair.score for pair in pairs}
    for left, right in constraints.same:
        state.unite(state.group_of[left], state.group_of[right])
    refused: dict[tuple[int, int], Text] = {}
    for left, right in state.by_strength():
        reason = state.consider(left, right)
        if reason is not None:
            refused[left, right] = reason
    groups = {id(group): frozenset(group.members) for group in state.group_of.values()}
    return Clusters(tuple(sorted(groups.values(), key=lambda members: min(references[member] for member in members))), refused)


class _State:
    """The groups so far, and what may still be merged."""

    def __init__(
        self,
        references: Mapping[int, str],
        registers: Mapping[int, Mapping[str, tuple[str, ...]]],
        constraints: Constraints,
        score: Callable[[int, int], float],
        singles: Collection[str],
    ) -> None:
        self.references = references
        self.known: dict[tuple[int, int], float] = {}
        self.apart = constraints.apart
        self.unlike: dict[tuple[int, int], tuple[int, int]] = {}
        self.score = score
        self.group_of = {record: _Group([record], {key: set(values) for key, values in registers[record].items()}) for record in references}
        self.named = {record: _official(registers[record]) or record for record in references}
        for record, group in self.group_of.items():
            source = references[record].partition("/")[0]
            if source in singles:
                group.singles[source] = [record]

    def by_strength(self) -> list[tuple[int, int]]:
        """Return the matching pairs, the best first."""
        matching = [pair for pair, value in self.known.items() if value >= MATCH]
        return sorted(matching, key=lambda pair: (-self.known[pair], *sorted((self.references[pair[0]], self.references[pair[1]]))))

    def consider(self, left: int, right: int) -> Text | None:
        """Merge the groups of two records, or return why not."""
        mine, theirs = self.group_of[left], self.group_of[right]
        if mine is theirs:
            return None
        if self.apart and any((min(a, b), max(a, b)) in self.apart for a in mine.members for b in theirs.members):
            return SEPARATED
        if any(values.isdisjoint(theirs.registers[key]) for key, values in mine.registers.items() if key in theirs.registers):
            return IDENTIFIERS
        if self._doubled(mine, theirs) and not _identified(mine, theirs):
            return ONCE
        if len(mine.members) + len(theirs.members) > 2 and self._unlike(mine, theirs):
            return MEAN
        self.unite(mine, theirs)
        return None

    def unite(self, mine: _Group, theirs: _Group) -> None:
        """Make two groups one."""
        if mine is theirs:
            return
        if len(mine.members) < len(theirs.members):
            mine, theirs = theirs, mine
        mine.members += theirs.members
        for source, records in theirs.singles.items():
            mine.singles[source] = mine.singles.get(source, []) + records
        for key, values in theirs.registers.items():
            mine.registers.setdefault(key, set()).update(values)
        self.group_of.update(dict.fromkeys(theirs.members, mine))

    def _doubled(self, mine: _Group, theirs: _Group) -> bool:
        """Tell whether records of a source that lists each group once would come together without being alike beyond doubt."""
        shared = mine.singles.keys() & theirs.singles.keys()
        return any(self._weight(min(a, b), max(a, b)) < SURE for source in shared for a in mine.singles[source] for b in theirs.singles[source])

    def _unlike(self, mine: _Group, theirs: _Group) -> bool:
        """Tell whether the mean weight of all pairs across is negative; what two groups are is not asked again until one grows.

        Records of one official identifier stand for each other, the best of them: a group that was renamed is not unlike its new name.
        """
        sizes = len(mine.members), len(theirs.members)
        if self.unlike.get((id(mine), id(theirs))) == sizes:
            return True
        weights: dict[tuple[object, object], float] = {}
        for a in mine.members:
            for b in theirs.members:
                weight = max(-CAP, min(CAP, self._weight(min(a, b), max(a, b))))
                named = self.named[a], self.named[b]
                weights[named] = max(weight, weights.get(named, -CAP))
        if math.fsum(weights.values()) >= 0:
            return False
        self.unlike[id(mine), id(theirs)] = sizes
        self.unlike[id(theirs), id(mine)] = sizes[::-1]
        return True

    def _weight(self, left: int, right: int) -> float:
        """Return the weight of a pair, compared now if it was not before."""
        known = self.known.get((left, right))
        if known is None:
            known = self.score(left, right) if len(self.references) <= COMPARED else UNSCORED
            self.known[left, right] = known
        return known


def _official(registers: Mapping[str, tuple[str, ...]]) -> object:
    """Return an official identifier of a record; a SIREN is that of all its establishments."""
    return next(((register, registers[register]) for register in sorted(registers) if register != "siren" and registers[register]), None)


def _identified(mine: _Group, theirs: _Group) -> bool:
    """Tell whether two groups share an official identifier."""
    return any(not values.isdisjoint(theirs.registers.get(key, ())) for key, values in mine.registers.items())
