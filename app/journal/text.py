"""How the journal writes values that are not columns of their own: compact JSON, the same bytes for the same value."""

import json
from typing import Any, TypeAlias

from app.errors import Text

Document: TypeAlias = dict[str, Any]
"""Compact JSON-LD in our context, without its ``@context``."""


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def as_text(value: Any) -> str:
    """Return `value` as compact JSON."""
    return _COMPACT.encode(value)


def maybe_text(value: Any) -> str | None:
    """Return `value` as compact JSON, None as None."""
    return None if value is None else as_text(value)


def from_text(text: str) -> Any:
    """Read what `as_text` wrote."""
    return json.loads(text)


def maybe_from(text: str | None) -> Any:
    """Read what `maybe_text` wrote."""
    return None if text is None else json.loads(text)


def sentence_text(sentence: Text | None) -> str | None:
    """Return a sentence as the journal keeps it."""
    return None if sentence is None else as_text(sentence.as_json())


def sentence_from(text: str | None) -> Text | None:
    """Read what `sentence_text` wrote."""
    return None if text is None else Text.from_json(json.loads(text))
