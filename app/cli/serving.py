"""`serve`, `demo` and `rebuild`: the commands that hold the data directory."""

import logging
from typing import Annotated

import typer

from app import demo as demonstration
from app.cli.speech import language, progress, say, tell
from app.main import serve as serve_http
from app.node import open_graph, open_node, running
from app.settings import Settings, read_settings

_log = logging.getLogger(__name__)


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("serve", help=say("Servir ce nœud sur HTTP.", "Serve this node over HTTP."))(serve)
    application.command("demo", help=say("Montrer une petite fédération au travail.", "Show a small federation at work."))(demo)
    application.command("rebuild", help=say("Reconstruire le graphe à partir du journal.", "Rebuild the graph from the journal."))(rebuild)


def serve(
    host: Annotated[str | None, typer.Option(help=say("Adresse d'écoute.", "Address to listen on."))] = None,
    port: Annotated[int | None, typer.Option(help=say("Port d'écoute.", "Port to listen on."))] = None,
) -> None:
    """Serve this node until it is told to stop."""
    settings = read_settings(host=host, port=port)
    _keep_a_log(settings)
    with running(open_node(settings)) as node:
        _log.info("Serving %s on %s:%s, data in %s", settings.base_url, settings.host, settings.port, settings.data_dir)
        serve_http(node)


def _keep_a_log(settings: Settings) -> None:
    """Write what happens to stderr, where systemd keeps it; a setting that lowers a guard is said loudly at every start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if settings.allow_private_peers:
        _log.warning("ALLOW_PRIVATE_PEERS is set: %s may be fetched although private", ", ".join(sorted(settings.allow_private_peers)))


def demo(
    once: Annotated[bool, typer.Option("--once", help=say("Montrer, puis s'arrêter.", "Show it, then stop."))] = False,
    port: Annotated[
        int | None,
        typer.Option(
            help=say("Port du nœud métropolitain (sinon 8000, ou un port libre).", "Port of the metropolitan node (else 8000, or a free one).")
        ),
    ] = None,
) -> None:
    """Run three small directories as peers, harvest, merge, ask; then leave the node serving."""
    demonstration.run(lambda text: typer.echo(text.in_language(language())), None if once else serve_http, port)


def rebuild() -> None:
    """Throw the graph away and make it anew from the journal."""
    node = open_node(read_settings())
    with open_graph(node) as graph, progress("Enregistrements projetés :", "Records projected:") as count:
        graph.projector.rebuild(count)
    tell("Le graphe est reconstruit.", "The graph is rebuilt.")
