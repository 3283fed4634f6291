"""Undoing gzip without trusting it: the size and the ratio are checked before the bytes exist, and a cut stream is an error."""

import zlib
from collections.abc import Iterable, Iterator

from app.errors import FetchFailed, Text

PIECE = 65_536
RATIO = 100
FREE_BYTES = 1_000_000
"""Below this size the ratio is not looked at: a short text may well shrink a lot."""

_GZIP = 31  # zlib's word for "a gzip header, whatever the window"


def inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decoded content of gzip `chunks` (one or more members), in pieces of at most 64 KB.

    Raises FetchFailed when it is damaged, cut, or grows more than a hundredfold.
    """
    member = zlib.decompressobj(_GZIP)
    received = produced = 0
    for chunk in chunks:
        received += len(chunk)
        waiting = chunk
        while waiting:
            if member.eof:
                member = zlib.decompressobj(_GZIP)
            piece = _piece(member, waiting)
            waiting = member.unused_data if member.eof else member.unconsumed_tail
            produced += len(piece)
            if produced > FREE_BYTES and produced > RATIO * received:
                raise FetchFailed(
                    Text(
                        "La réponse compressée grossit plus de cent fois : elle a été refusée.",
                        "The compressed answer grows more than a hundredfold: it was refused.",
                    )
                )
            if piece:
                yield piece
    tail = member.flush()
    if tail:
        yield tail
    if not member.eof:
        raise FetchFailed(Text("La réponse compressée s'arrête au milieu.", "The compressed answer stops half-way."))


def _piece(member: "zlib._Decompress", waiting: bytes) -> bytes:
    """Decode at most 64 KB of `waiting`."""
    try:
        return member.decompress(waiting, PIECE)
    except zlib.error:
        raise FetchFailed(Text("La réponse compressée est abîmée.", "The compressed answer is damaged.")) from None
