"""A log made shorter loses what nobody needs, and no reader who goes on is ever misled."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from pyoxigraph import RdfFormat, parse

from app.errors import Gone, NotFound
from app.feed import atom, compaction, graph
from app.feed.compaction import Limits, Retention
from app.journal import moment
from tests.feed.test_log import Writer
from tests.nodes import eventually

HAPPENED = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["x", "y", None])), min_size=4, max_size=12)
FUTURE = "2999-01-01T00:00:00.000Z"


def said(feed: Any) -> list[tuple[int, str, str]]:
    """Return number, kind and key of each event of the log."""
    return [(item["sequence"], item["type"], item["object"].rpartition("/")[2]) for item in feed.events()]


def test_what_was_said_again_is_dropped_and_the_newest_stays_as_it_was(feed: Any) -> None:
    """Superseded events are gone; the newest event of each record keeps its address, its number, its date, its words."""
    for text in ("un", "deux", "trois"):
        feed.publish("a", text, "Update")
        feed.publish("b")
    before = feed.events()
    done = feed.compact(FUTURE, "2000")
    assert said(feed) == [(2, "Create", "b"), (4, "Update", "a")]
    assert feed.events() == [before[1], before[3]]
    assert (done.dropped, done.events, done.pages, done.resync_below) == (2, 2, 1, 0)
    for sequence in (1, 3):
        with pytest.raises(Gone):
            feed.event(1, sequence)
    with pytest.raises(Gone):
        feed.page(1)
    assert feed.root()["last"] == "https://a.example/feed/pages/2"
    with pytest.raises(NotFound):
        feed.page(3)


def test_nothing_younger_than_the_log_is_kept_for_is_dropped(feed: Any) -> None:
    """An event is dropped only when it is itself older than the limit, whatever came later."""
    feed.publish("a", "un")
    second = feed.publish("a", "deux", "Update")
    feed.publish("a", "trois", "Update")
    feed.compact(second.published)
    assert said(feed) == [(2, "Update", "a"), (3, "Update", "a")]


def test_an_old_withdrawal_is_dropped_and_the_limit_published(feed: Any) -> None:
    """The root says below which number a reader must read everything anew; a withdrawal that is not old enough stays."""
    for key in "abc":
        feed.publish(key)
    feed.withdraw("a")
    limit = feed.withdraw("b").published
    feed.publish("d")
    assert feed.root()["retentionPolicy"]["resyncBelow"] == 0
    assert feed.compact(FUTURE, limit).resync_below == 4
    assert said(feed) == [(3, "Create", "c"), (5, "Delete", "b"), (6, "Create", "d")]
    assert feed.root()["retentionPolicy"]["resyncBelow"] == 4
    feed.compact(limit, FUTURE)
    assert feed.root()["retentionPolicy"]["resyncBelow"] == 4, "a withdrawal is never dropped before the rest of the log"
    feed.open_epoch()
    assert feed.root()["retentionPolicy"]["resyncBelow"] == 0, "another epoch is read anew in any case"


def test_numbers_are_never_given_again(feed: Any) -> None:
    """The last event stays, also when it is an old withdrawal, so that the next one gets a greater number and date."""
    feed.publish("a")
    last = feed.withdraw("a")
    assert feed.compact(FUTURE).dropped == 1
    following = feed.publish("a")
    assert (following.sequence, following.published > last.published) == (3, True)


def test_a_page_s_number_is_never_given_again(feed: Any) -> None:
    """Also when the pages with the greatest numbers lost all their events."""
    feed.page_size = 2
    for text in ("un", "deux"):
        for key in "ab":
            feed.publish(key, text, "Update")
    feed.publish("c")
    feed.withdraw("x", purge=True)
    for _ in range(3):
        feed.compact(FUTURE)
        for key in "abc":
            feed.publish(key, feed.root()["last"], "Update")
    numbers = [int(page["id"].rpartition("/")[2]) for page in feed.chain()]
    assert len(set(numbers)) == len(numbers)
    for number in set(range(1, max(numbers))) - set(numbers):
        with pytest.raises(Gone):
            feed.page(number)


def test_a_request_to_erase_is_kept_as_long_as_a_withdrawal(feed: Any) -> None:
    """A record that came back does not make those forget to erase who were away."""
    feed.publish("a", "Rue du Secret")
    erased = feed.withdraw("a", purge=True)
    feed.publish("a")
    feed.publish("a", "encore", "Update")
    feed.compact(FUTURE, erased.published)
    assert said(feed) == [(2, "Delete", "a"), (4, "Update", "a")]
    assert feed.compact(FUTURE).resync_below == 0
    assert said(feed) == [(4, "Update", "a")]


def test_epochs_that_are_over_are_forgotten_too(feed: Any) -> None:
    """Their events are gone, not unknown; nothing of the log itself changes, and a later epoch still lists what stands."""
    for key in "abc":
        feed.publish(key)
    feed.withdraw("c")
    feed.open_epoch()
    before = feed.events()
    assert feed.compact(FUTURE).dropped == 3
    assert feed.events() == before
    for sequence in (1, 2, 3):
        with pytest.raises(Gone):
            feed.event(1, sequence)
    with pytest.raises(Gone):
        feed.page(1)
    feed.open_epoch()
    assert said(feed) == [(1, "Create", "a"), (2, "Create", "b")]


def test_it_is_done_only_when_it_is_worth_it(feed: Any) -> None:
    """Below the least number of events nothing moves."""
    feed.publish("a")
    feed.publish("a", "encore", "Update")
    root = feed.root()
    assert feed.compact(FUTURE, least=2).dropped == 0
    assert feed.root() == root
    assert feed.compact(FUTURE, least=1).dropped == 1


def test_durations_are_days() -> None:
    """Withdrawals are never kept for fewer days than the log, whatever the settings say."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert Retention().limits(at) == Limits("2026-08-25T00:00:00.000Z", "2024-11-23T00:00:00.000Z")
    assert Retention(90, 10).limits(at) == Limits("2026-08-25T00:00:00.000Z", "2026-08-25T00:00:00.000Z")


def test_a_node_at_work_compacts_by_itself(feed: Any) -> None:
    """Once a page's worth of events is of no use any more."""
    feed.publish_many(260)
    for number in range(260):
        feed.publish(f"g{number}", "encore", "Update")
    stop = threading.Event()
    arguments = {"first_s": 0, "every_s": 3600}
    thread = threading.Thread(target=compaction.run, args=(feed.journal, Retention(-1, -1), stop), kwargs=arguments)
    thread.start()
    try:
        eventually(lambda: _expect(feed.root()["totalItems"], 260))
    finally:
        stop.set()
        thread.join()


def _expect(found: object, wanted: object) -> None:
    assert found == wanted


def test_every_form_of_a_page_says_the_same_after_compaction(feed: Any) -> None:
    """Turtle and TriG parse, name exactly the members, TriG with their records; Atom still shows the groups that changed last."""
    feed.page_size = 3
    for text in ("un", "deux"):
        for key in "abcdefgh":
            feed.publish(key, text, "Update")
    feed.withdraw("a")
    feed.compact(FUTURE, "2000")
    assert len(feed.chain()) == 3
    for page in feed.chain():
        for form, records in ((RdfFormat.TRIG, True), (RdfFormat.TURTLE, False)):
            quads = list(parse(graph.quads(page, records=records), format=RdfFormat.N_QUADS))
            members = {quad.object.value for quad in quads if quad.predicate.value == "https://w3id.org/tree#member"}
            assert members == {item["id"] for item in page["orderedItems"]}
            names = {quad.graph_name.value for quad in quads if hasattr(quad.graph_name, "value")}
            assert names == ({item["id"] for item in page["orderedItems"] if "record" in item} if form is RdfFormat.TRIG else set())
    shown = feed.do(lambda c: atom.feed(c, feed.names, "Exemple", "fr")).decode()
    assert shown.count("<entry>") == 7
    assert "Exemple inventé h deux" in shown
    assert shown.count("deleted-entry") == 1


@dataclass
class Reader:
    """A reader of the feed in plain Python, who knows nothing but what pages and root say, and may stop after any page.

    `limit` is the one that the root published when this reader last began anew: what it says was gone already then.
    """

    stream: str | None = None
    sequence: int = 0
    limit: int = 0
    published: str = ""
    page: str | None = None
    held: dict[str, str] = field(default_factory=dict)
    anew: dict[str, str] | None = None
    times_anew: int = 0

    def go_on(self, feed: Any, pages: int) -> bool:
        """Read some pages; tell whether the end was reached."""
        root = feed.root()
        self._place(feed, root)
        for _ in range(pages):
            page = feed.page(self.page).document
            for item in page["orderedItems"]:
                if item["sequence"] > self.sequence:
                    self._take(item)
            if "next" not in page:
                if self.anew is not None:
                    self.held, self.anew = self.anew, None
                return True
            self.page = page["next"]
        return False

    def _place(self, feed: Any, root: Any) -> None:
        """Find the page to go on from, or begin anew."""
        if self.must_begin_anew(root):
            self.stream, self.sequence, self.published, self.page, self.anew = root["stream"]["id"], 0, "", root["first"], {}
            self.limit = root["retentionPolicy"]["resyncBelow"]
            self.times_anew += 1
            return
        try:
            feed.page(self.page)
        except Gone:
            since = [(r["value"], r["node"]) for r in root["relation"] if r["type"] == "tree:GreaterThanOrEqualToRelation"]
            older = [node for value, node in since if value <= self.published]
            self.page = older[-1] if older else root["first"]

    def must_begin_anew(self, root: Any) -> bool:
        """Tell whether the log is another one, or lost a withdrawal that this reader has not read."""
        return self.stream != root["stream"]["id"] or root["retentionPolicy"]["resyncBelow"] > max(self.sequence, self.limit)

    def _take(self, item: Any) -> None:
        """Take one event."""
        self.sequence, self.published = item["sequence"], item["published"]
        mirror = self.held if self.anew is None else self.anew
        mirror.pop(item["object"], None)
        if item["type"] != "Delete":
            mirror[item["object"]] = item["record"]["name"]["fr"]


class Compacted(Writer):
    """The log of the other tests, compacted at any moment, with readers who come now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.readers = [Reader() for _ in range(3)]
        self.compactions = 0

    @rule(said=HAPPENED, log=st.floats(0.3, 1), tombstones=st.floats(0, 1))
    def time_passes(self, said: list[tuple[str, str | None]], log: float, tombstones: float) -> None:
        """Several events, between which nobody looks; then what is older than some event of the log is dropped."""
        for key, text in said:
            if text:
                self.feed.publish(key, text, "Update")
                self.standing[key] = text
            elif self.standing.pop(key, None):
                self.feed.withdraw(key)
        before = self.feed.events()
        limits = [before[int(share * (len(before) - 1))]["published"] for share in (log, tombstones) if before]
        if before:
            self.compactions += self.feed.compact(*limits).dropped > 0
            left = self.feed.events()
            assert [item for item in before if item in left] == left, "nothing is invented, moved or changed"

    @rule(really=st.integers(0, 4))
    def restore(self, really: int = 0) -> None:
        """A backup is restored, which is rarer than the rest."""
        if not really:
            self.feed.open_epoch()

    @rule(reader=st.integers(0, 2), pages=st.integers(1, 4))
    def read(self, reader: int, pages: int) -> None:
        """A reader comes, and may leave in the middle."""
        self.readers[reader].go_on(self.feed, pages)

    @invariant()
    def whoever_goes_on_to_the_end_holds_the_truth(self) -> None:
        """Each reader, from wherever it stands, in as many steps as it takes."""
        truth = {self.feed.names.group(key): self.feed.document(key, text)["name"]["fr"] for key, text in self.standing.items()}
        for reader in self.readers:
            copy = Reader(**{**vars(reader), "held": dict(reader.held), "anew": None if reader.anew is None else dict(reader.anew)})
            must = copy.must_begin_anew(self.feed.root())
            assert any(copy.go_on(self.feed, 1) for _ in range(100))
            assert copy.held == truth
            assert copy.times_anew == reader.times_anew + must


def test_a_reader_who_goes_on_ends_with_the_truth_whatever_is_dropped(feed_at: Any) -> None:
    """Random logs, compactions and readers: at or above the published limit it goes on, below it reads anew, and each ends with the truth."""
    compactions = 0

    class Machine(Compacted):
        def teardown(self) -> None:
            nonlocal compactions
            compactions += self.compactions
            super().teardown()

    Machine.feed_at = feed_at
    run_state_machine_as_test(Machine, settings=settings(max_examples=12, stateful_step_count=16, deadline=None, derandomize=True))
    assert compactions > 20


def test_the_limit_is_needed(feed: Any) -> None:
    """A reader below the limit who went on all the same would keep a record that was withdrawn: the limit is not mere caution."""
    feed.publish("a")
    feed.publish("b")
    careless, careful = Reader(), Reader()
    for reader in (careless, careful):
        assert reader.go_on(feed, 9)
    feed.withdraw("a")
    feed.publish("c")
    feed.compact(FUTURE)
    careless.sequence = feed.root()["retentionPolicy"]["resyncBelow"]
    for reader in (careless, careful):
        assert reader.go_on(feed, 9)
    assert set(careful.held) == {feed.names.group(key) for key in "bc"}
    assert set(careless.held) == {feed.names.group(key) for key in "abc"}


def test_compaction_of_the_future_is_none(feed: Any) -> None:
    """Nothing is dropped from a young log by the durations of the settings."""
    feed.publish("a")
    feed.publish("a", "encore", "Update")
    limits = Retention().limits(datetime.now(UTC))
    assert feed.compact(limits.log, limits.tombstones).dropped == 0
    later = moment(datetime.now(UTC) + timedelta(days=91))
    assert feed.compact(Retention().limits(datetime.fromisoformat(later)).log).dropped == 1
