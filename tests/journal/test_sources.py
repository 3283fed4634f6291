"""Sources: our own and the peers; removing one takes what was its own and nothing else."""

import pytest
from sqlalchemy import func, insert, select, text

from app.errors import BadRequest, Conflict, NotFound, Text
from app.journal import Journal, changes, identities, pending, records, sources, visits
from app.journal.tables import facet, group, member, record, version, visit
from app.journal.visits import Item


def test_our_own_source_is_there_from_the_start(journal: Journal) -> None:
    """It comes first in the list, keeps contacts, is never due and cannot be removed."""
    with journal.write() as c:
        own = sources.own(c)
        sources.add(c, "a-peer", "https://p.example", "csv")
        assert [source.name for source in sources.list_(c)] == ["own", "a-peer"]
        assert [source.name for source in sources.due(c, "9999")] == ["a-peer"]
        with pytest.raises(Conflict):
            sources.remove(c, "own")
    assert own.keep_contacts


def test_a_peer_comes_back_as_it_was_added(journal: Journal) -> None:
    """Mapping, trust and interval are kept; nothing was visited yet."""
    with journal.write() as c:
        added = sources.add(
            c, "peer", "https://p.example", "csv", "review", 60, {"name": "Nom"}, licence="https://l.example", base="https://p.example/"
        )
        assert sources.get(c, "peer") == sources.by_id(c, added.id) == added
    assert (added.trust, added.every_s, added.mapping, added.state, added.cursor, added.message) == (
        sources.Trust.REVIEW,
        60,
        {"name": "Nom"},
        "new",
        {},
        None,
    )
    assert (added.enabled, added.keep_contacts, added.next_visit_at) == (True, False, None)


@pytest.mark.parametrize("name", ["", "Peer", "a/b", "../x", "-a", "é", "a" * 81, "a b"])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(journal: Journal, name: str) -> None:
    """Lower-case letters, digits and hyphens."""
    with journal.write() as c, pytest.raises(BadRequest):
        sources.add(c, name, "https://p.example", "csv")


@pytest.mark.parametrize("name", ["peer", "own"])
def test_a_name_is_taken_once(journal: Journal, name: str) -> None:
    """A second source of the same name is a conflict, our own name too."""
    with journal.write() as c:
        sources.add(c, "peer", "https://p.example", "csv")
        with pytest.raises(Conflict):
            sources.add(c, name, "https://q.example", "csv")


def test_what_a_visit_learns_is_kept(journal: Journal) -> None:
    """Cursor, message, state and dates are set by name; an unknown peer is said to be unknown."""
    with journal.write() as c:
        sources.add(c, "peer", "https://p.example", "csv")
        said = Text("Rien n'est arrivé.", "Nothing arrived.")
        updated = sources.update(c, "peer", cursor={"etag": "x"}, message=said, state="failing", failures=2, next_visit_at="2026-12-01T00:00:00.000Z")
        assert sources.get(c, "peer") == updated
        assert sources.due(c, "2026-11-30T00:00:00.000Z") == []
        assert [source.name for source in sources.due(c, "2026-12-01T00:00:00.000Z")] == ["peer"]
        sources.update(c, "peer", enabled=False, mapping=None)
        assert sources.due(c, "9999") == []
        for question in (sources.get, sources.remove, sources.update):
            with pytest.raises(NotFound):
                question(c, "nobody")
        with pytest.raises(NotFound):
            sources.by_id(c, 99)
    assert (updated.cursor, updated.message, updated.failures) == ({"etag": "x"}, said, 2)


def test_removing_a_peer_takes_its_own_and_leaves_what_others_say(journal: Journal) -> None:
    """Its records, versions, visits and lonely groups go; a shared group waits to be rebuilt from the others' records."""
    with journal.write() as c:
        peer, other = (sources.add(c, name, "https://p.example", "csv") for name in ("peer", "other"))
        ids = {
            (source.name, key): records.put(c, source.id, key, f"https://p.example/{source.name}/{key}", {}, "h", "t")[0]
            for source, key in ((peer, "alone"), (peer, "shared"), (other, "shared"), (other, "alone"))
        }
        groups = {slug: identities.create(c, slug) for slug in ("lonely", "common", "theirs")}
        belongs = {("peer", "alone"): "lonely", ("peer", "shared"): "common", ("other", "shared"): "common", ("other", "alone"): "theirs"}
        c.execute(insert(member), [{"record_id": ids[which], "identity_id": groups[slug]} for which, slug in belongs.items()])
        for slug, number in groups.items():
            c.execute(
                insert(group).values(identity_id=number, document="{}", origins="{}", content_hash="h", name=slug, sort_name=slug, modified_at="x")
            )
            c.execute(insert(facet).values(scheme="topic", concept="housing", identity_id=number))
            c.execute(
                text("INSERT INTO search_text(rowid, name, other_names, description, place) VALUES (:n, :s, '', '', '')"), {"n": number, "s": slug}
            )
            c.execute(text("INSERT INTO search_place VALUES (:n, 1, 1, 1, 1)"), {"n": number})
        visit_id = visits.begin(c, peer.id)
        visits.add_items(c, visit_id, [Item("alone", "added")])
        pending.remove(c, pending.first(c))
        position = changes.last(c)
        sources.remove(c, "peer")
        noted = {(change.kind, change.name) for change in changes.after(c, position, 100)}
        assert noted == {("record", "peer/alone"), ("record", "peer/shared"), ("group", "lonely"), ("source", "peer")}
        assert pending.first(c) == [ids["other", "shared"]]
        assert [row.key for row in c.execute(select(record.c.key).where(record.c.source_id == peer.id))] == []
        for table, left in ((version, 2), (visit, 0), (group, 2), (facet, 2)):
            assert c.execute(select(func.count()).select_from(table)).scalar() == left
        for table_name in ("search_text", "search_place"):
            assert c.execute(text(f"SELECT count(*) FROM {table_name}")).scalar() == 2
        lonely = identities.exact(c, "lonely")
        assert lonely is not None and lonely.state == "gone"
        assert c.execute(text("PRAGMA foreign_key_check")).all() == []
        sources.add(c, "peer", "https://p.example", "csv")
