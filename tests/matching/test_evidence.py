"""What people at other nodes judged is a reason among others: it brings pairs together or to a person, and never decides against one here."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app.combined import Combined
from app.journal import Journal, erasure, evidence, pending, records, sources
from app.journal.evidence import Place, Revoked, Said
from app.journal.judgements import Verdict
from app.journal.sources import Trust
from app.journal.tables import edge
from app.matching import explain as explaining
from app.matching.evidence import DIFFERENT, MOST, SAME
from app.matching.explain import explain
from tests.matching.desk import NAMES, Desk, graph, identify, put
from tests.matching.test_combine import invented

PLACE = Place("https://a.example/mappings/decisions", "2026-01-02T00:00:00.000Z")
NEAR = {"name": {"fr": "Les Lucioles"}, "location": [{"postalCode": "93200", "addressLocality": "Saint-Denis"}]}
UNLIKE = {"name": {"fr": "Repair Café de la Butte"}, "location": [{"postalCode": "69001", "addressLocality": "Lyon"}]}


def hear(desk: Desk, peer: str, left: str, right: str, verdict: str = "same", number: int = 1, changes: int = 1) -> None:
    """A peer's people judged two records."""
    with desk.journal.write() as c:
        source = sources.get(c, peer)
        said = Said(f"https://{peer}.example/j/{number}", iri(c, left), iri(c, right), Verdict(verdict), "somebody", "2026-01-01T00:00:00.000Z")
        assert evidence.take(c, source.id, [said], PLACE) == changes
        desk.settle(c)


def iri(c: Connection, reference: str) -> str:
    """Return what a record is about."""
    found = records.by_id(c, identify(c, reference))
    assert found is not None
    return found.iri


def reasons(desk: Desk, left: str, right: str) -> dict[str, float]:
    """Return what speaks for and against a pair."""
    with desk.journal.read() as c:
        found = explain(c, NAMES, graph(left), graph(right))
    assert round(sum(one.weight for one in found.reasons), 2) == round(found.score, 2)
    return {f"{one.name} {one.detail}": one.weight for one in found.reasons}


def standing(desk: Desk, left: str, right: str) -> tuple[str, float] | None:
    """Return how a pair is kept."""
    with desk.journal.read() as c:
        pair = sorted((identify(c, left), identify(c, right)))
        row = c.execute(select(edge.c.state, edge.c.score).where(edge.c.left_id == pair[0], edge.c.right_id == pair[1])).first()
    return None if row is None else (row.state, row.score)


def test_a_peers_word_tips_the_scale_and_is_shown(desk: Desk, atelier: dict[str, Any]) -> None:
    """A pair for review is merged, the reason names the peer; taken back, all is as before."""
    desk.say("a/1", atelier)
    desk.say("b/1", NEAR)
    before = standing(desk, "a/1", "b/1")
    assert before is not None
    assert before[0] == "review"
    hear(desk, "a", "a/1", "b/1")
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    assert standing(desk, "a/1", "b/1") == ("match", round(before[1] + 4, 3))
    assert reasons(desk, "a/1", "b/1")[f"{SAME} a, somebody"] == 4
    with desk.journal.write() as c:
        source = sources.get(c, "a")
        assert evidence.take(c, source.id, [Revoked("https://a.example/j/1", "2026-01-03T00:00:00.000Z")], PLACE) == 1
        desk.settle(c)
        assert evidence.count(c, source.id) == 0
    assert standing(desk, "a/1", "b/1") == before
    assert len(desk.groups()) == 2
    assert f"{SAME} a, somebody" not in reasons(desk, "a/1", "b/1")


def test_a_word_alone_unites_nothing(desk: Desk, atelier: dict[str, Any]) -> None:
    """Two records with nothing in common stay two groups, whatever two peers say of them; what they say weighs no more than the bound."""
    for reference, document in (("a/1", atelier), ("b/1", UNLIKE), ("c/1", UNLIKE | {"name": {"fr": "Tout autre chose"}})):
        desk.say(reference, document)
    for peer in ("a", "b", "c"):
        hear(desk, peer, "a/1", "b/1")
    assert len(desk.groups()) == 3
    assert sum(weight for reason, weight in reasons(desk, "a/1", "b/1").items() if reason.startswith(SAME)) == MOST


def test_who_is_trusted_less_is_heard_less(desk: Desk, atelier: dict[str, Any]) -> None:
    """A peer whose visits wait for a person weighs half; one that is kept apart, or was removed, nothing."""
    desk.say("a/1", atelier)
    desk.say("b/1", NEAR)
    desk.say("c/1", UNLIKE)
    unheard = standing(desk, "a/1", "b/1")
    assert unheard is not None
    hear(desk, "c", "a/1", "b/1")
    for trust, weight in ((Trust.REVIEW, 2), (Trust.QUARANTINE, None), (Trust.AUTO, 4)):
        with desk.journal.write() as c:
            sources.update(c, "c", trust=trust)
            desk.settle(c)
        assert reasons(desk, "a/1", "b/1").get(f"{SAME} c, somebody") == weight
        kept = standing(desk, "a/1", "b/1")
        assert kept is not None
        assert round(kept[1] - (weight or 0), 3) == unheard[1]
    with desk.journal.write() as c:
        sources.remove(c, "c")
        desk.settle(c)
    assert f"{SAME} c, somebody" not in reasons(desk, "a/1", "b/1")
    assert desk.groups() == {frozenset({"a/1"}), frozenset({"b/1"})}


def test_contradictory_words_stand_side_by_side(desk: Desk, atelier: dict[str, Any]) -> None:
    """One peer says the same, one different: both are shown, and weigh nothing together."""
    desk.say("a/1", atelier)
    desk.say("b/1", NEAR)
    before = standing(desk, "a/1", "b/1")
    hear(desk, "a", "a/1", "b/1")
    hear(desk, "b", "b/1", "a/1", "different")
    found = reasons(desk, "a/1", "b/1")
    assert (found[f"{SAME} a, somebody"], found[f"{DIFFERENT} b, somebody"]) == (4, -4)
    assert standing(desk, "a/1", "b/1") == before


def test_a_judgement_made_here_wins(desk: Desk, atelier: dict[str, Any]) -> None:
    """Whatever peers say, before or after."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    desk.say("c/1", UNLIKE)
    desk.judge("a/1", "b/1", "different")
    desk.judge("a/1", "c/1", "same")
    for number, peer in enumerate(("a", "b", "c")):
        hear(desk, peer, "a/1", "b/1", "same", number)
        hear(desk, peer, "a/1", "c/1", "different", 10 + number)
    assert desk.groups() == {frozenset({"a/1", "c/1"}), frozenset({"b/1"})}


def test_the_newest_word_of_a_peer_counts(desk: Desk, atelier: dict[str, Any]) -> None:
    """A peer has one voice on a pair."""
    desk.say("a/1", atelier)
    desk.say("b/1", NEAR)
    hear(desk, "a", "a/1", "b/1", "different", 1)
    hear(desk, "a", "a/1", "b/1", "same", 2)
    hear(desk, "a", "a/1", "b/1", "same", 2, changes=0)  # told twice
    assert [reason for reason in reasons(desk, "a/1", "b/1") if "judged" in reason] == [f"{SAME} a, somebody"]


def test_an_erased_record_is_not_spoken_of(desk: Desk, atelier: dict[str, Any]) -> None:
    """What peers judged of it goes with it, and does not come again."""
    desk.say("a/1", atelier)
    desk.say("b/1", NEAR)
    hear(desk, "a", "a/1", "b/1")
    with desk.journal.write() as c:
        said = Said("https://a.example/j/2", iri(c, "a/1"), iri(c, "b/1"), Verdict.SAME, "somebody", "2026-01-01T00:00:00.000Z")
        source = sources.get(c, "a").id
        erasure.erase_on_request(c, identify(c, "b/1"), "test")
        desk.settle(c)
        assert evidence.count(c, source) == 0
        assert evidence.take(c, source, [said], PLACE) == 0
        assert evidence.count(c, source) == 0


def test_only_what_is_known_here_is_kept_and_asked_for_again_once_more_is(desk: Desk, atelier: dict[str, Any]) -> None:
    """Of a record that is not here nothing stays; when records came, the log is read from its beginning. A removed source's are unknown again."""
    desk.say("a/1", atelier)
    with desk.journal.write() as c:
        source = sources.get(c, "a").id
        said = Said("https://a.example/j/1", iri(c, "a/1"), graph("b/1"), Verdict.SAME, "somebody", "2026-01-01T00:00:00.000Z")
        assert evidence.take(c, source, [said], PLACE) == 0
        assert evidence.count(c, source) == 0
    desk.say("b/1", NEAR)
    with desk.journal.write() as c:
        evidence.read_again(c)
        assert evidence.read_to(c, source) == Place(PLACE.url, "")
        assert evidence.take(c, source, [said], PLACE) == 1
        evidence.read_again(c)
        assert evidence.read_to(c, source) == PLACE
        desk.settle(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    with desk.journal.write() as c:
        sources.remove(c, "b")
        desk.settle(c)
        assert evidence.count(c, source) == 0


def test_only_so_much_is_kept_of_one_peer(desk: Desk, atelier: dict[str, Any], monkeypatch: Any) -> None:
    """What comes above it is passed over; what is known already, or taken back, takes no room; the place is noted all the same."""
    monkeypatch.setattr(evidence, "MOST", 2)
    for number in range(4):
        desk.say(f"a/{number}", atelier)
    with desk.journal.write() as c:
        source = sources.get(c, "a").id
        ends = [iri(c, f"a/{number}") for number in range(4)]
        many = [Said(f"https://a.example/j/{n}", ends[0], ends[n], Verdict.SAME, "s", "2026-01-01T00:00:00.000Z") for n in (1, 2, 3)]
        undone = [Revoked(f"https://a.example/j/{n}", "2026-01-01T00:00:00.000Z") for n in range(50, 60)]
        assert evidence.take(c, source, many[:1], PLACE) == 1
        assert evidence.take(c, source, [*undone, many[0], *many[1:]], PLACE) == 1
        assert (evidence.count(c, source), evidence.read_to(c, source)) == (2, PLACE)


def test_every_reason_has_words() -> None:
    """In French and English."""
    assert all(explaining.LABELS[name].fr for name in (SAME, DIFFERENT))


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    documents=st.lists(invented(), min_size=3, max_size=8),
    said=st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from(["same", "different", "revoked"]), st.sampled_from("abc")), max_size=6
    ),
    between=st.booleans(),
)
def test_evidence_in_any_order_gives_the_groups_of_a_full_run(documents: list[dict[str, Any]], said: list[Any], between: bool) -> None:
    """Heard one by one, or while everything is matched anew, words make the groups that a full run makes with all of them."""
    with tempfile.TemporaryDirectory() as folder, closing(Journal(Path(folder) / "journal.sqlite")) as journal:
        desk = Desk(journal)
        with journal.write() as c:
            for number, document in enumerate(documents):
                put(c, f"{'abc'[number % 3]}/{number}", document)
            desk.matcher.combine_all(c)
        with journal.read() as c:
            thought = desk.matcher.think(c)
        for number, (left, right, verdict, peer) in enumerate(said):
            mine, theirs = (f"{'abc'[one % len(documents) % 3]}/{one % len(documents)}" for one in (left, right))
            if mine != theirs:
                _say(desk, peer, (mine, theirs), verdict, number)
            if not between:
                Combined(desk.matcher).settle_pending(journal)
        with closing(thought), journal.write() as c:
            if between:
                desk.matcher.install(c, thought)
        Combined(desk.matcher).settle_pending(journal)
        found, kept = desk.groups(), _edges(desk)
        with journal.write() as c:
            assert pending.first(c) == []
            desk.matcher.combine_all(c)
        assert (found, kept) == (desk.groups(), _edges(desk))


def _say(desk: Desk, peer: str, pair: tuple[str, str], verdict: str, number: int) -> None:
    """A peer judges, or takes its judgement back."""
    with desk.journal.write() as c:
        source = sources.get(c, peer).id
        if verdict == "revoked":
            evidence.take(c, source, [Revoked(f"https://{peer}.example/{number - 1}", "2026-01-02T00:00:00.000Z")], PLACE)
        else:
            ends = iri(c, pair[0]), iri(c, pair[1])
            entry = Said(f"https://{peer}.example/{number}", *ends, Verdict(verdict), "somebody", f"2026-01-01T00:00:{number:02}.000Z")
            evidence.take(c, source, [entry], PLACE)


def _edges(desk: Desk) -> list[Any]:
    """Return every kept pair, with its reasons."""
    with desk.journal.read() as c:
        return [
            tuple(row)
            for row in c.execute(
                select(edge.c.left_id, edge.c.right_id, edge.c.score, edge.c.reasons, edge.c.state).order_by(edge.c.left_id, edge.c.right_id)
            )
        ]
