"""Strict, bounded JSON: what a stranger sends is measured before it is parsed, and refused when two readers could disagree about it.

Why our own: `json.loads` accepts duplicate keys, NaN, infinite numbers and lone surrogates, and recurses as deep as it is told to.
"""

import json
import math
from typing import Any, NoReturn

from app.errors import Malformed, Text
from app.record.limits import DEPTH

_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def parse_json(data: bytes, *, limit: int = 10_000_000) -> object:
    """Return the JSON value in `data` (UTF-8).

    Raises Malformed when it is longer than `limit` bytes, nested too deep, not JSON, or ambiguous (a key given twice).
    """
    if len(data) > limit:
        raise Malformed(Text(f"Ce document dépasse {limit:,} octets : découpez-le.", f"This document is longer than {limit:,} bytes: split it."))
    if _deeper_than(data, DEPTH):
        raise Malformed(
            Text(f"Ce document JSON a plus de {DEPTH} niveaux : aplatissez-le.", f"This JSON document has more than {DEPTH} levels: flatten it.")
        )
    try:
        text = data.decode("utf-8-sig")
        value: object = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise Malformed(
            Text("Ce document n'est pas en UTF-8 correct : enregistrez-le en UTF-8.", "This document is not proper UTF-8: save it as UTF-8.")
        ) from error
    except (ValueError, RecursionError) as error:
        raise Malformed(Text(f"Ce document n'est pas du JSON correct ({error}).", f"This document is not proper JSON ({error}).")) from error
    return value


def _deeper_than(data: bytes, depth: int) -> bool:
    """Say whether brackets outside strings nest deeper than `depth`; at the speed of bytes methods, without parsing."""
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    level = 0
    for byte in b"".join(plain.split(b'"')[::2]).translate(None, _NOT_BRACKETS):
        level += 1 if byte in b"[{" else -1
        if level > depth:
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # `add` says None, so that each is seen
        raise Malformed(Text(f"La clé « {twice} » est donnée deux fois dans le même objet.", f"The key “{twice}” is given twice in the same object."))
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(Text(f"« {name} » n'est pas un nombre JSON.", f"“{name}” is not a JSON number."))


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Malformed(Text(f"Le nombre {text[:40]} est trop grand.", f"The number {text[:40]} is too large."))
    return number
