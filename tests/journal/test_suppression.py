"""What was erased on request does not come back, by hashes that say nothing of it; names leave the addresses made from them."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from app.journal import FILE, Journal, copies, erasure, identities, judgements, meta, records, sources, suppression
from app.journal.erased import erased_in, returning, take_over
from app.journal.suppression import Trace
from app.journal.tables import suppression as table
from app.names import place_of

SAID = {"name": {"fr": "Le jardin secret"}, "topics": ["nature"], "description": {"fr": "Un jardin."}}
IRI = "https://p.example/groups/jardin"


def keep(journal: Journal, source: str = "carte", key: str = "jardin", document: dict | None = None, iri: str = IRI) -> int:
    """A peer's record."""
    with journal.write() as c:
        if source not in {one.name for one in sources.list_(c)}:
            sources.add(c, source, "https://p.example/feed?token=t", "maillage")
        return records.put(c, sources.get(c, source).id, key, iri, document or SAID, "h", "t")[0]


@pytest.mark.parametrize(
    ("again", "kept_out"),
    [
        (Trace("other", "https://other.example/feed", "x", IRI, {}), True),
        (Trace("other", "https://other.example/feed", "x", "HTTPS://P.example:443/groups/%6aardin", {}), True),
        (Trace("carte", "https://moved.example/", "jardin", "https://moved.example/jardin", {}), True),
        (Trace("renamed", "https://p.example/feed", "jardin", "https://node.example/records/renamed/jardin#group", {}), True),
        (Trace("mirror", "https://m.example/", "7", "https://m.example/7", SAID | {"id": "https://m.example/7", "modified": "2026-01-01"}), True),
        (Trace("mirror", "https://m.example/", "7", "https://m.example/7", {"name": SAID["name"], "topics": ["nature"]}), False),
        (Trace("carte", "https://p.example/feed", "verger", "https://p.example/groups/verger", {"name": {"fr": "Le verger"}}), False),
    ],
    ids=["same IRI elsewhere", "same IRI spelt otherwise", "same place, moved", "same place, renamed", "same words", "namesake", "neighbour"],
)
def test_what_was_erased_is_known_again(journal: Journal, again: Trace, kept_out: bool) -> None:
    """By its IRI in any spelling, its key at its source under any name, its very words; a namesake that says little is another group."""
    number = keep(journal)
    with journal.write() as c:
        assert suppression.suppressed(c, {"x": again}) == set()
        assert erasure.erase_on_request(c, number, "someone")
        assert (suppression.suppressed(c, {"x": again}) == {"x"}) is kept_out
        assert not erasure.erase_on_request(c, 99_999, "someone")


def test_the_list_gives_nothing_away(journal: Journal) -> None:
    """It holds hashes, which only this node's secret can make."""
    number = keep(journal)
    with journal.write() as c:
        erasure.erase_on_request(c, number, "someone")
        rows = c.execute(select(table)).all()
        assert rows and all(len(row.digest) == 64 and row.author == "someone" for row in rows)
        marks = set(Trace("carte", "https://p.example/feed", "jardin", IRI, SAID).marks(b"another secret"))
        assert marks.isdisjoint({row.digest for row in rows})


def test_a_purge_by_its_source_keeps_nothing_out(journal: Journal) -> None:
    """Its source may publish it again: that is its own decision."""
    number = keep(journal)
    with journal.write() as c:
        erasure.erase(c, number, "visit 3")
        assert suppression.suppressed(c, {"x": Trace("carte", "https://p.example/feed", "jardin", IRI, SAID)}) == set()


def test_the_reason_of_a_judgement_is_erased_with_what_it_is_about(journal: Journal) -> None:
    """That somebody judged stays; what they wrote of it does not, revoked or not; other judgements keep theirs."""
    number = keep(journal)
    with journal.write() as c:
        revoked = judgements.add(c, "carte/jardin", "own/x", "same", "le jardin secret", "t")
        judgements.revoke(c, revoked, "t")
        judgements.add(c, "own/y", "carte/jardin", "unsure", "le jardin secret", "t")
        judgements.add(c, "own/y", "own/x", "same", "rien à voir", "t")
        erasure.erase(c, number, "t")
        assert [one.reason for one in judgements.list_(c)] == [None, None, "rien à voir"]


@pytest.fixture
def grouped(journal: Journal) -> Callable[..., int]:
    """Puts records in a group of this slug."""

    def group(slug: str, *record_ids: int) -> int:
        with journal.write() as c:
            identity_id = identities.create(c, slug)
            for record_id in record_ids:
                c.exec_driver_sql("INSERT INTO member (record_id, identity_id) VALUES (?, ?)", (record_id, identity_id))
            return identity_id

    return group


def test_a_slug_made_from_an_erased_name_is_given_up(journal: Journal, grouped: Callable[..., int]) -> None:
    """Its group gets an address that says nothing; the old one is never given again."""
    number = keep(journal)
    identity_id = grouped("le-jardin-secret", number)
    with journal.write() as c:
        erasure.erase(c, number, "t")
        slug = identities.by_id(c, identity_id).slug
        assert slug.startswith("groupe-") and "jardin" not in slug
        assert suppression.erased_slugs(c, ["le-jardin-secret", "le-jardin"]) == {"le-jardin-secret"}
        assert identities.free_slug(c, "le-jardin-secret") == "le-jardin-secret-2"


def test_a_slug_that_others_give_too_stays(journal: Journal, grouped: Callable[..., int]) -> None:
    """What another source calls the group is not erased; where others call it otherwise, it is known under their name."""
    first, same = keep(journal), keep(journal, "seconde", "a", iri="https://q.example/a")
    kept = grouped("le-jardin-secret", first, same)
    second, other = (
        keep(journal, key="b", iri=f"{IRI}-b", document=SAID | {"name": {"fr": "Le verger caché"}}),
        keep(journal, "seconde", "b", iri="https://q.example/b"),
    )
    renamed = grouped("le-verger-cache", second, other)
    with journal.write() as c:
        erasure.erase(c, first, "t")
        erasure.erase(c, second, "t")
        assert identities.by_id(c, kept).slug == "le-jardin-secret"
        assert identities.by_id(c, renamed).slug == "le-jardin-secret-2"


def test_a_copy_brings_back_nothing_that_was_erased_since(journal: Journal, tmp_path: Path) -> None:
    """Purged by its source, erased on request, or of a peer that is gone since: each is found in the copy; what was published later is not."""
    purged, requested, removed = keep(journal), keep(journal, key="b", iri=f"{IRI}-b"), keep(journal, "gone", "c", iri=f"{IRI}-c")
    keep(journal, key="d", iri=f"{IRI}-d")
    copied = tmp_path / "copy" / FILE
    copied.parent.mkdir()
    with closing(sqlite3.connect(journal.path)) as original, closing(sqlite3.connect(copied)) as target:
        original.backup(target)
    with journal.write() as c:
        erasure.erase(c, purged, "visit 3")
        erasure.erase_on_request(c, requested, "someone")
        erasure.erase(c, removed, "visit 4")
        sources.remove(c, "gone")
    found = erased_in(journal.path)
    assert found is not None
    copy = Journal(copied)
    with copy.write() as c:
        take_over(c, found)
        assert [(one.key, one.requested) for one in returning(c, found)] == [("jardin", False), ("b", True), ("c", False)]
        assert suppression.suppressed(c, {"x": Trace("carte", None, "b", f"{IRI}-b", {})}) == {"x"}
        meta.put(c, meta.SECRET, "00" * 32)
        assert [one.key for one in returning(c, found)] == ["jardin", "b", "c"]
    copy.close()


@pytest.mark.parametrize("content", [b"", b"no database", None], ids=["empty", "text", "absent"])
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    """A journal that is damaged tells nothing of what was erased from it."""
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert erased_in(tmp_path / FILE) is None


def test_copies_beside_the_journal_are_named_and_go_after_a_month(journal: Journal) -> None:
    """Those made before the erasure; younger ones stay, and so do those made since."""
    number = keep(journal)
    folder = journal.path.parent
    long_ago = 1_700_000_000
    old, recent = folder / "journal.before-0001.sqlite", folder / f"{FILE}.replaced-2026"
    for path in (old, recent):
        path.write_bytes(b"x")
    assert copies.older(journal) == []
    with journal.write() as c:
        erasure.erase(c, number, "t")
    assert copies.older(journal) == sorted([old, recent])
    os.utime(old, (long_ago, long_ago))
    (folder / f"{FILE}.replaced-2027").write_bytes(b"y")
    assert (copies.expire(journal), copies.older(journal)) == ([old], [recent])


@pytest.mark.parametrize(
    "spelling",
    [
        "https://A.Example/groups/x",
        "http://a.example/groups/x",
        "https://a.example:443/groups/x",
        "https://me:pw@a.example/groups/x",
        "https://a.example/groups/%78",
        "https://a.example//groups/./y/../x",
        "https://a.example./groups/x",
        "https://a.example\\groups\\x",
    ],
)
def test_every_spelling_of_an_address_is_one_place(spelling: str) -> None:
    """Case of the host, scheme, usual port, user, percent-escapes, dots and slashes make no other place; another path or query does."""
    assert place_of(spelling) == "a.example/groups/x"
    assert place_of("https://a.example/groups/X") != "a.example/groups/x" != place_of("https://a.example/groups/x?y")
