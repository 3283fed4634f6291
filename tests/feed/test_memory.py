"""A long log takes no more memory than a short one: to list, to read, to dump and to compact."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.feed import dump, log

FUTURE = "2999-01-01T00:00:00.000Z"
SMALL, LARGE = 1500, 9000


def peak(work: Callable[[], object]) -> int:
    """Return the bytes that some work takes at most; once before, so that nothing is counted that is made only once."""
    work()
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def say(feed: Any, count: int, text: str) -> None:
    """Publish or revise many invented records, as long as real ones."""
    with feed.journal.write() as c:
        news = (log.News("Update", f"g{number}", feed.document(f"g{number}", text + " mot" * 300), f"{text}{number}") for number in range(count))
        log.append_many(c, feed.names, news)


@pytest.fixture(scope="module")
def logs(feed_at: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two logs, one six times as long as the other."""
    both = []
    for count in (SMALL, LARGE):
        feed = feed_at(tmp_path_factory.mktemp("logs") / "journal.sqlite")
        say(feed, count, "un")
        both.append(feed)
    yield both
    for feed in both:
        feed.journal.close()


def test_reading_it_all_takes_a_page_at_a_time(logs: Any) -> None:
    """From the first page to the last."""

    def walk(feed: Any) -> None:
        address = feed.root()["first"]
        while address:
            address = feed.page(address).document.get("next")

    small, large = (peak(lambda feed=feed: walk(feed)) for feed in logs)
    assert large < 1.3 * small


def test_the_root_grows_by_little_a_page(logs: Any) -> None:
    """A log of a hundred thousand events has four hundred pages: its root stays below a megabyte."""
    small, large = (peak(feed.root) for feed in logs)
    pages = (LARGE - SMALL) // log.PAGE_SIZE
    assert (large - small) / pages * 400 < 1_000_000


def test_compaction_takes_no_memory_worth_speaking_of(logs: Any, tmp_path: Path) -> None:
    """However many events are dropped."""
    most = []
    for feed in logs:
        rounds = iter(range(9))

        def work(feed: Any = feed, rounds: Any = rounds) -> None:
            say(feed, feed.root()["totalItems"], f"encore {next(rounds)}")
            tracemalloc.clear_traces()
            tracemalloc.reset_peak()
            assert feed.compact(FUTURE).dropped in (SMALL, LARGE)

        most.append(peak(work))
    assert most[1] < 2 * most[0]
    assert most[1] < 3_000_000


def test_the_dump_of_our_own_records_is_a_stream(directory: Any) -> None:
    """The file with which a peer begins is written a few records at a time."""
    documents = {f"g{number}": directory.document(f"g{number}", "mot " * 250) for number in range(3000)}
    sizes = []

    def taken() -> None:
        with directory.journal.read() as c:
            sizes.append(sum(map(len, dump.gzipped(dump.ndjson(c, directory.names, own=True)))))

    directory.state_many("own", dict(list(documents.items())[:600]))
    small = peak(taken)
    directory.state_many("own", dict(list(documents.items())[600:]))
    assert peak(taken) < 1.3 * small
    assert sizes[-1] > 4 * sizes[0]
