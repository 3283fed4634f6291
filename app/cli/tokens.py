"""`token`: who may write."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.place import existing
from app.cli.speech import Json, day, out, print_json, print_table, say, tell
from app.journal import FILE, Journal, tokens
from app.settings import Settings, read_settings


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("create", help=say("Créer un jeton et l'écrire, seul, sur la sortie.", "Create a token and print it, alone."))(create)
    group.command("list", help=say("Lister les jetons (jamais leur valeur).", "List the tokens (never their value)."))(list_tokens)
    group.command("revoke", help=say("Révoquer un jeton par son numéro.", "Revoke a token by its number."))(revoke)
    application.add_typer(group, name="token")


def create(
    role: Annotated[tokens.Role, typer.Option(help=say("Ce qu'il permet.", "What it allows."))],
    label: Annotated[str, typer.Option(help=say("À qui il est.", "Whose it is."))],
    days: Annotated[int | None, typer.Option(min=1, help=say("Durée de validité en jours.", "Days it is valid."))] = None,
) -> None:
    """Create a token; it is shown once and only its hash is kept. One that could not be shown is not kept either."""
    with _journal(read_settings()) as journal, journal.write() as connection:
        out(tokens.create(connection, label, role, days) + "\n")


def list_tokens(as_json: Json = False) -> None:
    """List the tokens."""
    with _journal(existing()) as journal, journal.read() as connection:
        rows = [asdict(token) for token in tokens.list_(connection)]
    if as_json:
        print_json(rows)
        return
    times = ("created_at", "expires_at", "revoked_at")
    titles = say("n° nom rôle créé expire révoqué", "no label role created expires revoked").split()
    print_table([row | {name: day(row[name]) for name in times} for row in rows], ["id", "label", "role", *times], titles)


def revoke(
    number: Annotated[
        int,
        typer.Argument(metavar=say("NUMÉRO", "NUMBER"), help=say("Le numéro donné par « token list ».", "The number shown by 'token list'.")),
    ],
) -> None:
    """Revoke a token: it opens nothing from now on."""
    with _journal(existing()) as journal, journal.write() as connection:
        tokens.revoke(connection, number)
    tell(f"Le jeton {number} est révoqué.", f"Token {number} is revoked.")


def _journal(settings: Settings) -> closing[Journal]:
    """Open the journal alone: tokens need no other room."""
    return closing(Journal(settings.data_dir / FILE))
