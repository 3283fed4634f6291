"""The elements of a JSON list of any length, read as a stream: one in memory at a time, each with its own limits.

A general streaming parser (ijson was weighed) keeps a string of any length and stops at the first fault; here an element that is
too long or too deep is passed over and named, and its exact bytes are at hand for a digest.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.errors import FormatError, Text
from app.record import parse_json
from app.record.limits import DEPTH

RECORD_BYTES: Final = 1_000_000
"""One record of a list may not be longer, nor may what stands around the list."""

# All that is neither a bracket nor a string which the chunk cuts, swallowed whole and without ever looking back.
_PLAIN = re.compile(rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+', re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
STEP: Final = {b"": 0, b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_LAST_KEY = re.compile(rb'("(?:[^"\\]|\\.){0,200}")\s{0,50}:\s{0,50}\Z', re.DOTALL)

TOO_LONG = Text("Fiche de plus d'un mégaoctet : elle n'est pas lue.", "Record of more than one megabyte: it is not read.")
TOO_DEEP = Text(f"Fiche imbriquée sur plus de {DEPTH} niveaux : elle n'est pas lue.", f"Record nested more than {DEPTH} levels deep: it is not read.")
NOT_AN_OBJECT = Text("Ce n'est pas une fiche, mais une valeur isolée.", "This is not a record but a lone value.")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the list: its position from 1, and its bytes or why it is not read."""

    position: int
    data: bytes = b""
    refused: Text | None = None

    def read(self) -> Any:
        """Parse it. Raises Malformed."""
        return parse_json(self.data, limit=RECORD_BYTES)


def pieces(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Cut JSON text at its brackets: yield (text before, bracket), the bracket being empty where a chunk or a long string ends."""
    rest, in_string = b"", False
    for chunk in chunks:
        data, start = rest + chunk, 0
        while True:
            end = _match_end(_IN_STRING if in_string else _PLAIN, data, start)
            mark = data[end : end + 1]
            if mark == b'"':
                in_string = not in_string
                yield data[start : end + 1], b""
            elif in_string or not mark:
                yield data[start:end], b""
                rest = data[end:]
                break
            else:
                yield data[start:end], mark
            start = end + 1
    yield rest, b""


def _match_end(pattern: re.Pattern[bytes], data: bytes, start: int) -> int:
    """Where the text that `pattern` accepts ends; both patterns accept the empty text."""
    found = pattern.match(data, start)
    return found.end() if found else start


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Drop the byte-order mark that some editors write before UTF-8."""
    first = b""
    stream = iter(chunks)
    for chunk in stream:
        first += chunk
        if len(first) >= len(codecs.BOM_UTF8):
            break
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from stream


class Elements:
    """Iterate over the elements of the list at `path` (keys joined by points; empty: the document itself is the list).

    Where `path` leads to an object instead, that object is the only element. Raises FormatError when the document is not JSON,
    is cut short, or has no such list.
    """

    def __init__(self, chunks: Iterable[bytes], path: str = "") -> None:
        self._pieces = pieces(without_mark(chunks))
        self._path = path
        self._wanted = tuple(path.split(".")) if path else ()
        self._frame = bytearray()
        self._open: list[tuple[str | None, bytes]] = []  # the key (None in a list) and the bracket of each level of the frame
        self._found = False
        self._position = 0

    def __iter__(self) -> Iterator[Element]:
        for text, bracket in self._pieces:
            self._grow(text)
            if not bracket:
                continue
            if bracket in b"]}":
                self._leave(bracket)
            elif self._arrives(bracket):
                self._found = True
                yield from self._list() if bracket == b"[" else [self._element(bracket)]
                self._grow(b"[]" if bracket == b"[" else b"{}")
        self._whole()

    def frame(self) -> dict[str, Any]:
        """What is known so far of the document around the list: all of it once the iteration has ended, what came before the list until then."""
        closers = b"".join(b"}" if bracket == b"{" else b"]" for _, bracket in reversed(self._open))
        hole = b"null" if self._frame.rstrip().endswith(b":") else b""
        try:
            value = json.loads(bytes(self._frame) + hole + closers)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def _grow(self, text: bytes) -> None:
        """Add to the frame, within its limit."""
        self._frame += text
        if len(self._frame) > RECORD_BYTES:
            raise self._error("ce qui entoure la liste dépasse un mégaoctet", "what surrounds the list is longer than one megabyte")

    def _arrives(self, bracket: bytes) -> bool:
        """Enter a level of the frame, unless it is the list looked for: then say so."""
        if not self._open and self._frame.strip():
            raise self._error("ce n'est pas du JSON", "it is not JSON")
        key = self._key()
        path = (*(level for level, _ in self._open[1:]), key) if self._open else ()
        if path == self._wanted and (bracket == b"[" or path):
            if self._found:
                raise self._error("la liste y est deux fois", "the list is there twice")
            return True
        if len(self._open) >= DEPTH:
            raise self._error("il est imbriqué trop profondément", "it is nested too deep")
        self._open.append((key, bracket))
        self._grow(bracket)
        return False

    def _key(self) -> str | None:
        """The key that the value about to open has in the frame; None in a list and at the root."""
        if not self._open or self._open[-1][1] == b"[":
            return None
        found = _LAST_KEY.search(bytes(self._frame[-1500:]))
        try:
            return str(json.loads(found[1])) if found else None
        except ValueError:
            return None

    def _leave(self, bracket: bytes) -> None:
        """Close a level of the frame."""
        if not self._open or (self._open.pop()[1], bracket) not in {(b"{", b"}"), (b"[", b"]")}:
            raise self._error("ses crochets ne se répondent pas", "its brackets do not match")
        self._grow(bracket)

    def _list(self) -> Iterator[Element]:
        """Yield the elements up to the bracket that closes the list."""
        gap, first = bytearray(), True
        for text, bracket in self._pieces:
            gap += text
            if len(gap) > RECORD_BYTES:
                raise self._error("la liste contient une valeur trop longue", "the list holds a value that is too long")
            if not bracket:
                continue
            if bracket == b"}":
                raise self._error("ses crochets ne se répondent pas", "its brackets do not match")
            yield from self._lone_values(bytes(gap), first=first, last=bracket == b"]")
            if bracket == b"]":
                return
            yield self._element(bracket)
            gap, first = bytearray(), False
        raise self._cut_short()

    def _lone_values(self, gap: bytes, *, first: bool, last: bool) -> Iterator[Element]:
        """What stands between two elements: one comma, or values that are no records with their commas."""
        frame = (b"" if first else b"null") + gap + (b"" if last else b"null")
        try:
            values = json.loads(b"[" + frame + b"]")
        except ValueError:
            raise self._error("sa liste est mal formée", "its list is malformed") from None
        for _ in values[(not first) + (not last) :]:
            self._position += 1
            yield Element(self._position, refused=NOT_AN_OBJECT)

    def _element(self, opening: bytes) -> Element:
        """Collect one element up to the bracket that closes it."""
        self._position += 1
        data, depth, refused = bytearray(opening), 1, None
        for text, bracket in self._pieces:
            depth += STEP[bracket]
            if refused is None:
                data += text + bracket
                refused = TOO_LONG if len(data) > RECORD_BYTES else TOO_DEEP if depth > DEPTH else None
            if depth == 0:
                return Element(self._position, b"" if refused else bytes(data), refused)
        raise self._cut_short()

    def _whole(self) -> None:
        """Refuse a document that ends too soon, is not JSON around its list, or has no list where it was looked for."""
        if self._open or not self._frame.strip():
            raise self._cut_short()
        try:
            json.loads(bytes(self._frame))
        except ValueError:
            raise self._error("ce n'est pas du JSON", "it is not JSON") from None
        if not self._found:
            where = f"« {self._path} »" if self._path else "à la racine"
            english = f"at '{self._path}'" if self._path else "at its root"
            keys = ", ".join(list(self.frame())[:10])
            raise self._error(f"aucune liste {where} (clés présentes : {keys})", f"there is no list {english} (its keys: {keys})")

    def _error(self, fr: str, en: str) -> FormatError:
        """The document cannot be read."""
        return FormatError(Text(f"Le document ne peut pas être lu : {fr}.", f"The document cannot be read: {en}."))

    def _cut_short(self) -> FormatError:
        """The document has no end."""
        return self._error("il s'arrête avant sa fin", "it stops before its end")
