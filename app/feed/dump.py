"""The whole directory in one answer, streamed: what bootstraps a peer, a spreadsheet or a map.

Each function reads the journal as it goes and holds a few hundred groups at a time; the connection must stay open
until the last chunk is taken.
"""

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from app.feed import pages
from app.graph import implied
from app.graph.counting import Counting
from app.journal.tables import group, record, source
from app.names import OWN, Names
from app.record import n_quads, public_view, with_context
from app.tabular import CSV_COLUMNS, feature, row

Document = dict[str, Any]

AT_ONCE = 200
"""Rows read from the journal at a time."""

CHUNK = 65_536
"""Bytes gathered before a chunk is given out."""


def state(c: Connection) -> tuple[int, str]:
    """Return the number of the log's last event and when the directory last changed: where a dump made now stands."""
    log = pages.state(c)
    newest = c.execute(select(func.max(group.c.modified_at))).scalar()
    return log.sequence, max(log.modified_at, newest or "")


def nquads(c: Connection, names: Names, own: bool = False) -> Iterator[bytes]:
    """Yield N-Quads: all that the graph holds, or the named graphs of our `own` records alone.

    That is the combined directory as the default graph, a named graph for each source's record, and the catalogue of these graphs.
    """
    if own:
        yield from _gathered(n_quads(document, names.record(OWN, key)) for key, document in _own(c))
    else:
        yield from _gathered(implied.quads(c, names, Counting().at(c)))


def ndjson(c: Connection, names: Names, own: bool = False) -> Iterator[bytes]:
    """Yield one JSON-LD document a line: the groups, or `own` records."""
    yield from _gathered(_json(with_context(document, names.context)) + "\n" for document in _documents(c, own))


def csv_rows(c: Connection, names: Names, own: bool = False, language: str = "fr") -> Iterator[bytes]:  # noqa: ARG001 - the streams are chosen by a table
    """Yield CSV (RFC 4180, UTF-8): a header and one line per group, texts in `language` where there is one."""
    written = io.StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS)
    writer.writeheader()

    def lines() -> Iterator[str]:
        yield _taken(written)
        for document in _documents(c, own):
            writer.writerow(row(document, language))
            yield _taken(written)

    yield from _gathered(lines())


def jsonld(c: Connection, names: Names, own: bool = False) -> Iterator[bytes]:
    """Yield one JSON-LD document that holds all groups, or `own` records."""
    head = f'{{"@context":{_json(names.context)},"@graph":[\n'
    yield from _gathered(_listed(head, (_json(document) for document in _documents(c, own))))


def geojson(c: Connection, names: Names, own: bool = False) -> Iterator[bytes]:  # noqa: ARG001 - the streams are chosen by a table
    """Yield a GeoJSON FeatureCollection (RFC 7946); a group without coordinates has a null geometry."""
    head = '{"type":"FeatureCollection","features":[\n'
    yield from _gathered(_listed(head, (_json(feature(document)) for document in _documents(c, own))))


Stream = Callable[[Connection, Names, bool], Iterator[bytes]]

STREAMS: Mapping[str, Stream] = {"nq": nquads, "ndjson": ndjson, "jsonld": jsonld, "csv": csv_rows, "geojson": geojson}
"""The streams by the ending of their names."""

MEDIA_TYPES: Mapping[str, str] = {
    "nq": "application/n-quads",
    "ndjson": "application/x-ndjson",
    "jsonld": "application/ld+json",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
}


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress as it goes; equal input gives equal bytes (no date inside)."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for chunk in chunks:
        packed = packer.compress(chunk)
        if packed:
            yield packed
    yield packer.flush()


def _documents(c: Connection, own: bool) -> Iterator[Document]:
    """Yield the groups by name, or our own records."""
    if own:
        return (document for _, document in _own(c))
    groups = select(group.c.document).order_by(group.c.sort_name, group.c.identity_id)
    return (json.loads(found.document) for found in _streamed(c, groups))


def _own(c: Connection) -> Iterator[tuple[str, Document]]:
    """Yield key and public view of our live records."""
    ours = select(record.c.key, record.c.document).join(source, source.c.id == record.c.source_id)
    for found in _streamed(c, ours.where(source.c.name == OWN, record.c.state == "live").order_by(record.c.key)):
        yield found.key, public_view(json.loads(found.document))


def _streamed(c: Connection, chosen: Select[Any]) -> Iterator[Row[Any]]:
    """Yield the rows of a question a few at a time."""
    yield from c.execute(chosen.execution_options(yield_per=AT_ONCE))


def _gathered(texts: Iterable[str]) -> Iterator[bytes]:
    """Join small texts into chunks worth sending."""
    parts: list[bytes] = []
    size = 0
    for text in texts:
        parts.append(text.encode())
        size += len(parts[-1])
        if size >= CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _listed(head: str, items: Iterable[str]) -> Iterator[str]:
    """Put items, a line each, between `head` and the end of a JSON list in an object."""
    yield head
    separator = ""
    for item in items:
        yield separator + item
        separator = ",\n"
    yield "\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _taken(written: io.StringIO) -> str:
    """Return what was written since the last time."""
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text
