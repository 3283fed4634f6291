"""Every benchmark runs, in a size of no weight: it still works, and both sides still give the same answers. Nothing here looks at a clock."""

import json

import pytest

from app import record
from app.checking import Checker
from tests.benchmarks import following, generations, harvest, invented, load, lookup, matching, publishing, questions, remote, sparql
from tests.benchmarks.queries import queries


def test_invented_groups_are_the_same_each_time_good_and_of_the_size_they_should_be() -> None:
    """About 24 statements a group, nothing that the shapes find fault with, nothing unknown; they say that they are invented."""
    documents = list(invented.groups(200))
    assert documents == list(invented.groups(200))
    readings = [record.read(document) for document in documents]
    assert {reading.unknown for reading in readings} == {()}
    assert set(Checker().check([reading.document for reading in readings])) == {()}
    assert 21 <= sum(len(record.triples(reading.document)) for reading in readings) / 200 <= 26
    assert all("inventé" in json.dumps(document, ensure_ascii=False) for document in documents)


def test_directories_overlap() -> None:
    """A fifth of the groups is told of twice, by two sources; the first tenth is the node's own."""
    told = list(invented.directories(500, "http://node.example", sources=5))
    assert len({one.group for one in told}) == 500
    assert 550 <= len(told) <= 650
    assert {one.group for one in told if one.source == "own"} == set(range(50))
    assert len({(one.source, one.key) for one in told}) == len(told)


def test_the_questions_are_eighteen() -> None:
    """Those of the research page, none left out."""
    assert len({query.name for query in queries("http://node.example", 1)}) == 18


@pytest.mark.parametrize("run", [sparql.run, remote.run, lookup.run, lookup.crowd, questions.run, publishing.run, matching.run])
def test_it_runs_and_both_sides_agree(run: object) -> None:
    """Sixty groups, each question once."""
    table = run(60, 1)  # type: ignore[operator]
    assert table.startswith("### ")
    assert "DIFFERENT" not in table


@pytest.mark.parametrize("run", [harvest.run, load.run, following.run, generations.run])
def test_it_runs(run: object) -> None:
    """Sixty groups, all taken."""
    assert run(60).startswith("### ")  # type: ignore[operator]
