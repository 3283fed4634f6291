"""`backup`, `restore` and `vocabulary`: what an operator or a developer does now and then."""

from pathlib import Path
from typing import Annotated

import typer

from app import backup as copies
from app import vocabulary as terms
from app.cli.speech import say, tell
from app.errors import SettingsError, Text
from app.node import open_node
from app.settings import read_settings

Directory = Annotated[Path, typer.Argument(help=say("Un dossier.", "A directory."))]


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("backup", help=say("Copier le journal, même pendant que le nœud tourne.", "Copy the journal, also while the node runs."))(
        backup
    )
    application.command(
        "restore", help=say("Repartir d'une copie du journal, nœud arrêté.", "Start again from a copy of the journal, the node stopped.")
    )(restore)
    application.command(
        "vocabulary", help=say("Réécrire les fichiers tirés de vocab/ et shapes/.", "Rewrite the files made from vocab/ and shapes/.")
    )(vocabulary)


def backup(directory: Directory) -> None:
    """Write a consistent copy of the journal into a directory."""
    path = copies.backup(open_node(read_settings()).journal, directory)
    tell(f"Copie écrite : {path}", f"Copy written: {path}")


def restore(directory: Directory) -> None:
    """Put a copy back; the node starts a new epoch, so that its peers read it again in full."""
    settings = read_settings()
    epoch = copies.restore(settings.data_dir, directory, settings.base_url)
    tell(f"Journal rétabli ; époque {epoch}.", f"Journal restored; epoch {epoch}.")


def vocabulary(
    check: Annotated[bool, typer.Option("--check", help=say("Seulement dire s'ils sont à jour.", "Only say whether they are up to date."))] = False,
) -> None:
    """Write the JSON-LD context and the typed terms from the vocabulary and the shapes."""
    stale = [path for path, text in terms.generated().items() if not path.exists() or path.read_text("utf-8") != text]
    if check and stale:
        names = ", ".join(path.name for path in stale)
        raise SettingsError(Text(f"À refaire avec « maillage vocabulary » : {names}.", f"Stale, run 'maillage vocabulary': {names}."))
    for path, text in terms.generated().items():
        if path in stale:
            path.write_text(text, "utf-8")
            tell(f"{path.name} réécrit.", f"{path.name} rewritten.")
