"""`load`, `check`, `export` and `query`: groups in, groups out, questions."""

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app import loading
from app.cli.peers import read_mapping
from app.cli.speech import Json, language, print_json, print_table, progress, say, tell
from app.errors import BadQuery, Text
from app.feed import dump
from app.graph import remote
from app.node import open_graph, open_node, running_at
from app.settings import read_settings
from app.sparql.pool import Question


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


def add_to(application: typer.Typer) -> None:
    """Add the commands of this module."""
    application.command(
        "load", help=say("Charger un fichier ou une adresse dans nos propres groupes.", "Load a file or an address into our own groups.")
    )(load)
    application.command("check", help=say("Contrôler un fichier sans rien charger.", "Check a file and load nothing."))(check)
    application.command("export", help=say("Écrire tout l'annuaire combiné.", "Write the whole combined directory."))(export)
    application.command("query", help=say("Poser une question SPARQL.", "Ask a SPARQL question."))(query)


What = Annotated[str, typer.Argument(help=say("Un fichier, ou une adresse http(s).", "A file, or an http(s) address."))]
Format = Annotated[
    str | None,
    typer.Option("--format", help=say("Le format, s'il ne se devine pas : ", "The format, when it cannot be guessed: ") + ", ".join(loading.FORMATS)),
]
Mapping = Annotated[Path | None, typer.Option(help=say("Fichier de correspondance (TOML ou JSON).", "Mapping file (TOML or JSON)."))]


def load(what: What, format_: Format = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Publish every record of a file as one of our own groups; those already here are revised."""
    node = open_node(read_settings())
    with (
        loading.opened(what, format_, read_mapping(mapping) if mapping else None, node.fetcher) as records,
        progress("Fiches lues :", "Records read:") as count,
    ):
        lines = list(loading.load(node.directory, node.journal, node.names, records, count))
    _report(lines, as_json)


def check(what: What, format_: Format = None, mapping: Mapping = None, as_json: Json = False) -> None:
    """Say for every record of a file whether it could be published, and what is wrong when it could not."""
    node = open_node(read_settings())
    with loading.opened(what, format_, read_mapping(mapping) if mapping else None, node.fetcher) as records:
        lines = list(loading.check(node.directory, node.journal, node.names, records))
    _report(lines, as_json)


def _report(lines: list[loading.Line], as_json: bool) -> None:
    """Print a line for each record that needs one and the totals; status 1 when a record was refused."""
    totals = {outcome: sum(line.outcome == outcome for line in lines) for outcome in ("added", "changed", "unchanged", "refused")}
    if as_json:
        print_json({"counts": totals, "items": [line.as_json(language()) for line in lines]})
    else:
        for line in lines:
            for message in line.messages:
                typer.echo(f"{line.outcome:<9} {line.key}  {message.in_language(language())}")
        tell(
            ", ".join(f"{count} {outcome}" for outcome, count in totals.items()), ", ".join(f"{count} {outcome}" for outcome, count in totals.items())
        )
    if totals["refused"]:
        raise typer.Exit(1)


def export(
    format_: Annotated[ExportFormat, typer.Option("--format", help=say("Le format.", "The format."))] = ExportFormat.NQ,
    output: Annotated[Path | None, typer.Option(help=say("Le fichier à écrire (sinon la sortie).", "The file to write (stdout otherwise)."))] = None,
    own: Annotated[bool, typer.Option("--own", help=say("Seulement nos propres groupes.", "Only our own groups."))] = False,
) -> None:
    """Write the combined directory as one file."""
    node = open_node(read_settings())
    with node.journal.read() as connection:
        _write(dump.STREAMS[format_.value](connection, node.names, own), output)


def _write(chunks: Iterable[bytes], output: Path | None) -> None:
    """Write to a file that appears only once whole, or to stdout."""
    if output is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        return
    partial = output.with_name(output.name + ".part")
    with partial.open("wb") as file:
        file.writelines(chunks)
    partial.replace(output)


def query(
    file: Annotated[str, typer.Argument(help=say("Un fichier, ou - pour l'entrée.", "A file, or - for stdin."))] = "-",
    format_: Annotated[
        AnswerFormat, typer.Option("--format", help=say("Le format de la réponse.", "The format of the answer."))
    ] = AnswerFormat.TABLE,
) -> None:
    """Ask the combined graph; beside a running node the question goes to it."""
    text = sys.stdin.read() if file == "-" else _read(Path(file))
    media_type, body = _answer(text, MEDIA_TYPES[format_])
    if format_ is AnswerFormat.TABLE and media_type.startswith("application/sparql-results+json"):
        _print_answer(json.loads(body))
    else:
        sys.stdout.buffer.write(body)


def _read(path: Path) -> str:
    """Read a query file; raises BadQuery when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise BadQuery(Text(f"{path} ne peut pas être lu : {error}", f"{path} cannot be read: {error}")) from error


def _answer(text: str, accept: str) -> tuple[str, bytes]:
    """Ask the running node when there is one, the store itself otherwise."""
    settings = read_settings()
    if url := running_at(settings.data_dir):
        return remote.ask(f"{url}/sparql", text, accept)
    with open_graph(open_node(settings)) as graph:
        graph.projector.catch_up()
        answer = graph.queries.ask(Question(text, accept=accept))
        return answer.media_type, answer.read()


def _print_answer(answer: dict[str, Any]) -> None:
    """Print SPARQL results as a table, an ASK as a word."""
    if "boolean" in answer:
        typer.echo(say("oui", "yes") if answer["boolean"] else say("non", "no"))
        return
    names = answer["head"]["vars"]
    print_table([{name: row[name]["value"] for name in names if name in row} for row in answer["results"]["bindings"]], names)
