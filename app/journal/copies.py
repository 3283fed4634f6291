"""Copies of the journal that stay beside it: made before an upgrade, or put aside by a restoring. They still hold what is erased from the journal.

They are named to the operator after an erasure, and go by themselves when they are a month old. Copies elsewhere are the operator's to rotate.
"""

import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from app.journal import meta
from app.journal.database import FILE, Journal

ERASED: Final = "erased"
"""When something was last erased."""

DAYS: Final = 30
PATTERNS: Final = (f"{FILE.removesuffix('.sqlite')}.before-*.sqlite", f"{FILE}.replaced-*")
BESIDE: Final = ("-wal", "-shm")

_log = logging.getLogger(__name__)


def older(journal: Journal) -> list[Path]:
    """Return the copies that were last written before something was erased."""
    with journal.read() as c:
        erased = meta.get(c, ERASED)
    if not erased:
        return []
    moment = datetime.fromisoformat(erased).timestamp()
    found = (path for pattern in PATTERNS for path in journal.path.parent.glob(pattern) if not path.name.endswith(BESIDE))
    return sorted(path for path in found if path.stat().st_mtime < moment)


def expire(journal: Journal) -> list[Path]:
    """Remove those of them that are a month old; return what was removed."""
    old = [path for path in older(journal) if path.stat().st_mtime < time.time() - DAYS * 86_400]
    for path in old:
        for ending in ("", *BESIDE):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        _log.info("%s is removed: it is a month old, and holds what was erased since.", path)
    return old
