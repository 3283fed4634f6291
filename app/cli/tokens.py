"""`token`: who may write."""

from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.speech import Json, print_json, print_table, say, tell
from app.journal import tokens
from app.node import open_node
from app.settings import read_settings


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help=say("Les jetons de ceux qui écrivent.", "The tokens of those who write."))
    group.command("create", help=say("Créer un jeton et l'écrire, seul, sur la sortie.", "Create a token and print it, alone."))(create)
    group.command("list", help=say("Lister les jetons (jamais leur valeur).", "List the tokens (never their value)."))(list_tokens)
    group.command("revoke", help=say("Révoquer un jeton par son numéro.", "Revoke a token by its number."))(revoke)
    application.add_typer(group, name="token")


def create(
    role: Annotated[tokens.Role, typer.Option(help=say("Ce qu'il permet.", "What it allows."))],
    label: Annotated[str, typer.Option(help=say("À qui il est.", "Whose it is."))],
    days: Annotated[int | None, typer.Option(min=1, help=say("Durée de validité en jours.", "Days it is valid."))] = None,
) -> None:
    """Create a token; it is shown once and only its hash is kept."""
    with open_node(read_settings()).journal.write() as connection:
        secret = tokens.create(connection, label, role, days)
    typer.echo(secret)


def list_tokens(as_json: Json = False) -> None:
    """List the tokens."""
    with open_node(read_settings()).journal.read() as connection:
        rows = [asdict(token) for token in tokens.list_(connection)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["id", "label", "role", "created_at", "expires_at", "revoked_at"])


def revoke(number: Annotated[int, typer.Argument(help=say("Le numéro donné par « token list ».", "The number shown by 'token list'."))]) -> None:
    """Revoke a token: it opens nothing from now on."""
    with open_node(read_settings()).journal.write() as connection:
        tokens.revoke(connection, number)
    tell(f"Le jeton {number} est révoqué.", f"Token {number} is revoked.")
