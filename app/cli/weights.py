"""`weights`: what each reason of a merge counts, learnt from the node's own judgements when somebody asks for it, and never by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import typer

from app.cli.opening import opened
from app.cli.speech import Json, one_line, out, print_json, print_table, progress, say, tell, when
from app.matching import adopted, proposing, statistics
from app.node import Node

SHOWN = 20
"""Groups of each kind that are told."""

AUTHOR = "command line"


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help=say("Les poids en vigueur, et ceux d'avant.", "The weights that hold, and those before."))(list_weights)
    group.command(
        "learn",
        help=say("Apprendre des avis, montrer ce qui changerait, ne rien changer.", "Learn from judgements, show what would change, change nothing."),
    )(learn)
    group.command("adopt", help=say("Apprendre des avis, adopter, rapprocher à nouveau.", "Learn from judgements, adopt, match anew."))(adopt)
    group.command("revert", help=say("Revenir aux poids d'avant.", "Go back to the weights before."))(revert)
    application.add_typer(group, name="weights")


def list_weights(as_json: Json = False) -> None:
    """Print the weights that hold and every change there was."""
    with opened() as node, node.journal.read() as connection:
        history, current = adopted.history(connection), adopted.current(connection)
    if as_json:
        print_json({"version": current.version, "weights": dict(current.values), "history": [asdict(one) for one in history]})
        return
    print_table(
        [{"name": name, "weight": f"{value:+.2f}"} for name, value in current.values.items()],
        ["name", "weight"],
        [say("raison", "reason"), say("poids", "weight")],
    )
    for one in history:
        values = len(one.values)
        out(
            one_line(
                say(
                    f"{one.number}. {when(one.at)} : {values} poids changés, d'après {one.same + one.different} avis ({one.author})",
                    f"{one.number}. {when(one.at)}: {values} weights changed, from {one.same + one.different} judgements ({one.author})",
                )
            )
            + "\n"
        )


def learn(as_json: Json = False) -> None:
    """Print the weights that the judgements ask for beside those that hold, and the groups that would change. Nothing is changed."""
    with opened() as node, node.journal.read() as connection:
        proposal = proposing.propose(connection)
    if as_json:
        print_json(asdict(proposal))
        return
    rows = [*_changes(proposal.present, proposal.weights)]
    print_table(rows, ["name", "old", "new"], [say("raison", "reason"), say("en vigueur", "now"), say("appris", "learnt")])
    made, unmade = len(proposal.made), len(proposal.unmade)
    out(
        say(
            f"\nD'après {proposal.same} avis « le même » et {proposal.different} « différents ».\n",
            f"\nFrom {proposal.same} judgements 'same' and {proposal.different} 'different'.\n",
        )
    )
    for title, groups in (
        (say(f"Groupes nouveaux : {made}", f"New groups: {made}"), proposal.made),
        (say(f"à la place de : {unmade}", f"in the place of: {unmade}"), proposal.unmade),
    ):
        out(f"{title}\n" + "".join(f"  {one_line(' + '.join(group))}\n" for group in groups[:SHOWN]))
    tell("Rien n'est changé. « maillage weights adopt » les adopte.", "Nothing is changed. 'maillage weights adopt' takes them.")


def adopt(as_json: Json = False) -> None:
    """Learn from the judgements, take the weights, and match everything anew with them."""
    with opened() as node:
        with node.journal.write() as connection:
            values, same, different = proposing.learnt(connection)
            taken = adopted.adopt(connection, values, AUTHOR, same, different)
            statistics.outdate(connection)
        _rebuilt(node, taken, as_json)


def revert(as_json: Json = False) -> None:
    """Take the weights that held before, and match everything anew with them."""
    with opened() as node:
        with node.journal.write() as connection:
            taken = adopted.revert(connection, AUTHOR)
            statistics.outdate(connection)
        _rebuilt(node, taken, as_json)


def _rebuilt(node: Node, taken: adopted.Adoption, as_json: bool) -> None:
    """Match everything anew, and say what was done."""
    with progress("Fiches comparées :", "Records compared:") as count:
        touched = node.combined.rebuild(node.journal, count)
    if as_json:
        print_json({**asdict(taken), "groups_written": touched})
    else:
        changed = len(taken.values)
        tell(
            f"Version {taken.number} : {changed} poids diffèrent de ceux du programme. Groupes réécrits : {touched}.",
            f"Version {taken.number}: {changed} weights differ from those of the program. Groups rewritten: {touched}.",
        )


def _changes(old: Mapping[str, float], new: Mapping[str, float]) -> Iterator[dict[str, str]]:
    """Yield the weights that differ, those that change the most first."""
    for name in sorted(new, key=lambda name: (-abs(new[name] - old[name]), name)):
        if new[name] != old[name]:
            yield {"name": name, "old": f"{old[name]:+.2f}", "new": f"{new[name]:+.2f}"}
