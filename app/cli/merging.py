"""`merge`, `judge` and `explain`: which records are about the same group."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.evaluation import evaluate
from app.cli.opening import opened
from app.cli.speech import Json, language, one_line, out, print_json, progress, say, tell
from app.errors import BadRequest, Text
from app.journal.judgements import Verdict
from app.matching import explain as explaining
from app.matching import filing, parquet
from app.matching import judge as judging
from app.matching.parquet import Engine
from app.matching.score import MATCH

Left = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse d'une fiche ou d'un groupe.", "The address of a record or a group."))]
Right = Annotated[str, typer.Argument(metavar="IRI", help=say("L'adresse de l'autre.", "The address of the other."))]

VERDICTS = {"same": Text("le même groupe", "the same group"), "different": Text("deux groupes", "two groups"), "unsure": Text("incertain", "unsure")}


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("merge")(merge)
    application.command("relations")(relations)
    application.command("judge")(judge)
    application.command("explain")(explain)


Gold = Annotated[
    Path | None,
    typer.Option(
        "--evaluate",
        metavar="FILE.csv",
        help=say(
            "Mesurer sur un fichier dont la colonne « entity » dit le vrai ; le nœud n'y sert pas.",
            "Measure on a file whose column 'entity' is the truth; no node is used.",
        ),
    ),
]
Clusters = Annotated[
    Path | None, typer.Option("--clusters", metavar="OUT.csv", help=say("Écrire id,cluster dans ce fichier.", "Write id,cluster to this file."))
]
Errors = Annotated[
    int, typer.Option("--errors", min=0, max=1000, help=say("Erreurs expliquées, de chaque sorte.", "Errors explained, of each kind."))
]
Learn = Annotated[
    bool,
    typer.Option(
        "--learn",
        help=say(
            "Mesurer aussi les poids appris d'une moitié, si grand que soit le fichier.",
            "Measure weights learnt from half too, however large the file.",
        ),
    ),
]


Table = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE.parquet",
        help=say("Rapprocher les fiches de ce fichier plutôt que celles du nœud.", "Match the records of this file instead of the node's."),
    ),
]
Grouped = Annotated[
    Path | None, typer.Option("--output", metavar="OUT.parquet", help=say("Écrire id, cluster dans ce fichier.", "Write id, cluster to this file."))
]
With = Annotated[
    Engine, typer.Option("--engine", help=say("embedded : cette machine ; spark : Apache Spark.", "embedded: this machine; spark: Apache Spark."))
]
Master = Annotated[str | None, typer.Option(help=say("Adresse de Spark, « local[2] » par exemple.", "Where Spark is, 'local[2]' for one."))]
Processes = Annotated[int, typer.Option(min=1, max=64, help=say("Processus qui y travaillent ensemble.", "Processes that work at it together."))]


def merge(
    evaluated: Gold = None,
    clusters: Clusters = None,
    errors: Errors = 10,
    learn: Learn = False,
    given: Table = None,
    wanted: Grouped = None,
    engine: With = Engine.EMBEDDED,
    master: Master = None,
    processes: Processes = 1,
    as_json: Json = False,
) -> None:
    """Count the words anew, score every pair again, and rebuild the combined groups; or match a file; or measure how true that is."""
    if given is not None or wanted is not None or engine is Engine.SPARK:
        _file(given, wanted, engine, master, processes, as_json)
        return
    if evaluated is not None:
        evaluate(evaluated, clusters, errors, learn, as_json, processes)
        return
    if clusters is not None:
        raise BadRequest(Text("--clusters va avec --evaluate FICHIER.", "--clusters goes with --evaluate FILE."))
    with opened() as node, progress("Fiches comparées :", "Records compared:") as count:
        touched = node.combined.rebuild(node.journal, count)
    if as_json:
        print_json({"groups_written": touched})
    else:
        tell(f"Groupes réécrits : {touched}.", f"Groups rewritten: {touched}.")


def _file(given: Path | None, wanted: Path | None, engine: Engine, master: str | None, processes: int, as_json: bool) -> None:
    """Match the records of a Parquet file."""
    if given is None or wanted is None:
        raise BadRequest(
            Text("Donnez les fiches avec --input et le résultat avec --output.", "Give the records with --input, and where to write with --output.")
        )
    count = parquet.spark(given, wanted, master) if engine is Engine.SPARK else parquet.embedded(given, wanted, processes)
    if as_json:
        print_json({"records": count})
    else:
        tell(f"Fiches rapprochées : {count}.", f"Records matched: {count}.")


def relations(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=say("Paires, au plus.", "Pairs, at most."))] = 100, as_json: Json = False
) -> None:
    """List links found on the way: a branch and its head, an establishment and its enterprise, two groups of one network. Nothing is merged."""
    with opened() as node, node.journal.read() as connection:
        found = [
            {
                "left": node.names.record(*left.split("/", 1)),
                "right": node.names.record(*right.split("/", 1)),
                "kind": one.kind,
                "whole": node.names.record(*one.whole.split("/", 1)) if one.whole else None,
            }
            for left, right, one in filing.related(connection, limit)
        ]
    if as_json:
        print_json(found)
        return
    for row in found:
        first, second = (row["right"], row["left"]) if row["whole"] == row["left"] else (row["left"], row["right"])
        out(one_line(f"{first} {row['kind']} {second}") + "\n")


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
