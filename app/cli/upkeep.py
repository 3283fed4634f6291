"""`backup`, `restore`, `compact`, `erase` and `vocabulary`: what an operator or a developer does now and then."""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import backup as copies
from app import vocabulary as terms
from app.cli.erasing import erase
from app.cli.place import existing
from app.cli.speech import Json, print_json, say, tell
from app.errors import OutputFailed, SettingsError, Text, why
from app.feed import compaction
from app.feed.compaction import Retention
from app.journal import FILE, Journal
from app.settings import read_settings

Directory = Annotated[Path, typer.Argument(metavar=say("DOSSIER", "DIR"), help=say("Le dossier de la copie.", "The directory of the copy."))]


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("backup")(backup)
    application.command("restore")(restore)
    application.command("compact")(compact)
    application.command("erase")(erase)
    application.command("vocabulary")(vocabulary)


def backup(directory: Directory, as_json: Json = False) -> None:
    """Write a consistent copy of the journal into a directory."""
    with closing(Journal(existing().data_dir / FILE)) as journal:
        path = copies.backup(journal, directory)
    if as_json:
        print_json({"copy": str(path), "bytes": path.stat().st_size})
    else:
        tell(f"Copie écrite : {path}", f"Copy written: {path}")


def restore(directory: Directory, as_json: Json = False) -> None:
    """Put a copy back; the node starts a new epoch, so that its peers read it again in full."""
    settings = read_settings()
    done = copies.restore(settings.data_dir, directory, settings.base_url)
    if as_json:
        print_json({"epoch": done.epoch, "replaced": str(done.replaced) if done.replaced else None, "erased": done.erased})
        return
    tell(f"Journal rétabli dans {settings.data_dir} ; époque {done.epoch}.", f"Journal restored into {settings.data_dir}; epoch {done.epoch}.")
    if done.replaced:
        tell(f"Celui qui était là est gardé : {done.replaced}", f"The one that was there is kept: {done.replaced}")
    if done.erased is None:
        tell(
            "Celui qui était là est illisible : ce qui en avait été effacé depuis la copie est peut-être revenu, et il faut l'effacer de nouveau.",
            "The one that was there cannot be read: what was erased from it since the copy may be back, and has to be erased again.",
        )
    elif done.erased:
        tell(
            f"Effacées de nouveau, comme depuis la copie : {done.erased} fiches.",
            f"Erased again, as they were since the copy: {done.erased} records.",
        )


def compact(as_json: Json = False) -> None:
    """Drop from the feed what was said again since and is older than it is kept, and very old withdrawals."""
    settings = existing()
    limits = Retention(settings.feed_log_days, settings.feed_tombstone_days).limits(datetime.now(UTC))
    with closing(Journal(settings.data_dir / FILE)) as journal, journal.write() as c:
        done = compaction.compact(c, limits)
    if as_json:
        print_json(asdict(done))
    else:
        tell(
            f"Événements retirés : {done.dropped} ; il en reste {done.events}, en {done.pages} page(s).",
            f"Events dropped: {done.dropped}; {done.events} are left, in {done.pages} page(s).",
        )


def vocabulary(
    check: Annotated[bool, typer.Option("--check", help=say("Seulement dire s'ils sont à jour.", "Only say whether they are up to date."))] = False,
) -> None:
    """Write the JSON-LD context and the typed terms from the vocabulary and the shapes."""
    stale = {path: text for path, text in terms.generated().items() if not path.exists() or path.read_text("utf-8") != text}
    if check and stale:
        names = ", ".join(path.name for path in stale)
        raise SettingsError(Text(f"À refaire avec « maillage vocabulary » : {names}.", f"Stale, run 'maillage vocabulary': {names}."))
    for path, text in stale.items():
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            reason = why(error)
            raise OutputFailed(Text(f"{path} ne peut pas être écrit : {reason.fr}.", f"{path} cannot be written: {reason.en}.")) from error
        tell(f"{path.name} réécrit.", f"{path.name} rewritten.")
    if not stale:
        tell("Tout est à jour.", "Everything is up to date.")
