"""`serve`, `demo` and `rebuild`: the commands that hold the data directory."""

import logging
import resource
from contextlib import closing, suppress
from typing import Annotated
from urllib.parse import urlsplit

import typer

from app import demo as demonstration
from app.cli.opening import opened
from app.cli.place import existing
from app.cli.speech import language, out, progress, say, tell
from app.graph.projector import Projector
from app.main import serve as serve_http
from app.node import RunningNode, open_graph, remote_store, running
from app.settings import Settings, read_settings

_log = logging.getLogger(__name__)

HIGHEST_PORT = 65_535
MOST_FILES = 8192
"""Files and connections that a serving node may have open, where the system lets it: readers, and peers that are waited for."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("serve")(serve)
    application.command("demo")(demo)
    application.command("rebuild")(rebuild)


Port = Annotated[int | None, typer.Option(min=0, max=HIGHEST_PORT, help=say("Port d'écoute.", "Port to listen on."))]


def serve(
    host: Annotated[str | None, typer.Option(help=say("Adresse d'écoute.", "Address to listen on."))] = None,
    port: Port = None,
) -> None:
    """Serve this node until it is told to stop."""
    settings = read_settings(host=host, port=port)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for talkative in ("alembic", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    with opened(settings, waits=False) as node, running(node) as at_work:
        _warn(settings)
        _open_many_files()
        _serve_until_told(at_work)


def _open_many_files() -> None:
    """Ask for more open files than the usual thousand; what the system allows at most stays the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if resource.RLIM_INFINITY != soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _warn(settings: Settings) -> None:
    """Say loudly at every start what lowers a guard, and what would be hard to mend later."""
    if settings.allow_private_peers:
        _log.warning("ALLOW_PRIVATE_PEERS is set: %s may be fetched although private", ", ".join(sorted(settings.allow_private_peers)))
    here = urlsplit(settings.base_url)
    if here.hostname in {"127.0.0.1", "localhost", "::1"} and here.port != settings.port:
        _log.warning("Every IRI will begin with BASE_URL, which is %s: set it to the public address before the first group", settings.base_url)


def _serve_until_told(node: RunningNode) -> None:
    """Serve; being told to stop is no error."""
    with suppress(KeyboardInterrupt):
        serve_http(node)


def demo(
    once: Annotated[bool, typer.Option("--once", help=say("Montrer, puis s'arrêter.", "Show it, then stop."))] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=HIGHEST_PORT,
            help=say("Port du nœud métropolitain (sinon 8000, ou un port libre).", "Port of the metropolitan node (else 8000, or a free one)."),
        ),
    ] = None,
) -> None:
    """Run three small directories as peers, harvest, merge, ask; then leave the node serving."""
    demonstration.run(lambda text: out(f"{text.in_language(language())}\n"), None if once else _serve_until_told, port)


def rebuild(
    graph_url: Annotated[
        str | None,
        typer.Option(help=say("Remplir ce serveur SPARQL, même quand le nœud tourne.", "Fill this SPARQL server, also while the node runs.")),
    ] = None,
    update_url: Annotated[str | None, typer.Option(help=say("Son adresse de mise à jour.", "Its update address."))] = None,
) -> None:
    """Throw the graph away and make it anew from the journal."""
    settings = existing(graph_url=graph_url, graph_update_url=update_url)
    with opened(settings) as node, progress("Enregistrements projetés :", "Records projected:") as count:
        if graph_url and update_url:
            with closing(remote_store(node, graph_url, update_url)) as store:
                Projector(node.journal, store, node.names, keeps_files=False).rebuild(count)
        else:
            with open_graph(node) as graph:
                graph.projector.rebuild(count)
    tell("Le graphe est reconstruit.", "The graph is rebuilt.")
