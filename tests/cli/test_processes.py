"""What only real processes show: output that nobody takes, terminals, Ctrl-C, and commands beside a running node."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from app.journal import FILE, Journal, records, tokens
from app.names import OWN
from tests.cli.conftest import DEMO
from tests.nodes import NodeProcess, environment


def maillage(node: NodeProcess, *arguments: str | Path, **how: object) -> "subprocess.Popen[bytes]":
    """Start a command whose ends are held by the test; it heeds Ctrl-C although whoever started the tests may not."""
    node.data_dir.parent.mkdir(parents=True, exist_ok=True)
    env = environment(node.data_dir, node.port, **node.settings) | {"COLUMNS": "60"}
    command = ["env", "--default-signal=INT", sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.Popen(command, env=env, cwd=node.data_dir.parent, stdin=subprocess.DEVNULL, **how)  # type: ignore[call-overload, no-any-return]


def one_line(process: "subprocess.Popen[bytes]") -> str:
    """Wait for a command that fails, and return the one line that says why."""
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read().decode()
    assert process.wait(60) == 1, said
    assert said.startswith("maillage: "), said
    assert said.count("\n") == 1, said
    return said.removeprefix("maillage: ").rstrip("\n")


def test_output_that_nobody_takes_is_one_line_and_a_token_that_was_not_shown_is_not_kept(tmp_path: Path) -> None:
    """A full disk, a reader that left, an output closed from the beginning."""
    node = NodeProcess(tmp_path / "data")
    create = ("token", "create", "--role", "admin", "--label", "lost")
    with Path("/dev/full").open("wb") as full:
        assert one_line(maillage(node, *create, stdout=full, stderr=subprocess.PIPE)) == "The output was not written to its end: the disk is full."
    reader, writer = os.pipe()
    os.close(reader)
    said = one_line(maillage(node, *create, stdout=writer, stderr=subprocess.PIPE))
    os.close(writer)
    assert said == "The output was not written to its end: the program that was reading it has stopped."
    with closing(Journal(node.data_dir / FILE)) as journal, journal.read() as connection:
        assert tokens.list_(connection) == []


def test_progress_and_narrow_tables_are_for_terminals_alone(tmp_path: Path) -> None:
    """On a terminal a line counts the records and no row is wider than it; the other tests, without one, see neither."""
    node = NodeProcess(tmp_path / "data")
    keeper, terminal = pty.openpty()
    loading = maillage(node, "load", DEMO / "appuii.jsonld", stdout=subprocess.DEVNULL, stderr=terminal)
    assert loading.wait(60) == 0
    assert b"\rRecords read:        9\r\nRecords: 8 added.\r\n" in os.read(keeper, 10_000)  # what was read: eight records and the end
    with closing(Journal(node.data_dir / FILE)) as journal, journal.write() as connection:
        tokens.create(connection, "a label that is so long that it cannot stand on a narrow terminal", tokens.Role.READER)
    listing = maillage(node, "token", "list", stdout=terminal, stderr=subprocess.DEVNULL)
    assert listing.wait(60) == 0
    shown = os.read(keeper, 10_000).decode().replace("\r\n", "\n").splitlines()
    assert max(map(len, shown)) <= 60
    assert "a label" in shown[2]
    assert "…" in shown[2]
    os.close(keeper)
    os.close(terminal)


def test_stopped_in_the_middle_a_command_says_so_and_nothing_is_half_done(tmp_path: Path) -> None:
    """Ctrl-C while a file is read: one line, status 1, and none of its records."""
    node = NodeProcess(tmp_path / "data")
    pipe = tmp_path / "endless.csv"
    os.mkfifo(pipe)
    loading = maillage(node, "load", pipe, "--format", "csv", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with pipe.open("wb", buffering=0) as writer:
        writer.write(b"id;nom\n" + b"".join(b"%d;Groupe %d\n" % (number, number) for number in range(1000)))
        _press(loading)
        assert one_line(loading) == "Interrupted; what was saved stays saved."
    assert ours(node) == set()


def _press(process: "subprocess.Popen[bytes]", times: int = 10) -> None:
    """Press Ctrl-C, again after a while as a person would: one that comes just before a read that has to wait is only seen after it.

    A command that never heeds it is killed, so that the test fails and does not hang.
    """
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
    process.kill()


def ours(node: NodeProcess) -> set[str]:
    """Return the slugs of a node's own groups."""
    with closing(Journal(node.data_dir / FILE)) as journal, journal.read() as connection:
        return {record.key for record in records.live(connection, OWN)}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node at work with groups of its own; told to stop at the end, it ends well."""
    node = NodeProcess(tmp_path_factory.mktemp("served") / "data")
    node.run("load", DEMO / "appuii.jsonld")
    node.start()
    yield node
    assert node.stop(signal.SIGTERM) == 0
    assert "Traceback" not in node.log()


def test_what_needs_the_data_directory_or_the_port_is_refused_beside_a_running_node(served: NodeProcess, tmp_path: Path) -> None:
    """`rebuild` names the directory, another node the port that it cannot have; the first one goes on serving."""
    refused = served.attempt("rebuild")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"maillage: Another node is already using the data directory {served.data_dir}: stop it")
    assert refused.stderr.count("\n") == 1
    other = NodeProcess(tmp_path / "other" / "data", port=served.port).attempt("serve")
    assert other.returncode == 1
    assert "cannot be listened on, another program already listens there: choose another one (HOST, PORT)." in other.stderr
    assert "Traceback" not in other.stderr
    assert httpx.get(f"{served.url}/health").status_code == 200


def test_a_question_beside_a_running_node_goes_to_it(served: NodeProcess, tmp_path: Path) -> None:
    """The same table, and the node's refusal in the terminal's language."""
    question = tmp_path / "question"
    question.write_text("SELECT (COUNT(DISTINCT ?g) AS ?n) { ?g a <https://w3id.org/maillage/ns#Group> }")
    assert served.run("query", question).splitlines() == ["n", "-", "8"]
    assert served.attempt("query", stdin="SELECT * {").stderr == "maillage: SPARQL query, line 1, column 11: '}' is missing.\n"


def test_a_copy_taken_while_others_write_starts_the_same_node_elsewhere(served: NodeProcess, tmp_path: Path) -> None:
    """Nothing acknowledged before the copy is missing from it; restored, it opens a new epoch."""
    acknowledged: list[str] = []
    stop = threading.Event()
    with closing(Journal(served.data_dir / FILE)) as journal, journal.write() as connection:
        token = tokens.create(connection, "writer", tokens.Role.EDITOR)

    def write() -> None:
        with httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            while not stop.is_set():
                name = f"ecrit-{len(acknowledged)}"
                client.put(f"/groups/{name}", json={"name": {"fr": name}, "topics": ["culture"]}).raise_for_status()
                acknowledged.append(name)

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 5:
        assert writer.is_alive()
    before = set(acknowledged)
    served.run("backup", tmp_path / "copy")
    stop.set()
    writer.join()
    elsewhere = NodeProcess(tmp_path / "elsewhere" / "data", port=served.port)
    assert re.search(r"epoch [0-9]{2,}", elsewhere.attempt("restore", tmp_path / "copy").stderr)
    assert before | {"voix-de-la-noue"} <= ours(elsewhere) <= ours(served)


def test_a_visit_that_is_under_way_is_waited_for(tmp_path: Path) -> None:
    """A peer that somebody else visits just now is visited afterwards, and the command says what it waits for; Ctrl-C gives up."""
    node = NodeProcess(tmp_path / "data", settings={"allow_private_peers": "127.0.0.1:9"})
    node.run("peers", "add", "neighbour", "http://127.0.0.1:9/feed", "--format", "maillage")
    visits = tmp_path / "data" / "visits"
    visits.mkdir(exist_ok=True)
    for given_up in (True, False):
        with (visits / "neighbour.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = maillage(node, "harvest", "neighbour", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            with waiting, waiting.stderr:  # type: ignore[union-attr]
                said = waiting.stderr.readline().decode()  # type: ignore[union-attr]
                assert said == "A visit to 'neighbour' is already under way: waiting until it ends (Ctrl-C to give up).\n"
                if given_up:
                    waiting.send_signal(signal.SIGINT)
                else:
                    fcntl.flock(lock, fcntl.LOCK_UN)
                assert waiting.wait(60) == 1  # the peer itself is not there
                rest = waiting.stderr.read().decode()  # type: ignore[union-attr]
        assert rest.count("\n") == 1
        assert ("neighbour : " in rest) is not given_up
    shown = json.loads(node.run("peers", "show", "neighbour", "--json"))
    assert [visit["outcome"] for visit in shown["visits"]] == ["failed"]


def test_ctrl_c_ends_a_node_well(tmp_path: Path) -> None:
    """Status 0, nothing but its log."""
    node = NodeProcess(tmp_path / "data").start()
    assert node.stop(signal.SIGINT) == 0
    assert "Traceback" not in node.log()
