"""`load`: groups from a file into an empty node with `maillage load`, and how long a node that holds them takes to be ready again."""

import resource
import tempfile
import time
from pathlib import Path

from tests.benchmarks.harvest import write
from tests.benchmarks.measuring import Spent, cpu_of, table
from tests.nodes import NodeProcess


def run(groups: int = 10_000) -> str:
    """Load, start, kill, start again, and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "groups.jsonld"
        write(path, groups)
        node = NodeProcess(Path(folder) / "node" / "data")
        first, again = _command(node, "load", path), _command(node, "load", path)
        starts = [_started(node) for _ in range(3)]
    rows: list[tuple[object, ...]] = [
        ("`maillage load` into an empty node", first.wall, first.cpu, first.rate(groups)),
        ("the same file again: nothing changes", again.wall, again.cpu, again.rate(groups)),
    ]
    for how, taken in zip(("graph to be built", "after kill -9", "again"), starts, strict=True):
        rows.append((f"start until /ready, {how}", taken.wall, taken.cpu, "-"))
    return table(f"Loading and starting, {groups:,} groups (goals: 800 a second; ready within 10 s)", ("what", "wall, s", "cpu, s", "records"), rows)


def _command(node: NodeProcess, *arguments: str | Path) -> Spent:
    """Run one command and return what it took, its start included."""
    wall, cpu = time.perf_counter(), _waited_for()
    node.run(*arguments)
    return Spent(time.perf_counter() - wall, _waited_for() - cpu)


def _waited_for() -> float:
    """Return the processor time of the processes that this one waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _started(node: NodeProcess) -> Spent:
    """Start the node, wait until it is ready, kill it; return what that took."""
    begun = time.perf_counter()
    node.start()
    taken = time.perf_counter() - begun
    assert node.process is not None
    spent = Spent(taken, cpu_of(node.process.pid))
    node.kill()
    return spent
