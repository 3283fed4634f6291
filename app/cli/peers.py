"""`peers` and `harvest`: the directories that this node reads."""

import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.speech import Json, complain, language, print_json, print_table, progress, say, tell
from app.errors import SettingsError, Text
from app.harvest import formats
from app.harvest.fetch import Budget
from app.harvest.formats import mapping as mappings
from app.journal import sources, visits
from app.names import OWN
from app.node import Node, open_node
from app.settings import read_settings

UNITS = {"m": 60, "h": 3600, "d": 86400, "j": 86400}
DIFFERENCES = ("added", "changed", "gone", "refused")


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help=say("Les annuaires que ce nœud moissonne.", "The directories that this node harvests."))
    group.command(
        "add", help=say("Ajouter un pair ; son format est reconnu s'il n'est pas donné.", "Add a peer; its format is found out when not given.")
    )(add)
    group.command("list", help=say("Lister les pairs.", "List the peers."))(list_peers)
    group.command("show", help=say("Montrer un pair et ses dernières visites.", "Show a peer and its last visits."))(show)
    group.command("remove", help=say("Retirer un pair et tout ce qu'il disait.", "Remove a peer and all that it said."))(remove)
    application.add_typer(group, name="peers")
    application.command(
        "harvest", help=say("Visiter des pairs maintenant (tous, si aucun n'est nommé).", "Visit peers now (all, when none is named).")
    )(harvest)


Name = Annotated[str, typer.Argument(help=say("Le nom du pair : lettres, chiffres et tirets.", "The peer's name: letters, digits and hyphens."))]


def add(
    name: Name,
    url: Annotated[str, typer.Argument(help=say("Son adresse.", "Its address."))],
    format_: Annotated[str | None, typer.Option("--format", help=say("Son format : ", "Its format: ") + ", ".join(sorted(formats.FORMATS)))] = None,
    trust: Annotated[
        sources.Trust,
        typer.Option(
            help=say("auto : appliquer ; review : demander ; quarantine : garder à part.", "auto: apply; review: ask; quarantine: keep apart.")
        ),
    ] = sources.Trust.AUTO,
    mapping: Annotated[Path | None, typer.Option(help=say("Fichier de correspondance (TOML ou JSON).", "Mapping file (TOML or JSON)."))] = None,
    every: Annotated[str, typer.Option(help=say("Intervalle entre deux visites : 30m, 6h, 1d.", "Interval between visits: 30m, 6h, 1d."))] = "6h",
    as_json: Json = False,
) -> None:
    """Add a peer; nothing is harvested yet."""
    node = open_node(read_settings())
    if format_ is None:
        format_, url = formats.detect(url, node.fetcher, Budget())
    with node.journal.write() as connection:
        peer = sources.add(connection, name, url, format_, trust, seconds(every), read_mapping(mapping) if mapping else None)
    if as_json:
        print_json(_as_json(peer))
    else:
        tell(f"{name} : {peer.format}, {peer.url}", f"{name}: {peer.format}, {peer.url}")


def seconds(text: str) -> int:
    """Return ``6h`` as seconds; raises SettingsError when it is no interval."""
    if text[-1:] in UNITS and text[:-1].isdigit() and int(text[:-1]):
        return int(text[:-1]) * UNITS[text[-1]]
    raise SettingsError(Text(f"« {text} » n'est pas un intervalle : écrivez 30m, 6h ou 1d.", f"'{text}' is not an interval: write 30m, 6h or 1d."))


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a mapping file, TOML or JSON; raises SettingsError when it cannot be read."""
    try:
        text = path.read_text("utf-8")
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SettingsError(Text(f"{path} ne peut pas être lu : {error}", f"{path} cannot be read: {error}")) from error
    mappings.parse(value)
    return dict(value)


def list_peers(as_json: Json = False) -> None:
    """List the peers."""
    with open_node(read_settings()).journal.read() as connection:
        rows = [_as_json(peer) for peer in sources.list_(connection) if peer.name != OWN]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["name", "format", "trust", "state", "last_visit_at", "next_visit_at", "url"])


def show(name: Name, as_json: Json = False) -> None:
    """Show one peer and its last visits."""
    with open_node(read_settings()).journal.read() as connection:
        peer = sources.get(connection, name)
        recent = visits.list_(connection, peer.id, limit=10)
    if as_json:
        print_json(_as_json(peer) | {"visits": [visit_json(visit) for visit in recent]})
        return
    for key, value in _as_json(peer).items():
        typer.echo(f"{key}: {value if value is not None else ''}")
    for visit in recent:
        typer.echo(f"  {visit.started_at}  {visit.outcome or '…'}  {summary(visit)}")


def remove(name: Name) -> None:
    """Remove a peer with its records; what others say of the same groups stays."""
    open_node(read_settings()).harvester.remove(name)
    tell(f"{name} est retiré.", f"{name} is removed.")


def harvest(
    names: Annotated[list[str] | None, typer.Argument(help=say("Les pairs à visiter.", "The peers to visit."))] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("Montrer ce qui changerait, sans rien changer.", "Show what would change, and change nothing."))
    ] = False,
    as_json: Json = False,
) -> None:
    """Visit peers and print what came in, a line for each record that changed or was refused."""
    node = open_node(read_settings())
    done = [visit_one(node, name, dry_run) for name in names or all_names(node)]
    if as_json:
        print_json([visit_json(visit) | {"items": lines(node, visit)} for visit in done])
    else:
        for visit in done:
            print_visit(node, visit)
    if any(visit.outcome == "failed" for visit in done):
        raise typer.Exit(1)


def visit_one(node: Node, name: str, dry_run: bool) -> visits.Visit:
    """Visit one peer and return the report."""
    with progress(f"{name} : fiches lues", f"{name}: records read") as count:
        number = node.harvester.visit(name, dry_run=dry_run, progress=count)
    with node.journal.read() as connection:
        return visits.get(connection, number)


def all_names(node: Node) -> list[str]:
    """Return the names of the enabled peers."""
    with node.journal.read() as connection:
        return [peer.name for peer in sources.list_(connection) if peer.name != OWN and peer.enabled]


def print_visit(node: Node, visit: visits.Visit) -> None:
    """Print a visit: its outcome, its counts, and a line for every record that is not simply unchanged."""
    typer.echo(f"{visit.source}: {visit.outcome} — {summary(visit)}")
    if visit.outcome == "failed" and visit.message:
        complain(visit.message)
    for line in lines(node, visit):
        if line["outcome"] in DIFFERENCES or line["message"]:
            typer.echo(f"  {line['outcome']:<9} {line['key']}" + (f"  {line['message']}" if line["message"] else ""))


def summary(visit: visits.Visit) -> str:
    """Return the counts on one line."""
    return ", ".join(f"{count} {outcome}" for outcome, count in visit.counts.items() if count) or say("rien de nouveau", "nothing new")


def lines(node: Node, visit: visits.Visit) -> list[dict[str, Any]]:
    """Return the visit's lines, messages in the terminal's language."""
    with node.journal.read() as connection:
        items = list(visits.all_items(connection, visit.id))
    return [
        {"key": item.key, "iri": item.iri, "outcome": item.outcome, "message": item.message.in_language(language()) if item.message else None}
        for item in items
    ]


def visit_json(visit: visits.Visit) -> dict[str, Any]:
    """Return a visit as the API gives it, its message in the terminal's language."""
    value = asdict(visit)
    value["message"] = visit.message.in_language(language()) if visit.message else None
    return value


def _as_json(peer: sources.Source) -> dict[str, Any]:
    """Return a peer for programs, its message in the terminal's language."""
    value = asdict(peer)
    value["message"] = peer.message.in_language(language()) if peer.message else None
    return value
