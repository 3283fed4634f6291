"""What the tests of the SPARQL endpoint share: an invented node's store with a few groups, and its query processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.names import Names
from app.sparql.generations import Generations
from app.sparql.pool import Limits, Pool

NAMES = Names("http://node.example")


def group(slug: str) -> Change:
    """An invented group in the default graph."""
    iri = NAMES.group(slug)
    named = f'<{iri}> <https://schema.org/name> "Le {slug}"@fr .\n'
    lines = named + f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/maillage/ns#Group> .\n"
    return Change(None, lines, iri)


def record(slug: str) -> Change:
    """What an invented source says of it."""
    return Change(NAMES.record("carte", slug), f'<{NAMES.group(slug)}> <https://schema.org/name> "{slug}" .\n')


@pytest.fixture
def names() -> Names:
    """The names of an invented node."""
    return NAMES


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OxigraphStore]:
    """A store with ten groups, each with a record."""
    opened = OxigraphStore(tmp_path / "graph", NAMES)
    slugs = [f"g{number}" for number in range(10)]
    opened.apply([*map(group, slugs), *map(record, slugs), Change(NAMES.catalogue, "<urn:a> <urn:b> <urn:c> .\n")], 1)
    yield opened
    opened.close()


@pytest.fixture
def generations(store: OxigraphStore, tmp_path: Path) -> Generations:
    """Its copies."""
    return Generations(store, tmp_path / "generations")


@pytest.fixture
def pool(generations: Generations) -> Iterator[Pool]:
    """One query process with small limits."""
    opened = Pool(generations, Limits(timeout_s=5, memory_mb=256, max_rows=50, max_bytes=2_000_000, workers=1))
    yield opened
    opened.close()
