"""The command line, `maillage`: the same functions as the web, from a terminal.

Every command works beside a running node, since the journal takes several writers; `serve` and `rebuild` need the
data directory for themselves. Exit status 0, or 1 with one plain line on stderr.
A command's module, and the rooms that it needs, are imported when the command runs: nobody waits for what is not used.
"""

import logging
import signal
import sys
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from app import __version__
from app.cli import usage
from app.cli.speech import complain, out, say
from app.errors import MaillageError, Text, why

INTERRUPTED: Final = 130
"""What Typer returns after Ctrl-C."""

_STOPPED: Final = Text("Interrompu ; ce qui était enregistré le reste.", "Interrupted; what was saved stays saved.")
_log = logging.getLogger(__name__)


class Late(TyperCommand):
    """A command known by its name and what it is for, until it runs: `room` is the module of this package that holds it."""

    def __init__(self, name: str, room: str, fr: str, en: str) -> None:
        super().__init__(name, help=say(fr, en))
        self._room = room

    def command(self) -> Any:
        """Import the room and return the command itself."""
        room = typer.Typer(rich_markup_mode=None)
        room.callback()(_application)
        import_module(f"app.cli.{self._room}").add_to(room)
        group = get_command(room)
        assert isinstance(group, TyperGroup)
        found = group.commands[str(self.name)]
        found.help = self.help
        return found

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Go on as the command itself."""
        return self.command().make_context(*arguments, **more)


COMMANDS: Final = (
    Late("serve", "serving", "Servir ce nœud sur HTTP.", "Serve this node over HTTP."),
    Late("demo", "serving", "Montrer une petite fédération au travail.", "Show a small federation at work."),
    Late("rebuild", "serving", "Reconstruire le graphe à partir du journal.", "Rebuild the graph from the journal."),
    Late("load", "groups", "Charger un fichier ou une adresse dans nos propres groupes.", "Load a file or an address into our own groups."),
    Late("check", "groups", "Contrôler un fichier sans rien charger.", "Check a file and load nothing."),
    Late("export", "groups", "Écrire tout l'annuaire combiné.", "Write the whole combined directory."),
    Late("query", "groups", "Poser une question SPARQL.", "Ask a SPARQL question."),
    Late("peers", "peers", "Les annuaires que ce nœud moissonne.", "The directories that this node harvests."),
    Late("harvest", "peers", "Visiter des pairs maintenant (tous, si aucun n'est nommé).", "Visit peers now (all, when none is named)."),
    Late("webhooks", "webhooks", "Les adresses prévenues de chaque changement.", "The addresses that are told of every change."),
    Late("merge", "merging", "Rapprocher à nouveau toutes les fiches.", "Match all records anew."),
    Late("relations", "merging", "Lister les liens trouvés en route, à proposer.", "List links found on the way, to propose."),
    Late("judge", "merging", "Dire si deux fiches parlent du même groupe.", "Say whether two records are about the same group."),
    Late("review", "reviewing", "Relire ce que la machine laisse ouvert.", "Review what the machine leaves open."),
    Late(
        "weights",
        "weights",
        "Les poids du rapprochement, appris des avis si on le demande.",
        "The weights of matching, learnt from judgements on demand.",
    ),
    Late("explain", "merging", "Expliquer pourquoi deux fiches sont réunies ou non.", "Explain why two records are merged or not."),
    Late("erase", "upkeep", "Effacer pour de bon ce qui est dit sous une adresse.", "Erase for good what is said under an address."),
    Late("token", "tokens", "Les jetons de ceux qui écrivent.", "The tokens of those who write."),
    Late("backup", "upkeep", "Copier le journal, même pendant que le nœud tourne.", "Copy the journal, also while the node runs."),
    Late("restore", "upkeep", "Repartir d'une copie du journal, nœud arrêté.", "Start again from a copy of the journal, the node stopped."),
    Late("compact", "upkeep", "Retirer du journal public ce qui est trop ancien.", "Drop from the feed what is too old."),
    Late("vocabulary", "upkeep", "Réécrire les fichiers tirés de vocab/ et shapes/.", "Rewrite the files made from vocab/ and shapes/."),
)

application = typer.Typer(
    name="maillage",
    help=say(
        "Un nœud d'annuaire fédéré de collectifs : publier, moissonner, rapprocher, répondre en SPARQL.",
        "One node of a federated directory of collectives: publish, harvest, merge, answer SPARQL.",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain lines: also for narrow and old terminals, and for those who listen to theirs
    pretty_exceptions_enable=False,
    add_completion=False,
)


@application.callback()
def _application() -> None:
    """Make the application a group, whatever it holds."""


@application.command("version", help=say("Écrire la version.", "Print the version."))
def version() -> None:
    """Print the version."""
    out(f"{__version__}\n")


def program() -> TyperGroup:
    """Return the command line with all its commands, none of them imported."""
    group = get_command(application)
    assert isinstance(group, TyperGroup)
    for command in COMMANDS:
        group.add_command(command)
    group.add_command(group.commands.pop("version"))
    return group


def main() -> None:
    """Run the command line; whatever goes wrong becomes one line and status 1. To be told to stop is the same as Ctrl-C."""
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) is signal.SIG_DFL:
            signal.signal(told, signal.default_int_handler)
    try:
        status = program()(prog_name="maillage", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one to know: an operator is told in a line, never shown a traceback
        sys.exit(_ended(error))
    if status == INTERRUPTED:
        complain(_STOPPED)
        status = 1
    sys.exit(status)


def _ended(error: BaseException) -> int:
    """Say what stopped the command and return its status; when nothing was asked, help is the answer."""
    if isinstance(error, typer.TyperException) and usage.is_help(error):
        return _help(error)
    complain(_sentence(error))
    return 1


def _sentence(error: BaseException) -> Text:
    """Return in one sentence what went wrong."""
    if isinstance(error, MaillageError):
        return error.text
    if isinstance(error, typer.TyperException):
        return usage.sentence(error)
    if isinstance(error, KeyboardInterrupt):
        return _STOPPED
    return _refused(error) if isinstance(error, OSError) else _unexpected(error)


def _help(error: typer.TyperException) -> int:
    """Print the help that is the answer when nothing is asked, and return the status."""
    try:
        out(error.message + "\n")
    except MaillageError as failed:
        complain(failed.text)
        return 1
    return 0


def _refused(error: OSError) -> Text:
    """Say what the system refused, where no room had a better sentence for it."""
    reason, about = why(error), f" ({error.filename})" if error.filename else ""
    return Text(f"Le système a refusé : {reason.fr}{about}.", f"The system refused: {reason.en}{about}.")


def _unexpected(error: BaseException) -> Text:
    """Say what nobody foresaw, and where it happened, for those who can mend it."""
    _log.debug("unexpected", exc_info=error)
    last = extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return Text(f"Erreur imprévue, à dire à qui développe Maillage : {what}", f"Unexpected error, please tell those who develop Maillage: {what}")
