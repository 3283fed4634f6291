"""`following`: reading all of a feed against following one in a hundred of its groups; time, bytes, requests, and the memory that each takes.

The feed is that of a light peer on loopback, with pages of 250 events and a dump, all gzipped as a node does it. Each visit is made by a process of
its own, whose peak is its own; what it takes includes the checks, the transaction, the matching and the side tables. Reading is flat; the peak in
all is that of matching everything at once, which a first visit of so many records calls for.
"""

import gzip
import json
import multiprocessing
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from app.journal import sources, visits
from app.node import open_node
from app.settings import Settings
from tests.benchmarks import invented
from tests.benchmarks.measuring import table
from tests.nodes import free_port

PAGE = 250
SHARE = 100
"""One group in so many changes."""


@dataclass(frozen=True, slots=True)
class Light:
    """What a light peer says: a Create for each of so many groups, then an Update for every hundredth, as far as `changes` has got."""

    base: str
    groups: int

    def root(self, events: int) -> dict[str, Any]:
        """The root, when the log holds so many events."""
        pages = -(-events // PAGE)
        relations = [
            {
                "type": "tree:GreaterThanOrEqualToRelation",
                "node": self._page(at),
                "path": "as:published",
                "value": self._published(PAGE * (at - 1) + 1),
            }
            for at in range(1, pages + 1)
        ]
        return {
            "id": f"{self.base}/feed",
            "type": ["OrderedCollection", "tree:Node", "EventSource"],
            "first": self._page(1),
            "last": self._page(pages),
            "stream": {"id": f"{self.base}/feed#e1", "type": "EventStream", "origin": f"{self.base}/node", "epoch": 1},
            "dump": f"{self.base}/dump.ndjson.gz?source=own",
            "relation": relations,
        }

    def page(self, at: int, events: int) -> dict[str, Any]:
        """One page."""
        numbers = range(PAGE * (at - 1) + 1, min(PAGE * at, events) + 1)
        following = {"next": self._page(at + 1), "immutable": True} if PAGE * at < events else {}
        return {"id": self._page(at), "stream": {"id": f"{self.base}/feed#e1"}, "orderedItems": [self._event(n) for n in numbers]} | following

    def dump(self) -> Iterator[bytes]:
        """The dump as it stands before anything changed."""
        for number in range(self.groups):
            yield json.dumps({"@context": f"{self.base}/vocab/context/v1.jsonld", **self._group(number)}).encode() + b"\n"

    def _page(self, at: int) -> str:
        return f"{self.base}/feed/pages/{at}"

    def _published(self, sequence: int) -> str:
        seconds, milliseconds = divmod(sequence, 1000)
        return f"2026-01-01T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}Z"

    def _event(self, sequence: int) -> dict[str, Any]:
        again = sequence - self.groups
        group = self._group((again - 1) * SHARE % self.groups if again > 0 else sequence - 1)
        if again > 0:
            group["description"] = {"fr": f"Groupe inventé, révisé à l'événement {sequence}."}
        said = {"id": f"{self.base}/feed/events/1/{sequence}", "type": "Update" if again > 0 else "Create", "object": group["id"]}
        return said | {"origin": f"{self.base}/node", "sequence": sequence, "published": self._published(sequence), "record": group}

    def _group(self, number: int) -> dict[str, Any]:
        return invented._group(number, self.groups, random.Random(f"{invented.SEED}/{number}"), self.base, self.base)


def serve(port: int, groups: int, changes: "Synchronized[int]") -> None:
    """Answer for a light peer until the process is ended."""
    peer = Light(f"http://127.0.0.1:{port}", groups)
    packed = gzip.compress(b"".join(peer.dump()), 6)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            events = groups + changes.value
            path = self.path.partition("?")[0]
            if path == "/dump.ndjson.gz":
                self.send(packed, {"Content-Type": "application/gzip", "Maillage-Sequence": str(groups), "Maillage-Epoch": "1"})
            elif self.headers.get("If-None-Match") == f'"{path}-{events}"':
                self.send_response(304)
                self.end_headers()
            else:
                found = peer.root(events) if path == "/feed" else peer.page(int(path.rpartition("/")[2]), events)
                named = {"Content-Type": "application/ld+json", "Content-Encoding": "gzip", "ETag": f'"{path}-{events}"'}
                self.send(gzip.compress(json.dumps(found, ensure_ascii=False).encode(), 6), named)

        def send(self, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()


@contextmanager
def publishing(groups: int) -> Iterator[tuple[str, "Synchronized[int]"]]:
    """A light peer in a process of its own: its address, and how many events its log holds beyond the first of each group."""
    context = multiprocessing.get_context("spawn")
    changes, port = context.Value("i", 0), free_port()
    process = context.Process(target=serve, args=(port, groups, changes))
    process.start()
    try:
        yield f"http://127.0.0.1:{port}", changes
    finally:
        process.terminate()
        process.join()


def run(groups: int = 100_000) -> str:
    """Read a tenth of the feed, all of it, nothing new, then one change in a hundred; return the table."""
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        small = max(1, groups // 10)
        with publishing(small) as (url, _):
            rows.append(_row(f"a feed of {small:,}, whole", _visited(Path(folder, "small"), url)))
        with publishing(groups) as (url, changes):
            whole = _visited(Path(folder, "whole"), url)
            assert whole["counts"]["added"] == groups, whole
            nothing = _visited(Path(folder, "whole"), url)
            assert nothing["requests"] == 1, nothing
            changes.value = max(1, groups // SHARE)
            some = _visited(Path(folder, "whole"), url)
            assert some["counts"]["changed"] == changes.value, some
    rows += [_row(f"a feed of {groups:,}, whole", whole), _row("nothing new", nothing), _row(f"{some['counts']['changed']:,} changed", some)]
    wall, cpu, received = (f"{100 * some[what] / whole[what]:.2g} %" for what in ("wall", "cpu", "bytes"))
    title = f"Following one change in {SHARE}: {wall} of the time ({cpu} of the processor's), {received} of the bytes of a whole harvest (goal 2 %)"
    return table(title, ("what", "wall, s", "cpu, s", "requests", "MB received", "peak RSS reading, MB", "peak RSS in all, MB"), rows)


def _row(what: str, visit: dict[str, Any]) -> tuple[object, ...]:
    return (what, visit["wall"], visit["cpu"], visit["requests"], visit["bytes"] / 1e6, visit["reading"] / 1e3, visit["peak"] / 1e3)


def _visited(data: Path, url: str) -> dict[str, Any]:
    """Visit the peer in a process of its own, and return what it says of the visit."""
    for _ in range(600):
        done = subprocess.run([sys.executable, "-m", __name__, data, url], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return dict(json.loads(done.stdout))
        assert "accept the connection" in done.stderr, done.stderr
        time.sleep(0.5)
    raise AssertionError(done.stderr)


def visit(data: Path, url: str) -> dict[str, Any]:
    """Visit the peer once and return time, counts, bytes, and the peaks of this process (in KB) until all was read and until the end."""
    settings = Settings(data_dir=data, base_url="http://reader.example", allow_private_peers=url.removeprefix("http://"))
    node = open_node(settings)
    with node.journal.write() as c:
        if all(source.name != "peer" for source in sources.list_(c)):
            sources.add(c, "peer", f"{url}/feed", "maillage")
    reading = [_peak()]
    wall, cpu = time.perf_counter(), time.process_time()
    number = node.harvester.visit("peer", progress=lambda _: reading.__setitem__(0, _peak()))
    taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "reading": reading[0], "peak": _peak()}
    with node.journal.read() as c:
        report = visits.get(c, number)
    node.journal.close()
    assert report.outcome in {"applied", "unchanged"}, report.message
    return taken | {"counts": dict(report.counts), "requests": report.requests, "bytes": report.bytes}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.stdout.write(json.dumps(visit(Path(sys.argv[1]), sys.argv[2])))
