"""A process that opens a journal, says that it is ready, and visits the peer named "peer" once: for tests that kill it."""

import sys
from pathlib import Path

from app.checking import Checker
from app.combined import Combined
from app.harvest.fetch import Fetcher
from app.harvest.visit import Harvester
from app.journal import Journal
from app.matching.combine import Matcher
from app.names import Names


def main(path: str, host: str) -> None:
    """Visit the peer at `host`."""
    journal, names = Journal(Path(path)), Names("https://node.example")
    harvester = Harvester(journal, names, Checker(), Combined(Matcher(names)), Fetcher(frozenset({host}), "Maillage/test"))
    harvester.recover()
    print("ready", flush=True)
    harvester.visit("peer")
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
