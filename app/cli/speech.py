"""How the command line speaks: the reader's language, one line for an error, progress only on a terminal, JSON on demand."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from app.errors import OutputFailed, Text, why

NARROWEST = 8
"""Characters that a column keeps on a narrow terminal."""

MOVES_S = 0.1
"""How often the line of progress is written anew."""


def language() -> str:
    """Return the language of the terminal: English when its locale says so, French otherwise."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "fr")
    return "en" if locale.lower().startswith("en") else "fr"


def say(fr: str, en: str) -> str:
    """Return the sentence in the terminal's language."""
    return Text(fr, en).in_language(language())


def tell(fr: str, en: str) -> None:
    """Print a sentence for people on stderr, so that stdout holds only results."""
    _murmur(f"{say(fr, en)}\n")


def complain(text: Text) -> None:
    """Print an error as one line on stderr."""
    _murmur(f"maillage: {one_line(text.in_language(language()))}\n")


def _murmur(text: str) -> None:
    """Write on stderr; when nobody listens there is nobody to tell."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def one_line(value: Any) -> str:
    """Return a value on one line, without what could move a terminal's cursor; nothing for None."""
    text = "" if value is None else " ".join(str(value).split())
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def out(result: str | bytes, encoding: str | None = None) -> None:
    """Write a part of the result on stdout, in the terminal's encoding or as given. Raises OutputFailed when nobody takes it."""
    if sys.stdout is None:  # closed before we began
        raise OutputFailed(Text("La sortie est fermée : rien ne peut y être écrit.", "The output is closed: nothing can be written there."))
    data = result if isinstance(result, bytes) else result.encode(encoding or sys.stdout.encoding, "replace")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that what is left in the buffer is not tried again at the end
        reason = why(error)
        raise OutputFailed(
            Text(f"La sortie n'a pas été écrite jusqu'au bout : {reason.fr}.", f"The output was not written to its end: {reason.en}.")
        ) from error


def print_json(value: Any) -> None:
    """Print a value for programs, in UTF-8 whatever the terminal's encoding."""
    out(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")


def print_table(rows: Sequence[dict[str, Any]], columns: Sequence[str], titles: Sequence[str] = ()) -> None:
    """Print rows as aligned columns under their titles; on a terminal the widest are cut so that a row stays a line."""
    cells = [list(titles or columns), *([one_line(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    if sys.stdout and sys.stdout.isatty():
        widths = fitted(widths, shutil.get_terminal_size().columns)
    cells.insert(1, ["-" * width for width in widths])
    out("".join("  ".join(_cut(value, width) for value, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in cells))


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return the widths of columns, the widest made narrower until a row fits in `room`, each keeping a few characters."""
    narrowed = list(widths)
    while sum(narrowed) + 2 * (len(narrowed) - 1) > room and max(narrowed) > NARROWEST:
        narrowed[narrowed.index(max(narrowed))] -= 1
    return narrowed


def _cut(text: str, width: int) -> str:
    """Return a text in exactly `width` characters."""
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"


def when(moment: str | None) -> str | None:
    """Return a moment of the journal as people read it, to the minute (UTC)."""
    return moment and moment[:16].replace("T", " ")


def day(moment: str | None) -> str | None:
    """Return the day of a moment of the journal (UTC)."""
    return moment and moment[:10]


@contextmanager
def progress(fr: str, en: str) -> Iterator[Callable[[int], None] | None]:
    """Give a function that counts records on one moving line, or None when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    total, written = 0, 0.0

    def count(more: int) -> None:
        nonlocal total, written
        total += more
        if time.monotonic() - written >= MOVES_S:
            written = time.monotonic()
            _murmur(f"\r{say(fr, en)} {total:>8}")

    try:
        yield count
    finally:
        if total:
            _murmur(f"\r{say(fr, en)} {total:>8}\n")


Json = Annotated[bool, typer.Option("--json", help=say("Écrire du JSON, pour un programme.", "Write JSON, for a program."))]
