"""`review`: the questions that wait for a person, one after the other at a terminal, or as a list."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection

from app import vocabulary
from app.cli.opening import opened
from app.cli.speech import Json, language, one_line, out, print_json, print_table, say, tell
from app.errors import BadRequest, Conflict, NotFound, StaleVersion, Text
from app.journal.judgements import Verdict
from app.matching import deciding, queue
from app.matching import explain as explaining
from app.matching.agreement import Agreement, agreement
from app.matching.deciding import Decided
from app.matching.queue import Choice
from app.matching.score import MATCH
from app.node import Node
from app.record import public_view

KEYS: Final = {"s": Verdict.SAME, "d": Verdict.DIFFERENT, "u": Verdict.UNSURE}
SIGNS: Final = {Agreement.SAME: "=", Agreement.NEAR: "≈", Agreement.APART: "≠", Agreement.ALONE: " "}
HIDDEN: Final = frozenset({"id", "type", "@context", "license", "consent", "created", "contentHash"})
LONGEST: Final = 200
"""Characters of a value that are shown."""

HELP: Final = Text(
    "s le même groupe, d deux groupes, u je ne sais pas (la raison peut suivre, elle est publiée), z annuler, q arrêter",
    "s the same group, d two groups, u I do not know (the reason may follow, it is published), z undo, q stop",
)
AUTHOR: Final = "command line"

Band = Annotated[str, typer.Option(help=say("Seulement far, near ou above : loin du seuil, près, au-dessus.", "Only far, near or above."))]
Sources = Annotated[str, typer.Option(help=say("Seulement ces deux sources : « a+b ».", "Only these two sources: 'a+b'."))]
Candidates = Annotated[str, typer.Option(help=say("Seulement one, few ou many autres candidats.", "Only one, few or many candidates."))]
Why = Annotated[str, typer.Option(help=say("Seulement cette cause, telle que --list la nomme.", "Only this cause, as --list names it."))]
Listed = Annotated[bool, typer.Option("--list", help=say("Lister les questions sans rien demander.", "List the questions and ask nothing."))]


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("review")(review)


def review(band: Band = "", sources: Sources = "", candidates: Candidates = "", why: Why = "", listed: Listed = False, as_json: Json = False) -> None:
    """Show the pairs of records that wait for a person, those that settle most first, and keep the answers."""
    choice = Choice(band, sources, candidates, why)
    if as_json and not listed:
        raise BadRequest(Text("--json va avec --list.", "--json goes with --list."))
    with opened() as node:
        if listed:
            _list(node, choice, as_json)
        else:
            _ask(node, choice)


def _list(node: Node, choice: Choice, as_json: bool) -> None:
    """Print the questions."""
    with node.journal.read() as c:
        found = queue.waiting(c, choice)
    if as_json:
        print_json({"matches": [one.as_json(node.names, language()) for one in found.questions], "facets": found.facets})
        return
    rows = [{"left": one.pair.left, "right": one.pair.right, "score": f"{one.pair.score:+.2f}"} | _facets(one) for one in found.questions]
    titles = say("fiche autre score règle pourquoi", "record other score settles why").split()
    print_table(rows, ["left", "right", "score", "settles", "why"], titles)


def _facets(question: queue.Question) -> dict[str, Any]:
    """Return what else a line of the list shows."""
    return {"settles": question.settles, "why": question.why}


def _ask(node: Node, choice: Choice) -> None:
    """Ask one question after the other until there is none, or the person stops."""
    tell(HELP.fr, HELP.en)
    done: list[Decided] = []
    while True:
        with node.journal.read() as c:
            waiting = queue.waiting(c, choice).questions
            if waiting:
                pair = waiting[0].pair.left, waiting[0].pair.right
                shown, seen = _shown(node, c, pair), deciding.mark(c, *pair)
        if not waiting:
            tell("Il n'en reste aucune : tout est relu.", "None left: all is reviewed.")
            return
        out("\n" + shown)
        key, _, reason = _answer(len(waiting)).partition(" ")
        if key in {"q", ""}:
            return
        try:
            _act(node, key, pair, reason.strip() or None, seen, done)
        except (Conflict, NotFound, StaleVersion) as error:
            tell(error.text.fr, error.text.en)


def _act(node: Node, key: str, pair: tuple[str, str], reason: str | None, seen: str, done: list[Decided]) -> None:
    """Do what a key says; one that says nothing gets the list of keys. Raises Conflict, NotFound and StaleVersion."""
    if key == "z" and not done:
        tell("Il n'y a rien à annuler.", "There is nothing to undo.")
    elif key == "z":
        with node.journal.write() as c:
            deciding.undo(c, node.names, done[-1], AUTHOR)
        done.pop()
    elif key in KEYS:
        with node.journal.write() as c:
            done.append(deciding.decide(c, node.names, pair, KEYS[key], reason, AUTHOR, seen))
    else:
        tell(HELP.fr, HELP.en)
    node.combined.settle_pending(node.journal)


def _answer(left: int) -> str:
    """Ask for one line; nothing at the end of the input, `?` for an empty line."""
    sys.stderr.write(say(f"Il en reste {left}. s/d/u/z/q > ", f"{left} left. s/d/u/z/q > "))
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.strip().lower()[:1] + line.strip()[1:] or "?" if line else ""


def _shown(node: Node, c: Connection, pair: tuple[str, str]) -> str:
    """Return both records field by field, and the reasons of their score; never a contact that they do not publish."""
    documents = [public_view(deciding.record(c, one).document) for one in pair]
    found = explaining.explain(c, node.names, *(node.names.record(*one.split("/", 1)) for one in pair))
    lines = [f"   {one_line(pair[0])}  |  {one_line(pair[1])}", *_fields(documents), ""]
    lines += [f"{one.weight:+7.2f}  {explaining.label(one).in_language(language())}" for one in found.reasons]
    lines.append(f"{found.score:+7.2f}  " + say(f"en tout (réunies à partir de {MATCH:+.2f})", f"in all (merged from {MATCH:+.2f})"))
    if found.refusal:
        lines.append(one_line(found.refusal.in_language(language())))
    return "\n".join(lines) + "\n"


def _fields(documents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each field that one of both has."""
    known = vocabulary.load().properties("Group")
    keys = [key for key in known if any(key in one for one in documents)] + sorted({key for one in documents for key in one} - known.keys())
    for key in keys:
        if key not in HIDDEN:
            label = known[key].labels[language()] if key in known else key
            left, right = (one_line(", ".join(_texts(one.get(key))))[:LONGEST] or "–" for one in documents)
            yield f" {SIGNS[agreement(key, *(one.get(key) for one in documents))]} {one_line(label)}: {left}  |  {right}"


def _texts(value: Any) -> Iterator[str]:
    """Yield what a value says, without the addresses of its parts."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner) if key not in HIDDEN else ()
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)
