"""What `load`, `check` and `harvest` print about records: what must be looked at one by one, the rest summed up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.cli.speech import language, one_line, out, say
from app.errors import Text
from app.loading import Line

OUTCOMES: Final = {
    "added": Text("ajoutées", "added"),
    "changed": Text("modifiées", "changed"),
    "unchanged": Text("inchangées", "unchanged"),
    "gone": Text("retirées", "gone"),
    "good": Text("bonnes", "good"),
    "refused": Text("refusées", "refused"),
    "unmapped": Text("avec des champs laissés de côté", "with fields left out"),
}
EVERYTHING = "*"
"""The key of the line that is about no record."""

NAMED = 3
"""Records that a summed-up message names."""

REASONS = 20
"""Reasons of one refusal that are printed."""


def counted(counts: Mapping[str, int]) -> str:
    """Return how many records there are of each outcome, in words."""
    named = [_counted(count, OUTCOMES[outcome].in_language(language())) for outcome, count in counts.items() if count]
    return ", ".join(named) or say("rien", "nothing")


def _counted(count: int, word: str) -> str:
    """Return a number with its word, which is a plural."""
    return f"{count} {word.removesuffix('s') if count == 1 else word}"


def print_lines(lines: Sequence[Line]) -> None:
    """Print each refused record with its reasons, then every other message once with the records that it is about, then what was left."""
    summary = [text.in_language(language()) for line in lines if line.key == EVERYTHING for text in line.messages]
    for line in lines:
        if line.outcome == "refused":
            reasons = [text.in_language(language()) for text in line.messages[:REASONS]]
            out(one_line(f"{say('refusée', 'refused')} {line.key} : " + " ".join(reasons)) + "\n")
    for message, keys in _by_message(lines, with_left=not summary).items():
        out(f"{one_line(message)}\n    {_named(keys)}\n")
    if summary:
        out(say("Champs que rien ne reprend :\n", "Fields that nothing takes:\n") + "".join(f"    {one_line(text)}\n" for text in summary))


def _by_message(lines: Iterable[Line], *, with_left: bool) -> dict[str, list[str]]:
    """Return the keys of the records that each message is about; what each record left is one, unless it is summed up elsewhere."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.outcome == "refused" or line.key == EVERYTHING:
            continue
        messages = [text.in_language(language()) for text in line.messages]
        if with_left and line.left:
            messages.append(say("Champs laissés de côté : ", "Fields left out: ") + ", ".join(line.left))
        for message in messages:
            found.setdefault(message, []).append(line.key)
    return found


def _named(keys: Sequence[str]) -> str:
    """Name the first of a few records, and say how many more there are."""
    more = len(keys) - NAMED
    listed = one_line(", ".join(keys[:NAMED]))
    return listed if more <= 0 else say(f"{listed} et {more} autres (--json les nomme)", f"{listed} and {more} more (--json names them)")
