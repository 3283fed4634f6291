"""One answer to one question, as a person gives it who sees both records: kept only if what was seen still holds, and taken back in one step.

Whoever answers has before them two records and what others judged of them; `mark` says in a few characters what that was.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

from sqlalchemy import Connection

from app.errors import NotFound, StaleVersion, Text
from app.journal import judgements, records
from app.journal.judgements import Judgement, Verdict
from app.journal.records import Record
from app.matching import judge as judged
from app.names import Names

CHANGED = Text(
    "Une des deux fiches a changé entre-temps, ou n'est plus là. Rien n'a été enregistré : relisez, puis répondez.",
    "One of the two records changed meanwhile, or is gone. Nothing was recorded: read again, then answer.",
)
ABSENT = Text("Cette fiche n'est plus là : il n'y a plus rien à juger.", "This record is not here any more: nothing is left to judge.")
WORDS = {
    Verdict.SAME: Text("le même groupe", "the same group"),
    Verdict.DIFFERENT: Text("deux groupes", "two groups"),
    Verdict.UNSURE: Text("incertain", "unsure"),
}


@dataclass(frozen=True, slots=True)
class Decided:
    """Judgements made in one step, each with the one whose place it took."""

    steps: tuple[tuple[int, Judgement | None], ...]


def mark(c: Connection, left: str, right: str) -> str:
    """Return what tells whether somebody still sees the newest state of two records (references) and of what was judged of them.

    Raises NotFound.
    """
    mine, theirs = (record(c, reference) for reference in sorted((left, right)))
    standing = between(c, left, right)
    return f"{mine.version}.{theirs.version}.{mine.state[0]}{theirs.state[0]}.{standing.id if standing else 0}"


def record(c: Connection, reference: str) -> Record:
    """Return the record of a reference. Raises NotFound."""
    found = records.get(c, *reference.split("/", 1)) if "/" in reference else None
    if found is None:
        raise NotFound(ABSENT)
    return found


def between(c: Connection, left: str, right: str) -> Judgement | None:
    """Return the judgement on these two records that holds."""
    return next((one for one in judgements.by_record(c, left) if {one.left, one.right} == {left, right}), None)


def decide(c: Connection, names: Names, pair: tuple[str, str], verdict: str, reason: str | None, author: str, seen: str) -> Decided:
    """Keep an answer about two records of which the state `seen` was shown. Raises StaleVersion, and what `judge` raises."""
    standing = between(c, *pair)
    if seen != mark(c, *pair):
        raise StaleVersion(_judged_meanwhile(standing) if standing and str(standing.id) != seen.rpartition(".")[2] else CHANGED)
    return Decided(((_judge(c, names, pair, verdict, reason, author), standing),))


def separate(c: Connection, names: Names, leaving: Collection[str], staying: Collection[str], reason: str | None, author: str) -> Decided:
    """Judge some records (references) different from others, unless that is judged already; what was judged the same of two of them is replaced.

    Raises Conflict when a judgement that names another record stands against it: nothing of the step is to be kept then.
    """
    held = [(pair, between(c, *pair)) for pair in product(leaving, staying)]
    steps: list[tuple[int, Judgement | None]] = []
    for pair, standing in sorted(held, key=lambda found: found[1] is None):
        if standing is None or standing.verdict is not Verdict.DIFFERENT:
            steps.append((_judge(c, names, pair, Verdict.DIFFERENT, reason, author), standing))
    return Decided(tuple(steps))


def undo(c: Connection, names: Names, decided: Decided, author: str) -> None:
    """Take back what was decided in one step; what held before holds again, unless somebody has judged the pair anew since.

    Raises Conflict when what held before contradicts what was judged since.
    """
    for number, before in reversed(decided.steps):
        held = judgements.get(c, number).revoked_at is None
        judged.revoke(c, number, author)
        if held and before is not None:
            _judge(c, names, (before.left, before.right), before.verdict, before.reason, author)


def _judge(c: Connection, names: Names, pair: tuple[str, str], verdict: str, reason: str | None, author: str) -> int:
    """Keep a judgement of two references."""
    left, right = (names.record(*one.split("/", 1)) for one in pair)
    return judged.judge(c, names, left, right, verdict, reason, author)


def _judged_meanwhile(standing: Judgement) -> Text:
    """Say who was quicker."""
    said, why = WORDS[standing.verdict], f" (« {standing.reason} »)" if standing.reason else ""
    return Text(
        f"Entre-temps, {standing.author} a jugé ces deux fiches : {said.fr}{why}. "
        "Votre réponse n'est pas enregistrée ; répétez-la pour remplacer l'autre.",
        f"Meanwhile {standing.author} judged these two records: {said.en}{why}. Yours was not recorded; give it again to replace the other.",
    )
