"""What every store promises, proved on each of them and on the two together."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import StoreUnavailable
from app.graph import Change, Store
from app.graph.memory import MemoryStore
from app.graph.oxigraph import OxigraphStore
from app.graph.remote_store import RemoteStore
from app.names import Names
from tests.servers import SERVERS, SparqlServer, emptied

GROUP = "http://node.example/groups/jardin"


def says(subject: str, *values: str) -> str:
    """N-Triples lines that give a subject these names."""
    return "".join(f'<{subject}> <https://schema.org/name> "{value}" .\n' for value in sorted(values))


def test_a_graph_holds_what_the_last_change_says(store: Store) -> None:
    """A change of a whole graph replaces it; another graph is not touched."""
    store.apply([Change("http://node.example/records/a/1", says(GROUP, "un")), Change(None, says(GROUP, "deux"))], 1)
    store.apply([Change("http://node.example/records/a/1", says(GROUP, "trois"))], 2)
    assert store.read("http://node.example/records/a/1") == says(GROUP, "trois")
    assert store.read(None) == says(GROUP, "deux")


def test_a_subject_is_replaced_with_its_parts_and_nothing_else(store: Store) -> None:
    """A change of a subject replaces what is said of it and of its parts, and leaves a subject whose name begins alike."""
    part, longer = f"{GROUP}#location-1", f"{GROUP}s"
    linked = f"<{GROUP}> <https://schema.org/location> <{part}> .\n"
    store.apply([Change(None, linked + says(GROUP, "un") + says(part, "ici"), GROUP), Change(None, says(longer, "autre"), longer)], 1)
    store.apply([Change(None, says(GROUP, "deux"), GROUP)], 2)
    assert store.read(None) == says(GROUP, "deux") + says(longer, "autre")


def test_an_empty_change_takes_away(store: Store) -> None:
    """Without triples a graph, or a subject with its parts, is gone."""
    graph = "http://node.example/records/a/1"
    store.apply([Change(graph, says(GROUP, "un")), Change(None, says(GROUP, "un"), GROUP)], 1)
    store.apply([Change(graph, ""), Change(None, "", GROUP)], 2)
    assert store.read(graph) == ""
    assert store.read(None) == ""


def test_taking_away_what_is_not_there_is_no_error(store: Store) -> None:
    """A repeated withdrawal changes nothing."""
    store.apply([Change("http://node.example/records/a/1", ""), Change(None, "", GROUP)], 1)
    assert store.position() == 1


def test_the_last_of_two_changes_of_one_thing_counts(store: Store) -> None:
    """A batch that says two things of one graph leaves the later one."""
    store.apply([Change(None, says(GROUP, "un"), GROUP), Change(None, says(GROUP, "deux"), GROUP)], 1)
    assert store.read(None) == says(GROUP, "deux")


def test_the_position_goes_with_the_changes(store: Store) -> None:
    """A new store is at 0; the position and the epoch are those of the last batch."""
    assert (store.position(), store.epoch()) == (0, 0)
    store.apply([], 7, 2)
    assert (store.position(), store.epoch()) == (7, 2)


def test_the_position_is_not_part_of_what_the_catalogue_says(store: Store, names: Names) -> None:
    """Whatever becomes of the catalogue, the position stays, and nobody reads it there."""
    store.apply([Change(names.catalogue, says(names.catalogue, "tout"))], 3)
    store.apply([Change(names.catalogue, says(names.catalogue, "rien"))], 4)
    assert store.read(names.catalogue) == says(names.catalogue, "rien")
    assert store.position() == 4


def test_a_load_replaces_everything(store: Store) -> None:
    """After a load the store holds the quads loaded, and their position, and nothing of before."""
    store.apply([Change(None, says(GROUP, "avant"))], 9)
    quads = [says(GROUP, "un"), says(GROUP, "deux").replace(" .", " <http://node.example/records/a/1> ."), ""]
    store.load(iter(quads), 4, 3)
    assert store.read(None) == says(GROUP, "un")
    assert store.read("http://node.example/records/a/1") == says(GROUP, "deux")
    assert (store.position(), store.epoch()) == (4, 3)


def test_a_loaded_store_takes_changes(store: Store) -> None:
    """A load is a beginning like another."""
    store.load([says(GROUP, "un")], 4)
    store.apply([Change(None, says(GROUP, "deux"), GROUP)], 5)
    assert store.read(None) == says(GROUP, "deux")


def test_a_store_that_was_reopened_holds_the_same(store: Store) -> None:
    """Opening anew loses nothing."""
    store.apply([Change(None, says(GROUP, "un"))], 1)
    store.reopen()
    assert store.read(None) == says(GROUP, "un")
    assert store.verify()


def test_a_backup_is_a_copy(store: Store, tmp_path: Path) -> None:
    """A copy is written where there was nothing, and the store goes on; a server gives none away, and says so."""
    store.apply([Change(None, says(GROUP, "un"))], 1)
    if isinstance(store, RemoteStore):
        with pytest.raises(StoreUnavailable, match="that server's own means"):
            store.backup(tmp_path / "copy")
        return
    store.backup(tmp_path / "copy")
    assert any((tmp_path / "copy").iterdir())
    store.apply([Change(None, says(GROUP, "deux"))], 2)


GRAPHS = st.sampled_from([None, "http://node.example/records/a/1", "http://node.example/records/b/1"])
SUBJECTS = st.sampled_from([GROUP, f"{GROUP}s", "http://node.example/groups/atelier"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters='"\\\n\r', exclude_categories=("Cc", "Cs")), max_size=8)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A change as the projector makes them: a whole named graph, or a subject with a part."""
    subject = draw(SUBJECTS)
    lines = says(subject, *draw(st.sets(TEXTS, max_size=3)))
    if draw(st.booleans()):
        lines += f"<{subject}> <https://schema.org/location> <{subject}#location-1> .\n" + says(f"{subject}#location-1", draw(TEXTS))
    graph = draw(GRAPHS)
    return Change(graph, lines if lines and draw(st.integers(0, 3)) else "", subject if graph is None or draw(st.booleans()) else None)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(changes(), max_size=4, unique_by=lambda change: change.graph), max_size=4))
def test_the_two_backends_hold_the_same(batches: list[list[Change]]) -> None:
    """Whatever batches come, and each of them twice, both stores hold the same lines at the same position."""
    names = Names("http://node.example")
    with tempfile.TemporaryDirectory() as directory:
        stores: list[Store] = [MemoryStore(names), OxigraphStore(Path(directory), names)]
        for position, batch in enumerate(batches, 1):
            for store in stores:
                store.apply(batch, position)
                store.apply(batch, position)
        for graph in (None, "http://node.example/records/a/1", "http://node.example/records/b/1"):
            assert stores[0].read(graph) == stores[1].read(graph)
        assert stores[0].position() == stores[1].position()
        stores[1].close()


@pytest.mark.parametrize("kind", SERVERS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(changes(), max_size=4, unique_by=lambda change: change.graph), max_size=4))
def test_a_server_holds_what_the_twin_in_memory_holds(each_server: dict[str, SparqlServer], kind: str, batches: list[list[Change]]) -> None:
    """Whatever batches come, and each of them twice, a server holds the same lines at the same position; so it does after a refilling."""
    names = Names("http://node.example")
    twin = MemoryStore(names)
    with emptied(each_server[kind], names) as store:
        for position, batch in enumerate(batches, 1):
            twin.apply(batch, position)
            store.apply(batch, position)
            store.apply(batch, position)
        for graph in (None, "http://node.example/records/a/1", "http://node.example/records/b/1"):
            assert store.read(graph) == twin.read(graph)
        assert store.position() == twin.position()
        store.load([says(GROUP, "un"), says(f"{GROUP}#location-1", "ici")], 9)
        assert store.read(None) == says(f"{GROUP}#location-1", "ici") + says(GROUP, "un")
        assert store.read("http://node.example/records/a/1") == ""
