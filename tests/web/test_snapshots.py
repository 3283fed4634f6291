"""Long answers, from one moment."""

import gc
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from starlette.requests import Request

from app.errors import Busy
from app.journal import changes
from app.web import snapshots
from app.web.asking import Asking
from tests.web.conftest import Site


def parts(_connection: Connection) -> Iterator[bytes]:
    """Two parts."""
    yield b"one"
    yield b"two"


def test_readers_are_counted_and_let_go(site: Site) -> None:
    """As many as are allowed may read; one more is told to come back; whoever leaves early leaves a place."""
    here = Asking(site.node, Request({"type": "http", "headers": []}))
    streams = [snapshots.opened(here, lambda _connection: "stand", parts)[1] for _ in range(8)]
    with pytest.raises(Busy) as refused:
        snapshots.opened(here, lambda _connection: "stand", parts)
    assert refused.value.retry_after == 60
    assert site.get("/dump.csv").status_code == 503
    assert site.get("/dump.csv").headers["retry-after"] == "60"
    assert b"".join(streams.pop()) == b"onetwo"
    streams.pop().close()
    streams.pop()
    streams.clear()
    gc.collect()
    assert [snapshots.opened(here, lambda _connection: "stand", parts)[0] for _ in range(8)] == ["stand"] * 8
    gc.collect()
    assert site.get("/dump.csv").status_code == 200


def test_what_is_read_is_one_moment(site: Site) -> None:
    """A group published while a dump is read is not in it; the next dump has it."""
    here = Asking(site.node, Request({"type": "http", "headers": []}))

    def slugs(connection: Connection) -> Iterator[bytes]:
        for (slug,) in connection.exec_driver_sql("SELECT slug FROM identity"):
            yield slug.encode()

    _, stream = snapshots.opened(here, changes.last, slugs)
    site.publish("meanwhile")
    assert b"meanwhile" not in list(stream)
    _, stream = snapshots.opened(here, changes.last, slugs)
    assert b"meanwhile" in list(stream)
