"""Our own groups: published, revised, withdrawn, erased; what is refused and how it is said. All groups here are invented."""

from typing import Any

import pytest
from sqlalchemy import select

from app.directory import Directory, Published, version_of
from app.errors import BadRequest, Conflict, Gone, Invalid, MaillageError, Malformed, NotFound, StaleVersion, VersionRequired
from app.journal import Journal, erasure, identities, meta, pending, records, sources
from app.journal.tables import event, group, identity
from app.names import SLUG

BASE = "https://annuaire.example"
LICENCE = "https://licence.example/ouverte"


def garden(**more: Any) -> dict[str, Any]:
    """An invented group."""
    return {"name": {"fr": "Jardin partagé inventé"}, "description": {"fr": "Un exemple inventé."}, "topics": ["housing"]} | more


def events(journal: Journal) -> list[tuple[str, str]]:
    """The log: kind and slug."""
    with journal.read() as c:
        return [(row.kind, row.key) for row in c.execute(select(event.c.kind, event.c.key).order_by(event.c.epoch, event.c.sequence))]


def groups(journal: Journal) -> set[str]:
    """The slugs of the combined directory."""
    with journal.read() as c:
        return set(c.execute(select(identity.c.slug).join(group, group.c.identity_id == identity.c.id)).scalars())


def counts(journal: Journal) -> list[int]:
    """How many records, versions, events and changes there are: equal means that nothing was written."""
    with journal.read() as c:
        return [c.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in ("record", "version", "event", "change", "identity")]


def test_a_published_group_is_in_record_log_and_directory_at_once(directory: Directory, journal: Journal) -> None:
    """One transaction writes statement, version, event and group; nothing waits."""
    published = directory.publish(garden(), "jardin", "Anne")
    assert (published.slug, published.iri, published.created, published.outcome) == ("jardin", f"{BASE}/groups/jardin", True, "added")
    assert published.document["id"] == published.iri
    assert events(journal) == [("Create", "jardin")]
    assert groups(journal) == {"jardin"}
    held = directory.statement("jardin")
    assert held.document == published.document
    assert version_of(held.content_hash) == published.version
    assert len(published.version) == 16
    with journal.read() as c:
        assert pending.count(c) == 0
        assert [(version.kind, version.author) for version in records.history(c, held.id)] == [("create", "Anne")]


def test_the_node_fills_in_what_the_editor_left_out_and_says_so(directory: Directory) -> None:
    """The id, both dates and the node's licence; what the editor gave stays, but for the date of this very change."""
    bare = directory.publish(garden(), "bare", "Anne")
    assert set(bare.filled) == {"id", "created", "modified", "license"}
    assert (bare.document["license"], bare.document["created"]) == (LICENCE, bare.document["modified"])
    old = "2020-01-01T00:00:00Z"
    full = directory.publish(garden(id=f"{BASE}/groups/full", created=old, modified=old, license="https://other.example/l"), "full", "Anne")
    assert full.filled == ("modified",)
    assert (full.document["license"], full.document["created"]) == ("https://other.example/l", old)
    assert full.document["modified"] > old


def test_what_is_not_kept_is_said(directory: Directory) -> None:
    """Unknown keys, and what only the node can know, are dropped and named."""
    sent = garden(colour="green", records=[f"{BASE}/records/own/x"], exactMatch=["https://p.example/x"])
    published = directory.publish(sent, "jardin", "Anne")
    assert {"colour", "records", "exactMatch"} <= set(published.ignored)
    assert not {"colour", "records", "exactMatch"} & published.document.keys()


def test_a_slug_is_made_from_the_name_and_never_given_twice(directory: Directory, journal: Journal) -> None:
    """Namesakes are numbered; a slug of a group that others know, or that once was, is not taken."""
    with journal.write() as c:
        identities.create(c, "jardin-partage-invente")
        identities.retire(c, identities.create(c, "jardin-partage-invente-2"))
    slugs = [directory.publish(garden(description={"fr": f"Le {number}e exemple inventé."}), None, "Anne").slug for number in range(2)]
    assert slugs == ["jardin-partage-invente-3", "jardin-partage-invente-4"]
    assert directory.publish(garden(name={"fr": "日本"}), None, "Anne").slug == "groupe"


def test_an_id_names_the_slug(directory: Directory) -> None:
    """A document may say itself which address it is for; a blank node says nothing."""
    assert directory.publish(garden(id=f"{BASE}/groups/ici"), None, "Anne").slug == "ici"
    assert directory.publish({"@id": f"{BASE}/groups/la", "@type": "Group"} | garden(), "la", "Anne").slug == "la"
    assert directory.publish(garden(id="_:b0", name={"fr": "Sans adresse"}), None, "Anne").slug == "sans-adresse"


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ("https://elsewhere.example/groups/x", None),
        (f"{BASE}/groups/", None),
        (f"{BASE}/groups/A B", None),
        (f"{BASE}/groups/x/../y", None),
        (f"{BASE}.evil.example/groups/x", None),
        ("x", None),
        (7, None),
        (["x"], None),
        (f"{BASE}/groups/other", "jardin"),
        (None, "Jardin"),
        (None, "a/b"),
        (None, ""),
        (None, "x" * 81),
    ],
)
def test_an_id_or_a_slug_that_cannot_be_ours_is_refused(directory: Directory, journal: Journal, given: object, slug: str | None) -> None:
    """The id is an address of this directory and the one it is sent to; nothing is written otherwise."""
    before = counts(journal)
    with pytest.raises(BadRequest):
        directory.publish(garden() | ({} if given is None else {"id": given}), slug, "Anne")
    assert counts(journal) == before


def test_parts_are_named_after_their_group(directory: Directory) -> None:
    """Nested parts get, or are moved to, fragments of the group's address, also when the slug is made by the node."""
    place = {"latitude": "48.9", "longitude": "2.4"}
    made = directory.publish(garden(location=place), None, "Anne")
    moved = directory.publish(
        garden(name={"fr": "Autre"}, location={"id": f"{BASE}/groups/autre#here"} | place, id=f"{BASE}/groups/autre"), None, "Anne"
    )
    for published in (made, moved):
        location = published.document["location"]
        part = location[0] if isinstance(location, list) else location
        assert part["id"].startswith(f"{published.iri}#")


@pytest.mark.parametrize("document", [None, 3, "text", [], {}, {"name": 5}, garden(name={}), garden(siren="12"), garden(type="schema:Person")])
def test_what_is_no_record_or_breaks_the_shapes_changes_nothing(directory: Directory, journal: Journal, document: object) -> None:
    """Unreadable or not conforming: refused with the reason, and not one row is written."""
    before = counts(journal)
    with pytest.raises((Malformed, Invalid)) as refused:
        directory.publish(document, "jardin", "Anne")
    assert refused.value.text.fr
    assert counts(journal) == before


def test_a_taken_slug_is_a_conflict(directory: Directory, journal: Journal) -> None:
    """Ours or another group's: the first stays as it is, and the sentence says which it is."""
    directory.publish(garden(), "jardin", "Anne")
    with journal.write() as c:
        identities.create(c, "ailleurs")
    before = counts(journal)
    with pytest.raises(Conflict) as ours:
        directory.publish(garden(description={"fr": "Autre."}), "jardin", "Bob")
    with pytest.raises(Conflict) as theirs:
        directory.publish(garden(), "ailleurs", "Bob")
    assert ours.value.text.en != theirs.value.text.en
    assert counts(journal) == before


def test_a_revision_names_the_version_it_was_made_from(directory: Directory, journal: Journal) -> None:
    """Without a version, or with one that is not the present one, nothing changes; with the present one, or *, it does."""
    first = directory.publish(garden(), "jardin", "Anne")
    second = directory.revise("jardin", garden(description={"fr": "Mieux."}), first.version, "Bob")
    before = counts(journal)
    with pytest.raises(VersionRequired):
        directory.revise("jardin", garden(), None, "Anne")
    for stale in (first.version, "none", ""):
        with pytest.raises(StaleVersion):
            directory.revise("jardin", garden(), stale, "Anne")
    with pytest.raises(StaleVersion):
        directory.withdraw("jardin", "Anne", first.version)
    assert counts(journal) == before
    third = directory.revise("jardin", garden(), "*", "Anne")
    assert (second.outcome, third.outcome, third.created) == ("changed", "changed", False)
    assert second.document["created"] == third.document["created"] == first.document["created"]
    assert events(journal) == [("Create", "jardin"), ("Update", "jardin"), ("Update", "jardin")]


def test_the_same_again_changes_nothing(directory: Directory, journal: Journal) -> None:
    """Neither version, date nor event: also for what was just read back with the dates it had."""
    first = directory.publish(garden(), "jardin", "Anne")
    before = counts(journal)
    again = directory.revise("jardin", garden(), first.version, "Bob")
    echoed = directory.revise("jardin", first.document, first.version, "Bob")
    assert (again.outcome, again.version, echoed.version) == ("unchanged", first.version, first.version)
    assert again.document == echoed.document == first.document
    assert counts(journal) == before


def test_what_may_not_leave_the_node_is_no_event(directory: Directory, journal: Journal) -> None:
    """An address given without consent is kept, published nowhere, and its change tells the peers nothing."""
    first = directory.publish(garden(email="contact@jardin.example"), "jardin", "Anne")
    with journal.read() as c:
        assert "contact@" not in str(c.execute(select(event.c.document)).scalars().all())
        assert "contact@" not in str(c.execute(select(group.c.document)).scalars().all())
    assert directory.statement("jardin").document["email"] == "contact@jardin.example"
    held = garden(email="accueil@jardin.example", modified=first.document["modified"])
    assert directory.revise("jardin", held, first.version, "Anne").outcome == "changed"


def test_what_we_never_published_is_not_found_and_what_we_withdrew_is_gone(directory: Directory, journal: Journal) -> None:
    """Each with its sentence, for reading, revising and withdrawing alike."""
    directory.publish(garden(), "jardin", "Anne")
    directory.withdraw("jardin", "Anne")
    with journal.write() as c:
        identities.create(c, "ailleurs")
    sentences = set()
    for slug, error in (("nowhere", NotFound), ("ailleurs", NotFound), ("jardin", Gone)):
        with pytest.raises(error) as refused:
            directory.statement(slug)
        sentences.add(refused.value.text)
        with pytest.raises(error):
            directory.revise(slug, garden(), "*", "Anne")
        with pytest.raises(error):
            directory.withdraw(slug, "Anne")
    assert len(sentences) == 3


def test_a_withdrawn_group_can_be_published_again_under_its_slug(directory: Directory, journal: Journal) -> None:
    """It is gone from the directory at once; back, it is a Create with a higher number, its history whole."""
    first = directory.publish(garden(), "jardin", "Anne")
    directory.withdraw("jardin", "Anne", first.version)
    assert groups(journal) == set()
    again = directory.publish(garden(), "jardin", "Bob")
    assert again.created
    assert groups(journal) == {"jardin"}
    assert events(journal) == [("Create", "jardin"), ("Delete", "jardin"), ("Create", "jardin")]
    with journal.read() as c:
        assert [version.kind for version in records.history(c, directory.statement("jardin").id)] == ["create", "delete", "create"]


def files(journal: Journal, mark: str) -> list[str]:
    """The files of the journal in which the mark stands, in whatever case, its French stem included."""
    return [path.name for path in journal.path.parent.glob("journal.sqlite*") if mark.rstrip("e").encode() in path.read_bytes().lower()]


@pytest.mark.parametrize("withdrawn_before", [False, True])
def test_a_purge_leaves_no_byte_of_the_group_in_any_file(directory: Directory, journal: Journal, withdrawn_before: bool) -> None:
    """Records, versions, events, groups, search index, log of SQLite: the marked word is nowhere, only the tombstone stays."""
    mark = "zibeline"
    text = garden(description={"fr": f"{mark} " * 50}, alternateName=[f"Amis de la {mark}"], keywords=[mark], email=f"contact@{mark}.example")
    first = directory.publish(text, "jardin", "Anne")
    for number in range(30):
        directory.publish(garden(name={"fr": f"Voisin inventé {number}"}), f"voisin-{number}", "Anne")
    directory.revise("jardin", text | {"name": {"fr": f"Jardin de la {mark}"}}, first.version, "Anne")
    assert files(journal, mark)
    if withdrawn_before:
        directory.withdraw("jardin", "Anne")
    directory.withdraw("jardin", "Anne", purge=True)
    assert files(journal, mark) == []
    with journal.read() as c:
        purged = c.execute(select(event.c.kind, event.c.purge, event.c.document).where(event.c.key == "jardin")).all()
    assert purged == [("Delete", True, None)]
    assert len(groups(journal)) == 30
    with pytest.raises(Gone):
        directory.withdraw("jardin", "Anne", purge=True)
    assert directory.publish(garden(), "jardin", "Anne").created


def test_a_purge_leaves_what_others_say_of_the_group(directory: Directory, journal: Journal) -> None:
    """The group stays, built from the other record alone."""
    mark = "zibeline"
    place = {"latitude": "48.9123", "longitude": "2.4123", "streetAddress": "3 rue Inventée", "postalCode": "93300"}
    same = {"url": "https://jardin.example/", "siren": "123456782", "location": place}
    ours = directory.publish(garden(description={"fr": mark}) | same, "jardin", "Anne")
    with journal.write() as c:
        peer = sources.add(c, "peer", "https://p.example", "csv")
        document = ours.document | {"id": "https://p.example/1", "description": {"fr": "Ce que le pair en dit."}}
        document.pop("location")
        number, _ = records.put(c, peer.id, "1", "https://p.example/1", document, "h", "visit 1")
        directory._settle(c, [number])
    directory.withdraw("jardin", "Anne", purge=True)
    assert files(journal, mark) == []
    with journal.read() as c:
        documents = c.execute(select(group.c.document)).scalars().all()
    assert len(documents) == 1
    assert "Ce que le pair en dit." in documents[0]


def test_many_are_saved_in_one_transaction_and_each_has_its_answer(directory: Directory, journal: Journal) -> None:
    """New ones are published, ours revised, the same left alone, the bad refused with the reason; the good go in all the same."""
    directory.publish(garden(), "jardin", "Anne")
    with journal.write() as c:
        identities.create(c, "ailleurs")
    entries: list[tuple[object, str | None]] = [
        (garden(), "jardin"),
        (garden(name={"fr": "Nouveau groupe inventé"}), None),
        (garden(siren="12"), "mauvais"),
        ("nothing", "illisible"),
        (garden(name={"fr": "Pris ailleurs"}), "ailleurs"),
        (garden(description={"fr": "Révisé."}), "jardin"),
    ]
    answers = directory.save_many(entries, "command line")
    said = [answer.outcome if isinstance(answer, Published) else type(answer) for answer in answers]
    assert said == ["unchanged", "added", Invalid, Malformed, Conflict, "changed"]
    assert all(isinstance(answer, Published | MaillageError) for answer in answers)
    assert groups(journal) == {"jardin", "nouveau-groupe-invente"}
    assert directory.save_many([], "command line") == []


def test_examining_publishes_nothing(directory: Directory, journal: Journal) -> None:
    """A document can be checked without a trace."""
    before = counts(journal)
    draft = directory.examine(garden(colour="green"))
    assert draft.slug is None
    assert draft.ignored == ("colour",)
    with pytest.raises(Invalid) as refused:
        directory.examine(garden(siren="12"))
    assert [violation.path for violation in refused.value.violations][:1] == ["siren"]
    assert counts(journal) == before


def test_whatever_the_name_the_slug_is_one(directory: Directory) -> None:
    """Emoji, other scripts, quotes, two hundred letters: always a slug, always another."""
    names = ["🌱", "L'Œuvre d'été", "a" * 200, "a" * 200, "--", "Ünïcødé / ../../etc", "<script>", "東京"]
    slugs = [directory.publish(garden(name={"fr": name}), None, "Anne").slug for name in names]
    assert all(SLUG.match(slug) for slug in slugs)
    assert len(set(slugs)) == len(slugs)


def test_a_crash_between_erasing_and_scrubbing_is_made_good(directory: Directory, journal: Journal) -> None:
    """Nothing is due after a purge."""
    directory.publish(garden(), "jardin", "Anne")
    directory.withdraw("jardin", "Anne", purge=True)
    with journal.read() as c:
        assert not meta.get(c, erasure.DUE)
