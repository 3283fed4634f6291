"""Text that broke on its way through other people's programs: read in the wrong character set, or escaped for a web page.

What cannot be told is left as it is; a letter that was lost is taken for the commonest that is: é.
"""

import html
import re
from typing import Final

_MISREAD: Final = re.compile("[\u00c2\u00c3\u00c5\u00e2][\u0080-\u00bf\u0152-\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122\u20ac]")
"""A letter that begins an accented one in UTF-8, and one that can only continue it, as Windows shows them."""

_LOST_QUOTE: Final = re.compile(r"(?<=[^\W\d_])[?\ufffd](?=s\b)|(?<=\b[dlDL])[?\ufffd](?=[^\W\d_])")
_LOST: Final = re.compile(r"[?\ufffd]+(?=[^\W\d_])|(?<=[^\W\d_])\ufffd+")
_WINDOWS: Final = {bytes([code]).decode("cp1252", "ignore") or chr(code): code for code in range(0x80, 0x100)}


def repaired(text: str) -> str:
    """Return `text` as it was before it broke, or so that it resembles it.

    >>> repaired("FÃ©dÃ©ration dâ€™entraide &amp; CafÃ©")
    'Fédération d’entraide & Café'
    >>> repaired("Pépini?re, ça va ?")
    'Pépiniere, ça va ?'
    """
    if "&" in text:
        text = html.unescape(text)
    for _ in range(2):
        if not _MISREAD.search(text):
            break
        text = _MISREAD_RUN.sub(_reread, text)
    return _LOST.sub("e", _LOST_QUOTE.sub("'", text)) if "?" in text or "\ufffd" in text else text


def _reread(found: re.Match[str]) -> str:
    """Return a run of characters that are not ASCII as UTF-8 if they are that."""
    try:
        return bytes([_WINDOWS[letter] for letter in found[0]]).decode()
    except (KeyError, UnicodeDecodeError):
        return found[0]


_MISREAD_RUN: Final = re.compile(r"[^\x00-\x7f]+")
