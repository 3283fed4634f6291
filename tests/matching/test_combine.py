"""The incremental road and the full one lead to the same groups, whatever the order of arrival."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.journal import Journal, changes, pending
from app.journal.tables import edge, group
from app.matching import statistics
from app.matching.engine import engine
from app.matching.features import Features
from app.matching.keys import FULL
from app.matching.linking import components
from app.matching.normalise import features
from app.matching.scratch import Note, Scratch
from tests.matching.desk import Desk, put

NAMES = ["Atelier des Lucioles", "Les Lucioles", "Jardin de la Butte", "Jardins de la Butte", "Fédération des Jardins", "Repair Café Butte"]
CITIES = [("93200", "Saint-Denis"), ("93200", "St Denis"), ("75018", "Paris")]


def invented() -> st.SearchStrategy[dict[str, Any]]:
    place = st.sampled_from(CITIES).map(lambda city: [{"postalCode": city[0], "addressLocality": city[1], "streetAddress": "1 rue Neuve"}])
    values: dict[str, st.SearchStrategy[Any]] = {
        "telephone": st.sampled_from(["0199000001", "0199000002", "0199000003"]),
        "email": st.sampled_from(["info@a.example", "info@b.example"]),
        "rna": st.sampled_from(["W931111111", "W932222222"]),
    }
    return st.fixed_dictionaries({"name": st.sampled_from(NAMES).map(lambda name: {"fr": name}), "location": place}, optional=values)


@settings(max_examples=20, deadline=None)
@given(st.lists(invented(), min_size=2, max_size=10), st.data())
def test_any_order_of_arrival_gives_the_groups_of_a_full_run(documents: list[dict[str, Any]], data: st.DataObject) -> None:
    """With the same statistics, records that come, change and go one by one end in the groups that a full run makes."""
    said = {f"{'abc'[number % 3]}/{number}": document for number, document in enumerate(documents)}
    judged = data.draw(
        st.lists(st.tuples(st.sampled_from([*said]), st.sampled_from([*said]), st.sampled_from(["same", "different", "unsure"])), max_size=2)
    )
    with tempfile.TemporaryDirectory() as folder:
        whole = Desk(Journal(Path(folder) / "whole.sqlite"))
        with whole.journal.write() as c:
            for reference, document in said.items():
                put(c, reference, document)
            whole.matcher.combine_all(c)
        _judge_all(whole, judged)
        with whole.journal.write() as c:
            whole.matcher.combine_all(c)
            counted = statistics.load(c)
        bit_by_bit = Desk(Journal(Path(folder) / "bits.sqlite"))
        with bit_by_bit.journal.write() as c:
            statistics.save(c, counted)
        for reference in data.draw(st.permutations([*said])):
            if data.draw(st.booleans()):
                bit_by_bit.say(reference, documents[0])
            if data.draw(st.booleans()):
                bit_by_bit.say(reference, said[reference])
                bit_by_bit.withdraw(reference)
            bit_by_bit.say(reference, said[reference])
        _judge_all(bit_by_bit, judged)
        found, expected = bit_by_bit.groups(), whole.groups()
        bit_by_bit.journal.close()
        whole.journal.close()
    assert found == expected


def _judge_all(desk: Desk, judged: list[tuple[str, str, str]]) -> None:
    """Judge the pairs of two records; of two judgements on one pair the second holds."""
    for left, right, verdict in {frozenset(entry[:2]): entry for entry in judged if entry[0] != entry[1]}.values():
        desk.judge(left, right, verdict)


def test_what_did_not_change_is_not_written(desk: Desk, atelier: dict[str, Any]) -> None:
    """Combining the same record again writes no group and notes no change."""
    desk.say("annuaire/1", atelier)
    with desk.journal.write() as c:
        last = changes.last(c)
        assert desk.settle(c, 1) == set()
        assert desk.matcher.combine_all(c) == set()
        assert changes.last(c) == last


def test_only_the_touched_group_is_rewritten(desk: Desk, atelier: dict[str, Any]) -> None:
    """A change to one record writes one group, however many there are."""
    for number in range(10):
        desk.say(f"annuaire/{number}", {"name": {"fr": f"Collectif {'abcdefghij'[number] * 6}"}})
    assert len(desk.say("annuaire/3", {**atelier, "name": {"fr": "Collectif dddddd"}})) == 1


def test_growth_by_a_fifth_counts_the_words_anew(desk: Desk, atelier: dict[str, Any]) -> None:
    """A first harvest is matched with the statistics of all of it, and nothing is pending after that."""
    with desk.journal.write() as c:
        ids = [put(c, f"annuaire/{number}", {**atelier, "name": {"fr": f"Lucioles {number}"}}) for number in range(50)]
        assert statistics.version(c) == ""
        written = desk.matcher.combine(c, ids[:5])
        assert statistics.load(c).words["lucioles"] == 50
        assert pending.count(c) == 0
        assert c.execute(select(func.count()).select_from(group)).scalar_one() == len(written)


def test_pairs_worth_a_look_are_kept_for_review(desk: Desk) -> None:
    """A pair between the two thresholds is not merged and stays in the journal with its reasons."""
    place = {"postalCode": "93200", "addressLocality": "Saint-Denis", "streetAddress": "12 rue des Exemples"}
    elsewhere = {**place, "streetAddress": "3 quai du Modèle"}
    name = {"name": {"fr": "Les Lucioles du Canal"}, "location": [place]}
    desk.say("a/1", {**name, "telephone": "0199000001", "email": "x@a.example", "url": ["https://a.example/"]})
    desk.say("b/1", {**name, "location": [elsewhere], "telephone": "0199000002", "email": "x@b.example", "url": ["https://b.example/"]})
    with desk.journal.read() as c:
        states = {row.state: row.score for row in c.execute(select(edge))}
    assert [*states] == ["review"]
    assert 0 <= states["review"] < 2
    assert len(desk.groups()) == 2


def keys_of(records: list[tuple[str, Features]]) -> tuple[statistics.Statistics, dict[int, set[int]]]:
    """The statistics of records, and the keys that each is filed under."""
    counting, filed = statistics.Counting(), dict[int, set[int]]()
    for _, form in records:
        counting.add(form)
    with closing(Scratch()) as scratch:
        scratch.add(Note(number, reference, (1, None), None, form) for number, (reference, form) in enumerate(records))
        with engine(scratch, counting.counted()) as run:
            counted = run.statistics
        for part in scratch.blocks.postings():
            for key, number in part:
                filed.setdefault(number, set()).add(key)
    return counted, filed


def test_records_that_nothing_tells_apart_stay_cheap() -> None:
    """Of two thousand copies of one record, as a hostile peer may send them, each is compared with few, and all are linked."""
    copy = features({"name": {"fr": "Spam"}, "telephone": "0199000001", "location": [{"postalCode": "75001"}]}, None, b"s")
    counted, filed = keys_of([(f"spam/{number}", copy) for number in range(2000)])
    blocks: dict[int, list[int]] = {}
    for number, found in filed.items():
        for key in found:
            blocks.setdefault(key, []).append(number)
    assert counted.full
    assert max(map(len, blocks.values())) <= FULL
    assert len(components(range(2000), [(block[0], other) for block in blocks.values() for other in block])) == 1


def test_a_full_key_is_split_not_given_up() -> None:
    """Sixty groups of one name in sixty towns are still found, each by its town."""
    towns = [{"postalCode": f"{10_000 + 37 * number}", "addressLocality": f"Ville{number:02}"} for number in range(60)]
    documents = [{"name": {"fr": "Les Lucioles"}, "location": [town]} for town in towns]
    counted, filed = keys_of([(f"a/{number}", features(documents[number // 2], None, b"s")) for number in range(120)])
    assert counted.full
    assert all(filed[number] & filed[number + 1] for number in range(0, 120, 2))
    assert not filed[0] & filed[2]
