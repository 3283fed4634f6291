"""`merge`, `judge` and `explain`: which records are about the same group."""

from typing import Annotated

import typer

from app.cli.opening import opened
from app.cli.speech import Json, language, one_line, out, print_json, progress, say, tell
from app.errors import Text
from app.journal.judgements import Verdict
from app.matching import explain as explaining
from app.matching import judge as judging
from app.matching.score import MATCH

Left = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse d'une fiche ou d'un groupe.", "The address of a record or a group."))]
Right = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse de l'autre.", "The address of the other."))]

VERDICTS = {"same": Text("le même groupe", "the same group"), "different": Text("deux groupes", "two groups"), "unsure": Text("incertain", "unsure")}


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("merge")(merge)
    application.command("judge")(judge)
    application.command("explain")(explain)


def merge(as_json: Json = False) -> None:
    """Count the words anew, score every pair again, and rebuild the combined groups."""
    with opened() as node, progress("Fiches comparées :", "Records compared:") as count:
        touched = node.combined.rebuild(node.journal, count)
    if as_json:
        print_json({"groups_written": touched})
    else:
        tell(f"Groupes réécrits : {touched}.", f"Groups rewritten: {touched}.")


def judge(
    verdict: Annotated[Verdict, typer.Argument(metavar="same|different|unsure", help=say("Le jugement.", "The judgement."))],
    left: Left,
    right: Right,
    reason: Annotated[str | None, typer.Option(help=say("Pourquoi.", "Why."))] = None,
    as_json: Json = False,
) -> None:
    """Record a human judgement; it holds for every later merge, and can be revoked."""
    with opened() as node:
        with node.journal.write() as connection:
            number = judging.judge(connection, node.names, left, right, verdict.value, reason, author="command line")
        node.combined.settle_pending(node.journal)
    if as_json:
        print_json({"id": number})
    else:
        tell(f"Jugement {number} enregistré.", f"Judgement {number} recorded.")


def explain(left: Left, right: Right, as_json: Json = False) -> None:
    """Print the reasons for and against two records being about the same group, with their weights."""
    with opened() as node, node.journal.read() as connection:
        explanation = explaining.explain(connection, node.names, left, right)
    if as_json:
        print_json(explanation.as_json())
        return
    lines = [f"{explanation.left} = {explanation.right} ?"]
    lines += [f"{one.weight:+7.2f}  {explaining.label(one).in_language(language())}  {one.detail}" for one in explanation.reasons]
    needed = f"{MATCH:+.2f}"
    lines.append(f"{explanation.score:+7.2f}  " + say(f"en tout (réunies à partir de {needed})", f"in all (merged from {needed})"))
    if explanation.verdict:
        lines.append(say("Jugé : ", "Judged: ") + VERDICTS[explanation.verdict].in_language(language()) + ".")
    if explanation.refusal and not explanation.same_group:
        lines.append(explanation.refusal.in_language(language()))
    lines.append(say("Un seul groupe.", "One group.") if explanation.same_group else say("Deux groupes.", "Two groups."))
    out("".join(f"{line[: len(line) - len(line.lstrip())]}{one_line(line)}\n" for line in lines))
