"""What changed last, for people's feed readers."""

import xml.etree.ElementTree as ET
from typing import Any

from app.feed import atom

NS = {"a": "http://www.w3.org/2005/Atom", "at": "http://purl.org/atompub/tombstones/1.0"}


def read(feed: Any, language: str = "fr", title: str = "Annuaire d'exemple") -> ET.Element:
    return ET.fromstring(feed.do(lambda c: atom.feed(c, feed.names, title, language)))


def test_each_group_comes_once_newest_first(feed: Any) -> None:
    """An entry per group with its newest name, a tombstone for one withdrawn, ids and dates as RFC 4287 asks."""
    for key in "abc":
        feed.publish(key)
    feed.publish("a", "révisé", "Update")
    feed.withdraw("b")
    whole = read(feed)
    entries = whole.findall("a:entry", NS)
    assert [entry.findtext("a:id", "", NS) for entry in entries] == ["https://a.example/groups/a", "https://a.example/groups/c"]
    assert entries[0].findtext("a:title", "", NS) == "Exemple inventé a révisé"
    assert [stone.get("ref") for stone in whole.findall("at:deleted-entry", NS)] == ["https://a.example/groups/b"]
    assert whole.findtext("a:updated", "", NS) == feed.events()[-1]["published"]
    assert [link.get("rel") for link in whole.findall("a:link", NS)] == ["self", "alternate"]
    for required in ("a:id", "a:title", "a:author/a:name"):
        assert whole.findtext(required, "", NS)


def test_markup_and_stray_characters_are_text(feed: Any) -> None:
    """A name with tags stays a name; a title with control characters is still XML."""
    feed.publish("a", "</title><script>alert(1)</script> & co")
    whole = read(feed, title="A\x00B\x0b]]>")
    assert whole.findtext("a:title", "", NS) == "AB]]>"
    assert whole.findtext("a:entry/a:title", "", NS).endswith("</title><script>alert(1)</script> & co")


def test_an_empty_log_is_a_valid_feed(feed: Any) -> None:
    """Before the first event there is a feed without entries, with a date."""
    whole = read(feed)
    assert whole.findtext("a:updated", "", NS).endswith("Z")
    assert whole.findall("a:entry", NS) == []


def test_fifty_entries_are_enough(feed: Any) -> None:
    """The feed stays small whatever the log holds."""
    feed.publish_many(60)
    assert len(read(feed).findall("a:entry", NS)) == 50
