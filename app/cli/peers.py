"""`peers` and `harvest`: the directories that this node reads."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection

from app.cli import neighbours
from app.cli.mapping import read_mapping
from app.cli.opening import opened
from app.cli.report import OUTCOMES, counted
from app.cli.speech import Json, language, one_line, out, print_json, print_table, progress, say, tell, when
from app.errors import BadRequest, Conflict, NotFound, PeerError, Text
from app.harvest import formats
from app.harvest.fetch import Budget
from app.harvest.telling import address, head_json, item_json, peer_json, seconds_of
from app.journal import evidence, sources, visits
from app.names import OWN
from app.node import Node
from app.settings import read_settings

ENDS: Final = {
    "applied": Text("appliquée", "applied"),
    "unchanged": Text("rien de nouveau", "nothing new"),
    "held": Text("attend une personne", "waits for a person"),
    "failed": Text("échec", "failed"),
    "discarded": Text("écartée", "dropped"),
    "dry-run": Text("à blanc, rien n'est changé", "dry run, nothing is changed"),
    None: Text("en cours", "under way"),
}
SHOWN: Final = {"refused": 100}
"""Lines of one outcome that are printed; `SHOWN_ELSE` of the others."""
SHOWN_ELSE: Final = 20
RECENT: Final = 10
AUTHOR: Final = "command line"


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command(
        "add", help=say("Ajouter un pair ; son format est reconnu s'il n'est pas donné.", "Add a peer; its format is found out when not given.")
    )(add)
    group.command("list", help=say("Lister les pairs.", "List the peers."))(list_peers)
    group.command("show", help=say("Montrer un pair et ses dernières visites.", "Show a peer and its last visits."))(show)
    group.command("remove", help=say("Retirer un pair et tout ce qu'il disait.", "Remove a peer and all that it said."))(remove)
    group.command("apply", help=say("Appliquer la visite qui attend une personne.", "Apply the visit that waits for a person."))(apply)
    group.command("discard", help=say("Écarter la visite qui attend une personne.", "Drop the visit that waits for a person."))(discard)
    neighbours.add_to(group)
    group.command("undo", help=say("Annuler une visite appliquée.", "Take back a visit that was applied."))(undo)
    application.add_typer(group, name="peers")
    application.command("harvest")(harvest)


Name = Annotated[
    str,
    typer.Argument(
        metavar=say("NOM", "NAME"),
        help=say("Le nom du pair : lettres minuscules, chiffres, tirets.", "The peer's name: lower-case, digits, hyphens."),
    ),
]


def add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help=say("Son adresse.", "Its address."))],
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
    rules, every_s = read_mapping(mapping), seconds_of(every)
    kind, place = _known(format_), address(url)
    with opened(read_settings()) as node:
        with node.journal.read() as connection:
            sources.require_free(connection, name)
        if kind is None:
            kind, place = formats.detect(place, node.fetcher, Budget())
        with node.journal.write() as connection:
            peer = sources.add(connection, name, place, kind, trust, every_s, rules)
    if as_json:
        print_json(peer_json(peer, language()))
    else:
        tell(
            f"{name} est ajouté ({kind}, {place}). « maillage harvest {name} » le visite maintenant.",
            f"{name} is added ({kind}, {place}). 'maillage harvest {name}' visits it now.",
        )


def _known(name: str | None) -> str | None:
    """Return a format's name if this node reads it. Raises BadRequest."""
    if name is None or name in formats.FORMATS:
        return name
    known = ", ".join(sorted(formats.FORMATS))
    raise BadRequest(Text(f"Ce nœud ne lit pas le format « {name} » ; il lit : {known}.", f"This node does not read '{name}'; it reads: {known}."))


def _peer(connection: Connection, name: str) -> sources.Source:
    """Return a peer; the node itself is none. Raises NotFound."""
    if name == OWN:
        raise NotFound(Text("Le nœud n'est pas son propre pair.", "The node is not its own peer."))
    return sources.get(connection, name)


def list_peers(as_json: Json = False) -> None:
    """List the peers."""
    with opened() as node, node.journal.read() as connection:
        rows = [peer_json(peer, language()) for peer in sources.list_(connection) if peer.name != OWN]
    if as_json:
        print_json(rows)
        return
    columns = ["name", "format", "trust", "every", "state", "last_visit", "next_visit", "url"]
    titles = say("nom format confiance fréquence état vue prochaine adresse", "name format trust every state seen next address").split()
    print_table([row | {"last_visit": when(row["last_visit"]), "next_visit": when(row["next_visit"])} for row in rows], columns, titles)


def show(name: Name, as_json: Json = False) -> None:
    """Show one peer and its last visits."""
    with opened() as node, node.journal.read() as connection:
        peer = _peer(connection, name)
        recent = [head_json(visit, language()) for visit in visits.list_(connection, peer.id, limit=RECENT)]
        described = peer_json(peer, language()) | {"judgements": evidence.count(connection, peer.id)}
    if as_json:
        print_json(described | {"visits": recent})
        return
    for key, value in described.items():
        if value is not None:
            out(f"{key}: {one_line(value)}\n")
    for visit in recent:
        undone = say(", annulée depuis", ", undone since") if visit["undone"] else ""
        out(f"  {when(visit['started'])}  {_ended(visit)}{undone}\n")


def remove(name: Name) -> None:
    """Remove a peer with its records; what others say of the same groups stays."""
    with opened() as node:
        with node.journal.read() as connection:
            _peer(connection, name)
        node.harvester.remove(name)
    tell(f"{name} est retiré.", f"{name} is removed.")


def apply(name: Name) -> None:
    """Apply the visit of a peer that waits for a person."""
    with opened() as node:
        number = _held(node, name)
        node.harvester.apply(number, AUTHOR)
    tell(f"Visite {number} de {name} : appliquée.", f"Visit {number} to {name}: applied.")


def discard(name: Name) -> None:
    """Drop the visit of a peer that waits for a person; what was there stays."""
    with opened() as node:
        number = _held(node, name)
        node.harvester.discard(number, AUTHOR)
    tell(f"Visite {number} de {name} : écartée.", f"Visit {number} to {name}: dropped.")


def undo(
    name: Name,
    visit: Annotated[
        int | None,
        typer.Argument(
            metavar=say("VISITE", "VISIT"), help=say("Son numéro ; sans lui, la dernière appliquée.", "Its number; without it, the newest.")
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take back a visit that was applied; what changed since stays, and the peer's next visit waits for a person."""
    with opened() as node:
        number = _applied(node, name, visit)
        done = node.harvester.undo(number, AUTHOR)
        with node.journal.read() as connection:
            report = head_json(visits.get(connection, number), language())
    if as_json:
        print_json(report)
    else:
        tell(done.fr, done.en)


def _applied(node: Node, name: str, number: int | None) -> int:
    """Return the number of a visit of this peer, the newest applied when none is given. Raises NotFound."""
    with node.journal.read() as connection:
        peer = _peer(connection, name)
        found = visits.newest_applied(connection, peer.id) if number is None else number
        if found is None or visits.get(connection, found).source_id != peer.id:
            raise NotFound(Text(f"« {name} » n'a pas de telle visite appliquée.", f"'{name}' has no such applied visit."))
    return found


def _held(node: Node, name: str) -> int:
    """Return the number of the visit of a peer that waits for a person. Raises NotFound."""
    with node.journal.read() as connection:
        peer = _peer(connection, name)
        waiting = [visit.id for visit in visits.held(connection) if visit.source_id == peer.id]
    if not waiting:
        raise NotFound(Text(f"Aucune visite de « {name} » n'attend de décision.", f"No visit to '{name}' waits for a decision."))
    return waiting[-1]


def harvest(
    names: Annotated[list[str] | None, typer.Argument(metavar=say("[NOM]...", "[NAME]..."), help=say("Les pairs à visiter.", "The peers."))] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("Montrer ce qui changerait, sans rien changer.", "Show what would change, and change nothing."))
    ] = False,
    as_json: Json = False,
) -> None:
    """Visit peers and print what came in, what changed and what was refused, as each visit ends."""
    reports = []
    with opened() as node:
        for name in _chosen(node, names or []):
            reports.append(_visited(node, name, dry_run))
            if as_json:
                reports[-1]["items"] = list(_items(node, reports[-1]["id"]))
            else:
                _print_visit(node, reports[-1])
    if as_json:
        print_json(reports)
    failures = [f"{report['peer']} : {report['message']}" for report in reports if report["outcome"] == "failed"]
    if failures:
        raise PeerError(Text(" ; ".join(failures), "; ".join(failures)))


def _chosen(node: Node, names: Sequence[str]) -> list[str]:
    """Return the peers to visit: those named, each of which there must be, or all that are enabled. Raises NotFound before any is visited."""
    with node.journal.read() as connection:
        if names:
            return [_peer(connection, name).name for name in dict.fromkeys(names)]
        enabled = [peer.name for peer in sources.list_(connection) if peer.name != OWN and peer.enabled]
    if not enabled:
        tell("Aucun pair à visiter : ajoutez-en avec « maillage peers add ».", "No peer to visit: add one with 'maillage peers add'.")
    return enabled


def _visited(node: Node, name: str, dry_run: bool) -> dict[str, Any]:
    """Visit one peer and return the report; a visit that somebody else is making just now is one that failed."""
    try:
        with progress(f"{name} : fiches lues", f"{name}: records read") as count:
            number = node.harvester.visit(name, dry_run=dry_run, progress=count)
    except Conflict as error:
        return {"id": None, "peer": name, "outcome": "failed", "message": error.text.in_language(language()), "counts": {}}
    with node.journal.read() as connection:
        return head_json(visits.get(connection, number), language())


def _items(node: Node, number: int | None) -> Iterator[dict[str, Any]]:
    """Yield the lines of a visit."""
    if number is not None:
        with node.journal.read() as connection:
            yield from (item_json(item, language()) for item in visits.all_items(connection, number))


def _ended(report: dict[str, Any]) -> str:
    """Return how a visit ended and what it counted, in words."""
    ending = ENDS[report["outcome"]].in_language(language())
    return f"{ending} ({counted(report['counts'])})" if any(report["counts"].values()) else ending


def _print_visit(node: Node, report: dict[str, Any]) -> None:
    """Print how a visit ended, then a line for every record that is not simply unchanged."""
    out(f"{report['peer']} : {_ended(report)}\n")
    if report["outcome"] in {"held", "dry-run"} and report["message"]:
        out(f"  {one_line(report['message'])}\n")
    if report["outcome"] == "held":
        out(f"  maillage peers apply {report['peer']} | maillage peers discard {report['peer']}\n")
    told = [item for item in _items(node, report["id"]) if item["outcome"] != "unchanged" or item["message"]]
    for outcome, group in groupby(sorted(told, key=lambda item: list(OUTCOMES).index(item["outcome"])), key=lambda item: item["outcome"]):
        _print_items(outcome, list(group))


def _print_items(outcome: str, items: Sequence[dict[str, Any]]) -> None:
    """Print the first of the lines of one outcome, and say how many more there are."""
    shown = SHOWN.get(outcome, SHOWN_ELSE)
    word = ITEM[outcome].in_language(language())
    out("".join(one_line(f"{word} {item['key']}  {item['message'] or ''}").join(("  ", "\n")) for item in items[:shown]))
    if len(items) > shown:
        out(say(f"  … et {len(items) - shown} autres (--json les donne)\n", f"  … and {len(items) - shown} more (--json gives them)\n"))


ITEM: Final = {
    "added": Text("ajoutée", "added"),
    "changed": Text("modifiée", "changed"),
    "unchanged": Text("inchangée", "unchanged"),
    "gone": Text("retirée", "gone"),
    "refused": Text("refusée", "refused"),
    "unmapped": Text("de côté", "left out"),
}
