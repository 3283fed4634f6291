"""Style sheets, scripts and icon, each named by its content, so that a browser asks for it once."""

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def files() -> dict[str, bytes]:
    """Return the content of each file by its name (read once)."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}


@cache
def addressed(name: str) -> str:
    """Return the name under which a file is served: ``pages.0123456789ab.css``."""
    stem, _, end = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(files()[name]).hexdigest()[:12]}.{end}"
