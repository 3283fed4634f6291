"""Erasure: not one byte of an erased record stays in the journal's files."""

import json
import threading

import pytest
from sqlalchemy import insert, select, text

from app.journal import Journal, changes, erasure, meta, pending, records, sources, visits
from app.journal.tables import edge, event, feature, match_key, statistic
from app.journal.visits import Item
from tests.nodes import eventually

MARK = "zibeline"
DOCUMENT = {"name": {"fr": f"Les amis de la {MARK}"}, "description": {"fr": f"{MARK} " * 200}}


def occurrences(journal: Journal) -> dict[str, int]:
    """How often the mark stands in each of the journal's files."""
    found = {path.name: path.read_bytes().lower().count(MARK.encode()) for path in journal.path.parent.glob("journal.sqlite*")}
    return {name: number for name, number in found.items() if number}


def fill(journal: Journal) -> int:
    """A record with the mark in every table that a record reaches, among many without it."""
    with journal.write() as c:
        peer = sources.add(c, "peer", "https://p.example", "csv")
        plain = {"name": {"fr": "Sans marque"}, "description": {"fr": "y " * 500}}
        records.put_many(c, peer.id, [records.Statement(f"k{n}", f"https://p.example/{n}", plain, f"h{n}") for n in range(300)], "t")
        number, _ = records.put(c, peer.id, "marked", "https://p.example/marked", DOCUMENT, "h", "t", contacts={"phones": ["k"]})
        records.put_many(c, peer.id, [records.Statement(f"l{n}", f"https://p.example/l{n}", plain, f"h{n}") for n in range(300)], "t")
        records.put(c, peer.id, "marked", "https://p.example/marked", DOCUMENT | {"more": MARK}, "h2", "t", raw_digest=MARK)
        c.execute(feature.update().where(feature.c.record_id == number).values(document=json.dumps([[MARK, "amis"]])))
        c.execute(insert(match_key).values(key=1, record_id=number))
        c.execute(insert(edge).values(left_id=1, right_id=number, score=1.0, reasons=MARK, state="match", message=MARK))
        c.execute(insert(statistic), [{"kind": "word", "value": MARK, "count": 2}, {"kind": "word", "value": "amis", "count": 9}])
        visits.add_items(c, visits.begin(c, peer.id), [Item("marked", "added", document=DOCUMENT), Item("k1", "added")])
        insert_text = text("INSERT INTO search_text(rowid, name, other_names, description, place) VALUES (:n, :t, '', '', '')")
        c.execute(insert_text, [{"n": n, "t": MARK if n == 7 else f"autre mot{n}"} for n in range(1, 100)])
        return number


def test_no_byte_of_an_erased_record_stays_in_any_file(journal: Journal) -> None:
    """After erasing, forgetting the group's text and scrubbing, the mark is in no table, index, free page or log."""
    number = fill(journal)
    assert occurrences(journal)
    with journal.write() as c:
        assert erasure.erase(c, number, "someone")
        c.execute(text("DELETE FROM search_text WHERE rowid = 7"))
    assert erasure.scrub(journal)
    assert occurrences(journal) == {}


def test_what_stays_is_a_tombstone(journal: Journal) -> None:
    """Key, IRI and origin: enough to say that it is gone, and to refuse a late copy; the others' words are counted on."""
    number = fill(journal)
    with journal.write() as c:
        pending.remove(c, pending.first(c))
        position = changes.last(c)
        erasure.erase(c, number, "someone")
        held = records.by_id(c, number)
        assert held is not None and (held.state, held.document, held.key, held.version) == ("gone", {}, "marked", 3)
        assert [(version.kind, version.document) for version in records.history(c, number)] == [("delete", None)]
        assert pending.first(c) == [number]
        assert [change.name for change in changes.after(c, position, 10)] == ["peer/marked"]
        assert {row.value: row.count_ for row in c.execute(select(statistic.c.value, statistic.c.count.label("count_")))} == {"amis": 8}
        assert [item.key for item in visits.all_items(c, 1)] == ["k1"]
        assert not erasure.erase(c, 99_999, "someone")
        assert records.put(c, held.source_id, "marked", held.iri, {"name": "neuf"}, "h3", "t") == (number, "added")


def test_a_crash_before_scrubbing_is_made_good_later(journal: Journal) -> None:
    """The mark that says it is due is written with the erasure; once scrubbed, nothing is due and scrubbing costs nothing."""
    number = fill(journal)
    with journal.write() as c:
        erasure.erase(c, number, "someone")
        c.execute(text("DELETE FROM search_text WHERE rowid = 7"))
    journal.close()
    again = Journal(journal.path)
    with again.read() as c:
        assert meta.get(c, erasure.DUE)
    assert erasure.scrub(again)
    assert occurrences(again) == {}
    with again.read() as c:
        assert not meta.get(c, erasure.DUE)
    assert erasure.scrub(again)
    again.close()


def test_a_reader_in_mid_snapshot_puts_scrubbing_off(journal: Journal) -> None:
    """A snapshot still needs the old pages: scrubbing says that it is not done, and does it once the reader has left."""
    number = fill(journal)
    with journal.read() as reader:
        assert records.by_id(reader, number) is not None
        with journal.write() as c:
            erasure.erase(c, number, "someone")
            c.execute(text("DELETE FROM search_text WHERE rowid = 7"))
        assert not erasure.scrub(journal)
        assert reader.execute(select(event)).all() == []
    assert erasure.scrub(journal)
    assert occurrences(journal) == {}


def test_what_was_put_off_is_done_by_the_serving_node(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread scrubs once the reader has left, and whoever remembers texts is told to forget them."""
    monkeypatch.setattr(erasure, "PAUSE_S", 0.05)
    number = fill(journal)
    stop, told = threading.Event(), threading.Event()
    thread = threading.Thread(target=erasure.keep_scrubbed, args=(journal, stop, told.set))
    with journal.read() as reader:
        assert records.by_id(reader, number) is not None
        with journal.write() as c:
            erasure.erase(c, number, "someone")
            c.execute(text("DELETE FROM search_text WHERE rowid = 7"))
        thread.start()
        assert told.wait(60)

    def done() -> None:
        assert occurrences(journal) == {}

    eventually(done, 60)
    stop.set()
    thread.join()
