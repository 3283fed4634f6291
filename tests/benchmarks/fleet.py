"""One node and three hundred light peers, a third of them dead or slow: how long a full round takes, and what it costs.

`python -m tests.benchmarks.fleet [PEERS [RECORDS [ROUNDS]]]` prints figures; every group in it is invented. The peers are one process of their own,
each on a port of its own: honest ones serve a native feed, the others refuse, accept and say nothing, or drip a byte now and then.
"""

import asyncio
import json
import multiprocessing
import resource
import socket
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from app.checking import Checker
from app.combined import Combined
from app.harvest.clock import Clock
from app.harvest.fetch import Fetcher
from app.harvest.visit import Harvester
from app.journal import FILE, Journal, sources, visits
from app.matching.combine import Matcher
from app.names import Names
from tests.harvest.feeds import group

KINDS = ("refuses", "says nothing", "drips")
EMPTY = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"


def kind_of(number: int) -> str | None:
    """Every third peer is bad, in turn in each way."""
    return KINDS[number // 3 % 3] if number % 3 == 0 else None


def documents(base: str, records: int) -> dict[str, bytes]:
    """Return the root and the one page of a peer, as it serves them."""
    events = [
        {
            "id": f"{base}/feed/events/1/{number}",
            "type": "Create",
            "object": f"{base}/groups/g{number}",
            "origin": f"{base}/node",
            "sequence": number,
            "published": f"2026-01-01T10:{number // 60 % 60:02}:{number % 60:02}.000Z",
            "record": group(f"{base}/groups/g{number}", f"Groupe inventé {number} de {base[-5:]}"),
        }
        for number in range(1, records + 1)
    ]
    page = {"id": f"{base}/feed/pages/1", "stream": {"id": f"{base}/feed#e1"}, "orderedItems": events}
    stream = {"id": f"{base}/feed#e1", "type": "EventStream", "epoch": 1, "origin": f"{base}/node"}
    root = {"id": f"{base}/feed", "type": ["OrderedCollection"], "stream": stream, "first": page["id"], "last": page["id"]}
    return {"/feed": json.dumps(root).encode(), "/feed/pages/1": json.dumps(page).encode()}


async def _serve(number: int, listener: socket.socket, records: int, wire: "Synchronized[int]") -> asyncio.Server:
    """Answer for one peer."""
    base = "http://{}:{}".format(*listener.getsockname())
    known = documents(base, records)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                kind = kind_of(number)
                if kind == "says nothing":
                    await asyncio.sleep(600)
                while kind == "drips":
                    writer.write(b"H")
                    await writer.drain()
                    await asyncio.sleep(1)
                body = known.get(head.split(" ")[1], b"{}")
                start = f'HTTP/1.1 200 OK\r\nContent-Type: application/ld+json\r\nETag: "1"\r\nContent-Length: {len(body)}\r\n\r\n'
                sent = EMPTY if 'If-None-Match: "1"' in head else start.encode() + body
                wire.value += len(head) + len(sent)
                writer.write(sent)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(talk, sock=listener)


def fleet(pipe: Connection, peers: int, records: int, wire: "Synchronized[int]") -> None:
    """Serve every peer until the process is ended; the ports of those that refuse are bound and not listened on."""

    async def run() -> None:
        found, kept = [], []
        for number in range(peers):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            found.append("{}:{}".format(*listener.getsockname()))
            kept.append(listener if kind_of(number) == "refuses" else await _serve(number, listener, records, wire))
        pipe.send(found)
        await asyncio.Event().wait()

    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    asyncio.run(run())


def memory() -> int:
    """Return the megabytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20


def round_of(journal: Journal, clock: Clock, since: int) -> dict[str, object]:
    """Wait until every peer was visited once more; return what it took. `since` is the number of visits ended before."""
    start, most, good_at = time.monotonic(), 0, 0.0
    while True:
        with journal.read() as c:
            every = [source for source in sources.list_(c) if source.url]
            ended = [visit for source in every for visit in visits.list_(c, source.id, limit=1) if visit.finished_at and visit.id > since]
        most = max(most, memory())
        good = sum(visit.outcome in {"applied", "unchanged"} for visit in ended)
        if not good_at and good == sum(kind_of(number) is None for number in range(len(every))):
            good_at = time.monotonic() - start
        if len(ended) == len(every):
            break
        time.sleep(0.5)
    return {
        "seconds": round(time.monotonic() - start, 1),
        "good ones after": round(good_at, 1),
        "peers": len(every),
        "good": good,
        "requests": sum(visit.requests for visit in ended),
        "bytes": sum(visit.bytes for visit in ended),
        "memory MB": most,
    }


def main(peers: int, records: int, rounds: int) -> None:
    """Run a round in which everything is new, then others in which nothing is; `wire bytes` are those of heads and bodies, both ways."""
    ours, theirs = multiprocessing.Pipe()
    wire = multiprocessing.Value("q", 0)
    process = multiprocessing.get_context("fork").Process(target=fleet, args=(theirs, peers, records, wire), daemon=True)
    process.start()
    hosts = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        journal, names = Journal(Path(folder) / FILE), Names("https://node.example")
        harvester = Harvester(journal, names, Checker(), Combined(Matcher(names)), Fetcher(frozenset(hosts), "Maillage/fleet"))
        with journal.write() as c:
            for number, host in enumerate(hosts):
                sources.add(c, f"p{number}", f"http://{host}/feed", "maillage")
        print(f"before: {memory()} MB")
        clock, newest = Clock(journal, harvester), 0
        clock.start()
        for number in range(rounds):
            before = wire.value
            print("round", number + 1, round_of(journal, clock, newest) | {"wire bytes": wire.value - before}, flush=True)
            newest = due_again(journal, peers)
        clock.stop()
        journal.close()
    process.terminate()
    process.join()


def due_again(journal: Journal, peers: int) -> int:
    """Make every peer due, whatever its failures, and return the number of the newest visit."""
    with journal.write() as c:
        newest = max(visit.id for source in sources.list_(c) for visit in visits.list_(c, source.id, limit=1))
        for number in range(peers):
            sources.update(c, f"p{number}", next_visit_at=None)
    return newest


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(300, 40, 4)[len(given) :])
