"""What a node does while others do their worst, watched from outside: whom it connects to, how large it grows, whether it still answers."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

LISTENING = "0A"


@dataclass
class Watch:
    """Looks at a process and its children many times a second until the block ends.

    `contacted` are the (address, port) pairs that it connected or tried to connect to, `resident` the most memory seen, in bytes, `health`
    the longest that `/health` took, `unanswered` what went wrong there.
    """

    pid: int
    url: str
    contacted: set[tuple[str, int]] = field(default_factory=set)
    resident: int = 0
    health: float = 0.0
    answered: int = 0
    unanswered: list[str] = field(default_factory=list)

    def __enter__(self) -> "Watch":
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._look), threading.Thread(target=self._ask)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _look(self) -> None:
        """Note open connections and memory."""
        while not self._stop.wait(0.02):
            processes = family(self.pid)
            self.resident = max(self.resident, sum(map(resident, processes)))
            for pid in processes:
                self.contacted |= outgoing(pid)

    def _ask(self) -> None:
        """Ask for the node's health again and again."""
        with httpx.Client(timeout=60) as client:
            while not self._stop.wait(0.2):
                start = time.monotonic()
                try:
                    status = client.get(f"{self.url}/health").status_code
                except httpx.HTTPError as error:
                    status = 0
                    self.unanswered.append(repr(error))
                self.health = max(self.health, time.monotonic() - start)
                self.answered += status == 200


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def resident(pid: int) -> int:
    """Return the memory of a process that is its own, in bytes; 0 once it has ended."""
    with suppress(OSError, StopIteration, ValueError):
        line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024
    return 0


def outgoing(pid: int) -> set[tuple[str, int]]:
    """Return where the connections of a process lead that it did not accept on one of its own listening ports."""
    inodes = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    mine = [parts for name in ("tcp", "tcp6") for parts in _table(pid, name) if parts[9] in inodes]
    listening = {_place(parts[1])[1] for parts in mine if parts[3] == LISTENING}
    return {_place(parts[2]) for parts in mine if parts[3] != LISTENING and _place(parts[1])[1] not in listening}


def _table(pid: int, name: str) -> list[list[str]]:
    """Return the rows of a table of connections."""
    with suppress(OSError):
        return [line.split() for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
    return []


def _place(text: str) -> tuple[str, int]:
    """Read an address and a port as the kernel writes them."""
    address, port = text.split(":")
    words = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words), int(port, 16)
