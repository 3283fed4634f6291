"""Following an event stream: dump then log, on by number, by date when a page is gone, and anew exactly when nothing else is certain."""

import gzip
import json
import subprocess
import sys

import pytest

from app.errors import FetchFailed, FormatError
from app.harvest import stream
from app.harvest.fetch import Budget
from app.harvest.ldes import Event, Member, Position, follow
from app.journal.records import GONE
from tests.harvest.feeds import Feed, group
from tests.harvest.loopback import answer

DUMP = "/dump.ndjson.gz?source=own"


@pytest.fixture
def feed(peer):
    """A log of eight groups on three pages, with a dump."""
    feed = Feed(peer, dump=True)
    for slug in "abcdefgh":
        feed.create(slug)
    return feed


def read(feed, fetcher, cursor=None):
    """One reading: numbers of events, sequences of members, where it ended, and what was asked for."""
    feed.peer.requests.clear()
    *found, (_, end) = follow(feed.url, fetcher, Budget(), cursor or {})
    assert isinstance(end, Position)
    events = [one.number for _, one in found if isinstance(one, Event)]
    members = [one.sequence for _, one in found if isinstance(one, Member)]
    return events, members, end, [request.path for request in feed.peer.requests]


def gone(feed, *numbers):
    """Let pages be gone."""
    for number in numbers:
        feed.peer.answers[f"/feed/pages/{number}"] = answer(b"", "410 Gone")


# --- beginning ----------------------------------------------------------------------------------------------------------


def test_a_new_reader_takes_the_dump_then_the_log(feed, fetcher):
    """Root, dump, last page; what happened after the dump was made comes from the log, and the next reading costs one request."""
    feed.peer.answers[DUMP], dump = b"", feed.peer.answers[DUMP]
    feed.update("a", "A")
    feed.peer.answers[DUMP] = dump
    events, members, end, asked = read(feed, fetcher)
    assert (events, members, end.anew) == ([9], [8] * 8, True)
    assert asked == ["/feed", DUMP, "/feed/pages/3"]
    assert end.cursor["sequence"] == 9
    _, _, again, asked = read(feed, fetcher, end.cursor)
    assert (again.unchanged, asked) == (True, ["/feed"])


def test_the_log_that_grew_meanwhile_is_followed_to_its_end(feed, fetcher):
    """Pages that came after the root was read are read too."""
    honest = feed.peer.answers[DUMP]

    def meanwhile(_):
        for slug in "ijklm":
            feed.create(slug)
        feed.peer.answers[DUMP] = meanwhile
        return honest

    feed.peer.answers[DUMP] = meanwhile
    events, members, end, _ = read(feed, fetcher)
    assert (events, members, end.cursor["sequence"]) == ([9, 10, 11, 12, 13], [8] * 8, 13)


def test_a_small_feed_is_simply_walked(peer, fetcher):
    """Of two pages or fewer the dump saves nothing."""
    feed = Feed(peer, dump=True)
    for slug in "abcd":
        feed.create(slug)
    assert read(feed, fetcher)[3] == ["/feed", "/feed/pages/1", "/feed/pages/2"]


@pytest.mark.parametrize(
    "useless",
    [
        lambda _: answer("not here", "404 Not Found"),
        lambda _: answer("busy", "503 Service Unavailable"),
        lambda feed: feed.dumped(Maillage_Epoch="2"),
        lambda feed: feed.dumped(Maillage_Epoch=None),
        lambda feed: feed.dumped(Maillage_Sequence=None),
        lambda feed: feed.dumped(Maillage_Sequence="-1"),
        lambda feed: feed.dumped(Maillage_Sequence="9" * 400),
    ],
)
def test_a_dump_that_is_of_no_use_is_done_without(feed, fetcher, useless):
    """It is not there, of another epoch, or does not say where it stands: the pages say it all."""
    feed.peer.answers[DUMP] = useless(feed)
    events, members, _, _ = read(feed, fetcher)
    assert (events, members) == ([1, 2, 3, 4, 5, 6, 7, 8], [])


def test_a_dump_older_than_what_was_forgotten_is_done_without(feed, fetcher):
    """It would revive a group whose withdrawal nobody can tell of any more."""
    old = feed.peer.answers[DUMP]
    feed.delete("a")
    feed.create("i")
    feed.compact(forget=True)
    feed.peer.answers[DUMP] = old
    events, members, _, _ = read(feed, fetcher)
    assert (events, members) == ([2, 3, 4, 5, 6, 7, 8, 10], [])


def test_a_dump_that_a_cache_kept_loses_nothing(feed, fetcher):
    """It ends before the last page begins: all pages are walked for what came after it."""
    old = feed.peer.answers[DUMP]
    for slug in "ijklm":
        feed.create(slug)
    feed.peer.answers[DUMP] = old
    events, members, end, _ = read(feed, fetcher)
    assert (events, members, end.cursor["sequence"]) == ([9, 10, 11, 12, 13], [8] * 8, 13)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (lambda whole: gzip.compress(whole)[:-20], "stops half-way"),
        (lambda whole: gzip.compress(whole[:-40]), "line 8 of its dump is not JSON"),
        (lambda whole: gzip.compress(whole + b"\n[]"), "line 9 of its dump is not JSON"),
        (lambda _: gzip.compress(b"[" * 100_000), "line 1 of its dump is not JSON"),
        (lambda _: gzip.compress(b"x" * 5_000_000), "more than a hundredfold"),
        (lambda whole: whole[: len(whole) // 2 - 9], "not JSON"),
    ],
)
def test_a_damaged_dump_is_done_without(room, feed, fetcher, body, sentence):
    """Cut, or not a record a line: nobody knows what is missing, so what it said is forgotten, the pages are read, and the report says why."""
    whole = b"".join(gzip.decompress(feed.peer.answers[DUMP].partition(b"\r\n\r\n")[2]).splitlines(keepends=True))
    feed.peer.answers[DUMP] = answer(body(whole), Maillage_Sequence="8", Maillage_Epoch="1")
    assert read(feed, fetcher)[0] == [1, 2, 3, 4, 5, 6, 7, 8]
    room.add("peer", feed.url)
    visit = room.visit()
    assert (visit.outcome, visit.counts["added"], visit.counts["unmapped"]) == ("applied", 8, 0)
    said = room.lines(visit)["*"].message.en
    assert said.startswith("The peer's dump is of no use: its pages were read instead.")
    assert sentence in said


def test_nothing_of_a_broken_dump_stays(room, feed):
    """What only a dump said that was cut is nowhere, and nobody fails at every visit for a number that its dump makes up."""
    ghost = json.dumps(group(feed.iri("ghost"), "Ghost"))
    for body, sequence in ((ghost + "\n{", "8"), (ghost, "99999")):
        feed.peer.answers[DUMP] = answer(gzip.compress(body.encode()), Maillage_Sequence=sequence, Maillage_Epoch="1")
        room.add(f"peer{sequence}", feed.url)
        assert room.visit(f"peer{sequence}").outcome == "applied"
        assert sorted(room.live(f"peer{sequence}")) == list("abcdefgh")


def test_a_dump_of_blank_lines_without_end_is_left(feed, fetcher, monkeypatch):
    """It holds no record that could be counted, and its compressed size says little: what it unpacks to is."""
    monkeypatch.setattr(stream, "LIST_BYTES", 900_000)
    feed.peer.answers[DUMP] = answer(gzip.compress(b"\n" * 950_000), Maillage_Sequence="8", Maillage_Epoch="1")
    assert read(feed, fetcher)[:2] == ([1, 2, 3, 4, 5, 6, 7, 8], [])


def test_the_dump_is_the_feed_s_own(feed, fetcher):
    """A root that sends its readers to another server for the dump is not followed there."""
    feed.peer.answers["/feed"] = answer(
        {
            "stream": {"id": f"{feed.url}#e1", "epoch": 1},
            "first": feed.page(1),
            "last": feed.page(3),
            "dump": "http://169.254.169.254/dump",
        }
    )
    with pytest.raises(FormatError, match="another server"):
        read(feed, fetcher)


def test_a_root_may_name_its_pages_by_date_alone(feed, fetcher):
    """Another server's root: one relation that is no list, a typed date, neither first nor last page, no retention, no dump."""
    typed = {"@type": "xsd:dateTime", "@value": "2026-01-01T10:00:00"}
    relation = {"type": "tree:GreaterThanOrEqualToRelation", "node": "/feed/pages/1", "value": typed}
    feed.peer.answers["/feed"] = answer({"stream": {"id": f"{feed.url}#e1", "epoch": 1}, "relation": relation})
    assert read(feed, fetcher)[0] == [1, 2, 3, 4, 5, 6, 7, 8]


# --- going on -----------------------------------------------------------------------------------------------------------


def test_a_page_that_is_gone_is_found_again_by_its_date(feed, fetcher):
    """Compacted, the log goes on where the reader stopped: what it read is not read again, and nothing counts as withdrawn."""
    end = read(feed, fetcher)[2]
    feed.update("a", "A")
    feed.delete("b")
    feed.update("a", "AA")
    feed.compact()
    events, _, end, asked = read(feed, fetcher, end.cursor)
    assert (events, end.anew) == ([10, 11], False)
    assert asked == ["/feed", "/feed/pages/3", "/feed/pages/6", "/feed/pages/7"]


def test_all_pages_newer_than_the_reader_are_read_from_the_first(feed, fetcher):
    """Everything that was read has been superseded since: the first page holds nothing older."""
    end = read(feed, fetcher)[2]
    for slug in "abcdefgh":
        feed.update(slug, "new")
    feed.compact()
    events, _, end, _ = read(feed, fetcher, end.cursor)
    assert (events, end.anew) == ([9, 10, 11, 12, 13, 14, 15, 16], False)


@pytest.mark.parametrize("lost_page", [True, False])
def test_below_the_limit_everything_is_read_anew(feed, fetcher, lost_page):
    """A withdrawal that the reader did not see was forgotten: whether its page is gone or not, it must read everything."""
    end = read(feed, fetcher)[2]
    feed.delete("a")
    feed.create("i")
    kept = feed.peer.answers["/feed/pages/3"]
    feed.compact(forget=True)
    if not lost_page:
        feed.peer.answers["/feed/pages/3"] = kept
    events, members, end, asked = read(feed, fetcher, end.cursor)
    assert (events, members, end.anew) == ([2, 3, 4, 5, 6, 7, 8, 10], [], True)
    assert "/feed/pages/3" not in asked
    assert read(feed, fetcher, end.cursor)[2].unchanged


def test_the_limit_itself_was_read(feed, fetcher):
    """Who saw the newest withdrawal that was forgotten goes on, even where it was the last event of all."""
    feed.delete("h")
    end = read(feed, fetcher)[2]
    feed.compact(forget=True)
    events, _, end, _ = read(feed, fetcher, end.cursor)
    assert (events, end.anew, end.cursor["sequence"]) == ([], False, 9)
    feed.say("Create", "i", group(feed.iri("i"), "i"), sequence=10)
    assert read(feed, fetcher, end.cursor)[0] == [10]


def test_who_read_everything_once_is_not_sent_back_again(feed, fetcher):
    """A reader that came after the last withdrawal was forgotten has a lower number than the limit, and misses nothing."""
    feed.delete("h")
    feed.compact(forget=True)
    feed.dump = False
    feed.serve()
    end = read(feed, fetcher)[2]
    assert (end.cursor["sequence"], end.anew) == (7, True)
    feed.say("Update", "a", group(feed.iri("a"), "A"), sequence=10)
    events, _, end, _ = read(feed, fetcher, end.cursor)
    assert (events, end.anew) == ([10], False)


@pytest.mark.parametrize("how", ["none", "not growing", "no dates in the root", "no sense"])
def test_without_dates_to_rely_on_a_page_that_is_gone_means_reading_anew(feed, fetcher, how):
    """Dates that are missing, that go back, or that are none find nothing again."""
    if how == "not growing":
        feed.events[7]["published"] = feed.events[0]["published"]
    elif how != "no dates in the root":
        for event in feed.events:
            event["published"] = "yesterday" if how == "no sense" else None
    feed.dump = False
    feed.serve()
    end = read(feed, fetcher)[2]
    assert (end.cursor["published"] is None) == (how != "no dates in the root")
    feed.dates = how != "no dates in the root" and how == "not growing"
    feed.compact()
    events, _, end, _ = read(feed, fetcher, end.cursor)
    assert (events, end.anew) == ([1, 2, 3, 4, 5, 6, 7, 8], True)


def test_pages_that_stop_before_the_last_one_are_a_cut_feed(feed, fetcher):
    """An old copy of a page, of before it had a next one, would hide all that follows."""
    feed.dump = False
    feed.serve()
    page = {"stream": {"id": f"{feed.url}#e1"}, "orderedItems": feed.events[3:5]}
    feed.peer.answers["/feed/pages/2"] = answer(page)
    with pytest.raises(FormatError, match="do not reach the one it calls the last"):
        read(feed, fetcher)


def failing(feed, number, times):
    """Let a page fail to arrive so often, then arrive."""
    path = f"/feed/pages/{number}"
    honest, left = feed.peer.answers[path], [times]

    def reply(request):
        left[0] -= 1
        return iter([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]) if left[0] >= 0 else honest(request)

    feed.peer.answers[path] = reply


def test_a_long_log_survives_a_bad_line(feed, fetcher, monkeypatch):
    """A page that breaks on the way is asked for again; one that always breaks, or too many of them, end the reading."""
    monkeypatch.setattr(stream, "PAUSE_SECONDS", 0)
    feed.dump = False
    feed.serve()
    for number in (1, 2, 3):
        failing(feed, number, 2)
    assert read(feed, fetcher)[0] == [1, 2, 3, 4, 5, 6, 7, 8]
    failing(feed, 2, 3)
    with pytest.raises(FetchFailed, match="half-way"):
        read(feed, fetcher)
    monkeypatch.setattr(stream, "HICCUPS", 3)
    feed.serve()
    failing(feed, 1, 2)
    failing(feed, 2, 2)
    with pytest.raises(FetchFailed, match="half-way"):
        read(feed, fetcher)


def test_what_a_server_answers_is_final(feed, fetcher):
    """An error that it states is not asked for again, nor is anything once the visit is over."""
    feed.dump = False
    feed.serve()
    feed.peer.answers["/feed/pages/2"] = answer(b"", "500 Oops")
    with pytest.raises(FetchFailed, match="answered 500"):
        read(feed, fetcher)
    assert [request.path for request in feed.peer.requests] == ["/feed", "/feed/pages/1", "/feed/pages/2"]
    with pytest.raises(FetchFailed, match="more than 2 pages"):
        list(follow(feed.url, fetcher, Budget(requests=2), {}))


def test_a_log_that_is_rewritten_while_it_is_read_is_read_another_time(feed, fetcher):
    """The page that should follow has just gone: nothing is taken, and the sentence says that it is nobody's fault."""
    feed.dump = False
    feed.serve()
    gone(feed, 3)
    with pytest.raises(FetchFailed, match="rewritten while it was read"):
        read(feed, fetcher)


@pytest.mark.parametrize("limit", [-1, "1", True, 2**60, [1]])
def test_a_limit_that_is_no_number_is_refused(feed, fetcher, limit):
    """`resyncBelow` decides what is dropped: nothing is guessed about it."""
    feed.dropped = limit
    feed.serve()
    with pytest.raises(FormatError, match="resyncBelow"):
        read(feed, fetcher)


# --- through a whole visit ----------------------------------------------------------------------------------------------


def test_dump_and_log_make_the_same_mirror(room, feed):
    """What came from the dump is the same record, byte for byte, as what the log says: read anew from the log, nothing changes."""
    feed.update("c", "C")
    room.add("peer", feed.url)
    visit = room.visit()
    assert (visit.outcome, visit.counts["added"], visit.requests) == ("applied", 8, 3)
    assert room.record("a").origin == (1, 9)
    room.set("peer", cursor={})
    again = room.visit()
    assert (again.outcome, again.counts["unchanged"], again.requests) == ("unchanged", 8, 4)


def test_what_is_absent_is_dropped_only_when_all_was_read_anew(room, feed):
    """A group that an honest compaction keeps on no page the reader looks at stays; one whose withdrawal was forgotten goes."""
    room.add("peer", feed.url)
    room.visit()
    feed.update("h", "H")
    feed.compact()
    assert (room.visit().counts["gone"], len(room.live())) == (0, 8)
    feed.delete("a")
    feed.create("i")
    feed.compact(forget=True)
    visit = room.visit()
    assert (visit.outcome, visit.counts["gone"], visit.counts["added"]) == ("applied", 1, 1)
    assert room.record("a").state == GONE
    assert sorted(room.live()) == list("bcdefghi")


def test_a_purge_reaches_a_reader_that_reads_anew(room, feed):
    """Something of the peer is held already: its log is read, where the purge stands, and not its dump, where nothing stands."""
    room.add("peer", feed.url)
    room.visit()
    feed.delete("a", purge=True)
    room.set("peer", cursor={})
    room.visit()
    assert (room.record("a").state, room.record("a").document) == (GONE, {})


def test_the_client_stands_by_itself():
    """It brings the guarded fetch, the sentences of its errors, and nothing else of the node."""
    said = "import sys, app.harvest.ldes; print(*sorted(name for name in sys.modules if name.startswith('app.')))"
    loaded = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.split()
    rooms = {"app.errors", "app.harvest"}
    assert {*loaded} == rooms | {f"app.harvest.{name}" for name in ("addresses", "budget", "fetch", "inflate", "ldes", "network", "stream")}
