"""Records that are not of one group and have to do with each other all the same: a branch and its federation, two branches of one network.

Found on the way, when two records are compared; a proposal of a link for people to take or leave, and never a merge.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from app.errors import Text
from app.matching.features import Features
from app.matching.resemblance import Name, likeness
from app.matching.words import BRANCHES, UMBRELLAS

UNIT: Final = "org:unitOf"
BRANCH: Final = "org:subOrganizationOf"
NETWORK: Final = "network"

REASON: Final = "relation"
"""The name of the reason that keeps a relation."""

SENTENCES: Final = {
    UNIT: Text("L'une semble être un établissement de l'autre.", "One seems to be an establishment of the other."),
    BRANCH: Text("L'une semble être une antenne de l'autre.", "One seems to be a local branch of the other."),
    NETWORK: Text("Les deux semblent être d'un même réseau.", "Both seem to be of one network."),
}

ALIKE: Final = 0.8
"""Names without the words of rank are one network's from this likeness on."""

_RANKS: Final = UMBRELLAS | BRANCHES
_ONE_ENTERPRISE: Final = frozenset({"siret of one siren"})
_SHARED: Final = frozenset(
    {f"{kind} {spread}" for kind in ("email", "phone", "page") for spread in ("alone", "few", "many")}
    | {"siren", "email host", "page of the same site"}
)
_SITE: Final = frozenset({"page alone", "page few", "page many", "page of the same site", "email host", "siren"})
_ELSEWHERE: Final = frozenset({"postcode differs", "postcode of another region", "town differs", "town differs too", "distance 20", "distance"})


_UNDER_A_HEAD: Final = _SHARED | _ONE_ENTERPRISE
_OF_A_NETWORK: Final = _SITE | _ONE_ENTERPRISE


@dataclass(frozen=True, slots=True)
class Relation:
    """`kind` is UNIT, BRANCH or NETWORK; `whole` the reference of the record that the other is a part of, empty for a NETWORK."""

    kind: str
    whole: str = ""

    def detail(self) -> str:
        """Return it as the detail of a reason that weighs nothing: that is how it is kept beside the reasons of a pair."""
        return f"{self.kind} {self.whole}".strip()


def from_detail(detail: str) -> Relation:
    """Read what `detail` wrote."""
    kind, _, whole = detail.partition(" ")
    return Relation(kind, whole)


def possible(mine: Features, theirs: Features, reasons: Iterable[tuple[str, str | float, str, float]]) -> bool:
    """Tell, before names are compared, whether there may be a relation after all `reasons`, whose third part is the weight's name."""
    wanted = _UNDER_A_HEAD if mine.umbrella != theirs.umbrella else _OF_A_NETWORK
    return any(key in wanted for _, _, key, _ in reasons)


def relation(mine: Features, theirs: Features, names: tuple[Name, Name], references: tuple[str, str], keys: Collection[str]) -> Relation | None:
    """Return the relation of two records between which one is `possible`.

    One enterprise with two establishments is a unit and its whole, or a network where nothing says which is which. Names that are alike but
    for the words of rank, one of a head organisation, with a contact or a site in common, are a branch and its head; without a head, two
    branches in two towns that share a site, a mail domain or a SIREN.
    """
    one_enterprise = not _ONE_ENTERPRISE.isdisjoint(keys)
    whole = _whole(mine, theirs, references)
    if not one_enterprise and likeness(names[0].without(_RANKS), names[1].without(_RANKS)).alike < ALIKE:
        return None
    if whole:
        return Relation(UNIT if one_enterprise else BRANCH, whole)
    return Relation(NETWORK) if one_enterprise or not _ELSEWHERE.isdisjoint(keys) else None


def _whole(mine: Features, theirs: Features, references: tuple[str, str]) -> str:
    """Return which of two records speaks of the head organisation, empty when their names do not say."""
    return "" if mine.umbrella == theirs.umbrella else references[0] if mine.umbrella else references[1]
