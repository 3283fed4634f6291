"""A process that publishes, revises and withdraws invented groups until it is killed; it prints each number once it is acknowledged.

Usage: writer.py JOURNAL NAME
"""

import sys
from itertools import count
from pathlib import Path

from app.checking import Checker
from app.combined import Combined
from app.directory import Directory
from app.journal import Journal
from app.matching.combine import Matcher
from app.names import Names


def main(path: Path, name: str) -> None:
    """Publish three groups, revise one and withdraw one, again and again."""
    names = Names("https://annuaire.example")
    directory = Directory(Journal(path), names, Checker(), Combined(Matcher(names)).settle, "https://licence.example/l")
    for number in count():
        slugs = [f"{name}-{number}-{part}" for part in ("kept", "revised", "withdrawn")]
        for slug in slugs:
            directory.publish({"name": {"fr": f"Groupe inventé {slug}"}}, slug, name)
        directory.revise(slugs[1], {"name": {"fr": f"Groupe révisé {slugs[1]}"}}, "*", name)
        directory.withdraw(slugs[2], name)
        print(number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
