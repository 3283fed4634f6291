"""Erased is erased: a marked record leaves every file, output and log of two real nodes, and nothing brings it back. The groups are invented."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.nodes import NodeProcess, eventually, serving

MARK = "zibelinexq7"
TAIL = MARK[2:].encode()
"""What is looked for: the beginning of a word may be left out where an index writes only what differs from the word before."""

START = ("/", "/groups", "/feed", "/feed.atom", "/.well-known/void", "/peers", "/metrics", "/openapi.json", "/graphs?default", "/catalogue")
API = ("/api/peers", "/api/matches?state=review", "/api/judgements", "/api/peers/voisin/visits")
DUMPS = tuple(f"/dump.{kind}{own}" for kind in ("nq.gz", "ndjson.gz", "csv", "geojson") for own in ("", "?source=own"))
EVERYWHERE = {"/dump.nq.gz", "/dump.ndjson.gz", "/dump.csv", "/dump.geojson", "/graphs?default", "/groups"}
OWN = {
    "/groups/atelier",
    "/groups/atelier/history",
    "/records/own/atelier",
    "/feed/pages/1",
    "/feed/events/1/1",
    "/feed.atom",
    "/dump.nq.gz?source=own",
}
TAKEN = {"/records/voisin/atelier", "/records/voisin/amis", f"/groups/les-amis-des-{MARK}s", "/api/judgements"}
TOLD = {"a": EVERYWHERE | OWN, "b": EVERYWHERE | TAKEN}
"""Some of the addresses that must tell of the marked groups before they are erased, or looking for them afterwards would prove nothing."""

QUERIES = (
    "SELECT * { ?s ?p ?o }",
    "SELECT * { GRAPH ?g { ?s ?p ?o } }",
    "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }",
    "SELECT ?s (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?s",
)
KINDS = ("application/ld+json", "text/html", "text/turtle", "application/trig", "application/geo+json", "text/csv", "application/n-triples")
NEVER = re.compile(r"/(static|source\.tar|docs|shapes|vocab|embed)\b|/[^?]*\?(?!graph=|default|state=|source=)")
"""Files of the program; and the many ways to sort and to narrow the one list of groups."""
RECORDS = re.compile(r"/(groups|records|graphs|feed)\b")
ADDRESSES = 400


def group(name: str, **more: Any) -> dict[str, Any]:
    """An invented group."""
    return {"name": {"fr": name}, "topics": ["culture"], **more}


def marked(name: str = f"Atelier du canal {MARK}") -> dict[str, Any]:
    """The group that is going to be erased: marked in its name, its description and its contact."""
    place = {"streetAddress": "3 rue des Lilas", "postalCode": "93100", "addressLocality": "Montreuil", "latitude": "48.86", "longitude": "2.44"}
    contact = {"email": f"contact@{MARK}.example", "consent": "2026-11-01"}
    return group(name, description={"fr": f"On y répare des {MARK}s."}, url=["https://canal.example/"], location=[place], **contact)


@contextmanager
def client(node: NodeProcess, role: str | None = "admin") -> Iterator[httpx.Client]:
    """Somebody with a token of this role, or without any."""
    headers = {"Authorization": f"Bearer {node.token(role)}"} if role else {}
    with httpx.Client(base_url=node.url, headers=headers | {"Accept-Language": "en"}, timeout=60, follow_redirects=True) as found:
        yield found


def said(answer: httpx.Response) -> bytes:
    """What an answer says, in its headers too; packed or not."""
    body = gzip.decompress(answer.content) if answer.content[:2] == b"\x1f\x8b" else answer.content
    return str(answer.headers).encode() + body


def asked(http: httpx.Client, addresses: Iterator[str] | tuple[str, ...] = ()) -> dict[str, bytes]:
    """Everything that a node answers: each address in every format, then the addresses that these answers name; what nobody may read is left out."""
    base = str(http.base_url).rstrip("/")
    waiting, seen, found = [*START, *DUMPS, *API, *addresses], set[str](), dict[str, bytes]()
    while waiting and len(seen) < ADDRESSES:
        address = waiting.pop(0)
        if address in seen or NEVER.match(address):
            continue
        seen.add(address)
        for kind in ("*/*",) if address in DUMPS else KINDS if RECORDS.match(address) else KINDS[:2]:
            answer = http.get(address, headers={"Accept": kind})
            if answer.status_code == 406:
                continue
            found[f"{address} {kind}"] = said(answer)
            text = answer.text if "text" in kind or "json" in kind else ""
            waiting += re.findall(rf'{re.escape(base)}(/[^\s"\'<>\\{{}}]*)', text) + re.findall(r'href="(/[^"#]*)', text)
        if address not in DUMPS:
            waiting += [f"{address}/history"] if re.fullmatch(r"/groups/[a-z0-9-]+", address) else []
    assert len(seen) < ADDRESSES
    for query in QUERIES:
        for kind in ("application/sparql-results+json", "text/csv", "text/turtle"):
            answer = http.post("/sparql", data={"query": query}, headers={"Accept": kind})
            found[f"{query} {kind}"] = said(answer)
    return found


def files(node: NodeProcess) -> dict[str, bytes]:
    """Every file of a node's room: the journal with its log, the graph, the copies for queries, what it wrote as it ran."""
    room, found = node.data_dir.parent, dict[str, bytes]()
    for folder, _, names in os.walk(room):  # what a running node clears away meanwhile is passed over
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):
                found[str(path.relative_to(room))] = path.read_bytes()
    return found


def holding(found: dict[str, bytes], what: bytes = TAIL) -> list[str]:
    """Where the mark stands."""
    return sorted(name for name, content in found.items() if what in content.lower())


def visited(http: httpx.Client, name: str = "voisin") -> dict[str, Any]:
    """Visit a peer and return the report."""
    found: list[dict[str, Any]] = []

    def done() -> None:
        answer = http.post(f"/api/peers/{name}/visit")
        assert answer.status_code == 200, answer.text
        found.append(answer.json())

    eventually(done, 60)
    assert found[0]["outcome"] in {"applied", "unchanged"}, found[0]
    return found[0]


def settled(http: httpx.Client, text: str) -> None:
    """Wait until the graph holds something."""

    def there() -> None:
        assert text in http.post("/sparql", data={"query": QUERIES[1]}, headers={"Accept": "text/csv"}).text

    eventually(there, 60)


def clean(node: NodeProcess) -> None:
    """Wait until no file of a node holds the mark any more."""

    def gone() -> None:
        assert holding(files(node)) == []

    eventually(gone, 60)


@contextmanager
def two_nodes(folder: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """A node with two marked groups and one that is not, and one that harvested it and has merged, judged and explained them."""
    with serving(folder / "a") as first, serving(folder / "b", allow_private_peers=f"127.0.0.1:{first.port}") as second:
        with client(first) as there, client(second) as here:
            there.put("/groups/atelier", json=marked()).raise_for_status()
            there.put("/groups/amis", json=group(f"Les amis de la {MARK}")).raise_for_status()
            there.put("/groups/amis", json=group(f"Les amis des {MARK}s"), headers={"If-Match": "*"}).raise_for_status()
            there.put("/groups/four", json=group("Le four du quartier")).raise_for_status()
            here.put("/groups/atelier-du-canal", json=marked("Atelier du canal") | {"description": {"fr": "Réparations."}} | unmarked())
            here.post("/api/peers", json={"name": "voisin", "url": first.url, "keep_contacts": True}).raise_for_status()
            visited(here)
            pair = {"left": f"{second.url}/records/own/atelier-du-canal", "right": f"{second.url}/records/voisin/atelier"}
            here.post("/api/judgements", json=pair | {"verdict": "same", "reason": f"Le même {MARK}."}).raise_for_status()
            settled(here, "Atelier du canal zibeline")
            settled(there, "four du quartier")
            assert here.get("/api/matches/explain", params=pair).json()["same_group"] is True
            assert MARK in here.get("/groups.csv", params={"q": MARK}).text
        yield first, second


def unmarked() -> dict[str, Any]:
    """A contact without the mark."""
    return {"email": "contact@canal.example"}


def test_a_purged_record_is_nowhere_and_does_not_come_back(tmp_path: Path) -> None:
    """Purged at its origin: after the peer's next visit no file, output or log of either node holds it, whatever is visited or restored later."""
    with two_nodes(tmp_path) as (first, second):
        for node in (first, second):
            node.run("backup", tmp_path / "copies" / node.data_dir.parent.name)
        before: dict[str, set[str]] = {}
        for node in (first, second):
            with client(node) as http:
                before[node.url] = {one.split(" ")[0] for one in holding(asked(http)) if one.startswith("/")}
            assert before[node.url] >= TOLD[node.data_dir.parent.name], sorted(before[node.url])
            stained = holding(files(node))
            assert any("journal" in name for name in stained) and any("graph/" in name for name in stained), stained
            assert any("generations/" in name for name in stained), stained
        with client(first) as there, client(second) as here:
            for slug in ("atelier", "amis"):
                there.delete(f"/groups/{slug}", params={"purge": True}).raise_for_status()
            visited(here)
        nowhere(first, before[first.url], "admin", None)
        nowhere(second, before[second.url], "admin", None)
        comes_not_back(first, second, before)
        restored(first, second, before, tmp_path / "copies")


def nowhere(node: NodeProcess, before: set[str], *roles: str | None) -> None:
    """No file, log or output holds the mark, at the addresses that held it neither, whoever asks."""
    clean(node)
    for role in roles or ("admin",):
        with client(node, role) as http:
            assert holding(asked(http, tuple(address for address in before if MARK not in address))) == []
    with client(node, None) as http:
        assert http.get("/groups.csv", params={"q": MARK}).text.count("\n") == 1
        for address in before:
            if MARK in address:
                assert http.get(address).status_code in {404, 410}, address
    assert holding(files(node)) == []  # asking for the mark leaves it nowhere either


def comes_not_back(first: NodeProcess, second: NodeProcess, before: dict[str, set[str]]) -> None:
    """Another visit, a restart, the peer removed and added again: the good record is there, the erased ones are not."""
    with client(second) as here:
        visited(here)
        here.delete("/api/peers/voisin").raise_for_status()
        here.post("/api/peers", json={"name": "encore", "url": first.url, "keep_contacts": True}).raise_for_status()
        visited(here, "encore")
        here.delete("/api/peers/encore").raise_for_status()
        here.post("/api/peers", json={"name": "voisin", "url": first.url, "keep_contacts": True}).raise_for_status()
        visited(here)
        assert [here.get(f"/records/voisin/{key}").status_code for key in ("four", "atelier", "amis")] == [200, 404, 404]
    second.stop()
    second.start()
    nowhere(second, before[second.url])


def restored(first: NodeProcess, second: NodeProcess, before: dict[str, set[str]], copies: Path) -> None:
    """An old backup put back on either node is erased again before anybody reads it."""
    for node in (first, second):
        node.stop()
        assert json.loads(node.run("restore", copies / node.data_dir.parent.name, "--json"))["erased"] == 2
        assert holding(files(node)) == []
        node.start()
    with client(second) as here, client(first) as there:
        assert [there.get(f"/groups/{slug}").status_code for slug in ("atelier", "amis", "four")] == [410, 410, 200]
        assert here.get("/groups/atelier-du-canal").status_code == 200
        visited(here)
    for node in (first, second):
        nowhere(node, before[node.url])


def test_what_was_erased_on_request_is_not_taken_again(tmp_path: Path) -> None:
    """Erased where it was harvested, over HTTP and from the command line: its origin, a renamed peer and an old copy bring nothing back."""
    with two_nodes(tmp_path) as (first, second), client(second) as here, client(first) as there:
        second.run("backup", tmp_path / "copy")
        (second.data_dir / "journal.before-0000.sqlite").write_bytes(b"a copy from before an upgrade")
        here.delete("/records/voisin/atelier", params={"purge": True}).raise_for_status()
        told = json.loads(second.run("erase", f"{first.url}/groups/amis", "--json"))
        assert told == {"erased": ["voisin/amis"], "copies": [str(second.data_dir / "journal.before-0000.sqlite")]}
        second.kill()  # whatever of it was still to be done is done after the next start
        second.start()
        nowhere(second, set())
        assert [here.get(f"/records/voisin/{key}").status_code for key in ("four", "atelier", "amis")] == [200, 410, 410]
        there.put("/groups/atelier", json=marked(f"Revenant {MARK}"), headers={"If-Match": "*"}).raise_for_status()
        report = visited(here)
        assert [(line["key"], line["outcome"]) for line in report["items"]] == [("atelier", "refused")]
        assert report["items"][0]["message"] == "This record was erased here on request: it is not taken again."
        here.delete("/api/peers/voisin").raise_for_status()
        here.post("/api/peers", json={"name": "sous-un-autre-nom", "url": first.url, "keep_contacts": True}).raise_for_status()
        assert visited(here, "sous-un-autre-nom")["counts"]["refused"] == 2
        clean(second)
        second.stop()
        assert json.loads(second.run("restore", tmp_path / "copy", "--json"))["erased"] == 2
        assert holding(files(second)) == []
        second.start()
        visited(here)
        nowhere(second, set())
        second.stop()
        second.run("erase", f"{first.url}/groups/four")
        assert not (second.data_dir / "graph").exists()
        assert second.attempt("erase", f"{first.url}/groups/four").stderr.endswith("This record is erased already.\n")


def test_an_erasure_is_lifted_over_http_and_from_the_command_line(tmp_path: Path) -> None:
    """A mistake is undone either way: the next visit takes the record again, as its origin says it."""
    with two_nodes(tmp_path) as (first, second), client(second) as here:
        here.delete("/records/voisin/atelier", params={"purge": True}).raise_for_status()
        second.run("erase", f"{first.url}/groups/amis")
        assert here.delete("/records/voisin/atelier/erasure").status_code == 204
        assert here.delete("/records/voisin/atelier/erasure").status_code == 409
        assert json.loads(second.run("erase", "--lift", f"{first.url}/groups/amis", "--json")) == {"lifted": ["voisin/amis"]}
        assert visited(here)["counts"]["added"] == 2
        assert [here.get(f"/records/voisin/{key}").status_code for key in ("four", "atelier", "amis")] == [200, 200, 200]
