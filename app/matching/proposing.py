"""What a node's judgements say about its weights: the table that fits them best, and what it would change, before anybody adopts it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from app.errors import Conflict, Text
from app.journal import judgements
from app.journal.judgements import Verdict
from app.matching import filing, statistics
from app.matching.bulk import match
from app.matching.judged import constraints
from app.matching.learning import counts, learn
from app.matching.score import Subject, found
from app.matching.statistics import Statistics
from app.matching.weights import Weights

LEAST = 10
"""Judgements of each kind without which nothing is learnt."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`weights` learnt from so many judgements, beside the `present` ones; groups that would be new and those they would take the place of."""

    weights: Mapping[str, float]
    present: Mapping[str, float]
    same: int
    different: int
    made: tuple[tuple[str, ...], ...]
    unmade: tuple[tuple[str, ...], ...]


def learnt(c: Connection) -> tuple[dict[str, float], int, int]:
    """Return the weights that the node's judgements ask for, and how many of each kind there were. Raises Conflict when there are too few."""
    current = statistics.load(c)
    examples = [*_examples(c, current)]
    same = sum(verdict for _, verdict in examples)
    different = len(examples) - same
    if min(same, different) < LEAST:
        raise Conflict(
            Text(
                f"Il faut au moins {LEAST} avis « le même » et {LEAST} « différents » sur des fiches présentes ; il y en a {same} et {different}.",
                f"At least {LEAST} judgements 'same' and {LEAST} 'different' of present records are needed; there are {same} and {different}.",
            )
        )
    return learn(examples, current.weights.values), same, different


def propose(c: Connection) -> Proposal:
    """Learn from the judgements, and match the directory with both tables to see what would change. Nothing is written."""
    values, same, different = learnt(c)
    present = statistics.load(c).weights
    before, after = (_groups(c, weights) for weights in (present, Weights("learnt", values)))
    return Proposal(values, dict(present.values), same, different, tuple(sorted(after - before)), tuple(sorted(before - after)))


def _examples(c: Connection, current: Statistics) -> Iterator[tuple[dict[str, float], bool]]:
    """Yield the judged pairs of records that are there, but those that somebody was unsure of."""
    active = [one for one in judgements.active(c) if one.verdict != Verdict.UNSURE]
    wanted = {reference for one in active for reference in (one.left, one.right)}
    subjects = {reference: Subject(form, current, reference) for _, reference, form in filing.subjects(c, filing.live_ids(c)) if reference in wanted}
    for one in active:
        if one.left in subjects and one.right in subjects:
            yield counts(found(subjects[one.left], subjects[one.right], current)), one.verdict == Verdict.SAME


def _groups(c: Connection, weights: Weights) -> set[tuple[str, ...]]:
    """Return the groups of the directory under these weights, each as the references of its records."""
    live = filing.live_ids(c)
    forms = [*filing.subjects(c, live)]
    references = {record_id: reference for record_id, reference, _ in forms}
    matched = match(forms, constraints(c, live, live), weights)
    return {tuple(sorted(references[record_id] for record_id in cluster)) for cluster in matched.clusters}
