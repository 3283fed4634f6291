"""A small federation at work on one machine: three directories of invented groups, as three running peers on loopback.

A Maillage node plays the Appuii network, a GoGoCarto map the national Plateforme des Alternatives, and the node itself is
the metropolitan one, its own groups loaded from a Kumu map as the poster's was.
"""

import tempfile
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from app import loading
from app.demo import peers, telling
from app.demo.telling import Tell
from app.errors import Text
from app.harvest import formats
from app.harvest.fetch import Budget
from app.harvest.pace import next_visit
from app.journal import sources, visits
from app.node import Node, RunningNode, open_node, running
from app.settings import Settings, read_settings
from app.sparql.answers import Question

DATA = Path(__file__).parent / "data"

QUESTION = """PREFIX mlg: <https://w3id.org/maillage/ns#>
PREFIX mc: <https://w3id.org/maillage/concept/>
PREFIX schema: <https://schema.org/>
PREFIX dcterms: <http://purl.org/dc/terms/>
SELECT ?name (COUNT(DISTINCT ?record) AS ?sources) WHERE {
  ?group a mlg:Group ; schema:name ?name ; dcterms:subject mc:urban-planning ; mlg:record ?record .
  FILTER(lang(?name) = "fr")
} GROUP BY ?group ?name ORDER BY DESC(?sources) ?name"""


def run(tell: Tell, serve: Callable[[RunningNode], None] | None, port: int | None = None) -> None:
    """Show the federation through `tell`; then hand the node to `serve`, unless it is None.

    Everything is kept in a temporary folder and gone at the end. Raises what a node raises.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maillage-demo-")))
        tell(Text("Trois petits annuaires de groupes inventés se mettent en route…", "Three small directories of invented groups are starting…"))
        network = stack.enter_context(peers.network_node(folder / "network", DATA / "appuii.jsonld"))
        alternatives = stack.enter_context(peers.gogocarto_map((DATA / "elements.json").read_bytes()))
        node = stack.enter_context(running(open_node(_settings(folder, port, network, alternatives))))
        _load_own(node, tell)
        tell(Text("\n2. Les pairs, moissonnés", "\n2. The peers, harvested"))
        for name, url in (("appuii", network), ("alternatives", alternatives)):
            _harvest(node, name, url, tell)
        telling.merged(node, tell)
        _ask(node, tell)
        if serve is not None:
            telling.addresses(node, network, alternatives, tell)
            serve(node)


def _settings(folder: Path, port: int | None, *allowed: str) -> Settings:
    """The settings of the metropolitan node: a port of its own, its peers allowed although they are on this machine."""
    chosen = peers.free_port(port if port is not None else 8000)
    return read_settings(
        base_url=f"http://127.0.0.1:{chosen}",
        port=chosen,
        host="127.0.0.1",
        data_dir=folder / "metropolis",
        node_name="Annuaire métropolitain (démonstration, groupes inventés)",
        allow_private_peers=frozenset(url.split("/")[2] for url in allowed),
    )


def _load_own(node: Node, tell: Tell) -> None:
    """Load the metropolitan node's own groups from a Kumu blueprint."""
    tell(Text("\n1. Nos propres groupes, tirés d'une carte Kumu", "\n1. Our own groups, from a Kumu map"))
    mapping = tomllib.loads((DATA / "kumu.toml").read_text("utf-8"))
    with loading.opened(str(DATA / "kumu.json"), "kumu", mapping, node.fetcher) as records:
        for line in loading.load(node.directory, node.combined, node.journal, node.names, records):
            telling.loaded(line, tell)


def _harvest(node: Node, name: str, url: str, tell: Tell) -> None:
    """Add one peer, found out by its address alone, visit it, and tell what came in."""
    kind, address = formats.detect(url, node.fetcher, Budget())
    tell(Text(f"   « {name} » : {kind}, {address}", f"   '{name}': {kind}, {address}"))
    with node.journal.write() as connection:
        peer = sources.add(connection, name, address, kind)
        sources.update(connection, name, next_visit_at=next_visit(peer.every_s))  # the clock runs too, and must not come first
    number = node.harvester.visit(name)
    with node.journal.read() as connection:
        visit, items = visits.get(connection, number), list(visits.all_items(connection, number))
    telling.visited(visit, items, tell)


def _ask(node: RunningNode, tell: Tell) -> None:
    """Ask the combined graph one question and tell the answer."""
    tell(
        Text(
            "\n4. Une question SPARQL : qui travaille sur l'urbanisme, et combien d'annuaires le disent ?",
            "\n4. A SPARQL question: who works on urban planning, and how many directories say so?",
        )
    )
    node.projector.catch_up()
    telling.answer(node.queries.ask(Question(QUESTION, accept="application/sparql-results+json")).read(), tell)
