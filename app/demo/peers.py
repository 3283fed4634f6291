"""The two peers of the demonstration, running for real: another Maillage node, and a map that serves GoGoCarto's JSON."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app import loading
from app.errors import StoreUnavailable, Text
from app.node import open_node
from app.settings import read_settings

ELEMENTS = "/api/elements.json"
START_S = 60


def free_port(wanted: int = 0) -> int:
    """Return `wanted` when nobody listens on it, else a port that the system chooses."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreUnavailable(Text("Aucun port libre sur cette machine.", "No free port on this machine."))


@contextmanager
def network_node(folder: Path, groups: Path) -> Iterator[str]:
    """A second Maillage node as a process of its own, in the role of the Appuii network; give its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BASE_URL": url,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "DATA_DIR": str(folder),
        "NODE_NAME": "Réseau d'appui (démonstration, groupes inventés)",
    }
    folder.mkdir(parents=True)
    _publish(folder, url, groups)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
    environment |= {f"MAILLAGE_{name}": value for name, value in settings.items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"], env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        _wait(process, port, folder / "log")
        yield url
    finally:
        _end(process)


def _publish(folder: Path, url: str, groups: Path) -> None:
    """Load the groups of the second node before it starts."""
    node = open_node(read_settings(base_url=url, data_dir=folder))
    try:
        with loading.opened(str(groups), "jsonld", None, node.fetcher) as records:
            for _ in loading.load(node.directory, node.combined, node.journal, node.names, records):
                pass
    finally:
        node.journal.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the second node, gently first."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the node listens. Raises StoreUnavailable with its last words when it does not."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    words = log.read_text("utf-8", "replace")[-500:]
    raise StoreUnavailable(Text(f"Le second nœud n'a pas démarré : {words}", f"The second node did not start: {words}"))


@contextmanager
def gogocarto_map(elements: bytes) -> Iterator[str]:
    """A map in the role of the national Plateforme des Alternatives: GoGoCarto's plain JSON at its usual place; give its address."""

    class Map(BaseHTTPRequestHandler):
        """Answers the elements, and a web page elsewhere as a map does."""

        def do_GET(self) -> None:
            """Answer one request."""
            known = self.path == ELEMENTS
            body = elements if known else b"<!doctype html><title>Carte</title>"
            self.send_response(200 if known or self.path == "/" else 404)
            self.send_header("Content-Type", "application/json" if known else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Map)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
