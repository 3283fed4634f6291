"""The log of what a peer's people judged: read when it is announced and new, whole or not at all, and whatever is wrong with it harms nothing."""

import json
from typing import Any

import pytest

from app.journal import evidence
from app.journal.evidence import Place
from app.journal.sources import Trust
from app.matching.evidence import DIFFERENT, SAME
from app.matching.explain import explain
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.loopback import answer

LOG = "/mappings/decisions"


def moment(number: int) -> str:
    return f"2026-01-02T00:00:{number:02}.000Z"


class Log:
    """A peer's log, in pages of two entries, announced by its feed."""

    def __init__(self, feed):
        self.feed = feed
        self.entries: list[dict[str, Any]] = []

    def judge(self, left: str, right: str, verdict: str = "same", **more: Any) -> str:
        """Judge two of the peer's records; return the judgement's address."""
        iri = f"{self.feed.peer.url}/mappings#judgement-{len(self.entries) + 1}"
        said = {"id": iri, "subject_id": self.feed.iri(left), "object_id": self.feed.iri(right), "predicate_id": "skos:exactMatch"}
        said |= {"mapping_justification": "semapv:ManualMappingCuration", "author_label": "une personne inventée"}
        said |= {"predicate_modifier": "Not"} if verdict == "different" else {}
        self.add({"id": f"{iri}-made", "type": "Create", "object": said | more})
        return iri

    def revoke(self, iri: str) -> None:
        """Take a judgement back."""
        self.add({"id": f"{iri}-revoked", "type": "Undo", "object": {"id": iri}})

    def add(self, entry: dict[str, Any]) -> None:
        """Add an entry, and announce it."""
        at = moment(len(self.entries) + 1)
        self.entries.append({"published": at} | entry)
        self.serve()
        self.announce(at)

    def announce(self, at: str, place: str | None = None) -> None:
        self.feed.announced = {"decisions": place or f"{self.feed.peer.url}{LOG}", "decidedAt": at}
        self.feed.serve()

    def serve(self) -> None:
        """Answer what was decided after any moment, two entries at a time."""
        for start in range(len(self.entries) + 1):
            after = f"after={moment(start)}&".replace(":", "%3A") if start else ""
            page: dict[str, Any] = {"type": "OrderedCollectionPage", "orderedItems": self.entries[start : start + 2]}
            if start + 2 < len(self.entries):
                page["next"] = f"{self.feed.peer.url}{LOG}?after={moment(start + 2)}&limit=1000".replace("00:", "00%3A")
            self.feed.peer.answers[f"{LOG}?{after}limit=1000"] = answer(page)


@pytest.fixture
def log(feed):
    return Log(feed)


def asked(peer) -> int:
    return sum(request.path.startswith(LOG) for request in peer.requests)


def held(room) -> int:
    with room.journal.read() as c:
        return evidence.count(c, room.source().id)


def why(room, feed, left: str, right: str) -> list[str]:
    with room.journal.read() as c:
        return [one.name for one in explain(c, Names(BASE), feed.iri(left), feed.iri(right)).reasons if one.name in (SAME, DIFFERENT)]


def test_it_is_read_once_page_by_page_and_then_only_what_is_new(room, feed, log, peer):
    """A visit with nothing new asks nothing of it; a later one goes on after the last entry."""
    first = log.judge("a", "b")
    log.judge("b", "c", "different")
    log.judge("c", "d")
    assert room.visit().outcome == "applied"
    assert (held(room), asked(peer)) == (3, 2)
    assert why(room, feed, "a", "b") == [SAME]
    assert why(room, feed, "c", "b") == [DIFFERENT]
    assert room.visit().outcome == "unchanged"
    assert asked(peer) == 2
    log.revoke(first)
    assert room.visit().outcome == "unchanged"
    assert (held(room), asked(peer)) == (2, 3)
    assert peer.requests[-1].path == f"{LOG}?after={moment(3)}&limit=1000".replace("00:", "00%3A")
    assert why(room, feed, "a", "b") == []


def test_a_peer_that_announces_nothing_is_not_asked(room, feed, log, peer):
    """Nor one that is kept apart; trusted, it is."""
    log.judge("a", "b")
    announced, feed.announced = feed.announced, {}
    feed.serve()
    room.visit()
    feed.announced = announced
    feed.serve()
    room.harvester.change("peer", trust=Trust.QUARANTINE)
    room.visit()
    assert asked(peer) == 0
    room.harvester.change("peer", trust=Trust.AUTO)
    room.visit()
    assert (held(room), asked(peer)) == (1, 1)


def test_a_visit_that_waits_or_rehearses_takes_none(room, feed, log, peer):
    """A person's yes comes first."""
    log.judge("a", "b")
    assert room.visit(dry_run=True).outcome == "dry-run"
    room.set("peer", trust="review")
    assert room.visit().outcome == "held"
    assert (held(room), asked(peer)) == (0, 0)


def entry(**more: Any) -> dict[str, Any]:
    return {"type": "Create", "published": moment(1), "object": {"id": "{peer}/mappings#judgement-9"}} | more


@pytest.mark.parametrize(
    "page",
    [
        b"<html>",
        b"{",
        json.dumps({"orderedItems": {}}).encode(),
        json.dumps({"orderedItems": ["x"]}).encode(),
        json.dumps({"orderedItems": [entry(published=None)]}).encode(),
        json.dumps({"orderedItems": [entry(published="2999-01-01T00:00:00.000Z")]}).encode(),
        json.dumps({"orderedItems": [entry(object="x")]}).encode(),
        json.dumps({"orderedItems": [entry(object={"id": "https://another.example/mappings#judgement-1"})]}).encode(),
        json.dumps({"orderedItems": [], "next": "http://127.0.0.1:1/elsewhere"}).encode(),
        b'{"orderedItems":' + b"[" * 50_000,
    ],
)
def test_a_log_that_is_wrong_is_not_taken_at_all(room, feed, log, peer, page):
    """Not one entry of it, not even those before what is wrong; the visit stands, and the log is read again when it is mended."""
    log.judge("a", "b")
    log.judge("b", "c")
    log.judge("c", "d")
    right = dict(peer.answers)
    second = next(path for path in right if path.startswith(f"{LOG}?after") and "02.000" in path)
    peer.answers[second] = answer(page.replace(b"{peer}", peer.url.encode()))
    assert room.visit().outcome == "applied"
    assert len(room.live()) == 6
    assert held(room) == 0
    peer.answers.update(right)
    assert room.visit().outcome == "unchanged"
    assert held(room) == 3


def test_pages_without_end_are_left_after_so_many(room, feed, log, peer):
    """A log that goes in circles costs as many requests as one may, and nothing is asked twice."""
    log.judge("a", "b")
    page = {"orderedItems": log.entries, "next": f"{peer.url}{LOG}?again"}
    peer.answers[f"{LOG}?limit=1000"] = peer.answers[f"{LOG}?again"] = answer(page)
    room.visit()
    assert asked(peer) == 50
    assert held(room) == 1


@pytest.mark.parametrize("at", ["2999-01-01T00:00:00.000Z", "soon", "1" * 5000, ""])
def test_an_announcement_that_is_no_moment_is_none(room, feed, log, peer, at):
    """Nor one of the future."""
    log.judge("a", "b")
    log.announce(at)
    assert room.visit().outcome == "applied"
    assert asked(peer) == 0


def test_an_announcement_elsewhere_is_refused(room, feed, log, peer):
    """A feed that points to another server contradicts itself: nothing there is asked."""
    log.judge("a", "b")
    log.announce(moment(1), "http://127.0.0.1:1/mappings/decisions")
    assert room.visit().outcome == "failed"


def test_what_is_no_judgement_of_two_groups_is_passed_over(room, feed, log, peer):
    """What a machine found, other predicates, a group and itself, texts without end."""
    log.judge("a", "a")
    log.judge("a", "b", mapping_justification="semapv:CompositeMatching")
    log.judge("a", "b", predicate_id="skos:closeMatch")
    log.judge("a", "b", predicate_modifier="Perhaps")
    log.judge("a", "b", subject_id="x" * 3000)
    log.judge("a", "b", subject_id=["x"])
    log.judge("a", "b", author_label="x" * 100_000)
    room.visit()
    assert held(room) == 1
    with room.journal.read() as c:
        assert evidence.read_to(c, room.source().id) == Place(f"{peer.url}{LOG}", moment(7))


def test_a_peer_that_moves_its_log_is_heard_from_the_beginning(room, feed, log, peer):
    """What it said at the former address is forgotten."""
    log.judge("a", "b")
    log.judge("b", "c")
    room.visit()
    entries, log.entries = log.entries[:1], []
    peer.answers["/elsewhere?limit=1000"] = answer({"orderedItems": entries})
    log.announce(moment(1), f"{peer.url}/elsewhere")
    room.visit()
    assert held(room) == 1


def test_a_removed_peer_is_not_heard_any_more(room, feed, log):
    """With its records goes what its people judged."""
    log.judge("a", "b")
    room.visit()
    room.harvester.remove("peer")
    with room.journal.read() as c:
        assert c.exec_driver_sql("select count(*) from evidence").scalar() == 0
        assert c.exec_driver_sql("select count(*) from evidence_read").scalar() == 0
