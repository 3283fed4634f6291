"""One real node on a free loopback port, served by a thread, for all tests of this room; they write groups of their own."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.journal import tokens
from app.journal.tokens import Role
from app.main import create_app, server
from app.node import RunningNode, open_node, running
from app.settings import Settings
from tests.nodes import free_port

JSONLD = "application/ld+json"


@dataclass
class Site:
    """A node that serves, and a token of each role."""

    node: RunningNode
    url: str
    token: dict[str, str]

    def bearer(self, role: str = "editor") -> dict[str, str]:
        """Return the header of a token of this role."""
        return {"Authorization": f"Bearer {self.token[role]}"}

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Get a path, redirects not followed; underscores in header names stand for hyphens."""
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, content: Any = None, role: str | None = None, **headers: str) -> httpx.Response:
        """Send a request; `content` is sent as JSON-LD unless a content type is given."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | (self.bearer(role) if role else {})
        if isinstance(content, dict | list):
            with httpx.Client() as client:
                return client.request(method, self.url + path, json=content, headers={"Content-Type": JSONLD} | sent, timeout=30)
        return httpx.request(method, self.url + path, content=content, headers=sent, timeout=30)

    def publish(self, slug: str, **more: Any) -> httpx.Response:
        """Publish an invented group under `slug`."""
        answer = self.ask("PUT", f"/groups/{slug}", invented(slug, **more), "editor")
        assert answer.status_code == 201, answer.text
        return answer


def invented(slug: str, **more: Any) -> dict[str, Any]:
    """Return a small record of an invented group."""
    return {
        "name": {"fr": f"Groupe inventé {slug}"},
        "description": {"fr": f"Groupe inventé pour les essais : {slug}."},
        "topics": ["housing"],
    } | more


def eventually(holds: Callable[[], bool], within_s: float = 20) -> bool:
    """Wait until `holds`; return whether it did."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def listening(listener: socket.socket, web: uvicorn.Server) -> Iterator[None]:
    """Serve from a thread until the block ends."""
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert eventually(lambda: web.started)
        yield
    finally:
        web.should_exit = True
        thread.join()


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Site]:
    """A node serving from `folder` until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    node = open_node(Settings(data_dir=folder / "data", base_url=url, port=port, sparql_workers=1, **settings))
    with node.journal.write() as connection:
        known = {role.value: tokens.create(connection, f"test {role.value}", role) for role in Role}
    with running(node) as at_work, socket.create_server(("127.0.0.1", port)) as listener, listening(listener, server(create_app(at_work))):
        yield Site(at_work, url, known)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The node that the tests of this room share."""
    with serving(tmp_path_factory.mktemp("web")) as at_work:
        yield at_work
