"""The ways of choosing among what several records say; which one applies to which key is told by the table in `fuse`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.matching.normalise import page_address, words


class Said(NamedTuple):
    """A value, the record that says it, when its source last changed it, and the form in which equal values are equal."""

    value: Any
    reference: str
    at: str
    own: bool
    normal: Any = None


class Kept(NamedTuple):
    """A value and the references that say it."""

    value: Any
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was kept and what was not; `conflict` when the kept values should be one and are not."""

    kept: list[Kept]
    lost: list[Kept]
    conflict: bool = False

    def origins(self, rule: str) -> list[dict[str, Any]]:
        """Return the kept values as the journal keeps them, the lost ones beside the first."""
        found: list[dict[str, Any]] = [{"value": one.value, "from": list(one.references), "rule": rule} for one in self.kept]
        if self.lost and found:
            found[0]["lost"] = [{"value": one.value, "from": list(one.references)} for one in self.lost]
        if self.conflict:
            found = [origin | {"conflict": True} for origin in found]
        return found


Group = list[Said]


def vote(said: Sequence[Said]) -> Chosen:
    """Keep the value of our own record, else the one that most sources say, else the first in the order of references."""
    return _best(said, lambda group: (_own(group), _voices(group)))


def vote_by_date(said: Sequence[Said]) -> Chosen:
    """Keep the value of our own record, else the one that most sources say, else the newest: for facts that age."""
    return _best(said, lambda group: (_own(group), _voices(group), _newest(group)))


def most_trusted(said: Sequence[Said]) -> Chosen:
    """Keep the value of our own record, else the newest."""
    return _best(said, lambda group: (_own(group), _newest(group)))


def earliest(said: Sequence[Said]) -> Chosen:
    """Keep the smallest value."""
    return _best(said, lambda group: tuple(-ord(letter) for letter in str(group[0].value)))


def latest(said: Sequence[Said]) -> Chosen:
    """Keep the greatest value."""
    return _best(said, lambda group: str(group[0].value))


def unanimous(said: Sequence[Said]) -> Chosen:
    """Keep the value only if there is no other."""
    groups = _groups(said)
    return Chosen([_kept(group) for group in groups], []) if len(groups) == 1 else Chosen([], [])


def every(said: Sequence[Said]) -> Chosen:
    """Keep all values, equal ones once."""
    return Chosen([_kept(group) for group in _groups(said)], [])


def identifiers(said: Sequence[Said]) -> Chosen:
    """Keep all values and say so when they contradict each other: an identifier is never outvoted."""
    kept = every(said).kept
    return Chosen(kept, [], conflict=len(kept) > 1)


def whole(value: Any) -> Any:
    """The normal form of what must be equal to the letter."""
    return value if isinstance(value, str) else repr(value)


def folded(value: Any) -> str:
    """The normal form of texts in which case, accents and punctuation do not count."""
    return " ".join(words(str(value))) or str(value)


def page(value: Any) -> str:
    """The normal form of web addresses."""
    return page_address(str(value)) or str(value)


def phone(value: Any) -> str:
    """The normal form of a phone number: what no prefix changes."""
    digits = re.sub(r"\D", "", str(value).replace("(0)", ""))
    return digits[-9:] or str(value)


def _groups(said: Sequence[Said]) -> list[Group]:
    """Return equal values together, in the order of their first."""
    groups: dict[Any, Group] = {}
    for one in said:
        groups.setdefault(one.normal, []).append(one)
    return [*groups.values()]


def _best(said: Sequence[Said], rank: Callable[[Group], Any]) -> Chosen:
    """Keep the group of highest rank; among equals the first."""
    groups = _groups(said)
    if len(groups) == 1:
        return Chosen([_kept(groups[0])], [])
    best = max(groups, key=rank)
    return Chosen([_kept(best)], [_kept(group) for group in groups if group is not best])


def _own(group: Group) -> bool:
    """Tell whether a record of our own says it."""
    return any(one.own for one in group)


def _voices(group: Group) -> int:
    """Return how many sources say it: two records of one source are one voice."""
    return len({one.reference.partition("/")[0] for one in group})


def _newest(group: Group) -> str:
    """Return when it was last said."""
    return max(one.at for one in group)


def _kept(group: Group) -> Kept:
    """Return the group's most usual spelling, one that does not shout if it can be, with all who say it."""
    if len(group) == 1:
        return Kept(group[0].value, (group[0].reference,))
    references = tuple(dict.fromkeys([one.reference for one in group]))
    value = group[0].value
    if all(one.value == value for one in group):
        return Kept(value, references)
    spellings: dict[str, list[Said]] = {}
    for one in group:
        spellings.setdefault(repr(one.value), []).append(one)
    chosen = max(spellings.values(), key=lambda same: (_own(same), not _shouts(same[0].value), len(same)))
    return Kept(chosen[0].value, references)


def _shouts(value: Any) -> bool:
    """Tell whether a text is in capitals throughout."""
    return isinstance(value, str) and value.isupper()
