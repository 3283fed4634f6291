"""Records: what each source says, what it said before, and who must look again."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from app.journal import Journal, changes, pending, records, sources
from app.journal.records import Statement
from app.journal.tables import feature
from app.journal.tables import pending as pending_table

OWN = 1


def put(journal: Journal, key: str, text: str, **more: object) -> tuple[int, str]:
    with journal.write() as c:
        return records.put(c, OWN, key, f"https://a.example/{key}", {"name": text}, f"hash of {text}", "tester", **more)  # type: ignore[arg-type]


def settle(journal: Journal) -> tuple[list[int], list[str]]:
    """Return, and forget, what waits; return what was noted since the last time."""
    with journal.write() as c:
        waiting = pending.first(c)
        c.execute(delete(pending_table))
        noted = [change.name for change in changes.after(c, _SEEN.get(id(journal), 0), 1000)]
        _SEEN[id(journal)] = changes.last(c)
        return waiting, noted


_SEEN: dict[int, int] = {}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    _SEEN.clear()


def test_a_record_comes_back_as_it_was_put(journal: Journal) -> None:
    """By source and key, by id, by IRI; with the origin it came with."""
    number, outcome = put(journal, "a", "Café", origin=(2, 17), raw_digest="raw")
    with journal.read() as c:
        found = records.get(c, "own", "a")
        assert found is not None
        assert found == records.by_id(c, number)
        assert [found] == records.by_iri(c, "https://a.example/a")
        assert records.get(c, "own", "b") is None
    assert outcome == "added"
    assert (found.reference, found.document, found.version, found.state, found.origin, found.raw_digest) == (
        "own/a",
        {"name": "Café"},
        1,
        "live",
        (2, 17),
        "raw",
    )


def test_every_statement_becomes_a_version(journal: Journal) -> None:
    """Create, update, delete, create again: the history has all four, with their authors."""
    number, _ = put(journal, "a", "one")
    assert put(journal, "a", "two") == (number, "changed")
    with journal.write() as c:
        assert records.withdraw(c, number, "someone")
        assert not records.withdraw(c, number, "someone else")
    assert put(journal, "a", "two") == (number, "added")
    with journal.read() as c:
        history = records.history(c, number)
    assert [(version.version, version.kind, version.author) for version in history] == [
        (1, "create", "tester"),
        (2, "update", "tester"),
        (3, "delete", "someone"),
        (4, "create", "tester"),
    ]
    assert [version.document for version in history] == [{"name": "one"}, {"name": "two"}, None, {"name": "two"}]


def test_the_same_statement_again_changes_nothing_but_that_it_was_seen(journal: Journal) -> None:
    """No version, no change, nothing to rebuild; misses are forgotten and the origin moves on."""
    number, _ = put(journal, "a", "one", origin=(1, 1))
    with journal.write() as c:
        records.mark_missed(c, [number])
        records.mark_missed(c, [number])
        missed = records.by_id(c, number)
    assert missed is not None and missed.missed == 2 and missed.missing_since is not None
    settle(journal)
    assert put(journal, "a", "one", origin=(1, 5)) == (number, "unchanged")
    assert settle(journal) == ([], [])
    with journal.read() as c:
        found = records.by_id(c, number)
        assert len(records.history(c, number)) == 1
    assert found is not None and (found.missed, found.missing_since, found.origin) == (0, None, (1, 5))


def test_whatever_changes_is_noted_for_the_projector_and_for_its_group(journal: Journal) -> None:
    """Added, changed, hidden, back again, withdrawn: each leaves a note in both queues."""
    number, _ = put(journal, "a", "one")
    assert settle(journal) == ([number], ["own/a"])
    put(journal, "a", "two")
    assert settle(journal) == ([number], ["own/a"])
    with journal.write() as c:
        assert records.hide(c, number, "someone")
        assert not records.hide(c, number, "someone")
        assert list(records.live(c)) == []
    assert settle(journal) == ([number], ["own/a"])
    assert put(journal, "a", "two") == (number, "changed")
    assert settle(journal) == ([number], ["own/a"])
    with journal.write() as c:
        records.withdraw(c, number, "someone", origin=(3, 4))
        gone = records.by_id(c, number)
    assert gone is not None and gone.origin == (3, 4)
    assert settle(journal) == ([number], ["own/a"])


def test_hashes_of_contacts_are_kept_beside_the_record(journal: Journal) -> None:
    """They are written with the record; new ones alone let the group be rebuilt; what matching wrote there stays."""
    number, _ = put(journal, "a", "one", contacts={"emails": ["h1"]})
    settle(journal)
    with journal.write() as c:
        c.execute(feature.update().values(document="[1]"))
    assert put(journal, "a", "one", contacts={"emails": ["h1"]}) == (number, "unchanged")
    assert settle(journal) == ([], [])
    assert put(journal, "a", "one", contacts={"emails": ["h2"]}) == (number, "unchanged")
    assert settle(journal) == ([number], [])
    with journal.read() as c:
        assert c.execute(select(feature.c.document, feature.c.contacts)).one() == ("[1]", '{"emails":["h2"]}')


def test_records_of_one_source_are_told_from_those_of_another(journal: Journal) -> None:
    """The same key in two sources is two records; live records come in order, of one source or of all."""
    with journal.write() as c:
        peer = sources.add(c, "peer", "https://p.example", "csv")
        records.put(c, OWN, "a", "https://a.example/a", {}, "1", "t")
        records.put(c, peer.id, "a", "https://p.example/a", {}, "1", "t")
        assert [record.reference for record in records.live(c)] == ["own/a", "peer/a"]
        assert [record.reference for record in records.live(c, "peer")] == ["peer/a"]
        assert (records.count(c, "own"), records.count(c, "nobody")) == (1, 0)
        assert [head.key for head in records.heads(c, peer.id)] == ["a"]
        assert records.head(c, peer.id, "b") is None


def test_a_hundred_thousand_records_go_in_at_once(journal: Journal) -> None:
    """Bulk input is one call; the second time all is unchanged."""
    many = [Statement(f"k{number}", f"https://a.example/{number}", {"name": {"fr": "x" * 60}}, f"h{number}") for number in range(20_000)]
    with journal.write() as c:
        first = records.put_many(c, OWN, iter(many), "visit 1")
        again = records.put_many(c, OWN, many, "visit 2")
    assert {outcome for _, outcome in first} == {"added"}
    assert [(number, "unchanged") for number, _ in first] == again
    with journal.read() as c:
        assert records.count(c, "own") == pending.count(c) == changes.last(c) == 20_000


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "withdraw", "hide"]), st.sampled_from(["x", "y"])), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, width=st.integers(1, 4))
def test_many_at_once_is_the_same_as_one_by_one(journal: Journal, steps: list[tuple[str, str, str]], width: int) -> None:
    """Whatever the order of puts, withdrawals and absences, a model of ten lines tells the outcome and the history."""
    with journal.write() as c:
        source = sources.add(c, f"s{changes.last(c)}-{width}", "https://s.example", "csv")
        model: dict[str, tuple[str, str]] = {}
        kinds: dict[str, list[str]] = {}
        ids: dict[str, int] = {}
        batch: list[Statement] = []
        expected: list[str] = []

        def flush() -> None:
            done = records.put_many(c, source.id, batch, "t")
            assert [outcome for _, outcome in done] == expected
            ids.update({statement.key: number for statement, (number, _) in zip(batch, done, strict=True)})
            batch.clear()
            expected.clear()

        for key, action, text in steps:
            state, held = model.get(key, ("none", ""))
            if action == "put":
                outcome = "added" if state in {"none", "gone"} else "unchanged" if (state, held) == ("live", text) else "changed"
                if outcome != "unchanged":
                    came_back = (state, held) == ("hidden", text)
                    kinds.setdefault(key, []).append("show" if came_back else "update" if outcome == "changed" else "create")
                model[key] = ("live", text)
                batch.append(Statement(key, f"https://s.example/{key}", {"name": text}, text))
                expected.append(outcome)
                if len(batch) >= width:
                    flush()
                continue
            flush()
            if key in ids and action == "withdraw" and records.withdraw(c, ids[key], "t"):
                model[key] = ("gone", held)
                kinds[key].append("delete")
            elif key in ids and action == "hide" and records.hide(c, ids[key], "t"):
                model[key] = ("hidden", held)
                kinds[key].append("hide")
        flush()
        for key, number in ids.items():
            found = records.by_id(c, number)
            assert found is not None and (found.state, found.document) == (model[key][0], {"name": model[key][1]})
            history = records.history(c, number)
            assert [version.kind for version in history] == kinds[key]
            assert [version.version for version in history] == list(range(1, len(history) + 1))
