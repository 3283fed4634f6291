"""The gold sets as documents of a directory, and how true a partition of them is.

Run `python -m tests.matching.gold` to print precision, recall and F1 of the whole road (journal, keys, scores, clusters) on each.
"""

import csv
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from app.journal import Journal, records, sources
from app.journal.tables import member, record, source
from app.matching.combine import Matcher
from app.names import Names
from tests.shared import SHARED

NAMES = Names("http://127.0.0.1:8000")
GOLD = SHARED / "gold"


@dataclass(frozen=True)
class Entry:
    """One record of a gold set, and the real group it speaks of."""

    source: str
    key: str
    document: dict[str, Any]
    truth: str


@dataclass(frozen=True)
class Quality:
    """Pairwise scores of a partition."""

    precision: float
    recall: float
    f1: float


def documents(name: str) -> list[Entry]:
    """Return the entries of one gold set."""
    return [*_SETS[name]()]


def fill(c: Connection, entries: list[Entry]) -> None:
    """Put entries into an empty journal, each under its source."""
    by_source: dict[str, list[Entry]] = {}
    for entry in entries:
        by_source.setdefault(entry.source, []).append(entry)
    for name, found in by_source.items():
        origin = sources.get(c, name) if name == "own" else sources.add(c, name, url=f"https://{name}.example/", format="jsonld")
        statements = [
            records.Statement(entry.key, NAMES.record(name, entry.key), entry.document, f"sha-256:{hash(str(entry.document))}") for entry in found
        ]
        records.put_many(c, origin.id, statements, "test")


def partition(c: Connection) -> dict[str, int]:
    """Return the identity of each live record, by reference."""
    question = select(source.c.name, record.c.key, member.c.identity_id).select_from(
        member.join(record, record.c.id == member.c.record_id).join(source, source.c.id == record.c.source_id)
    )
    return {f"{name}/{key}": identity for name, key, identity in c.execute(question.where(record.c.state == "live"))}


def quality(found: Mapping[str, Any], truth: Mapping[str, Any]) -> Quality:
    """Compare pairs together in `found` with pairs together in `truth`."""

    def pairs(counts: Counter[Any]) -> int:
        return sum(count * (count - 1) // 2 for count in counts.values())

    right = pairs(Counter((found[one], truth[one]) for one in truth))
    precision = right / max(1, pairs(Counter(found[one] for one in truth)))
    recall = right / max(1, pairs(Counter(truth.values())))
    return Quality(round(precision, 4), round(recall, 4), round(2 * precision * recall / max(1e-9, precision + recall), 4))


def measured(name: str, folder: Path) -> Quality:
    """Put a gold set through the whole road and say how true the groups are."""
    entries = documents(name)
    journal = Journal(folder / f"{name}.sqlite")
    with journal.write() as c:
        fill(c, entries)
    with journal.write() as c:
        Matcher(NAMES).combine_all(c)
        found = partition(c)
    journal.close()
    return quality(found, {f"{entry.source}/{entry.key}": entry.truth for entry in entries})


def rows(*path: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the gold sets."""
    with GOLD.joinpath(*path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def french(row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row of fr_dev as a document."""
    document = {
        "name": {"fr": row["name"]},
        "telephone": row["phone"],
        "email": row["email"],
        "url": [row["url"]] if row["url"] else [],
        "rna": row["rna"],
        "siret": row["siret"] if len(row["siret"].replace(" ", "")) == 14 else "",
        "siren": row["siret"] if len(row["siret"].replace(" ", "")) == 9 else "",
        "keywords": [row["category"]],
        "modified": f"{row['modified']}T00:00:00Z",
        "consent": "2026-01-01",
        "location": _place(row["street"], row["postcode"], row["city"], row["lat"], row["lon"]),
    }
    return {key: value for key, value in document.items() if value}


def english(name: str, phone: str, place: list[dict[str, Any]], url: str = "", kind: str = "") -> dict[str, Any]:
    """Return a document in English."""
    document = {
        "name": {"en": name},
        "telephone": phone,
        "url": [url] if url else [],
        "keywords": [kind] if kind else [],
        "location": place,
        "consent": "2026-01-01",
    }
    return {key: value for key, value in document.items() if value}


def _place(street: str, postcode: str = "", city: str = "", latitude: str = "", longitude: str = "") -> list[dict[str, Any]]:
    place = {"streetAddress": street, "postalCode": postcode, "addressLocality": city, "latitude": latitude, "longitude": longitude}
    return [{key: value for key, value in place.items() if value}]


def _fr_dev() -> Iterator[Entry]:
    truth = {row["id"]: row["entity"] for row in rows("fr_dev", "truth.csv")}
    for row in rows("fr_dev", "records.csv"):
        yield Entry(row["source"], row["id"].partition(":")[2], french(row), truth[row["id"]])


def _fodors() -> Iterator[Entry]:
    twins = {row["fodors_id"]: row["zagats_id"] for row in rows("fodors_zagat", "matches_fodors_zagats.csv")}
    for name in ("fodors", "zagats"):
        for row in rows("fodors_zagat", f"{name}.csv"):
            truth = f"z{row['id']}" if name == "zagats" else f"z{twins[row['id']]}" if row["id"] in twins else f"f{row['id']}"
            yield Entry(name, row["id"], english(row["name"], row["phone"], _place(row["addr"], city=row["city"]), kind=row["type"]), truth)


def _chicago() -> Iterator[Entry]:
    for row in rows("chicago_odd", "records.csv"):
        name = "".join(letter if letter.isalnum() else "-" for letter in row["source"].lower()).strip("-")[:60].strip("-")
        yield Entry(name, row["id"], english(row["name"], row["phone"], _place(row["street"], row["postcode"]), row["url"]), row["entity"])


_SETS: Mapping[str, Callable[[], Iterator[Entry]]] = {"fr_dev": _fr_dev, "fodors_zagat": _fodors, "chicago_odd": _chicago}


def main() -> None:
    """Print the quality of every gold set."""
    with tempfile.TemporaryDirectory() as folder:
        for name in _SETS:
            begun = time.process_time()
            found = measured(name, Path(folder))
            sys.stdout.write(
                f"{name:14} precision {found.precision:.4f}  recall {found.recall:.4f}  F1 {found.f1:.4f}  {time.process_time() - begun:.1f} s CPU\n"
            )


if __name__ == "__main__":
    main()
