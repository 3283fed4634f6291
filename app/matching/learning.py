"""Weights learnt from judged pairs: logistic regression that starts from the present table and leaves it only as far as the pairs demand.

The result is a table of the same names, so that every score stays a sum of reasons that people can read.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from app.matching.score import MATCH
from app.matching.weights import Found

Counts: TypeAlias = Mapping[str, float]
"""How many times each weight counts for a pair, by its name."""

CAUTION: Final = 0.5
"""How much the present table resists: each weight is drawn to it as by so many observations."""

STEPS: Final = 25
HALVINGS: Final = 20
_SETTLED: Final = 1e-4
_BIT: Final = math.log(2)
_MOST: Final = 30.0
_KEPT: Final = 1e9
Row: TypeAlias = tuple[tuple[tuple[int, float], ...], bool, int]


def counts(found: Found) -> dict[str, float]:
    """Return how many times each weight counts for a pair."""
    total: dict[str, float] = {}
    for _, _, key, times in found:
        total[key] = total.get(key, 0.0) + times
    return total


def learn(
    examples: Iterable[tuple[Counts, bool]], present: Mapping[str, float], caution: float = CAUTION, kept: Collection[str] = ()
) -> dict[str, float]:
    """Return the weights under which judged pairs fall best on their side of MATCH; `kept` ones and those no pair speaks of stay as they are.

    Each example is a pair's counts, and whether both are the same. Weights are rounded to hundredths.
    """
    names = list(present)
    rows = _rows(examples, {name: number for number, name in enumerate(names)})
    weights = [present[name] for name in names]
    start = [*weights]
    cautions = [_KEPT if name in kept else caution for name in names]
    loss = _loss(rows, weights, start, cautions)
    for _ in range(STEPS):
        step = _step(rows, weights, start, cautions)
        for halved in range(HALVINGS):
            tried = [weight + change / 2**halved for weight, change in zip(weights, step, strict=True)]
            less = _loss(rows, tried, start, cautions)
            if less < loss:
                break
        else:
            break
        settled = loss - less < _SETTLED
        weights, loss = tried, less
        if settled:
            break
    return {name: round(weight, 2) for name, weight in zip(names, weights, strict=True)}


def _rows(examples: Iterable[tuple[Counts, bool]], numbers: Mapping[str, int]) -> list[Row]:
    """Return the distinct examples with how often each occurs."""
    distinct = Counter((tuple(sorted((numbers[name], times) for name, times in found.items() if times)), same) for found, same in examples)
    return [(row, same, often) for (row, same), often in distinct.items()]


def _loss(rows: Iterable[Row], weights: Sequence[float], start: Sequence[float], cautions: Sequence[float]) -> float:
    """Return how badly the examples fall, and how far the weights are from where they began."""
    found = sum([caution / 2 * (weight - begun) ** 2 for weight, begun, caution in zip(weights, start, cautions, strict=True)])
    for row, same, often in rows:
        total = (sum([weights[number] * times for number, times in row]) - MATCH) * _BIT * (1 if same else -1)
        found += often * (math.log1p(math.exp(-total)) if total > -_MOST else -total)
    return found


def _step(rows: Iterable[Row], weights: Sequence[float], start: Sequence[float], cautions: Sequence[float]) -> list[float]:
    """Return Newton's step: the change of each weight that the slope and the curvature of the loss call for."""
    slope = [caution * (begun - weight) for begun, weight, caution in zip(start, weights, cautions, strict=True)]
    curve = [[0.0] * len(weights) for _ in weights]
    for number in range(len(weights)):
        curve[number][number] = cautions[number]
    for row, same, often in rows:
        total = sum([weights[number] * times for number, times in row]) - MATCH
        likely = 1 / (1 + math.exp(-max(-_MOST, min(_MOST, total * _BIT))))
        pull = often * _BIT * (same - likely)
        bend = often * _BIT * _BIT * likely * (1 - likely)
        for number, times in row:
            slope[number] += pull * times
            line, scaled = curve[number], bend * times
            for other, others in row:
                line[other] += scaled * others
    return _solved(curve, slope)


def _solved(curve: list[list[float]], slope: list[float]) -> list[float]:
    """Solve a positive definite system by Gauss's elimination; both arguments are used up."""
    size = len(slope)
    for pivot in range(size):
        line = curve[pivot]
        for below in range(pivot + 1, size):
            factor = curve[below][pivot] / line[pivot]
            if factor:
                curve[below] = [value - factor * above for value, above in zip(curve[below], line, strict=True)]
                slope[below] -= factor * slope[pivot]
    for pivot in reversed(range(size)):
        known = sum([curve[pivot][number] * slope[number] for number in range(pivot + 1, size)])
        slope[pivot] = (slope[pivot] - known) / curve[pivot][pivot]
    return slope
