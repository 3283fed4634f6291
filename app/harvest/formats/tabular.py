"""CSV and TSV tables, through a mapping or by the usual names of columns: what spreadsheets and open-data portals export."""

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from app.errors import FormatError, Malformed, Text
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import mapping as mappings
from app.harvest.formats.columns import guess
from app.harvest.formats.elements import RECORD_BYTES, TOO_LONG, without_mark
from app.harvest.formats.extract import Extractor
from app.harvest.formats.whole import found, licence_or, not_a_page, read_whole
from app.harvest.items import Bad, End, Found, Item, Peer, Sample
from app.names import key_for

NAME = "csv"
OWN_IRIS = False
PLACES: tuple[str, ...] = ()

SEPARATORS: Final = ",;\t|"
COLUMNS: Final = 1_000
SPREADSHEETS: Final = "windows-1252"
"""What they write in France when they do not write UTF-8."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One record of the table: the line on which it begins, its cells, or why there are none."""

    line: int
    cells: tuple[str, ...] = ()
    refused: Text | None = None


def recognise(sample: Sample) -> int:
    """A table says so by its type, or looks like one by its first line."""
    if sample.media_type in {"text/csv", "text/tab-separated-values"}:
        return 2
    head = sample.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = head.partition(b"\n")[0]
    return 1 if head[:1] not in b"<{[" and any(first.count(mark.encode()) > 1 for mark in SEPARATORS) else 0


def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
    """Read the peer's table when it changed."""
    return read_whole(peer, fetcher, budget, cursor, lambda chunks: records(chunks, peer.mapping, peer.licence))


def records(stream: Iterable[bytes], mapping: Mapping[str, Any] | None = None, licence: str | None = None) -> Iterator[Found | Bad | End]:
    """Yield the rows of a table and an End. Raises FormatError when it is not one, MappingRefused when the mapping is wrong."""
    written = mappings.parse(mapping)
    rows = _rows(_lines(not_a_page(stream), written.encoding), written.separator)
    header = _header(next(rows, None))
    default = {"key": guess(header).get("key", [])} if mapping and "fields" in mapping else guess(header)
    chosen = mappings.parse(licence_or(mapping, licence), default)
    _require_columns(chosen, header)
    extractor = Extractor(chosen)
    yield from (_item(row, header, extractor, chosen) for row in rows if row.cells or row.refused)
    yield End({}, complete=True, licence=chosen.licence, leftovers=extractor.leftovers())


def _item(row: _Row, header: tuple[str, ...], extractor: Extractor, mapping: mappings.RecordMapping) -> Found | Bad:
    """Turn one row into what it says."""
    key = f"line-{row.line}"
    try:
        if row.refused:
            raise Malformed(row.refused)
        cells = row.cells
        while len(cells) > len(header) and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) != len(header):
            raise Malformed(
                Text(
                    f"La ligne {row.line} a {len(cells)} cases au lieu de {len(header)}.",
                    f"Line {row.line} has {len(cells)} cells instead of {len(header)}.",
                )
            )
        raw = {column: cell for column, cell in zip(header, cells, strict=True) if column}
        own = extractor.key(raw)
        key = key_for(own) if own else key
        return found(extractor, raw, mapping, json.dumps(raw).encode())
    except Malformed as error:
        return Bad(key, error.text)


def _header(row: _Row | None) -> tuple[str, ...]:
    """The names of the columns."""
    cells = tuple(cell.strip() for cell in row.cells) if row else ()
    named = [cell for cell in cells if cell]
    if len(named) < 2 or len(cells) > COLUMNS:
        raise FormatError(
            Text(
                "Ce n'est pas un tableau : la première ligne doit nommer deux colonnes au moins (le séparateur est-il le bon ?).",
                "This is not a table: its first line must name two columns at least (is the separator the right one?).",
            )
        )
    twice = next((cell for cell in named if named.count(cell) > 1), None)
    if twice:
        raise FormatError(Text(f"Deux colonnes s'appellent « {twice} » : renommez-en une.", f"Two columns are called '{twice}': rename one."))
    return cells


def _require_columns(mapping: mappings.RecordMapping, header: tuple[str, ...]) -> None:
    """Refuse a table that has none of the columns of the record's key: it is not the one that the mapping was written for."""
    if not set(mapping.key) & set(header):
        wanted, there = ", ".join(mapping.key) or "?", ", ".join(header[:20])
        raise FormatError(
            Text(
                f"Aucune colonne ne donne l'identifiant des fiches ({wanted}) ; il y a : {there}. Indiquez « key » dans la correspondance.",
                f"No column gives the key of the records ({wanted}); there are: {there}. Say which in the mapping ('key').",
            )
        )


# --- from bytes to rows ------------------------------------------------------------------------------------------


def _rows(lines: Iterator[str], separator: str | None) -> Iterator[_Row]:
    """Cut lines into rows; a row that cannot be cut is named and the next one begins on the next line. Blank rows are passed over."""
    first = next(lines, "")
    reader = csv.reader(chain((first,), lines), delimiter=separator or _sniffed(first), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error:
            where = f"{line}" if reader.line_num <= line else f"{line}-{reader.line_num}"
            yield _Row(
                line,
                refused=Text(f"Ligne {where} : des guillemets sont mal fermés.", f"Line {where}: quotation marks are not closed as they should be."),
            )
            continue
        if any(cell.strip() for cell in cells):
            yield _Row(line, cells, _unreadable(line, cells))


def _unreadable(line: int, cells: tuple[str, ...]) -> Text | None:
    """Say why a row is not read, if it is not."""
    if any("\0" in cell for cell in cells):
        return Text(f"La ligne {line} contient des octets nuls.", f"Line {line} holds NUL bytes.")
    return TOO_LONG if sum(map(len, cells)) > RECORD_BYTES else None


def _sniffed(first: str) -> str:
    """The separator that the first line has most often, outside quotation marks."""
    bare = "".join(first.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def _lines(chunks: Iterable[bytes], encoding: str | None) -> Iterator[str]:
    """Decode line by line: UTF-8, or for a line that is not, the encoding of French spreadsheets; or as told, or as a UTF-16 mark tells."""
    for data in _byte_lines(_in_utf8(without_mark(chunks), encoding)):
        try:
            yield data.decode()
        except UnicodeDecodeError:
            yield data.decode(SPREADSHEETS, "replace")


def _in_utf8(chunks: Iterable[bytes], encoding: str | None) -> Iterator[bytes]:
    """Pass the bytes on, turned into UTF-8 when they are known to be in another encoding."""
    stream = iter(chunks)
    first = next(stream, b"")
    told = encoding or ("utf-16" if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None)
    if told is None:
        yield first
        yield from stream
        return
    decoder = codecs.getincrementaldecoder(told)("replace")
    for chunk in chain((first,), stream):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _byte_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut at the ends of lines, whichever of the three kinds they are."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).splitlines(keepends=True) or [b""]
        yield from whole
        if rest.endswith(b"\n"):
            yield rest
            rest = b""
        if len(rest) > RECORD_BYTES:
            raise FormatError(
                Text("Ce n'est pas un tableau : une ligne dépasse un mégaoctet.", "This is not a table: a line is longer than one megabyte.")
            )
    if rest:
        yield rest
