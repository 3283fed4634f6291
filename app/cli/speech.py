"""How the command line speaks: the reader's language, one line for an error, progress only on a terminal, JSON on demand."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from app.errors import Text


def language() -> str:
    """Return the language of the terminal: English when its locale says so, French otherwise."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "fr")
    return "en" if locale.lower().startswith("en") else "fr"


def say(fr: str, en: str) -> str:
    """Return the sentence in the terminal's language."""
    return Text(fr, en).in_language(language())


def tell(fr: str, en: str) -> None:
    """Print a sentence for people on stderr, so that stdout holds only results."""
    typer.echo(say(fr, en), err=True)


def complain(text: Text) -> None:
    """Print an error as one line on stderr."""
    typer.echo(f"maillage: {' '.join(text.in_language(language()).split())}", err=True)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Print rows as aligned columns; long values are cut so that a line stays a line."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(column), *(len(line[i]) for line in cells)]) for i, column in enumerate(columns)]
    for line in [columns, ["-" * width for width in widths], *cells]:
        typer.echo("  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    """Return a value on one line of at most 80 characters."""
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


@contextmanager
def progress(fr: str, en: str) -> Iterator[Callable[[int], None] | None]:
    """Give a function that counts records on one moving line, or None when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    total = 0

    def count(more: int) -> None:
        nonlocal total
        total += more
        sys.stderr.write(f"\r{say(fr, en)} {total:>8}")
        sys.stderr.flush()

    yield count
    sys.stderr.write("\n")


Json = Annotated[bool, typer.Option("--json", help=say("Écrire du JSON, pour un programme.", "Write JSON, for a program."))]
