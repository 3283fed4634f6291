"""Root, pages and events are, key by key, what the protocol promises."""

from typing import Any

import pytest

from app.errors import Gone, NotFound
from app.record import content_hash


def test_the_root_says_all_that_a_client_needs(feed: Any) -> None:
    """The keys and values of the protocol, with a lower bound for each page and an upper one for those that another follows."""
    feed.publish_many(251)
    since = [feed.event(1, sequence)["published"] for sequence in (1, 251)]
    node = ["https://a.example/feed/pages/1", "https://a.example/feed/pages/2"]
    assert feed.root() == {
        "id": "https://a.example/feed",
        "type": ["OrderedCollection", "tree:Node", "EventSource"],
        "totalItems": 251,
        "first": node[0],
        "last": node[1],
        "sequence": 251,
        "stream": {
            "id": "https://a.example/feed#e1",
            "type": "EventStream",
            "origin": "https://a.example/node",
            "epoch": 1,
            "timestampPath": "as:published",
            "sequencePath": "mlg:sequence",
            "versionOfPath": "as:object",
            "versionCreateObject": "as:Create",
            "versionUpdateObject": "as:Update",
            "versionDeleteObject": "as:Delete",
            "pollingInterval": 3600,
        },
        "retentionPolicy": {
            "id": "https://a.example/feed#retention",
            "fullLogDuration": "P90D",
            "versionAmount": 1,
            "versionDeleteDuration": "P730D",
            "resyncBelow": 0,
        },
        "dump": "https://a.example/dump.ndjson.gz?source=own",
        "hub": "https://a.example/hub",
        "relation": [
            {"type": "tree:GreaterThanOrEqualToRelation", "node": node[0], "path": "as:published", "value": since[0]},
            {"type": "tree:LessThanRelation", "node": node[0], "path": "as:published", "value": since[1]},
            {"type": "tree:GreaterThanOrEqualToRelation", "node": node[1], "path": "as:published", "value": since[1]},
        ],
    }


def test_a_page_lists_its_events_in_order_with_their_records(feed: Any) -> None:
    """An open page: no `next`, no `immutable`; each event carries its record and the record's hash, a withdrawal neither."""
    created = feed.publish("a")
    feed.withdraw("a")
    document = feed.document("a")
    page = feed.page(1)
    events = ["https://a.example/feed/events/1/1", "https://a.example/feed/events/1/2"]
    common = {"object": "https://a.example/groups/a", "origin": "https://a.example/node"}
    assert not page.closed
    assert page.document == {
        "id": "https://a.example/feed/pages/1",
        "type": ["OrderedCollectionPage", "tree:Node"],
        "partOf": "https://a.example/feed",
        "stream": {"id": "https://a.example/feed#e1", "members": events},
        "orderedItems": [
            {
                "id": events[0],
                "type": "Create",
                "sequence": 1,
                "published": created.published,
                "contentHash": content_hash(document),
                "record": document,
            }
            | common,
            {"id": events[1], "type": "Delete", "sequence": 2, "published": page.modified_at} | common,
        ],
    }
    assert [feed.event(1, 1), feed.event(1, 2)] == page.document["orderedItems"]


def test_a_log_without_events_has_one_empty_page(feed: Any) -> None:
    """A client that comes before the first event reads an empty list, not an error."""
    root = feed.root()
    assert (root["totalItems"], root["relation"], root["first"], root["last"]) == (
        0,
        [],
        "https://a.example/feed/pages/1",
        "https://a.example/feed/pages/1",
    )
    page = feed.page(root["first"])
    assert (page.closed, page.document["orderedItems"], page.document["stream"]["members"]) == (False, [], [])
    assert page.modified_at
    with pytest.raises(NotFound):
        feed.page(2)


def test_a_page_written_anew_keeps_its_place_in_the_chain(feed: Any) -> None:
    """After an erasure every `next` leads to a page that is there, and what follows the moved pages did not change."""
    feed.publish_many(800)
    before = {page["id"]: page for page in feed.chain()}
    feed.withdraw("g260", purge=True)
    chain = feed.chain()
    assert [page["id"].rpartition("/")[2] for page in chain] == ["5", "6", "3", "4"]
    assert chain[2] == before["https://a.example/feed/pages/3"]
    assert chain[1]["prev"] == chain[0]["id"]
    assert [len(page["orderedItems"]) for page in chain] == [250, 249, 250, 51]


@pytest.mark.parametrize("number", [0, -1, 2, 999, 2**63, 10**40])
def test_a_page_that_never_was_is_not_found(feed: Any, number: int) -> None:
    """Any number may be asked for."""
    feed.publish("a")
    with pytest.raises(NotFound):
        feed.page(number)


@pytest.mark.parametrize(("epoch", "sequence"), [(1, 0), (1, 4), (2, 1), (0, 1), (-1, -1), (1, 2**64), (2**64, 1)])
def test_an_event_that_never_was_is_not_found_and_an_erased_one_is_gone(feed: Any, epoch: int, sequence: int) -> None:
    """Gone is said only of what was there."""
    feed.publish("b")
    feed.publish("a")
    feed.withdraw("a", purge=True)
    with pytest.raises(NotFound):
        feed.event(epoch, sequence)
    with pytest.raises(Gone):
        feed.event(1, 2)
