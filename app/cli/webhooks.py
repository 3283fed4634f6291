"""`webhooks`: the addresses that are told when our feed moves."""

from typing import Annotated

import typer

from app.cli.opening import opened
from app.cli.speech import Json, language, out, print_json, print_table, say, tell, when
from app.harvest import webhooks
from app.journal import subscribers


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("add", help=say("Prévenir une adresse de chaque changement de nos groupes.", "Tell an address of every change of our groups."))(add)
    group.command("list", help=say("Lister qui est prévenu, et comment cela se passe.", "List who is told, and how that goes."))(list_webhooks)
    group.command("remove", help=say("Ne plus prévenir une adresse.", "Tell an address no more."))(remove)
    application.add_typer(group, name="webhooks")


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help=say("L'adresse qui reçoit les messages.", "The address that receives the messages."))],
    signed: Annotated[
        bool,
        typer.Option("--signed", help=say("Signer les messages ; écrire le secret, seul.", "Sign the messages; the secret is printed, alone.")),
    ] = False,
) -> None:
    """Tell an address of every change; a secret is shown once. The running node sends the messages."""
    with opened() as node, node.journal.write() as connection:
        one = webhooks.add(connection, node.names, url, signed=signed)
        if one.secret:
            out(one.secret + "\n")
    tell(
        f"Le nœud qui tourne prévient {url} de chaque changement (abonné {one.id}).",
        f"The running node tells {url} of every change (subscriber {one.id}).",
    )


def list_webhooks(as_json: Json = False) -> None:
    """List webhooks, and the WebSub subscribers that came by themselves."""
    with opened() as node, node.journal.read() as connection:
        rows = [webhooks.as_json(one, language()) for one in subscribers.list_(connection)]
    if as_json:
        print_json(rows)
        return
    titles = say("n° sorte état échecs prévenu adresse", "no kind state failures told url").split()
    print_table([row | {"last_ping": when(row["last_ping"])} for row in rows], ["id", "kind", "state", "failures", "last_ping", "url"], titles)


def remove(
    number: Annotated[
        int,
        typer.Argument(metavar=say("NUMÉRO", "NUMBER"), help=say("Le numéro donné par « webhooks list ».", "The number shown by 'webhooks list'.")),
    ],
) -> None:
    """Tell an address no more."""
    with opened() as node, node.journal.write() as connection:
        webhooks.remove(connection, number)
    tell(f"L'abonné {number} n'est plus prévenu.", f"Subscriber {number} is told no more.")
