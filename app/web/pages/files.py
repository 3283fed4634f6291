"""What pages need besides themselves, and the program's own source: who uses a node may read and change what it runs (AGPL, section 13)."""

import gzip
import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from app import __version__
from app.errors import NotFound
from app.vocabulary import data_path
from app.web import replies
from app.web.answering import NOTHING_HERE
from app.web.asking import Here
from app.web.pages import static
from app.web.replies import IMMUTABLE, REVALIDATE

router = APIRouter(include_in_schema=False)

SOURCE = frozenset({".py", ".html", ".css", ".js", ".svg", ".txt", ".po", ".ttl", ".json", ".jsonld", ".toml", ".mako"})
"""What the program is made of; nothing else that may lie in its folders is handed out."""


@router.get("/static/{name}")
def serve(here: Here, name: str) -> Response:
    """One file; under the address of another version the one there is, since a page that a browser kept may still ask for it."""
    stem, _, tail = name.partition(".")
    plain = f"{stem}.{tail.rpartition('.')[2]}"
    if plain not in static.files():
        raise NotFound(NOTHING_HERE)
    current = static.addressed(plain)
    etag = replies.tag(here, current.split(".")[1])
    headers = {"ETag": etag, "Cache-Control": IMMUTABLE if current == name else REVALIDATE, "Vary": "Accept-Encoding"}
    if replies.unchanged(here, etag, None):
        return Response(status_code=304, headers=headers)
    return replies.whole(here, static.files()[plain], replies.content_type(static.TYPES[Path(plain).suffix]), headers)


@router.get("/source.tar.gz")
def source(here: Here) -> Response:
    """The source of the program as it runs here."""
    content = archive()
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"', "Cache-Control": REVALIDATE}
    if replies.unchanged(here, headers["ETag"], None):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/gzip")


@cache
def archive() -> bytes:
    """Return the program, its vocabulary and its shapes as one file (made once), the same bytes each time."""
    program = Path(__file__).parents[2]
    written = io.BytesIO()
    with gzip.GzipFile(fileobj=written, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for folder, name in ((program, "app"), (data_path("vocab"), "vocab"), (data_path("shapes"), "shapes")):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix in SOURCE and not path.is_symlink():
                    _add(tar, f"maillage-{__version__}/{name}/{path.relative_to(folder)}", path.read_bytes())
    return written.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add one file, without anything that tells of this machine."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
