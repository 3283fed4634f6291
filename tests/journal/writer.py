"""A process that writes to a journal; the tests kill it, starve it of disk, or run several at once.

Usage: writer.py endless|some|starved JOURNAL NAME. Each transaction puts three records; its number is printed once it is committed.
"""

import json
import resource
import sys
import threading
from itertools import count
from pathlib import Path

from app.errors import JournalUnavailable
from app.journal import Journal, records
from app.journal.records import Statement

OWN = 1
WIDTH = 3


def statements(name: str, number: int) -> list[Statement]:
    """Three records that belong together."""
    document = {"name": {"fr": f"Groupe inventé {name} {number}"}, "description": {"fr": "x" * 2000}}
    return [
        Statement(f"{name}-{number}-{part}", f"https://a.example/{name}/{number}/{part}", document, f"{name}{number}{part}") for part in range(WIDTH)
    ]


def write(journal: Journal, name: str, number: int) -> None:
    """One acknowledged transaction."""
    with journal.write() as c:
        records.put_many(c, OWN, statements(name, number), name)
    print(number, flush=True)


def endless(journal: Journal, name: str) -> None:
    """Write until killed."""
    for number in count():
        write(journal, name, number)


def ten(journal: Journal, name: str) -> None:
    """Write ten transactions."""
    for number in range(10):
        write(journal, name, number)


def some(journal: Journal, name: str) -> None:
    """Four threads write ten transactions each."""
    threads = [threading.Thread(target=ten, args=(journal, f"{name}t{thread}")) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def starved(journal: Journal, name: str) -> None:
    """Write until the system refuses, read, then write again once there is room."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 300_000, resource.RLIM_INFINITY))
    refused = 0
    for number in count():
        try:
            write(journal, name, number)
        except JournalUnavailable as error:
            refused = number
            print(json.dumps(error.text.as_json()), flush=True)
            break
    with journal.read() as c:
        print(records.count(c, "own"), flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    write(journal, name, refused)


if __name__ == "__main__":
    {"endless": endless, "some": some, "starved": starved}[sys.argv[1]](Journal(Path(sys.argv[2])), sys.argv[3])
