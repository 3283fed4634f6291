"""The log as RDF, for readers who ask for Turtle, TriG or N-Quads instead of JSON-LD."""

from typing import Any

from app.record import dataset

Document = dict[str, Any]

RECORD = "record"


def quads(document: Document, records: bool = True) -> str:
    """Return the N-Quads of a root, a page or an event: the very quads of its JSON-LD.

    Each event's record is the named graph called by the event. Without `records` they are left out: Turtle has one graph,
    in which several versions of one group would run into each other.
    """
    return dataset(document if records else _bare(document))


def _bare(document: Document) -> Document:
    """Return the document without the records of its events."""
    kept = {key: value for key, value in document.items() if key != RECORD}
    return kept | {"orderedItems": [_bare(item) for item in kept["orderedItems"]]} if "orderedItems" in kept else kept
