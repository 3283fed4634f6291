"""The examples of docs/federation.md, as a node writes them: ``python -m tests.feed.examples`` puts them into the page anew."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from app.feed import log, pages, relay
from app.journal import Journal
from app.journal.tables import judgement
from app.names import Names
from app.record import content_hash, read, with_context

PAGE = Path(__file__).parents[2] / "docs" / "federation.md"
BLOCK = re.compile(r"(<!-- example: ([a-z]+) -->\n)```json\n(.*?)```\n", re.DOTALL)
NAMES = Names("https://a.example")
HUB = Names("https://hub.example")
DATES = {"created": "2026-11-02T09:00:00Z", "modified": "2026-11-20T08:00:00Z", "license": "https://creativecommons.org/publicdomain/zero/1.0/"}

Document = dict[str, Any]


def examples() -> dict[str, str]:
    """Return every example by its name, as text; the moments at which things were published are invented."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.sqlite")
        found = _of_a_log(journal)
        journal.close()
    return {name: json.dumps(document, ensure_ascii=False, indent=1) + "\n" for name, document in _dated(found).items()}


def filled(page: str, texts: dict[str, str]) -> str:
    """Return the page with each example in its place."""
    return BLOCK.sub(lambda found: f"{found[1]}```json\n{texts[found[2]]}```\n", page)


def _of_a_log(journal: Journal) -> dict[str, Document]:
    """A log of two events a page, at a node where somebody judged: its root, a closed page, the open one, and an erasure."""
    _publish(journal, "Create", "lucioles", "Les Lucioles (exemple inventé)")
    _publish(journal, "Create", "atelier", "L'Atelier du canal (exemple inventé)")
    _publish(journal, "Update", "lucioles", "Les Lucioles de Saint-Denis (exemple inventé)")
    _publish(journal, "Create", "compost", "Le Compost partagé (exemple inventé)")
    _withdraw(journal, "atelier")
    with journal.write() as c:  # after everything else, by whatever clock
        ends = {"left": "own/compost", "right": "own/lucioles", "verdict": "different"}
        c.execute(judgement.insert().values(**ends, author="une personne inventée", at="9999-01-01T00:00:00.000Z"))
    with journal.read() as c:
        root = pages.root(c, NAMES)
        closed, last = (pages.page(c, NAMES, number).document for number in (2, 3))
    with journal.write() as c:
        relay.note(c, [relay.Notice(log.Kind.UPDATE, NAMES.group("lucioles"), NAMES.base, 1, 3)])
        passed_on = relay.page(c, HUB)
    erased = _withdraw(journal, "compost", purge=True)
    told = {"root": root, "page": closed, "open": last}
    written = {name: with_context(document, NAMES.context) for name, document in told.items()}
    written["relay"] = with_context(passed_on, HUB.context)
    return written | {"purge": pages.activity(NAMES, erased), "ping": {"feed": NAMES.feed, "sequence": 6}}


def _publish(journal: Journal, kind: str, key: str, name: str) -> None:
    """Say something of a group."""
    place = {"id": f"{NAMES.group(key)}#lieu", "postalCode": "93200", "addressLocality": "Saint-Denis"}
    said = {"name": {"fr": name}, "topics": ["housing"], "location": [place], **DATES}
    document = read(said, iri=NAMES.group(key)).document
    with journal.write() as c:
        log.append(c, NAMES, kind, key, document, content_hash(document), page_size=2)


def _withdraw(journal: Journal, key: str, *, purge: bool = False) -> log.Event:
    """Withdraw a group."""
    with journal.write() as c:
        return log.append(c, NAMES, "Delete", key, None, purge=purge, page_size=2)


def _dated(value: Any) -> Any:
    """Return the document with invented moments, in the order of the true ones."""
    true = sorted(set(_moments(value)))
    invented = {moment: f"2026-11-20T08:{number:02}:00.000Z" for number, moment in enumerate(true)}
    return json.loads(re.sub(r'"(\d{4}-[^"]*\.\d{3}Z)"', lambda found: f'"{invented.get(found[1], found[1])}"', json.dumps(value)))


def _moments(value: Any) -> list[str]:
    """Find every moment of the log in a document."""
    return re.findall(r'"(\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z)"', json.dumps(value))


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text("utf-8"), examples()), "utf-8")
