"""Whatever happens to nodes and to the network between them, every node ends with the truth of each origin that it reads, and then with silence.

`SEEDS=2-41 pytest -m slow tests/federation/test_convergence.py` runs forty seeds of each shape, `SEEDS=17` only that one; the end of the output says
how many were run.
"""

import os
from pathlib import Path

import pytest

from tests.federation.town import ROUNDS, Town, road, town

SHAPES = {"ring": 3, "star": 3, "random": 4}
FIRST, _, LAST = os.environ.get("SEEDS", "2-6").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)
HAPPENINGS = {"few": 20, "many": 40}


def prove(folder: Path, shape: str, seed: int, happenings: int, record_property) -> None:
    """Let things happen, heal, and see that all agree within a few rounds, and that then nothing is said any more."""
    with town(folder, shape, SHAPES[shape], seed) as found:
        found.live(happenings)
        found.heal()
        rounds = agree(found)
        quiet(found)
        record_property("told", f"convergence: {shape}, seed {seed}: agreed after {rounds} rounds; {found.node_rounds} node-rounds run")
        record_property("seeds", 1)
        record_property("node-rounds", found.node_rounds)


def agree(found: Town) -> int:
    """Run rounds until nobody disagrees; return how many it took."""
    for number in range(1, ROUNDS + 1):
        found.round()
        if not found.disagreements():
            return number
    raise AssertionError("\n".join([*found.disagreements(), "after:", *found.happened]))


def quiet(found: Town) -> None:
    """A round after agreement costs one request a link and no content, leaves no trace, and the next one costs the same.

    News of what happened before are told first: they are told once, by themselves, and no round has any more of them.
    """
    found.round()
    found.tell()
    links = sum(len(member.reads) for member in found.members)
    before = [member.trace() for member in found.members]
    for _ in range(2):
        requests, sent = found.traffic()
        found.round()
        seen = "\n".join(line for member in found.members for line in member.door.asked[-25:])
        assert tuple(now - then for now, then in zip(found.traffic(), (requests, sent), strict=True)) == (links, 0), seen
    assert [member.trace() for member in found.members] == before
    assert found.disagreements() == []


@pytest.mark.parametrize("shape", SHAPES)
def test_every_reader_ends_with_the_truth_of_its_origins(shape, tmp_path, record_property):
    """One seed of each shape: partitions, cuts, old copies from caches, power cuts, restored backups, withdrawals and re-creations."""
    prove(tmp_path, shape, 1, HAPPENINGS["few"], record_property)


def prove_road(folder: Path, seed: int, record_property) -> None:
    """As above, where all that the last two nodes learn comes through relays."""
    with road(folder, seed) as found:
        found.live(HAPPENINGS["many"])
        rounds = agree(found)
        found.round()  # the hub that is told last lists it, and its reader then asks once for the place behind it
        quiet(found)
        record_property("told", f"convergence: relays, seed {seed}: agreed after {rounds} rounds; {found.node_rounds} node-rounds run")
        record_property("seeds", 1)
        record_property("node-rounds", found.node_rounds)


def test_what_comes_through_relays_alone_is_the_truth_too(tmp_path, record_property):
    """Two hubs that follow each other's relay: each record arrives once, as its origin has it, purges too, and nothing goes round in circles."""
    prove_road(tmp_path, 1, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_through_relays_alone_is_the_truth_in_many_worlds(seed, tmp_path, record_property):
    """The same with other seeds."""
    prove_road(tmp_path, seed, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_the_seed(shape, seed, tmp_path, record_property):
    """Many seeds of each shape."""
    prove(tmp_path, shape, seed, HAPPENINGS["many"], record_property)
