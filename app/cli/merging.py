"""`merge`, `judge` and `explain`: which records are about the same group."""

from typing import Annotated

import typer

from app.cli.speech import Json, print_json, progress, say, tell
from app.journal.judgements import Verdict
from app.matching import explain as explaining
from app.matching import judge as judging
from app.node import open_node
from app.settings import read_settings

Left = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse d'une fiche ou d'un groupe.", "The address of a record or a group."))]
Right = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse de l'autre.", "The address of the other."))]


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("merge", help=say("Rapprocher à nouveau toutes les fiches.", "Match all records anew."))(merge)
    application.command("judge", help=say("Dire si deux fiches parlent du même groupe.", "Say whether two records are about the same group."))(judge)
    application.command("explain", help=say("Expliquer pourquoi deux fiches sont réunies ou non.", "Explain why two records are merged or not."))(
        explain
    )


def merge(as_json: Json = False) -> None:
    """Count the words anew, score every pair again, and rebuild the combined groups."""
    node = open_node(read_settings())
    with progress("Fiches comparées :", "Records compared:") as count:
        touched = node.combined.rebuild(node.journal, count)
    if as_json:
        print_json({"groups_written": touched})
    else:
        tell(f"{touched} groupes réécrits.", f"{touched} groups rewritten.")


def judge(
    verdict: Verdict,
    left: Left,
    right: Right,
    reason: Annotated[str | None, typer.Option(help=say("Pourquoi.", "Why."))] = None,
) -> None:
    """Record a human judgement; it holds for every later merge, and can be revoked."""
    node = open_node(read_settings())
    with node.journal.write() as connection:
        number = judging.judge(connection, node.names, left, right, verdict.value, reason, author="command line")
    node.combined.settle_pending(node.journal)
    tell(f"Jugement {number} enregistré.", f"Judgement {number} recorded.")


def explain(left: Left, right: Right, as_json: Json = False) -> None:
    """Print the reasons for and against two records being about the same group, with their weights."""
    node = open_node(read_settings())
    with node.journal.read() as connection:
        explanation = explaining.explain(connection, node.names, left, right)
    if as_json:
        print_json(explanation.as_json())
        return
    for reason in explanation.reasons:
        typer.echo(f"{reason.weight:+7.2f}  {reason.name}  {reason.detail}".rstrip())
    typer.echo(f"{explanation.score:+7.2f}  {say('total', 'total')}")
    if explanation.verdict:
        typer.echo(say(f"Jugement : {explanation.verdict}", f"Judgement: {explanation.verdict}"))
    typer.echo(say("Un seul groupe.", "One group.") if explanation.same_group else say("Deux groupes.", "Two groups."))
