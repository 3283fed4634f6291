"""What the README tells a newcomer to type works as written."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.nodes import NodeProcess, eventually, serving

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DEMO = ROOT / "app" / "demo" / "data"


def blocks(language: str) -> list[str]:
    """Return the README's blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def metropolis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Two nodes of the demonstration's groups, the second having harvested the first."""
    folder = tmp_path_factory.mktemp("readme")
    network = NodeProcess(folder / "network" / "data")
    network.run("load", DEMO / "appuii.jsonld")
    network.start()
    try:
        with serving(folder / "metropolis", allow_private_peers=f"127.0.0.1:{network.port}") as node:
            node.attempt("load", DEMO / "kumu.json", "--mapping", DEMO / "kumu.toml")
            node.run("peers", "add", "appuii", network.url)
            node.run("harvest")
            yield node
    finally:
        network.kill()


@pytest.mark.parametrize("query", blocks("sparql"), ids=range(len(blocks("sparql"))))
def test_the_five_questions_have_answers(metropolis: NodeProcess, query: str) -> None:
    """Each of the README's queries parses and is answered with rows, except those that may find nothing wrong."""

    def answered() -> None:
        answer = httpx.get(f"{metropolis.url}/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}, timeout=30)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["results"]["bindings"]
        assert rows or "!= LCASE" in query or "mc:housing ; schema:knowsAbout" in query

    eventually(answered)


def test_the_feed_client_reads_the_whole_feed_and_resumes(metropolis: NodeProcess) -> None:
    """The README's client yields every own group, and nothing when it has seen all."""
    (client,) = (block for block in blocks("python"))
    room: dict[str, Any] = {}
    exec(client, room)  # the README's own text
    events = list(room["follow"](f"{metropolis.url}/feed"))
    assert len(events) == 7
    assert {kind for kind, _, _ in events} == {"Create"}
    assert all(record["name"]["fr"] for _, _, record in events)
    assert list(room["follow"](f"{metropolis.url}/feed", last=7)) == []


def test_the_commands_it_names_exist() -> None:
    """The two commands are there, executable, and the documents it points to exist."""
    for command in re.findall(r"\./(deploy/\w+)", README):
        assert (ROOT / command).stat().st_mode & 0o111
    for document in re.findall(r"`((?:docs/)?[A-Za-z-]+\.md)`", README):
        assert (ROOT / document).is_file()
