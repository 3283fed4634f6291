"""`peers readers` and `peers proposals`: who harvests this node, and whom its peers speak of."""

from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.opening import opened
from app.cli.speech import Json, print_json, print_table, say, tell, when
from app.journal import proposals, readers


def add_to(group: typer.Typer) -> None:
    """Add the commands of this module to those about peers."""
    group.command("readers", help=say("Lister qui moissonne ce nœud.", "List who harvests this node."))(list_readers)
    group.command(
        "proposals",
        help=say("Lister les nœuds dont parlent les pairs, à suivre ou non.", "List the nodes that peers speak of, to follow or not."),
    )(list_proposals)


def list_readers(as_json: Json = False) -> None:
    """List who harvests this node, as far as they say who they are; the running node writes it down every half minute."""
    with opened() as node, node.journal.read() as connection:
        rows = [asdict(one) for one in readers.list_(connection)]
    if as_json:
        print_json(rows)
        return
    titles = say("adresse programme lectures depuis dernière événement", "url agent requests since last event").split()
    columns = ["url", "agent", "requests", "first_at", "last_at", "sequence"]
    print_table([row | {name: when(row[name]) for name in ("first_at", "last_at")} for row in rows], columns, titles)


def list_proposals(
    dismiss: Annotated[str | None, typer.Option(metavar="URL", help=say("Ne plus proposer ce nœud.", "Propose this node no more."))] = None,
    as_json: Json = False,
) -> None:
    """List the nodes that peers speak of and that are no peers yet; 'maillage peers add' makes one of them a peer."""
    with opened() as node:
        if dismiss is not None:
            with node.journal.write() as connection:
                proposals.dismiss(connection, dismiss)
            tell(f"{dismiss} n'est plus proposé.", f"{dismiss} is proposed no more.")
            return
        with node.journal.read() as connection:
            rows = [asdict(one) for one in proposals.list_(connection)]
    if as_json:
        print_json(rows)
        return
    titles = say("adresse par trouvé revu", "url through found seen").split()
    columns = ["url", "found_through", "found_at", "seen_at"]
    print_table([row | {name: when(row[name]) for name in ("found_at", "seen_at")} for row in rows], columns, titles)
