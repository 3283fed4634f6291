"""`harvest`: one node reads all records of another's feed; checks, applying and matching told apart, against pySHACL alone on the same records."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyshacl
import rdflib

from app import record
from app.checking import Checker
from app.combined import Combined
from app.errors import Violation
from app.harvest.visit import Harvester
from app.journal import Journal, sources, visits
from app.node import Node, open_node
from app.record import Document
from app.settings import Settings
from app.vocabulary import data_path
from tests.benchmarks import invented
from tests.benchmarks.measuring import Stopwatch, table
from tests.nodes import NodeProcess, free_port

FEW = 300
"""Records that pySHACL checks one by one: the rest would only take longer."""

CHECKS, APPLYING, MATCHING = "checks", "applying", "matching"


class TimedChecker(Checker):
    """Notes how long checks take."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self._watch = watch

    def check(self, documents: Sequence[Document]) -> list[tuple[Violation, ...]]:
        """Check as ever."""
        with self._watch.measured(CHECKS):
            return super().check(documents)


class TimedCombined(Combined):
    """Notes how long matching and the side tables take."""

    def __init__(self, node: Node, watch: Stopwatch) -> None:
        super().__init__(node.matcher)
        self._watch = watch

    def settle_pending(self, journal: Journal, progress: Callable[[int], None] | None = None) -> int:
        """Settle as ever."""
        with self._watch.measured(MATCHING):
            return super().settle_pending(journal, progress)


def run(groups: int = 10_000) -> str:
    """Harvest, check the same records with pySHACL alone, and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        with publishing(Path(folder), groups) as peer:
            watch, read = _harvested(Path(folder), peer.url)
        assert read == groups, f"{read} records of {groups} were taken"
        documents = [record.read(one).document for one in invented.groups(groups)]
        whole, each = _all_at_once(documents), _one_by_one(documents[:FEW]) * len(documents) / min(FEW, len(documents))
    total = watch.parts["whole visit"]
    told = sum(watch.parts[part].wall for part in (CHECKS, APPLYING, MATCHING))
    rows = [(part, watch.parts[part].wall, watch.parts[part].cpu, watch.parts[part].rate(groups)) for part in (CHECKS, APPLYING, MATCHING)]
    rows.insert(0, ("fetching, reading, staging", total.wall - told, "-", "-"))
    rows.append(("**whole visit**", total.wall, total.cpu, total.rate(groups)))
    rows.append(("pyshacl.validate, all records in one graph", whole, "-", f"{groups / whole:,.0f}/s"))
    rows.append((f"pyshacl.validate, a record at a time (from {min(FEW, groups)})", each, "-", f"{groups / each:,.0f}/s"))
    title = f"Harvest of {groups:,} records over the native feed: {whole / total.wall:.2f} of pySHACL's rate on one graph of all, "
    return table(f"{title}{each / total.wall:.1f} times its rate a record at a time (goal 0.7)", ("part", "wall, s", "cpu, s", "records"), rows)


@contextmanager
def publishing(folder: Path, groups: int) -> Iterator[NodeProcess]:
    """A node that serves so many groups of its own."""
    node = NodeProcess(folder / "peer" / "data")
    path = folder / "groups.jsonld"
    write(path, groups)
    node.run("load", path)
    node.start()
    try:
        yield node
    finally:
        node.stop()


def write(path: Path, groups: int) -> None:
    """Write invented groups as one JSON-LD file."""
    path.write_text(json.dumps({"@context": "https://w3id.org/maillage/context/v1.jsonld", "@graph": list(invented.groups(groups))}), "utf-8")


def _harvested(folder: Path, url: str) -> tuple[Stopwatch, int]:
    """Visit the peer with a node of this process; return what took how long and how many records came in."""
    own = Settings(data_dir=folder / "reader", base_url=f"http://127.0.0.1:{free_port()}", allow_private_peers=url.removeprefix("http://"))
    node = open_node(own)
    with node.journal.write() as c:
        sources.add(c, "peer", f"{url}/feed", "maillage")
    watch = Stopwatch()
    harvester = Harvester(node.journal, node.names, TimedChecker(watch), TimedCombined(node, watch), node.fetcher)
    ended = [time.perf_counter(), time.process_time()]
    with watch.measured("whole visit") as whole:
        number = harvester.visit("peer", progress=lambda _more: ended.__setitem__(slice(None), [time.perf_counter(), time.process_time()]))
        after = time.perf_counter() - ended[0], time.process_time() - ended[1]
    matching = watch.parts[MATCHING]
    with watch.measured(APPLYING) as applying:
        pass
    applying.wall, applying.cpu = after[0] - matching.wall, after[1] - matching.cpu
    assert whole.wall
    with node.journal.read() as c:
        visit = visits.get(c, number)
    node.journal.close()
    assert visit.outcome == "applied", visit.message
    return watch, visit.counts["added"]


def _all_at_once(documents: Sequence[Document]) -> float:
    """Return the seconds of pyshacl.validate on one graph of all records, the reading of their N-Triples included."""
    shapes = rdflib.Graph().parse(data_path("shapes", "group.ttl"))
    lines = "".join(map(record.n_triples, documents))
    begun = time.perf_counter()
    conforms, _report, text = pyshacl.validate(rdflib.Graph().parse(data=lines, format="nt"), shacl_graph=shapes)
    assert conforms, text[:500]
    return time.perf_counter() - begun


def _one_by_one(documents: Sequence[Document]) -> float:
    """Return the seconds of pyshacl.validate on each record by itself."""
    shapes = rdflib.Graph().parse(data_path("shapes", "group.ttl"))
    texts = list(map(record.n_triples, documents))
    begun = time.perf_counter()
    for lines in texts:
        pyshacl.validate(rdflib.Graph().parse(data=lines, format="nt"), shacl_graph=shapes)
    return time.perf_counter() - begun
