"""Which weights a node uses, since when and why: the built-in ones until it adopts others; every table that ever held is kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection

from app.journal import meta, now
from app.journal.text import as_text, from_text
from app.matching.weights import BUILT_IN, Weights

_KEY: Final = "weights"


@dataclass(frozen=True, slots=True)
class Adoption:
    """One change of weights: `values` are those that differ from the built-in ones, none when the node went back to them.

    `same` and `different` count the judgements that they were learnt from.
    """

    number: int
    at: str
    author: str
    values: Mapping[str, float]
    same: int = 0
    different: int = 0


def history(c: Connection) -> list[Adoption]:
    """Return the changes, the oldest first; the last one holds."""
    return [Adoption(**row) for row in from_text(meta.get(c, _KEY) or "[]")]


def current(c: Connection) -> Weights:
    """Return the weights that hold; a weight that no longer exists is left out, one that is new is the built-in one."""
    known = history(c)
    if not known or not known[-1].values:
        return Weights()
    learnt = {name: value for name, value in known[-1].values.items() if name in BUILT_IN}
    return Weights(str(known[-1].number), {**BUILT_IN, **learnt})


def adopt(c: Connection, values: Mapping[str, float], author: str, same: int = 0, different: int = 0) -> Adoption:
    """Take these weights from now on. The directory is to be matched anew afterwards."""
    known = history(c)
    differing = {name: value for name, value in values.items() if value != BUILT_IN[name]}
    found = Adoption(len(known) + 1, now(), author, differing, same, different)
    meta.put(c, _KEY, as_text([asdict(one) for one in (*known, found)]))
    return found


def revert(c: Connection, author: str) -> Adoption:
    """Take the weights that held before those that hold now, which is a change as well; before the first ones the built-in ones held."""
    known = history(c)
    before = known[-2] if len(known) > 1 else None
    return adopt(c, {**BUILT_IN, **before.values} if before else BUILT_IN, author)
