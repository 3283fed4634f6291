"""What the demonstration prints: what came in, what was merged and why, what was refused and why, and where to look."""

import json
from collections.abc import Callable, Iterable
from itertools import pairwise

from sqlalchemy import select

from app.errors import Text
from app.journal.tables import identity, member, record, source
from app.journal.visits import Item, Visit
from app.loading import Line
from app.matching.explain import explain, label
from app.node import Node

Tell = Callable[[Text], None]

OUTCOMES = {
    "added": Text("+ prise    ", "+ taken    "),
    "changed": Text("~ modifiée ", "~ changed  "),
    "unchanged": Text("= inchangée", "= unchanged"),
    "gone": Text("- retirée  ", "- gone     "),
    "refused": Text("x refusée  ", "x refused  "),
    "unmapped": Text(". de côté  ", ". left out "),
}
ENDS = {
    "applied": Text("tout est appliqué", "all of it is applied"),
    "unchanged": Text("rien de nouveau", "nothing new"),
    "held": Text("attend une personne", "waits for a person"),
    "failed": Text("échec", "failed"),
}
COUNTED = {
    "added": Text("prises", "taken"),
    "changed": Text("modifiées", "changed"),
    "unchanged": Text("inchangées", "unchanged"),
    "gone": Text("retirées", "gone"),
    "refused": Text("refusées", "refused"),
    "unmapped": Text("avec des champs laissés de côté", "with fields left out"),
}
MOST_REASONS = 3


def loaded(line: Line, tell: Tell) -> None:
    """Tell what became of one record of a file."""
    _line(line.outcome, line.key, line.messages, tell)


def visited(visit: Visit, items: Iterable[Item], tell: Tell) -> None:
    """Tell the outcome of a visit and a line for each record."""
    counts = [(number, COUNTED[outcome]) for outcome, number in visit.counts.items() if number]
    end = visit.message or ENDS[visit.outcome or "failed"]
    fr = ", ".join(f"{number} {word.fr if number > 1 else word.fr.removesuffix('s')}" for number, word in counts)
    en = ", ".join(f"{number} {word.en}" for number, word in counts)
    tell(Text(f"   Fiches : {fr} ; {end.fr}.", f"   Records: {en}; {end.en}."))
    for item in items:
        _line(item.outcome, item.key, (item.message,) if item.message else (), tell)


def _line(outcome: str, key: str, messages: Iterable[Text], tell: Tell) -> None:
    """Tell one record's outcome and, in words, why."""
    mark = OUTCOMES[outcome]
    said = list(messages)
    tell(
        Text(
            f"   {mark.fr} {key}" + "".join(f"\n       {text.fr}" for text in said),
            f"   {mark.en} {key}" + "".join(f"\n       {text.en}" for text in said),
        )
    )


def merged(node: Node, tell: Tell) -> None:
    """Tell which records were merged into one group, with the strongest reasons."""
    tell(Text("\n3. Ce qui a été réuni, et pourquoi", "\n3. What was merged, and why"))
    for slug, references in _groups(node).items():
        tell(Text(f"   {node.names.group(slug)}", f"   {node.names.group(slug)}"))
        for left, right in pairwise(references):
            tell(_why(node, left, right))


def _groups(node: Node) -> dict[str, list[str]]:
    """Return the groups that several records speak of, with the graphs of these records."""
    question = (
        select(identity.c.slug, source.c.name, record.c.key)
        .join(member, member.c.identity_id == identity.c.id)
        .join(record, record.c.id == member.c.record_id)
        .join(source, source.c.id == record.c.source_id)
        .order_by(identity.c.slug, source.c.id, record.c.key)
    )
    found: dict[str, list[str]] = {}
    with node.journal.read() as connection:
        for slug, name, key in connection.execute(question):
            found.setdefault(slug, []).append(node.names.record(name, key))
    return {slug: references for slug, references in found.items() if len(references) > 1}


def _why(node: Node, left: str, right: str) -> Text:
    """Return the strongest reasons for two records being about one group."""
    with node.journal.read() as connection:
        explanation = explain(connection, node.names, left, right)
    strongest = sorted(explanation.reasons, key=lambda reason: -abs(reason.weight))[:MOST_REASONS]
    pair = " = ".join(graph.split("/records/")[1] for graph in (left, right))
    fr = ", ".join(f"{label(reason).fr} {reason.weight:+.1f}" for reason in strongest)
    en = ", ".join(f"{label(reason).en} {reason.weight:+.1f}" for reason in strongest)
    return Text(f"     {pair} : {explanation.score:+.1f}\n       ({fr})", f"     {pair}: {explanation.score:+.1f}\n       ({en})")


def answer(body: bytes, tell: Tell) -> None:
    """Tell the rows of a SPARQL answer."""
    for row in json.loads(body)["results"]["bindings"]:
        cells = "  ".join(cell["value"] for cell in row.values())
        tell(Text(f"   {cells}", f"   {cells}"))


def addresses(node: Node, network: str, alternatives: str, tell: Tell) -> None:
    """Tell where to look with a browser, and how to end it."""
    base = node.names.base
    tell(Text(f"\nÀ ouvrir (Ctrl-C pour arrêter) :\n   {base}/", f"\nTo open (Ctrl-C stops it):\n   {base}/"))
    for page in ("groups", "peers", "sparql"):
        tell(Text(f"   {base}/{page}", f"   {base}/{page}"))
    tell(Text(f"Les pairs : {network}/ (réseau d'appui),", f"The peers: {network}/ (support network),"))
    tell(Text(f"   {alternatives}/ (carte GoGoCarto)", f"   {alternatives}/ (GoGoCarto map)"))
