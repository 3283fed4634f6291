"""`erase`: what a person asked to be forgotten, taken out of everything that this node holds."""

import shutil
from contextlib import suppress
from typing import Annotated

import typer

from app.cli.opening import opened
from app.cli.speech import Json, print_json, say, tell
from app.errors import DataDirectoryBusy
from app.harvest import erasing
from app.journal import copies
from app.names import OWN
from app.node import Node, held

Address = Annotated[
    str,
    typer.Argument(
        metavar="IRI",
        help=say(
            "L'adresse de la fiche à sa source, de la fiche ici, ou du groupe ici (alors tout ce qui en est dit).",
            "The address of the record at its source, of the record here, or of the group here (then all that is said of it).",
        ),
    ),
]
Lift = Annotated[
    bool,
    typer.Option(
        "--lift",
        help=say("Lever l'effacement : la prochaine visite peut reprendre la fiche.", "Take the erasure back: the next visit may take it again."),
    ),
]
AUTHOR = "command line"


def erase(iri: Address, lift: Lift = False, as_json: Json = False) -> None:
    """Erase records with their history; no visit takes those of peers again, and peers that follow us erase ours."""
    if lift:
        _lift(iri, as_json)
        return
    with opened() as node:
        with node.journal.read() as connection:
            found = [(record.source, record.key) for record in erasing.meant(connection, node.names, iri)]
        for source, key in found:
            if source == OWN:
                node.directory.withdraw(key, AUTHOR, purge=True)
            else:
                node.harvester.erase(source, key, AUTHOR)
        _drop_graph(node)
        left = copies.older(node.journal)
    if as_json:
        print_json({"erased": [f"{source}/{key}" for source, key in found], "copies": [str(path) for path in left]})
        return
    tell(f"Fiches effacées : {len(found)}.", f"Records erased: {len(found)}.")
    for path in left:
        tell(
            f"{path} les contient encore ; il disparaîtra à {copies.DAYS} jours, ou supprimez-le.",
            f"{path} still holds them; it goes when it is {copies.DAYS} days old, or remove it.",
        )
    tell(
        "Les copies que vous gardez ailleurs les contiennent aussi jusqu'à leur remplacement.",
        "Copies that you keep elsewhere hold them too until they are replaced.",
    )


def _lift(iri: str, as_json: bool) -> None:
    """Let visits take again what an address means."""
    with opened() as node:
        with node.journal.read() as connection:
            found = [(record.source, record.key) for record in erasing.kept_out(connection, node.names, iri)]
        for source, key in found:
            node.harvester.lift(source, key, AUTHOR)
    if as_json:
        print_json({"lifted": [f"{source}/{key}" for source, key in found]})
        return
    tell(
        f"Effacements levés : {len(found)}. La prochaine visite reprend ce que le pair dit encore.",
        f"Erasures lifted: {len(found)}. The next visit takes what the peer still says.",
    )


def _drop_graph(node: Node) -> None:
    """Remove the graph's files, which the next start makes anew; a running node does so by itself."""
    with suppress(DataDirectoryBusy), held(node.settings.data_dir):
        for projected in ("graph", "generations"):
            shutil.rmtree(node.settings.data_dir / projected, ignore_errors=True)
