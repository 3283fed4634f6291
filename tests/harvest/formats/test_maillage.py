"""Another node's feed: followed by number, read anew when it was rewritten, refused when it contradicts itself."""

from urllib.parse import urlsplit

import pytest

from app.errors import FetchFailed, FormatError
from app.harvest.fetch import Budget
from app.harvest.formats import maillage
from app.harvest.items import Bad, Checkpoint, End, Found, Gone, Peer, Sample
from tests.harvest.feeds import Feed, group
from tests.harvest.loopback import answer
from tests.shared import SHARED, need


def read(feed, fetcher, cursor=None):
    """One visit: its items but for the places where it may go on, and its end."""
    *items, end = maillage.visit(Peer("peer", feed.url, base=feed.peer.url), fetcher, Budget(), cursor or {})
    assert isinstance(end, End)
    return [item for item in items if not isinstance(item, Checkpoint)], end


@pytest.fixture
def feed(peer):
    feed = Feed(peer)
    for slug in ("a", "b", "c", "d"):
        feed.create(slug)
    return feed


def test_the_whole_log_is_read_in_order(feed, fetcher):
    """A first visit yields every event with its origin, and knows that it saw all."""
    feed.delete("b", purge=True)
    items, end = read(feed, fetcher)
    assert [(item.key, item.origin) for item in items] == [("a", (1, 1)), ("b", (1, 2)), ("c", (1, 3)), ("d", (1, 4)), ("b", (1, 5))]
    assert items[-1] == Gone("b", feed.iri("b"), (1, 5), purge=True)
    assert (end.complete, end.withdrawn, end.unchanged) == (True, True, False)
    assert end.cursor["sequence"] == 5


def test_only_what_is_new_is_read_again(feed, fetcher):
    """A second visit asks for the root and the last page, and yields what came since."""
    _, first = read(feed, fetcher)
    feed.update("a", "A")
    feed.peer.requests.clear()
    items, second = read(feed, fetcher, first.cursor)
    assert [(type(item), item.key) for item in items] == [(Found, "a")]
    assert not second.complete
    assert [request.path for request in feed.peer.requests] == ["/feed", "/feed/pages/2"]


def test_nothing_new_costs_one_request(feed, fetcher):
    """Unchanged, the root answers 304 and nothing else is asked."""
    _, first = read(feed, fetcher)
    feed.peer.requests.clear()
    items, end = read(feed, fetcher, first.cursor)
    assert (items, end.unchanged, dict(end.cursor)) == ([], True, dict(first.cursor))
    assert [request.path for request in feed.peer.requests] == ["/feed"]


def test_a_rewritten_log_is_read_as_a_whole(feed, fetcher):
    """Where the page is gone and no dates help, everything is read again, and what is not found was withdrawn."""
    feed.dates = False
    feed.serve()
    _, first = read(feed, fetcher)
    feed.events = [event for event in feed.events if event["object"] != feed.iri("b")]
    feed.size = 10
    feed.serve()
    feed.peer.answers["/feed/pages/2"] = answer(b"", "410 Gone")
    items, end = read(feed, fetcher, first.cursor)
    assert [item.key for item in items] == ["a", "c", "d"]
    assert end.complete
    assert end.withdrawn


def test_a_new_epoch_is_read_as_a_whole(feed, fetcher):
    """A restored node opens a new epoch; its numbers begin anew and everything is read again."""
    _, first = read(feed, fetcher)
    feed.epoch, feed.events = 2, []
    feed.create("a")
    items, end = read(feed, fetcher, first.cursor)
    assert [item.origin for item in items] == [(2, 1)]
    assert end.withdrawn


def test_an_empty_feed_is_a_feed(peer, fetcher):
    """A node without groups has an empty log, and its first event is read afterwards."""
    feed = Feed(peer)
    items, end = read(feed, fetcher)
    assert items == []
    feed.create("a")
    items, _ = read(feed, fetcher, end.cursor)
    assert [item.key for item in items] == ["a"]


def broken_feeds(feed):
    """Every way in which a feed may contradict itself, by name."""
    root, page = f"{feed.peer.url}/feed", feed.page
    pages = {number: list(feed.events[3 * number - 3 : 3 * number]) for number in (1, 2)}
    stream = {"id": f"{root}#e1", "origin": f"{feed.peer.url}/node", "epoch": 1}
    first = {"stream": {"id": f"{root}#e1"}, "orderedItems": pages[1], "next": page(2)}
    second = {"stream": {"id": f"{root}#e1"}, "orderedItems": pages[2]}
    return {
        "a web page": ("/feed", b"<!DOCTYPE html><html><body>Parked</body></html>"),
        "nothing": ("/feed", b""),
        "half a root": ("/feed", b'{"stream": {"id": "x", "epo'),
        "a list": ("/feed", b"[]"),
        "no stream": ("/feed", {"first": page(1)}),
        "no epoch": ("/feed", {"stream": {"id": "x"}, "first": page(1)}),
        "an epoch that is no number": ("/feed", {"stream": stream | {"epoch": True}, "first": page(1)}),
        "not a number": ("/feed", b'{"stream": {"id": "x", "epoch": NaN}}'),
        "the same key twice": ("/feed", b'{"stream": {"id": "x", "id": "y", "epoch": 1}}'),
        "a tower of brackets": ("/feed", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "another server": ("/feed", {"stream": stream, "first": "http://169.254.169.254/feed/pages/1"}),
        "pages in a circle": ("/feed/pages/2", second | {"orderedItems": [feed.events[3] | {"sequence": 9}], "next": page(1)}),
        "a page that is its own next": ("/feed/pages/1", first | {"next": page(1)}),
        "an empty page before another": ("/feed/pages/1", first | {"orderedItems": []}),
        "numbers that go back": ("/feed/pages/1", first | {"orderedItems": pages[1][::-1]}),
        "a number twice": ("/feed/pages/1", first | {"orderedItems": [pages[1][0]] * 2}),
        "a number that is none": ("/feed/pages/1", first | {"orderedItems": [pages[1][0] | {"sequence": "1"}]}),
        "a negative number": ("/feed/pages/1", first | {"orderedItems": [pages[1][0] | {"sequence": -1}]}),
        "a page of another epoch": ("/feed/pages/2", second | {"stream": {"id": f"{root}#e2"}}),
        "no list": ("/feed/pages/1", first | {"orderedItems": {}}),
        "a list of texts": ("/feed/pages/1", first | {"orderedItems": ["a"]}),
        "half a page": ("/feed/pages/2", b'{"orderedItems": [{"type": "Crea'),
    }


NAMES = list(broken_feeds(type("Nobody", (), {"peer": type("P", (), {"url": ""}), "events": [{}] * 6, "page": str})))


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_that_contradicts_itself_fails_with_a_sentence(feed, fetcher, name):
    """HTML, half a page, nothing, loops, numbers that go back: the visit fails and says why."""
    path, value = broken_feeds(feed)[name]
    feed.peer.answers[path] = answer(value)
    with pytest.raises(FormatError) as caught:
        read(feed, fetcher)
    assert caught.value.text.fr != caught.value.text.en


def test_a_log_that_shrank_without_a_new_epoch_is_refused(feed, fetcher):
    """A node restored from an older backup must open a new epoch; until it does, nothing of it is believed."""
    _, first = read(feed, fetcher)
    feed.events = feed.events[:1]
    feed.serve()
    feed.peer.answers["/feed/pages/2"] = feed.peer.answers["/feed/pages/1"]
    with pytest.raises(FormatError, match="ends at event 1"):
        read(feed, fetcher, first.cursor)


def test_an_epoch_that_goes_back_is_refused(feed, fetcher):
    """An older epoch than the one held is a replay."""
    _, first = read(feed, fetcher)
    with pytest.raises(FormatError, match="went back"):
        read(feed, fetcher, {**first.cursor, "epoch": 3, "stream": f"{feed.url}#e3", "root": None})


def test_endless_pages_end_with_the_visit_s_limits(peer, fetcher):
    """A log that invents page after page is left when the requests of the visit are used up."""
    feed = Feed(peer)
    feed.create("a")

    class Endless(dict):
        def get(self, path, default=None):
            if path.startswith("/feed/pages/"):
                number = int(path.rpartition("/")[2])
                event = feed.events[0] | {"sequence": number}
                return answer({"stream": {"id": f"{feed.url}#e1"}, "orderedItems": [event], "next": feed.page(number + 1)})
            return super().get(path, default)

    peer.answers = Endless(peer.answers)
    with pytest.raises(FetchFailed, match="more than 20 pages"):
        list(maillage.visit(Peer("peer", feed.url), fetcher, Budget(requests=20), {}))


def test_one_bad_event_is_refused_and_the_rest_goes_on(feed, fetcher):
    """An event of another node, of another kind, without record, or about two records is one refused line."""
    other = group("http://elsewhere.example/groups/x", "x")
    feed.say("Create", "e", group(feed.iri("e"), "e"), origin="http://elsewhere.example/node")
    feed.say("Move", "f", group(feed.iri("f"), "f"))
    feed.say("Create", "g")
    feed.say("Create", "h", other)
    feed.events.append({"sequence": 9, "type": "Create"})
    feed.create("i")
    items, _ = read(feed, fetcher)
    assert [item.key for item in items if isinstance(item, Bad)] == ["e", "f", "g", "h", "event-9"]
    assert [item.key for item in items if isinstance(item, Found)] == ["a", "b", "c", "d", "i"]


def test_keys_never_collide(feed, fetcher):
    """Two IRIs of one peer never share a key, however they end."""
    feed.events[1]["object"] = feed.events[1]["record"]["id"] = f"{feed.peer.url}/other/groups/a"
    feed.serve()
    items, _ = read(feed, fetcher)
    assert len({item.key for item in items}) == 4


def test_the_draft_s_own_example_is_recognised():
    """The feed of the vocabulary draft is known by its root."""
    root = need(SHARED / "vocab-draft" / "examples" / "feed" / "root.jsonld").read_bytes()
    assert maillage.recognise(Sample("https://a.example/feed", "application/ld+json", root)) == 3
    assert maillage.recognise(Sample("https://a.example/", "text/html", b'<script>"EventStream" "OrderedCollection"</script>')) == 0


def test_pages_are_read_from_the_feed_s_own_host(feed, fetcher):
    """Relative links are followed; the host never changes."""
    feed.peer.answers["/feed"] = answer({"stream": {"id": f"{feed.url}#e1", "origin": f"{feed.peer.url}/node", "epoch": 1}, "first": "/feed/pages/1"})
    assert len(read(feed, fetcher)[0]) == 4
    assert {urlsplit(request.path).netloc for request in feed.peer.requests} == {""}


def test_a_log_that_went_back_is_not_believed_even_when_read_anew(feed, fetcher):
    """An old copy of the log, served where the page that was read last is gone, would take back what it does not know: it is refused."""
    _, first = read(feed, fetcher)
    feed.events = feed.events[:2]
    feed.peer.answers.clear()
    feed.serve()
    with pytest.raises(FormatError, match="ends at event 2 although 4 was read before"):
        read(feed, fetcher, first.cursor)
    feed.events = []
    feed.peer.answers.clear()
    feed.serve()
    with pytest.raises(FormatError, match="ends at event 0"):
        read(feed, fetcher, first.cursor)


def test_one_stream_has_one_epoch(feed, fetcher):
    """A stream that counts another epoch under the same name contradicts itself, forwards and backwards."""
    _, first = read(feed, fetcher)
    for epoch in (2, 5):
        cursor = dict(first.cursor) | {"epoch": 3, "root": None}
        feed.epoch = epoch
        feed.serve()
        with pytest.raises(FormatError, match="epoch went back"):
            read(feed, fetcher, cursor | {"stream": f"{feed.url}#e{epoch}"})


def test_halves_of_characters_are_refused_with_a_sentence(feed, fetcher):
    """A lone surrogate could not be written down again: the page is no correct JSON."""
    feed.events[0]["object"] += "\ud800"
    feed.serve()
    with pytest.raises(FormatError, match="not complete, correct JSON"):
        read(feed, fetcher)


def test_a_record_longer_than_any_group_is_passed_over(feed, fetcher):
    """One record of more than a megabyte is refused, and the others are read."""
    feed.events[1]["record"]["description"] = {"fr": ["x" * 60_000] * 20}
    feed.serve()
    items, _ = read(feed, fetcher)
    assert [type(item) for item in items] == [Found, Bad, Found, Found]
    assert "one megabyte" in items[1].message.en
    assert all(item.size > 100 for item in items if isinstance(item, Found))
