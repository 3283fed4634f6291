"""`relations` as it is typed."""

import json
from contextlib import closing
from pathlib import Path

from app.journal import FILE, Journal
from tests.cli.conftest import BASE, Typed
from tests.matching.desk import Desk
from tests.matching.test_relations import BLOIS, HEAD, NEVERS


def test_links_are_listed_the_part_first(typed: Typed, tmp_path: Path) -> None:
    """A branch, what it is of its head, and the head; two of one network in the order of their records."""
    (tmp_path / "data").mkdir()
    with closing(Journal(tmp_path / "data" / FILE)) as journal:
        desk = Desk(journal)
        for reference, document in (("a/1", HEAD), ("b/1", BLOIS), ("c/1", NEVERS)):
            desk.say(reference, document)
    lines = typed("relations").out.splitlines()
    assert f"{BASE}/records/b/1 org:subOrganizationOf {BASE}/records/a/1" in lines
    assert f"{BASE}/records/c/1 org:subOrganizationOf {BASE}/records/a/1" in lines
    assert f"{BASE}/records/b/1 network {BASE}/records/c/1" in lines
    assert len(json.loads(typed("relations", "--limit", "2", "--json").out)) == 2
