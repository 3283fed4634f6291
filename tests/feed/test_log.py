"""The log: what is numbered, when nothing is added, what erasure and a restored backup do to it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, delete, select, update

from app.errors import Gone
from app.feed import log
from app.journal.tables import event, feed_page


def test_numbers_begin_at_one_and_leave_nothing_out(feed: Any) -> None:
    """The sequence is the origin's own, without gaps while nothing is erased."""
    feed.publish("a")
    feed.publish("a", "encore", "Update")
    feed.withdraw("a")
    assert [(item["sequence"], item["type"]) for item in feed.events()] == [(1, "Create"), (2, "Update"), (3, "Delete")]


def test_dates_grow_even_when_the_clock_goes_back(feed: Any) -> None:
    """The date is the later of now and one millisecond after the last event."""
    feed.publish("a")
    feed.do(lambda c: c.execute(update(event).values(published="2999-12-31T23:59:59.999Z")))
    assert feed.publish("b").published == "3000-01-01T00:00:00.000Z"
    assert feed.publish("c").published == "3000-01-01T00:00:00.001Z"


def test_what_is_already_said_is_not_said_again(feed: Any) -> None:
    """An unchanged hash, or a second withdrawal, adds no event and returns the one that says it."""
    first = feed.publish("a")
    assert feed.publish("a", kind="Update") == first
    gone = feed.withdraw("a")
    assert feed.withdraw("a") == gone
    assert len(feed.events()) == 2


def test_a_withdrawn_record_comes_back_under_its_iri(feed: Any) -> None:
    """Re-creation is a Create with a higher number, also with the same content."""
    feed.publish("a")
    feed.withdraw("a")
    assert (feed.publish("a").sequence, [item["object"] for item in feed.events()]) == (3, ["https://a.example/groups/a"] * 3)


@pytest.mark.parametrize(("kind", "document", "digest"), [("Delete", {}, "x"), ("Create", None, None), ("Create", {}, None), ("Move", {}, "x")])
def test_an_event_that_makes_no_sense_is_the_caller_s_mistake(feed: Any, kind: str, document: Any, digest: Any) -> None:
    """Only withdrawals come without a document."""
    with pytest.raises(ValueError, match=r"Delete|Move"):
        feed.do(lambda c: log.append(c, feed.names, kind, "a", document, digest))


def test_the_event_is_as_lasting_as_the_record_s_transaction(feed: Any) -> None:
    """A transaction that fails takes its event and its number back."""
    with pytest.raises(ZeroDivisionError), feed.journal.write() as c:
        log.append(c, feed.names, "Create", "a", feed.document("a"), "sha-256:0")
        raise ZeroDivisionError
    assert feed.events() == []
    assert feed.publish("b").sequence == 1


def test_erasure_leaves_no_word_and_moves_the_pages_that_held_any(feed: Any) -> None:
    """After a purge no table of the log holds the record's text, its events are gone, its pages and those before them have other addresses."""
    feed.publish_many(260)
    feed.publish("secret", "Rue du Secret")
    feed.publish_many(250, "h")
    before = feed.chain()
    purge = feed.withdraw("secret", purge=True)
    assert b"Rue du Secret" not in feed.bytes()
    assert feed.events()[-1] == feed.event(1, purge.sequence)
    assert feed.events()[-1] | {"published": ""} == {
        "id": f"https://a.example/feed/events/1/{purge.sequence}",
        "type": "Delete",
        "object": "https://a.example/groups/secret",
        "origin": "https://a.example/node",
        "sequence": purge.sequence,
        "published": "",
        "purge": True,
    }
    for page in before[:2]:
        with pytest.raises(Gone):
            feed.page(page["id"])
    with pytest.raises(Gone):
        feed.event(1, 261)
    kept = [item["id"] for page in before for item in page["orderedItems"] if item["object"] != "https://a.example/groups/secret"]
    assert [item["id"] for item in feed.events()][:-1] == kept


def test_erasure_after_a_withdrawal_erases_what_the_withdrawal_left(feed: Any) -> None:
    """A record withdrawn long ago can still be erased; erasing twice adds nothing."""
    feed.publish("a", "Rue du Secret")
    feed.withdraw("a")
    erased = feed.withdraw("a", purge=True)
    assert feed.withdraw("a", purge=True) == erased
    assert [item["sequence"] for item in feed.events()] == [3]


def test_what_was_erased_in_an_earlier_epoch_is_gone_too(feed: Any) -> None:
    """Statements of the epochs before are erased with the others."""
    feed.publish("a", "Rue du Secret")
    feed.publish("b")
    feed.open_epoch()
    feed.withdraw("a", purge=True)
    assert b"Rue du Secret" not in feed.bytes()
    with pytest.raises(Gone):
        feed.event(1, 1)
    assert feed.event(1, 2)["object"] == "https://a.example/groups/b"


def test_a_new_epoch_lists_all_that_stands_under_new_addresses(feed: Any) -> None:
    """After a restore: another stream, numbers from one, every standing record once as a Create; old pages are gone, dates go on growing."""
    feed.publish_many(251)
    feed.publish("a")
    feed.publish("a", "changé", "Update")
    feed.withdraw("g7")
    old, last = feed.chain(), feed.events()[-1]["published"]
    assert feed.open_epoch() == 2
    assert feed.root()["stream"]["id"] == "https://a.example/feed#e2"
    listed = feed.events()
    assert [item["sequence"] for item in listed] == list(range(1, 252))
    assert {item["type"] for item in listed} == {"Create"}
    assert listed[-1]["record"]["name"]["fr"].endswith("changé")
    assert listed[0]["published"] > last
    assert not {page["id"] for page in old} & {page["id"] for page in feed.chain()}
    for page in old:
        with pytest.raises(Gone):
            feed.page(page["id"])


def test_a_backup_restored_twice_opens_two_epochs(feed: Any) -> None:
    """Who knows of a later epoch than the backup says so, and gets one above it."""
    feed.publish("a")
    assert feed.open_epoch(above=4) == 5
    assert feed.page(feed.root()["first"]).document["id"] == "https://a.example/feed/pages/4000001"


HAPPENED = st.tuples(st.sampled_from("abcde"), st.sampled_from([*"xyz", None]))


@settings(max_examples=30, deadline=None)
@given(batches=st.lists(st.lists(HAPPENED, max_size=9), max_size=4))
def test_many_at_once_are_written_as_one_by_one(batches: list[list[tuple[str, str | None]]], feeds: tuple[Any, Any]) -> None:
    """Numbers, kinds, documents, pages and where each begins and closes: only the clock tells the two logs apart."""
    at_once, one_by_one = feeds
    for feed in feeds:
        feed.do(lambda c: (c.execute(delete(event)), c.execute(delete(feed_page))))
    for batch in batches:
        news = [_news(at_once, *said) for said in batch]
        at_once.do(lambda c, news=news: log.append_many(c, at_once.names, news, at_once.page_size))
        for said in news:
            one_by_one.do(lambda c, said=said: log.append(c, at_once.names, *_fields(said), page_size=at_once.page_size))
    assert at_once.do(_without_clock) == one_by_one.do(_without_clock)


def _news(feed: Any, key: str, text: str | None) -> log.News:
    return log.News("Delete", key, None) if text is None else log.News("Create", key, feed.document(key, text), text)


def _fields(news: log.News) -> tuple[Any, ...]:
    return news.kind, news.key, news.document, news.content_hash


def _without_clock(c: Connection) -> tuple[list[Any], list[Any]]:
    """All rows of the log, each moment written as the number of the event that happened then."""
    rows = [dict(row) for row in c.execute(select(event).order_by(event.c.sequence)).mappings()]
    moments = {row["published"]: row["sequence"] for row in rows}
    found = [dict(row) for row in c.execute(select(feed_page).order_by(feed_page.c.number)).mappings()]
    pages = [row | {column: moments[row[column]] for column in ("since", "modified_at")} for row in found]
    return [row | {"published": moments[row["published"]]} for row in rows], pages


@pytest.fixture(scope="module")
def feeds(feed_at: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Two empty logs with pages of three events."""
    folder = tmp_path_factory.mktemp("logs")
    both = feed_at(folder / "one.sqlite", page_size=3), feed_at(folder / "other.sqlite", page_size=3)
    yield both
    for feed in both:
        feed.journal.close()


class Writer(RuleBasedStateMachine):
    """Publishes, revises, withdraws, erases and restores, on pages of three events, and remembers what a reader may rely on."""

    feed_at: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.feed = self.feed_at(Path(self.folder.name) / "journal.sqlite", page_size=3)
        self.standing: dict[str, str] = {}
        self.closed: dict[str, Any] = {}
        self.gone: set[str] = set()
        self.addresses: set[str] = set()

    @rule(key=st.sampled_from("abcdefgh"), text=st.sampled_from("xyz"))
    def publish(self, key: str, text: str) -> None:
        count = len(self.feed.events())
        self.feed.publish(key, text, "Update" if key in self.standing else "Create")
        assert len(self.feed.events()) == count + (self.standing.get(key) != text)
        self.standing[key] = text

    @rule(key=st.sampled_from("abcdefgh"), purge=st.booleans())
    def withdraw(self, key: str, purge: bool) -> None:
        if key in self.standing or purge:
            self.feed.withdraw(key, purge)
        self.standing.pop(key, None)

    @rule()
    def restore(self) -> None:
        self.feed.open_epoch()

    @invariant()
    def the_log_can_be_relied_on(self) -> None:
        chain = self.feed.chain()
        events = [item for page in chain for item in page["orderedItems"]]
        numbers = [item["sequence"] for item in events]
        dates = [item["published"] for item in events]
        assert numbers == sorted(set(numbers))
        assert dates == sorted(set(dates))
        self._a_mirror_is_right(events)
        self._closed_pages_stay(chain)
        self._root_agrees(chain)

    def _a_mirror_is_right(self, events: list[Any]) -> None:
        mirror: dict[str, str] = {}
        for item in events:
            mirror.pop(item["object"], None)
            if item["type"] != "Delete":
                mirror[item["object"]] = item["record"]["name"]["fr"]
        assert mirror == {self.feed.names.group(key): self.feed.document(key, text)["name"]["fr"] for key, text in self.standing.items()}

    def _closed_pages_stay(self, chain: list[Any]) -> None:
        for address, document in self.closed.items():
            if address not in self.gone:
                try:
                    assert self.feed.page(address).document == document
                except Gone:
                    self.gone.add(address)
        for address in self.gone:
            with pytest.raises(Gone):
                self.feed.page(address)
        for page in chain[:-1]:
            assert page["immutable"] is True
            self.closed[page["id"]] = page
        assert "immutable" not in chain[-1]

    def _root_agrees(self, chain: list[Any]) -> None:
        root = self.feed.root()
        assert (root["first"], root["last"]) == (chain[0]["id"], chain[-1]["id"])
        bounds: dict[str, dict[str, str]] = {}
        for relation in root["relation"]:
            bounds.setdefault(relation["node"], {})[relation["type"]] = relation["value"]
        for page in chain:
            bound = bounds.get(page["id"], {})
            for item in page["orderedItems"]:
                assert item["published"] >= bound["tree:GreaterThanOrEqualToRelation"]
                assert page is chain[-1] or item["published"] < bound["tree:LessThanRelation"]

    def teardown(self) -> None:
        self.feed.journal.close()
        self.folder.cleanup()


def test_a_reader_can_rely_on_the_log_whatever_happens(feed_at: Any) -> None:
    """Numbers and dates grow, a mirror of the log is what stands, a closed page never changes and once gone stays gone, the root's bounds hold."""
    machine = type("Machine", (Writer,), {"feed_at": feed_at})
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=20, deadline=None, derandomize=True))


def test_pages_close_at_two_hundred_and_fifty(feed: Any) -> None:
    """A page is closed when the next one opens, with the link to it."""
    feed.publish_many(250)
    assert not feed.page(1).closed
    feed.publish("one-more")
    first = feed.page(1)
    assert first.closed
    assert first.document["next"] == "https://a.example/feed/pages/2"
    assert feed.page(2).document["prev"] == "https://a.example/feed/pages/1"
    assert feed.do(lambda c: c.execute(select(event.c.page).where(event.c.sequence == 250)).scalar_one()) == 1
