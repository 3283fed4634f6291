"""docs/federation.md shows what a node really writes, and our own client reads its example pages."""

import json

from app.record import content_hash, read
from tests.feed.examples import BLOCK, PAGE, examples, filled


def test_every_example_is_what_a_node_writes() -> None:
    """Up to the moments, which are invented; `python -m tests.feed.examples` puts them into the page anew."""
    page, texts = PAGE.read_text("utf-8"), examples()
    assert {found[2] for found in BLOCK.finditer(page)} == texts.keys()
    assert page == filled(page, texts)


def test_the_hash_on_the_page_is_that_of_the_record_beside_it() -> None:
    """Whoever implements section 2.3 can check against the example."""
    (event,) = (item for item in json.loads(examples()["page"])["orderedItems"] if item["type"] == "Update")
    assert content_hash(read(event["record"]).document) == event["contentHash"]
