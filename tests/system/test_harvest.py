"""The three real directories, served over HTTP to a node that serves: taken, visited again for next to nothing, held when a third is missing."""

import csv
import io
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from app.journal import FILE
from tests.harvest.feeds import digest_of
from tests.harvest.loopback import Peer, Request, answer
from tests.harvest.test_real_files import FILES, MAPPINGS
from tests.nodes import NodeProcess, eventually, serving
from tests.shared import need
from tests.system.agreement import check
from tests.system.test_agreement import settled

ENTRIES = {"susy": 1200, "brigades": 221, "workers-coop": 387}


class Desk:
    """What a person with an editor's token does at a node."""

    def __init__(self, node: NodeProcess) -> None:
        self._client = httpx.Client(base_url=node.url, headers={"Authorization": f"Bearer {node.token()}", "Accept-Language": "en"}, timeout=90)

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def visit(self, name: str) -> dict[str, Any]:
        """Visit a peer, once the clock is done with it, and return the whole report, with every line."""
        found: list[int] = []

        def done() -> None:
            answer = self._client.post(f"/api/peers/{name}/visit")
            assert answer.status_code == 200, answer.text
            found.append(answer.json()["id"])

        eventually(done, 60)
        return self.report(found[0])

    def report(self, number: int) -> dict[str, Any]:
        """Return a visit with all of its lines."""
        found: dict[str, Any] = self._client.get(f"/api/visits/{number}", params={"limit": 1000}).json()
        following = found["next"]
        while following:
            page = self._client.get(following).json()
            found["items"] += page["items"]
            following = page["next"]
        return found

    def decide(self, number: int, what: str) -> dict[str, Any]:
        """Apply or discard a visit that waits."""
        answer = self._client.post(f"/api/visits/{number}/{what}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def record(self, name: str, key: str) -> int:
        """Return the status of the answer at a record's address."""
        return self._client.get(f"/records/{name}/{key}", headers={"Accept": "application/ld+json"}).status_code


def serve(peer: Peer, name: str, data: bytes) -> None:
    """Serve a file under its name, with an entity tag."""
    tag = digest_of(data)

    def reply(request: Request) -> bytes:
        if request.headers.get("if-none-match") == tag:
            return answer(b"", "304 Not Modified", ETag=tag, Content_Length="0")
        return answer(data, ETag=tag, Content_Type="application/octet-stream")

    peer.answers[f"/{name}"] = reply


def entries(name: str, data: bytes) -> int:
    """Count the records of a file, without any of the code that reads it for the node."""
    if name == "workers-coop":
        return sum(1 for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"))) if any(row.values()))
    found = json.loads(data)
    return len(found["features"] if name == "susy" else found)


def trace(node: NodeProcess) -> list[Any]:
    """All that a visit could leave behind in the journal but its own report."""
    questions = (
        "SELECT max(sequence) FROM change",
        "SELECT count(*) FROM version",
        "SELECT count(*) FROM event",
        "SELECT count(*), max(modified_at), sum(version), sum(missed) FROM record",
        "SELECT count(*), max(modified_at) FROM combined_group",
        "SELECT count(*) FROM visit_item",
        "SELECT count(*) FROM pending",
    )
    with closing(sqlite3.connect(node.data_dir / FILE)) as journal:
        return [journal.execute(question).fetchone() for question in questions]


def live(node: NodeProcess, name: str) -> int:
    """Return how many records of a peer are seen."""
    with closing(sqlite3.connect(node.data_dir / FILE)) as journal:
        question = "SELECT count(*) FROM record JOIN source ON source.id = source_id WHERE source.name = ? AND record.state = 'live'"
        return int(journal.execute(question, [name]).fetchone()[0])


def test_real_directories_are_taken_visited_again_and_braked(tmp_path: Path, peer: Peer) -> None:
    """Every record is accounted for; the second visit changes nothing; a file without a third of its records waits for a person."""
    data = {name: need(path).read_bytes() for name, (_, path, _, _) in FILES.items()}
    for name, content in data.items():
        serve(peer, name, content)
    with serving(tmp_path, allow_private_peers=peer.host) as node:
        for name, (format_, _, _, _) in FILES.items():
            node.run("peers", "add", name, f"{peer.url}/{name}", "--format", format_, "--mapping", MAPPINGS / f"{name}.toml", "--every", "300d")
        with Desk(node) as desk:
            first = {name: taken(node, desk, name, data[name]) for name in FILES}
            settled(node)
            again(node, desk, peer, data)
            for name, (_, _, shortened, holder) in FILES.items():
                serve(peer, name, shortened(data[name], holder))
                braked(node, desk, name, first[name])
        settled(node)
        assert node.stop() == 0
        check(node.data_dir, node.url, tmp_path / "check")


def taken(node: NodeProcess, desk: Desk, name: str, data: bytes) -> int:
    """The first visit: as many lines as the file has records, each taken or refused with its reason; return how many were taken."""
    desk.visit(name)
    with closing(sqlite3.connect(node.data_dir / FILE)) as journal:  # the clock may have been there before us
        question = "SELECT min(visit.id) FROM visit JOIN source ON source.id = source_id WHERE name = ? AND outcome = 'applied'"
        report = desk.report(journal.execute(question, [name]).fetchone()[0])
    lines = [line for line in report["items"] if line["key"] != "*"]
    outcomes = Counter(line["outcome"] for line in lines)
    assert len(lines) == entries(name, data) == ENTRIES[name]
    assert outcomes.keys() <= {"added", "refused"}
    assert report["counts"] == dict.fromkeys(report["counts"], 0) | outcomes | {"unmapped": report["counts"]["unmapped"]}
    assert sum("Fields not taken" in (line["message"] or "") for line in lines) == report["counts"]["unmapped"]
    assert all(line["message"] for line in lines if line["outcome"] == "refused")
    assert outcomes["added"] >= 0.99 * len(lines)
    assert {desk.record(name, line["key"]) for line in lines[::50] if line["outcome"] == "added"} == {200}
    assert live(node, name) == outcomes["added"]
    return outcomes["added"]


def again(node: NodeProcess, desk: Desk, peer: Peer, data: dict[str, bytes]) -> None:
    """The second visit, and one to a server that knows no conditions: one request, nothing read, no trace left."""
    before = trace(node)
    for name in FILES:
        report = desk.visit(name)
        assert (report["outcome"], report["requests"], report["bytes"], report["items"]) == ("unchanged", 1, 0, [])
        assert report["counts"]["unchanged"] == live(node, name)
        peer.answers[f"/{name}"] = answer(data[name], Content_Type="application/octet-stream")
        report = desk.visit(name)
        assert (report["outcome"], report["requests"], report["bytes"], report["items"]) == ("unchanged", 1, len(data[name]), [])
    assert trace(node) == before


def braked(node: NodeProcess, desk: Desk, name: str, taken_before: int) -> None:
    """A third is missing: the visit waits, twice; discarded it leaves all there is, applied it hides what is missing and nothing else."""
    before = trace(node)[:5]
    held = desk.visit(name)
    assert held["outcome"] == "held"
    assert held["counts"]["gone"] > 0.3 * taken_before
    assert desk.decide(held["id"], "discard")["outcome"] == "discarded"
    held = desk.visit(name)
    assert (held["outcome"], live(node, name)) == ("held", taken_before)
    assert trace(node)[:5] == before
    assert desk.decide(held["id"], "apply")["outcome"] == "applied"
    assert live(node, name) == taken_before - held["counts"]["gone"]
    assert desk.visit(name)["outcome"] == "unchanged"
