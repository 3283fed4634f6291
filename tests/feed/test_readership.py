"""Readers that say who they are are counted, cheaply and within bounds; nothing else is kept of anybody."""

import pytest

from app.feed.readership import MOST as IN_MEMORY
from app.feed.readership import Readership
from app.journal import FILE, Journal, readers
from app.journal.readers import MOST


@pytest.fixture
def journal(tmp_path):
    """A new journal."""
    journal = Journal(tmp_path / FILE)
    yield journal
    journal.close()


@pytest.fixture
def readership(journal):
    """A count that begins."""
    return Readership(journal)


def listed(journal) -> list[readers.Reader]:
    """The readers written down."""
    with journal.read() as c:
        return readers.list_(c)


def test_a_node_is_known_by_the_address_it_names(readership, journal):
    """Requests add up, also over several writes; how far it read is the newest that is known."""
    agent = "Maillage/0.1.0 (+https://b.example)"
    readership.note(agent)
    readership.note(agent, 7)
    readership.flush()
    readership.note(agent, 9)
    readership.note(agent)
    assert [one.requests for one in listed(journal)] == [2]
    readership.flush()
    (one,) = listed(journal)
    assert (one.agent, one.url, one.requests, one.sequence) == (agent, "https://b.example", 4, 9)


@pytest.mark.parametrize(
    "agent",
    [
        None,
        "",
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        "x (+ftp://b.example)",
        "x (+https://me@b.example)",
        "x (+https://b.example)\x1b[2J",
        "é" * 300,
    ],
)
def test_nobody_else_is_counted(readership, journal, agent):
    """Browsers, and what could hurt a terminal."""
    readership.note(agent)
    readership.flush()
    assert listed(journal) == []


def test_many_names_fill_nothing(readership, journal):
    """Memory and table are bounded; who comes regularly stays."""
    for _ in range(3):
        readership.note("Maillage/0.1.0 (+https://faithful.example)")
    for number in range(2 * IN_MEMORY):
        readership.note(f"Maillage/0.1.0 (+https://n{number}.example)")
    assert len(readership._seen) == IN_MEMORY
    readership.flush()
    found = listed(journal)
    assert len(found) == MOST
    assert any(one.url == "https://faithful.example" for one in found)
