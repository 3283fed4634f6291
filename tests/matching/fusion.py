"""How often a rule of fusion keeps the true value, on the gold set whose true values are known.

Run `python -m tests.matching.fusion` to print it for each rule; groups are the true ones, and only those count whose records contradict each other.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from app.matching.choosing import phone, vote, vote_by_date
from app.matching.fuse import Statement, fuse
from app.matching.normalise import street_parts
from app.matching.rules import RULES, Rules, overridden
from tests.matching.desk import NAMES
from tests.matching.gold import french, rows

IRI: Final = "http://127.0.0.1:8000/groups/x"


@dataclass(frozen=True)
class Measured:
    """A property: how it is read from a document, and from the line of the true values."""

    said: Callable[[Mapping[str, Any]], str]
    true: Callable[[Mapping[str, str]], str]


def street(document: Mapping[str, Any]) -> str:
    """Return house number and street in normal form."""
    text = next((str(place.get("streetAddress") or "") for place in document.get("location", ())), "")
    return " ".join(street_parts(text)) if text else ""


def name(document: Mapping[str, Any]) -> str:
    """Return the name to the letter."""
    return str(document.get("name", {}).get("fr", ""))


MEASURED: Final = {
    "telephone": Measured(lambda document: phone(document["telephone"]) if document.get("telephone") else "", lambda row: phone(row["phone"])),
    "location": Measured(street, lambda row: " ".join(street_parts(f"{row['num']}{row['sfx']} {row['st']} {row['sn']}"))),
    "email": Measured(lambda document: str(document.get("email", "")).casefold(), lambda row: row["email"].casefold()),
    "name": Measured(name, lambda row: row["name"]),
}
"""The properties of merging.md, section 6."""


@cache
def groups() -> list[tuple[dict[str, str], list[Statement]]]:
    """Return each real group of the set with what is said of it: true values, statements."""
    entities = {row["eid"]: row for row in rows("fr_dev", "entities.csv")}
    truth = {row["id"]: row["entity"] for row in rows("fr_dev", "truth.csv")}
    together: dict[str, list[Statement]] = {}
    for row in rows("fr_dev", "records.csv"):
        reference = row["id"].replace(":", "/", 1)
        together.setdefault(truth[row["id"]], []).append(Statement(reference, f"https://x.example/{row['id']}", french(row), row["modified"], False))
    return [(entities[entity], statements) for entity, statements in together.items() if len(statements) > 1]


def accuracy(key: str, rules: Rules = RULES) -> tuple[int, int]:
    """Return how many values kept are true, of how many groups whose records contradict each other."""
    measured, right, of = MEASURED[key], 0, 0
    for row, statements in groups():
        said = {value for one in statements if (value := measured.said(one.document))}
        true = measured.true(row)
        if len(said) > 1 and true:
            of += 1
            right += measured.said(fuse(IRI, statements, NAMES, rules).document) == true
    return right, of


def main() -> None:
    """Print the share of true values by property and rule."""
    for key in MEASURED:
        for rule in ("vote", "vote-then-newest", "own-then-newest", "latest"):
            right, of = accuracy(key, overridden({key: rule}))
            mark = "  <- the usual rule" if RULES[key].choose in (vote, vote_by_date) and overridden({key: rule})[key].name == RULES[key].name else ""
            sys.stdout.write(f"{key:10} {rule:18} {right / of:.3f} of {of}{mark}\n")


if __name__ == "__main__":
    main()
