"""The statistics in the catalogue are those of the journal, however they came about: followed a change at a time, or made anew."""

import json
import random
from pathlib import Path

import pyoxigraph
import pytest
from sqlalchemy import delete, select, text

from app import record
from app.combined import Combined
from app.graph.counting import Counting
from app.graph.memory import MemoryStore
from app.graph.oxigraph import OxigraphStore
from app.graph.projector import Projector
from app.journal import Journal, changes, records, sources
from app.journal.tables import change
from app.journal.tables import record as record_table
from app.matching.combine import Matcher
from app.names import Names
from tests.graph.town import NAMES, add_source, statement

ROUNDS = 40
PREFIXES = """PREFIX void: <http://rdfs.org/ns/void#> PREFIX dcterms: <http://purl.org/dc/terms/> PREFIX schema: <https://schema.org/>
PREFIX mc: <https://w3id.org/maillage/concept/> PREFIX mlg: <https://w3id.org/maillage/ns#>"""


@pytest.fixture
def combined(names: Names) -> Combined:
    """What settles the groups."""
    return Combined(Matcher(names))


def put(journal: Journal, source: str, key: str, **more: object) -> None:
    """A source says something of a group that it calls by its key; the names are unlike each other, so that no two are merged."""
    iri = f"https://{source}.example/groups/{key}"
    said = statement(key, f"{key * 3} {source}", **more) | {"id": iri}
    reading = record.read(said, iri=iri)
    with journal.write() as c:
        records.put(c, sources.get(c, source).id, key, reading.iri, reading.document, reading.content_hash, "test")


def take_back(journal: Journal, source: str, key: str) -> None:
    """A source has this record no longer, if it had it."""
    with journal.write() as c:
        held = records.get(c, source, key)
        if held is not None:
            records.withdraw(c, held.id, "test")


def catalogue(store: MemoryStore | OxigraphStore) -> list[str]:
    """The lines of the catalogue."""
    return store.read(NAMES.catalogue).splitlines()


def rebuilt(journal: Journal) -> list[str]:
    """The catalogue as a rebuild makes it."""
    fresh = MemoryStore(NAMES)
    Projector(journal, fresh, NAMES).rebuild()
    return catalogue(fresh)


def asked(store: OxigraphStore, folder: Path, query: str) -> list[dict[str, str]]:
    """Ask a copy of the store."""
    store.backup(folder)
    answer = pyoxigraph.Store.read_only(str(folder)).query(f"{PREFIXES} {query}").serialize(format=pyoxigraph.QueryResultsFormat.JSON)
    assert answer is not None
    return [{name: cell["value"] for name, cell in row.items()} for row in json.loads(answer)["results"]["bindings"]]


def test_a_dashboard_asks_for_numbers(journal: Journal, combined: Combined, oxigraph: OxigraphStore, tmp_path: Path) -> None:
    """Totals, a source's share and the groups of each concept, those of none included, in three lines of SPARQL each."""
    for source in ("carte", "liste"):
        add_source(journal, source)
    put(journal, "carte", "jardin", topics=["housing", "culture"])
    put(journal, "carte", "verger", topics=["housing"], knowHow=["code-webdesign"])
    put(journal, "liste", "atelier", participations=[{"initiative": "https://a.example/i", "status": "participating"}])
    combined.settle_pending(journal)
    Projector(journal, oxigraph, NAMES).catch_up()
    whole = f"SELECT ?groups ?records {{ GRAPH ?catalogue {{ <{NAMES.node}> void:entities ?groups ; void:documents ?records }} }}"
    assert asked(oxigraph, tmp_path / "1", whole) == [{"groups": "3", "records": "3"}]
    by_source = (
        "SELECT ?title ?groups ?records { GRAPH ?c { ?s dcterms:title ?title ; void:entities ?groups ; void:documents ?records } } ORDER BY ?title"
    )
    assert asked(oxigraph, tmp_path / "2", by_source) == [
        {"title": "carte", "groups": "2", "records": "2"},
        {"title": "liste", "groups": "1", "records": "1"},
        {"title": "own", "groups": "0", "records": "0"},
    ]
    by_topic = "SELECT ?topic ?groups { GRAPH ?c { ?part void:property dcterms:subject ; dcterms:subject ?topic ; void:entities ?groups } }"
    counts = {row["topic"].rpartition("/")[2]: int(row["groups"]) for row in asked(oxigraph, tmp_path / "3", by_topic)}
    assert counts == {"housing": 2, "culture": 1, "urban-planning": 0, "environment": 0, "social-economy": 0, "transport": 0}
    nobody = "SELECT ?can { GRAPH ?c { ?part void:property schema:knowsAbout ; dcterms:subject ?can ; void:entities 0 } }"
    assert len(asked(oxigraph, tmp_path / "4", nobody)) == 3
    taking_part = "SELECT ?n { GRAPH ?c { ?part void:property mlg:status ; dcterms:subject mc:participating ; void:entities ?n } }"
    assert asked(oxigraph, tmp_path / "5", taking_part) == [{"n": "1"}]
    assert not asked(oxigraph, tmp_path / "6", "SELECT ?s { ?s void:entities ?n }"), "the default graph holds groups only"


@pytest.mark.parametrize("seed", range(3))
def test_followed_is_rebuilt(journal: Journal, combined: Combined, names: Names, seed: int) -> None:
    """Whatever sources say, take back, or come to be worth, in whatever steps: once caught up, the catalogue is what a rebuild makes."""
    chance, store = random.Random(seed), MemoryStore(names)
    projector = Projector(journal, store, names)
    for source in ("a", "b", "c"):
        add_source(journal, source)
    for round_ in range(ROUNDS):
        source, key = chance.choice("abc"), f"g{chance.randrange(12)}"
        if chance.random() < 0.65:
            put(journal, source, key, topics=chance.sample(["housing", "culture", "transport"], chance.randrange(3)))
        elif chance.random() < 0.7:
            take_back(journal, source, key)
        else:
            with journal.write() as c:
                of_source = sources.update(c, source, trust=chance.choice(list(sources.Trust)))
                keys = c.execute(select(record_table.c.key).where(record_table.c.source_id == of_source.id)).scalars()
                changes.note(c, "record", [f"{source}/{key}" for key in keys])
        if chance.random() < 0.7:
            combined.settle_pending(journal)
        if chance.random() < 0.5:
            projector.step(chance.randrange(1, 4))
        if round_ % 10 == 9:
            projector.catch_up()
            assert catalogue(store) == rebuilt(journal)


def test_a_store_without_statistics_gets_them(journal: Journal, names: Names) -> None:
    """What an older version wrote is completed by the first step, although nothing has changed."""
    add_source(journal, "carte")
    store = MemoryStore(names)
    Projector(journal, store, names).catch_up()
    entries = "".join(f"{line[:-2]} <{NAMES.catalogue}> .\n" for line in catalogue(store) if "void#" not in line)
    store.load([entries], store.position(), store.epoch())
    Projector(journal, store, names).catch_up()
    assert catalogue(store) == rebuilt(journal)


def test_a_record_that_is_gone_without_a_trace_is_not_counted(journal: Journal) -> None:
    """A row that was removed makes the records be counted anew."""
    add_source(journal, "carte")
    for key in ("jardin", "verger"):
        put(journal, "carte", key)
    counting = Counting()
    with journal.read() as c:
        assert counting.at(c).records == 2
    with journal.write() as c:
        c.execute(delete(record_table).where(record_table.c.key == "jardin"))
        c.execute(change.insert().values(kind="record", name="carte/jardin"))
    with journal.read() as c:
        assert counting.at(c).records == 1


def test_records_are_looked_up_by_the_index(journal: Journal) -> None:
    """What a batch of records asks is found by source and key, and the table is not read through."""
    add_source(journal, "carte")
    put(journal, "carte", "jardin")
    question = select(record_table.c.id).where(record_table.c.source_id == 1, record_table.c.key.in_(["jardin"]))
    with journal.read() as c:
        plan = " ".join(row[3] for row in c.execute(text(f"EXPLAIN QUERY PLAN {question.compile(compile_kwargs={'literal_binds': True})}")))
    assert "SEARCH" in plan
    assert "SCAN" not in plan
