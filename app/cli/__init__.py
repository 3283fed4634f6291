"""The command line, `maillage`: the same functions as the web, from a terminal.

Every command works beside a running node, since the journal takes several writers; `serve` and `rebuild` need the
data directory for themselves. Exit status 0, or 1 with one plain line on stderr.
"""

import sys

import typer

from app import __version__
from app.cli import groups, merging, peers, serving, tokens, upkeep
from app.cli.speech import complain, say
from app.errors import MaillageError

application = typer.Typer(
    name="maillage",
    help=say(
        "Un nœud d'annuaire fédéré de collectifs : publier, moissonner, rapprocher, répondre en SPARQL.",
        "One node of a federated directory of collectives: publish, harvest, merge, answer SPARQL.",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for room in (serving, groups, peers, merging, tokens, upkeep):
    room.add_to(application)


@application.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line; an error of ours becomes one line and status 1."""
    try:
        application()
    except MaillageError as error:
        complain(error.text)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
