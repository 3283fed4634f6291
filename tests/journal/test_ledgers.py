"""Identities, judgements, visits, changes and what is pending."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from app.errors import Conflict, NotFound, Text
from app.journal import Journal, changes, identities, judgements, pending, records, sources, visits
from app.journal.tables import identity, member
from app.journal.visits import Item
from app.names import SLUG


def test_a_slug_is_given_once(journal: Journal) -> None:
    """Namesakes get -2, -3, …; a group without letters in its name gets a plain word."""
    with journal.write() as c:
        numbers = [identities.create(c, "jardin") for _ in range(4)] + [identities.create(c, "")]
        slugs = [found.slug for number in numbers if (found := identities.by_id(c, number))]
    assert slugs == ["jardin", "jardin-2", "jardin-3", "jardin-4", "groupe"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(st.sampled_from(["a", "a-2", "a-3", "b", "x" * 80, "x" * 78 + "-2", "y" * 77 + "-zz"]), max_size=30))
def test_no_slug_is_ever_given_twice_and_each_is_a_slug(journal: Journal, wanted: list[str]) -> None:
    """Whatever is asked for, in whatever order."""
    with journal.write() as c:
        c.execute(identity.delete())
        slugs = [found.slug for name in wanted if (found := identities.by_id(c, identities.create(c, name)))]
    assert len(set(slugs)) == len(slugs) == len(wanted)
    assert all(SLUG.match(slug) for slug in slugs)


def test_ten_thousand_namesakes_are_told_apart_quickly(journal: Journal) -> None:
    """The free number is found by halving, not by counting up."""
    with journal.write() as c:
        c.execute(
            insert(identity), [{"slug": "a" if number == 1 else f"a-{number}", "state": "live", "created_at": "x"} for number in range(1, 10_001)]
        )
        assert identities.free_slug(c, "a") == "a-10001"


def test_a_merged_identity_leads_to_its_successor_and_can_come_back(journal: Journal) -> None:
    """Through several mergers; never in a circle; revived, it stands for itself; gone, it keeps its slug."""
    with journal.write() as c:
        one, two, three = (identities.create(c, slug) for slug in ("one", "two", "three"))
        identities.merge(c, one, two)
        identities.merge(c, two, three)
        found = identities.get(c, "one")
        assert found is not None and found.slug == "three"
        with pytest.raises(Conflict):
            identities.merge(c, three, one)
        exact = identities.exact(c, "one")
        assert exact is not None and (exact.state, exact.successor_id) == ("merged", two)
        assert identities.claim(c, "one") == one
        back = identities.get(c, "one")
        assert back is not None and (back.slug, back.state) == ("one", "live")
        identities.retire(c, one)
        gone = identities.get(c, "one")
        assert gone is not None and gone.state == "gone"
        assert identities.create(c, "one") != one
        assert identities.get(c, "nobody") is None
        four = identities.by_id(c, identities.claim(c, "four"))
        assert four is not None and four.slug == "four"


def test_the_members_of_a_group_are_listed(journal: Journal) -> None:
    """In the order of their ids."""
    with journal.write() as c:
        number = identities.create(c, "one")
        ids = [records.put(c, 1, key, "https://a.example/", {}, "h", "t")[0] for key in "ab"]
        c.execute(insert(member), [{"record_id": record_id, "identity_id": number} for record_id in reversed(ids)])
        assert identities.members(c, number) == ids


def test_a_judgement_is_kept_for_ever_and_the_newest_on_a_pair_holds(journal: Journal) -> None:
    """In either order of the pair; the one before is revoked, not erased."""
    with journal.write() as c:
        first = judgements.add(c, "peer/b", "own/a", "same", "même adresse", "Anne")
        second = judgements.add(c, "own/a", "peer/b", "different", None, "Bob")
        other = judgements.add(c, "own/a", "peer/c", "unsure", None, "Bob")
        assert [judgement.id for judgement in judgements.active(c)] == [second, other]
        assert [judgement.id for judgement in judgements.by_record(c, "peer/b")] == [second]
        old = judgements.get(c, first)
        assert (old.left, old.right, old.verdict, old.revoked_by) == ("own/a", "peer/b", judgements.Verdict.SAME, "Bob")
        taken_back = judgements.revoke(c, second, "Anne")
        assert judgements.revoke(c, second, "Zoé") == taken_back
        assert [judgement.id for judgement in judgements.list_(c)] == [first, second, other]
        with pytest.raises(NotFound):
            judgements.get(c, 99)
        with pytest.raises(NotFound):
            judgements.revoke(c, 99, "x")
        with pytest.raises(ValueError, match="perhaps"):
            judgements.add(c, "own/a", "peer/b", "perhaps", None, "Bob")


def test_long_lines_come_few_at_a_time(journal: Journal) -> None:
    """What waits is handed over by length, so that a peer's longest records never are in memory together; one longer than all comes alone."""
    with journal.write() as c:
        number = visits.begin(c, sources.add(c, "peer", "https://p.example", "csv").id)
        lengths = [1_500_000, 1_500_000, 1_500_000, 5_000_000, 1, 1]
        visits.add_items(c, number, [Item(f"k{n}", "added", document={"x": "z" * length}) for n, length in enumerate(lengths)])
        pages = [[line.key for line in page] for page in visits.staged(c, number, "added")]
    assert pages == [["k0", "k1"], ["k2"], ["k3"], ["k4", "k5"]]


def test_a_visit_keeps_a_line_for_each_record_and_what_waits_to_be_applied(journal: Journal) -> None:
    """Lines are paged in their order; documents are forgotten once applied; the report stays."""
    said = Text("Il manque le nom.", "The name is missing.")
    with journal.write() as c:
        peer = sources.add(c, "peer", "https://p.example", "csv")
        number = visits.begin(c, peer.id)
        assert [visit.id for visit in visits.unfinished(c)] == [number]
        lines = [Item(f"k{n}", "added", f"https://p.example/{n}", None, {"n": n}, "hash", "raw", {"phones": ["h"]}, (1, n)) for n in range(700)]
        visits.add_items(c, number, [*lines, Item("bad", "refused", message=said)])
        assert visits.counts(c, number) == {"added": 700, "refused": 1}
        page = visits.items(c, number, limit=10)
        assert [item.key for item in visits.items(c, number, page[-1].id, 2)] == ["k10", "k11"]
        assert (page[0].document, page[0].contacts, page[0].origin) == (None, None, (1, 0))
        waiting = [line for lines_ in visits.staged(c, number, "added") for line in lines_]
        assert [(line.key, line.document, line.contacts) for line in waiting] == [(f"k{n}", {"n": n}, {"phones": ["h"]}) for n in range(700)]
        assert [item.key for item in visits.all_items(c, number)] == [*(line.key for line in lines), "bad"]
        visits.finish(c, number, "held", said, {"added": 700}, 3, 4000, {"etag": "x"})
        assert [visit.id for visit in visits.held(c)] == [number]
        visits.finish(c, number, "applied")
        visits.clear_documents(c, number)
        done = visits.get(c, number)
        items = list(visits.all_items(c, number))
    assert (done.source, done.outcome, done.message, done.counts, done.requests, done.bytes, done.cursor) == (
        "peer",
        "applied",
        said,
        {"added": 700},
        3,
        4000,
        {"etag": "x"},
    )
    assert all(item.document is None and item.contacts is None for item in items)
    assert items[-1].message == said


def test_visits_are_listed_the_newest_first(journal: Journal) -> None:
    """Of one peer or of all, in pages; one that never was is said not to be."""
    with journal.write() as c:
        a, b = (sources.add(c, name, "https://p.example", "csv") for name in "ab")
        numbers = [visits.begin(c, source.id, dry_run=True) for source in (a, b, a)]
        assert [visit.id for visit in visits.list_(c, a.id)] == [numbers[2], numbers[0]]
        assert [visit.id for visit in visits.list_(c, before=numbers[2], limit=1)] == [numbers[1]]
        assert visits.get(c, numbers[0]).dry_run
        with pytest.raises(NotFound):
            visits.get(c, 99)


def test_changes_are_numbered_in_the_order_of_their_commits_and_numbers_never_come_back(journal: Journal) -> None:
    """A number is used once, also when the newest line is gone."""
    with journal.write() as c:
        assert changes.last(c) == 0
        changes.note(c, "record", [])
        changes.note(c, "record", ["own/a", "own/b"])
        changes.note(c, "group", ["a"])
        listed = changes.after(c, 1, 10)
        assert [(change.sequence, change.kind, change.name) for change in listed] == [(2, "record", "own/b"), (3, "group", "a")]
        assert len(changes.after(c, 0, 2)) == 2
        c.exec_driver_sql("DELETE FROM change")
        changes.note(c, "group", ["b"])
        assert changes.last(c) == 4


def test_what_is_pending_is_noted_once_and_forgotten_when_done(journal: Journal) -> None:
    """A second note changes nothing."""
    with journal.write() as c:
        pending.add(c, [3, 1])
        pending.add(c, [1, 2])
        assert (pending.first(c), pending.first(c, 1), pending.count(c)) == ([1, 2, 3], [1], 3)
        pending.remove(c, [1, 3, 9])
        assert pending.first(c) == [2]
