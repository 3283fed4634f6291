"""What people say of two records, kept as constraints on every merge: same, different, unsure.

A judgement that contradicts earlier ones is refused with the chain that it contradicts, so that the ledger never says two things.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from app.errors import BadRequest, Conflict, Text
from app.journal import judgements, pending, records
from app.journal.judgements import Judgement, Verdict
from app.matching.naming import pair
from app.names import Names


def judge(c: Connection, names: Names, left: str, right: str, verdict: str, reason: str | None, author: str) -> int:
    """Keep a judgement of two addresses (of records or groups) and return its number; their groups are then pending.

    It takes the place of an earlier one on the same two records. Raises BadRequest for a verdict that does not exist or when both
    addresses mean one record, NotFound for an address that means nothing here, Conflict when other judgements say otherwise.
    """
    given = _verdict(verdict)
    meant = pair(c, names, left, right)
    if meant is None:
        raise BadRequest(Text("Les deux adresses désignent la même fiche.", "Both addresses mean the same record."))
    standing = [one for one in judgements.active(c) if {one.left, one.right} != {*meant}]
    chain = _contradicting(standing, *meant, given)
    if chain:
        raise Conflict(_contradiction(chain))
    number = judgements.add(c, *meant, given, reason, author)
    _touch(c, meant)
    return number


def revoke(c: Connection, judgement_id: int, author: str) -> None:
    """Take a judgement back; the groups of its records are then pending. Raises NotFound."""
    taken_back = judgements.revoke(c, judgement_id, author)
    _touch(c, (taken_back.left, taken_back.right))


def _verdict(text: str) -> Verdict:
    """Read a verdict."""
    try:
        return Verdict(text)
    except ValueError:
        raise BadRequest(Text("Un avis est « same », « different » ou « unsure ».", "A judgement is 'same', 'different' or 'unsure'.")) from None


def _contradicting(standing: Sequence[Judgement], left: str, right: str, verdict: Verdict) -> list[Judgement]:
    """Return the judgements that together say the contrary; empty when there are none."""
    if verdict is Verdict.UNSURE:
        return []
    from_left, from_right = _reached(standing, left), _reached(standing, right)
    if verdict is Verdict.DIFFERENT:
        return from_left.get(right, [])
    for one in standing:
        if one.verdict is Verdict.DIFFERENT:
            for near, far in ((one.left, one.right), (one.right, one.left)):
                if near in from_left and far in from_right:
                    return [*from_left[near], one, *reversed(from_right[far])]
    return []


def _reached(standing: Sequence[Judgement], start: str) -> dict[str, list[Judgement]]:
    """Return every record judged the same as `start`, each with the shortest chain of judgements that leads to it."""
    found: dict[str, list[Judgement]] = {start: []}
    steps: dict[str, list[tuple[str, Judgement]]] = {}
    for one in standing:
        if one.verdict is Verdict.SAME:
            steps.setdefault(one.left, []).append((one.right, one))
            steps.setdefault(one.right, []).append((one.left, one))
    waiting = [start]
    for here in waiting:
        for there, one in steps.get(here, ()):
            if there not in found:
                found[there] = [*found[here], one]
                waiting.append(there)
    return found


def _contradiction(chain: Sequence[Judgement]) -> Text:
    """Say which judgements stand in the way."""
    steps = ", ".join(f"{one.left} {'=' if one.verdict is Verdict.SAME else '≠'} {one.right} (n° {one.id}, {one.author})" for one in chain)
    return Text(
        f"Cet avis en contredit d'autres : {steps}. Retirez d'abord celui qui est faux.",
        f"This judgement contradicts others: {steps}. Revoke the wrong one first.",
    )


def _touch(c: Connection, references: Sequence[str]) -> None:
    """Have the groups of these records rebuilt."""
    found = [records.get(c, *reference.split("/", 1)) for reference in references]
    pending.add(c, [one.id for one in found if one is not None])
