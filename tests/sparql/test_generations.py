"""Copies of the store are made when they are needed, and removed when they are not."""

import threading
from pathlib import Path

import pyoxigraph

from app.graph import Change
from app.graph.oxigraph import OxigraphStore
from app.sparql.generations import Generation, Generations


def copies(generations: Generations) -> list[str]:
    """The copies on disk."""
    return sorted(path.name for path in generations.spool.parent.iterdir() if path.name.isdecimal())


def write(store: OxigraphStore, position: int) -> None:
    """Let the store move on."""
    iri = f"http://node.example/groups/new{position}"
    store.apply([Change(None, f'<{iri}> <https://schema.org/name> "new" .\n', iri)], position)


def test_a_copy_serves_until_the_store_moves_on(store: OxigraphStore, generations: Generations) -> None:
    """While nothing changes, everybody reads the same copy, however old."""
    first = generations.current(max_age_s=0)
    assert generations.current(max_age_s=0) is first
    write(store, 2)
    second = generations.current(max_age_s=0)
    assert second is not first
    assert (first.position, second.position) == (1, 2)


def test_a_young_copy_is_good_enough(store: OxigraphStore, generations: Generations) -> None:
    """Within its age a copy serves although the store has moved on."""
    first = generations.current()
    write(store, 2)
    assert generations.current(max_age_s=60) is first


def test_a_copy_holds_what_the_store_held(store: OxigraphStore, generations: Generations) -> None:
    """It does not change with the store."""
    first = generations.current()
    write(store, 2)
    copy = pyoxigraph.Store.read_only(str(first.path))
    assert bool(copy.query("ASK { <http://node.example/groups/g1> ?p ?o }"))
    assert not bool(copy.query("ASK { <http://node.example/groups/new2> ?p ?o }"))


def test_a_copy_nobody_reads_is_removed(store: OxigraphStore, generations: Generations) -> None:
    """An old copy goes with its last reader, the newest one stays."""
    first, also_first = generations.current(0), generations.current(0)
    write(store, 2)
    second = generations.current(0)
    generations.release(first)
    assert len(copies(generations)) == 2
    generations.release(also_first)
    assert copies(generations) == [second.path.name]
    generations.release(second)
    assert copies(generations) == [second.path.name]


def test_what_a_crash_left_is_removed(store: OxigraphStore, tmp_path: Path) -> None:
    """Copies and answers of an earlier process are no use to anybody."""
    (tmp_path / "generations" / "17").mkdir(parents=True)
    (tmp_path / "generations" / "answers").mkdir()
    (tmp_path / "generations" / "answers" / "old").write_text("x")
    again = Generations(store, tmp_path / "generations")
    assert copies(again) == []
    assert list(again.spool.iterdir()) == []


def test_many_askers_share_one_copy(store: OxigraphStore, generations: Generations) -> None:
    """Those who ask at the same moment get one copy, made once."""
    write(store, 2)
    got: list[Generation] = []
    threads = [threading.Thread(target=lambda: got.append(generations.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1
    assert len(copies(generations)) == 1


def test_copies_that_hold_what_was_erased_are_forgotten(store: OxigraphStore, generations: Generations) -> None:
    """Nobody begins to read them, although the store stands where they do; those that nobody reads go at once, the others with their readers."""
    first = generations.current()
    generations.forget()
    assert generations.forgotten(first)
    second = generations.current(max_age_s=60)
    assert second is not first
    generations.release(first)
    assert copies(generations) == [second.path.name]
    generations.release(second)
    generations.forget()
    assert copies(generations) == []
    assert not generations.forgotten(None)
