"""A node's journal filled with invented directories, as if they had been published and harvested, without the network."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from app import record
from app.journal import records, sources
from app.journal.records import Statement
from app.names import OWN
from app.node import Node, open_node
from app.settings import Settings
from tests.benchmarks import invented
from tests.benchmarks.invented import Told


def filled(data_dir: Path, base_url: str, groups: int) -> int:
    """Fill the journal in `data_dir` with what the invented directories tell of so many groups; return how many records that is."""
    node = open_node(Settings(data_dir=data_dir, base_url=base_url))
    told = sorted(invented.directories(groups, base_url), key=lambda one: (one.source != OWN, one.source))
    for source, statements in groupby(told, key=lambda one: one.source):
        _keep(node, source, statements)
    node.combined.settle_pending(node.journal)
    node.journal.close()
    return len(told)


def _keep(node: Node, source: str, statements: Iterable[Told]) -> None:
    """Publish our own records; keep the others as a visit would have left them."""
    if source == OWN:
        node.directory.save_many([(one.document, None) for one in statements], "benchmark", settled=False)
        return
    with node.journal.write() as c:
        kept = sources.add(c, source, f"https://{source}.example/feed", "maillage")
        records.put_many(c, kept.id, map(_statement, statements), "benchmark")


def _statement(told: Told) -> Statement:
    reading = record.read(told.document)
    return Statement(told.key, reading.iri, reading.document, reading.content_hash)
