"""How fast matching is: `python -m tests.matching.speed [records]` prints records a second and core, and the cost of one change.

The records are fr_dev over and over, each time in another cipher: letters of names, hosts and numbers are exchanged, so that
typing errors, acronyms, federations and homonyms stay what they are, in the same towns.
"""

import random
import re
import resource
import sys
import tempfile
import time
from itertools import count, islice
from pathlib import Path

from app.journal import Journal
from app.matching.combine import Matcher
from app.matching.normalise import plain, words
from app.matching.words import BRANCHES, FREE_MAIL, LEGAL, STOP, UMBRELLAS
from tests.matching.desk import identify, put
from tests.matching.gold import NAMES, Entry, fill, french, partition, quality, rows

CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxz", "aeiouy"


def ciphered(records: int) -> list[Entry]:
    """Return so many entries, in a random order that is always the same."""
    truth = {row["id"]: row["entity"] for row in rows("fr_dev", "truth.csv")}
    kept = STOP | LEGAL | UMBRELLAS | BRANCHES | {word for row in rows("fr_dev", "entities.csv") for word in words(row["city"])}
    source = rows("fr_dev", "records.csv")
    turns = ((turn, row) for turn in count() for row in source)
    entries = [
        Entry(row["source"], f"{turn}-{row['id'].partition(':')[2]}", french(_turned(row, turn, kept)), f"{turn}-{truth[row['id']]}")
        for turn, row in islice(turns, records)
    ]
    random.Random(1).shuffle(entries)
    return entries


def _turned(row: dict[str, str], turn: int, kept: frozenset[str]) -> dict[str, str]:
    """Return a row in the cipher of a turn; the first turn is the row itself."""
    shifted = CONSONANTS[turn % 20 :] + CONSONANTS[: turn % 20] + VOWELS[turn % 6 :] + VOWELS[: turn % 6]
    letters = str.maketrans(CONSONANTS + VOWELS + CONSONANTS.upper() + VOWELS.upper(), shifted + shifted.upper())

    def word(found: re.Match[str]) -> str:
        text = plain(found[0])
        return found[0] if not turn or text.lower() in kept else text.translate(letters)

    def cipher(text: str) -> str:
        return re.sub(r"[^\W\d_]+", word, text)

    def digits(text: str) -> str:
        return re.sub(r"\d", lambda found: str((int(found[0]) + turn) % 10), text)

    local, at, host = row["email"].lower().partition("@")
    return row | {
        "name": cipher(row["name"]),
        "email": f"{cipher(local)}{at}{host if host in FREE_MAIL else cipher(host)}",
        "url": re.sub(r"(?<=://).*", lambda found: cipher(found[0].lower()), row["url"]),
        "phone": row["phone"][:-4] + digits(row["phone"][-4:]),
        "siret": digits(row["siret"]),
        "rna": row["rna"][:1] + digits(row["rna"][1:]),
    }


def main(records: int = 10_000) -> None:
    """Measure and print."""
    entries = ciphered(records)
    with tempfile.TemporaryDirectory() as folder:
        journal, matcher = Journal(Path(folder) / "journal.sqlite"), Matcher(NAMES)
        with journal.write() as c:
            fill(c, entries)
        begun = time.process_time()
        with journal.write() as c:
            matcher.combine_all(c)
        spent = time.process_time() - begun
        with journal.read() as c:
            found = quality(partition(c), {f"{entry.source}/{entry.key}": entry.truth for entry in entries})
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(f"{records} records: {spent:.1f} s CPU, {records / spent:.0f} a second and core, {memory} MB; {found}\n")
        costs = sorted(_one_change(journal, matcher, entry) for entry in entries[:150])
        sys.stdout.write(f"one changed record: p50 {costs[75]:.1f} ms CPU, p95 {costs[142]:.1f}, max {costs[-1]:.1f}\n")
        journal.close()


def _one_change(journal: Journal, matcher: Matcher, entry: Entry) -> float:
    """Give a record another name and return how many milliseconds combining it takes."""
    reference = f"{entry.source}/{entry.key}"
    with journal.write() as c:
        put(c, reference, {**entry.document, "name": {"fr": f"{entry.document['name']['fr']} Nord"}})
        begun = time.process_time()
        matcher.combine(c, [identify(c, reference)])
        return (time.process_time() - begun) * 1000


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
