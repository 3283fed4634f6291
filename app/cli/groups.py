"""`load`, `check`, `export` and `query`: groups in, groups out, questions."""

import errno
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app import loading
from app.cli.mapping import read_mapping
from app.cli.opening import opened
from app.cli.place import existing
from app.cli.report import counted, print_lines
from app.cli.speech import Json, language, out, print_json, print_table, progress, say, tell
from app.errors import BadQuery, DataDirectoryBusy, NotAcceptable, OutputFailed, Text, why
from app.feed import dump
from app.graph import remote
from app.journal import FILE
from app.node import Node, open_graph, running_at
from app.settings import Settings, read_settings
from app.sparql.answers import Question


class ExportFormat(StrEnum):
    """What `export` writes."""

    NQ = "nq"
    JSONLD = "jsonld"
    NDJSON = "ndjson"
    CSV = "csv"
    GEOJSON = "geojson"


class AnswerFormat(StrEnum):
    """What `query` writes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    XML = "xml"
    TURTLE = "ttl"
    NT = "nt"
    JSONLD = "jsonld"


MEDIA_TYPES = {
    AnswerFormat.TABLE: "application/sparql-results+json, text/turtle;q=0.5",
    AnswerFormat.JSON: "application/sparql-results+json, application/ld+json;q=0.5",
    AnswerFormat.CSV: "text/csv",
    AnswerFormat.TSV: "text/tab-separated-values",
    AnswerFormat.XML: "application/sparql-results+xml, application/rdf+xml;q=0.5",
    AnswerFormat.TURTLE: "text/turtle",
    AnswerFormat.NT: "application/n-triples",
    AnswerFormat.JSONLD: "application/ld+json",
}
TABULAR = frozenset({AnswerFormat.CSV, AnswerFormat.TSV})
"""The formats that only suit SELECT and ASK, of those that do not suit every question."""

PATIENCE_S = 10
"""Seconds that `query` waits for another command to let go of the graph."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command("load")(load)
    application.command("check")(check)
    application.command("export")(export)
    application.command("query")(query)


What = Annotated[
    str,
    typer.Argument(metavar=say("FICHIER", "FILE"), help=say("Un fichier, ou une adresse http(s).", "A file, or an http(s) address.")),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help=say("Le format, s'il ne se devine pas : ", "The format, when it cannot be guessed: ") + ", ".join(loading.FORMATS)),
]
Mapping = Annotated[Path | None, typer.Option(help=say("Fichier de correspondance (TOML ou JSON).", "Mapping file (TOML or JSON)."))]


def load(what: What, format_: Format = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Publish every record of a file as one of our own groups; those that the file gave before are revised."""
    rules = read_mapping(mapping)
    with (
        opened(read_settings()) as node,
        loading.opened(what, format_, rules, node.fetcher) as records,
        progress("Fiches lues :", "Records read:") as count,
    ):
        lines = list(loading.load(node.directory, node.combined, node.journal, node.names, records, count))
    _report(lines, ("added", "changed", "unchanged", "refused"), as_json)


def check(what: What, format_: Format = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Say for every record of a file whether it could be published, and what is wrong when it could not."""
    rules = read_mapping(mapping)
    with (
        _node_to_check_with() as node,
        loading.opened(what, format_, rules, node.fetcher) as records,
        progress("Fiches lues :", "Records read:") as count,
    ):
        lines = list(loading.check(node.directory, node.journal, node.names, records, count))
    _report(lines, ("good", "refused"), as_json)


@contextmanager
def _node_to_check_with() -> Iterator[Node]:
    """The node; where there is none yet, one that leaves nothing behind."""
    settings = read_settings()
    if (settings.data_dir / FILE).exists():
        with opened(settings) as node:
            yield node
        return
    with tempfile.TemporaryDirectory() as folder, opened(read_settings(data_dir=Path(folder))) as node:
        yield node


def _report(lines: list[loading.Line], outcomes: tuple[str, ...], as_json: bool) -> None:
    """Print what needs a person's eye and the totals; status 1 when a record was refused."""
    totals = {outcome: sum(line.outcome == outcome for line in lines) for outcome in outcomes}
    if as_json:
        print_json({"counts": totals, "items": [line.as_json(language()) for line in lines]})
    else:
        print_lines(lines)
        tell(f"Fiches : {counted(totals)}.", f"Records: {counted(totals)}.")
    if totals["refused"]:
        raise typer.Exit(1)


def export(
    format_: Annotated[ExportFormat, typer.Option("--format", help=say("Le format.", "The format."))] = ExportFormat.NQ,
    output: Annotated[Path | None, typer.Option(help=say("Le fichier à écrire (sinon la sortie).", "The file to write (stdout otherwise)."))] = None,
    own: Annotated[bool, typer.Option("--own", help=say("Seulement nos propres groupes.", "Only our own groups."))] = False,
) -> None:
    """Write the combined directory as one file."""
    with opened() as node, node.journal.read() as connection:
        chunks = dump.STREAMS[format_.value](connection, node.names, own)
        if output is None:
            for chunk in chunks:
                out(chunk)
        else:
            _write(chunks, output)


def _write(chunks: Iterable[bytes], output: Path) -> None:
    """Write a file that appears, or takes the place of the one that was there, only once it is whole. Raises OutputFailed."""
    partial = output.with_name(f"{output.name}.{os.getpid()}.part")
    try:
        if output.is_dir():
            raise IsADirectoryError(errno.EISDIR, "")
        with partial.open("wb") as file:
            file.writelines(chunks)
        partial.replace(output)
    except OSError as error:
        reason = why(error)
        raise OutputFailed(Text(f"{output} ne peut pas être écrit : {reason.fr}.", f"{output} cannot be written: {reason.en}.")) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def query(
    file: Annotated[
        str,
        typer.Argument(metavar=say("[FICHIER|-]", "[FILE|-]"), show_default=False, help=say("Un fichier, ou - (l'entrée).", "A file, or - (stdin).")),
    ] = "-",
    format_: Annotated[
        AnswerFormat, typer.Option("--format", help=say("Le format de la réponse.", "The format of the answer."))
    ] = AnswerFormat.TABLE,
) -> None:
    """Ask the combined graph; beside a running node the question goes to it."""
    settings = existing()
    try:
        media_type, body = _answer(settings, _question(file), MEDIA_TYPES[format_])
    except NotAcceptable as error:
        raise BadQuery(_other_format(format_)) from error
    if format_ is AnswerFormat.TABLE and media_type.startswith("application/sparql-results+json"):
        _print_answer(json.loads(body))
    else:
        out(body if body.endswith(b"\n") else body + b"\n")


def _other_format(format_: AnswerFormat) -> Text:
    """Say which formats suit the question when the one that was asked for does not."""
    other = "ttl, nt, jsonld" if format_ in TABULAR else "table, json, csv, tsv, xml"
    return Text(
        f"Le format {format_.value} ne convient pas à cette question ; choisissez parmi : {other}.",
        f"The format {format_.value} does not suit this question; choose among: {other}.",
    )


def _question(file: str) -> str:
    """Read the question. Raises BadQuery when it cannot be read."""
    if file == "-" and sys.stdin and sys.stdin.isatty():
        tell("Tapez la question SPARQL, puis Ctrl-D.", "Type the SPARQL question, then Ctrl-D.")
    try:
        return (sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()).decode()
    except OSError as error:
        reason = why(error)
        raise BadQuery(Text(f"{file} ne peut pas être lu : {reason.fr}.", f"{file} cannot be read: {reason.en}.")) from error
    except ValueError as error:
        raise BadQuery(Text("La question n'est pas du texte en UTF-8.", "The question is not text in UTF-8.")) from error


def _answer(settings: Settings, text: str, accept: str) -> tuple[str, bytes]:
    """Ask the running node when there is one, the store itself otherwise; wait a while for another command to let go of it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if url := running_at(settings.data_dir):
            return remote.ask(f"{url}/sparql", text, accept, language=language())
        try:
            return _answer_alone(settings, text, accept)
        except DataDirectoryBusy:
            if time.monotonic() > deadline:
                raise


def _answer_alone(settings: Settings, text: str, accept: str) -> tuple[str, bytes]:
    """Ask the store itself, once it holds all that the journal implies."""
    with opened(settings) as node, open_graph(node) as graph:
        graph.projector.catch_up()
        answer = graph.queries.ask(Question(text, accept=accept))
        return answer.media_type, answer.read()


def _print_answer(answer: dict[str, Any]) -> None:
    """Print SPARQL results as a table, an ASK as a word."""
    if "boolean" in answer:
        out(say("oui\n", "yes\n") if answer["boolean"] else say("non\n", "no\n"))
        return
    names = answer["head"]["vars"]
    print_table([{name: row[name]["value"] for name in names if name in row} for row in answer["results"]["bindings"]], names)
