"""The log for people: an Atom feed (RFC 4287) of the records that last changed; withdrawn ones as tombstones (RFC 6721)."""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

from sqlalchemy import Connection, Row, select

from app.feed import pages
from app.feed.log import Kind
from app.journal import meta
from app.journal.tables import event
from app.names import Names
from app.tabular import text_in

ENTRIES = 50
LOOKED_AT = 200
ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed(c: Connection, names: Names, title: str, language: str) -> bytes:
    """Return the newest state of the 50 records that changed last, newest first, in `language` where they have it."""
    ET.register_namespace("", ATOM)
    ET.register_namespace("at", TOMBSTONES)
    whole = ET.Element(f"{{{ATOM}}}feed", {"xml:lang": language})
    _add(whole, "id", names.feed)
    _add(whole, "title", title)
    _add(whole, "updated", pages.state(c).modified_at)
    _link(whole, "self", f"{names.feed}.atom", "application/atom+xml")
    _link(whole, "alternate", names.groups, "text/html")
    _add(ET.SubElement(whole, f"{{{ATOM}}}author"), "name", title)
    for row in _newest(c):
        if row.kind == Kind.DELETE.value:
            ET.SubElement(whole, f"{{{TOMBSTONES}}}deleted-entry", {"ref": row.object, "when": row.published})
        else:
            _entry(whole, row, language)
    written: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written


def _newest(c: Connection) -> list[Row[Any]]:
    """Return the last event of each of the records that changed last, among the newest events."""
    newest = select(event).where(event.c.epoch == meta.epoch(c)).order_by(event.c.sequence.desc()).limit(LOOKED_AT)
    latest: dict[str, Row[Any]] = {}
    for row in c.execute(newest):
        latest.setdefault(row.key, row)
    return list(latest.values())[:ENTRIES]


def _entry(whole: ET.Element, row: Row[Any], language: str) -> None:
    """Add one record; its entry keeps the group's IRI, so that a reader shows the group once."""
    document = json.loads(row.document)
    entry = ET.SubElement(whole, f"{{{ATOM}}}entry")
    _add(entry, "id", row.object)
    _add(entry, "title", text_in(document.get("name", {}), language))
    _add(entry, "updated", row.published)
    _link(entry, "alternate", row.object, "text/html")
    _add(entry, "summary", text_in(document.get("description", {}), language))


def _add(parent: ET.Element, name: str, text: str) -> None:
    """Add an element that holds text; characters that XML cannot carry are left out."""
    ET.SubElement(parent, f"{{{ATOM}}}{name}").text = _NOT_XML.sub("", text)


def _link(parent: ET.Element, relation: str, address: str, media_type: str) -> None:
    ET.SubElement(parent, f"{{{ATOM}}}link", {"rel": relation, "href": address, "type": media_type})
