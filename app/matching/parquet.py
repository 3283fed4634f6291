"""Records in a Parquet file, matched as a directory of their own: columns as in `reading`, `id` and `cluster` out; on this machine or on Spark."""

import csv
import importlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from app.errors import BadRequest, Text
from app.matching.bulk import match
from app.matching.features import Features
from app.matching.normalise import features
from app.matching.normalising import normal_forms
from app.matching.reading import NEEDED, document

SECRET: Final = b"parquet"
AT_ONCE: Final = 2000


class Engine(StrEnum):
    """What does the work."""

    EMBEDDED = "embedded"
    SPARK = "spark"


NO_SPARK: Final = Text(
    "Spark n'est pas installé : pip install 'maillage[spark]' (il lui faut aussi Java).",
    "Spark is not installed: pip install 'maillage[spark]' (it needs Java, too).",
)


def form_of(row: Mapping[str, Any]) -> tuple[str, Features]:
    """Return the reference ``source/key`` and the normal form of a row; what is null is empty."""
    told = {name: "" if value is None else str(value).strip() for name, value in row.items()}
    source = told.get("source", "").replace("/", "-")
    return f"{source}/{told['id']}", features(document(told), None, SECRET)


def embedded(given: Path, wanted: Path, processes: int = 1) -> int:
    """Match on this machine; return how many records there were. Raises BadRequest when the file cannot be used."""
    with duckdb.connect() as c, TemporaryDirectory(prefix="maillage-") as folder:
        try:
            ids = _ids(c, given)
            forms = ((number, *form) for number, form in enumerate(normal_forms(_rows(c, given), form_of, processes)))
            clusters = match(forms, processes=processes).clusters
            lines = Path(folder) / "clusters.csv"
            with lines.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, quoting=csv.QUOTE_ALL).writerows((ids[one], ids[min(group)]) for group in clusters for one in sorted(group))
            told = c.read_csv(str(lines), header=False, quotechar='"', escapechar='"', columns={"id": "VARCHAR", "cluster": "VARCHAR"})
            told.write_parquet(str(wanted))
        except duckdb.Error as error:
            raise unusable(given, error) from error
    return len(ids)


def spark(given: Path, wanted: Path, master: str | None) -> int:
    """Match on Spark, as its settings say or at `master`; return how many records there were. Raises BadRequest, also when there is no Spark."""
    try:
        engine = importlib.import_module("app.matching.spark")
    except ModuleNotFoundError as error:
        raise BadRequest(NO_SPARK) from error
    with duckdb.connect() as c:
        try:
            count = len(_ids(c, given))
        except duckdb.Error as error:
            raise unusable(given, error) from error
    session = engine.session(master)
    try:
        engine.match(session, session.read.parquet(str(given)), form_of).write.mode("overwrite").parquet(str(wanted))
    finally:
        session.stop()
    return count


def unusable(given: Path, error: Exception) -> BadRequest:
    """Say what is wrong with a file, in the words of the engine."""
    why = str(error).partition("\n")[0][:300]
    return BadRequest(Text(f"« {given} » ne peut pas servir : {why}", f"'{given}' cannot be used: {why}"))


def _ids(c: duckdb.DuckDBPyConnection, given: Path) -> list[str]:
    """Return the ids in order. Raises BadRequest when a column is missing, or an id is missing or there twice."""
    columns = {row[0] for row in c.execute("describe select * from read_parquet(?)", [_files(given)]).fetchall()}
    missing = {*NEEDED} - columns
    if missing:
        names = ", ".join(sorted(missing))
        raise BadRequest(Text(f"Il manque la colonne {names}.", f"The column {names} is missing."))
    ids = [row[0] for row in c.execute("select id::varchar from read_parquet(?) order by 1", [_files(given)]).fetchall()]
    if None in ids or len({*ids}) < len(ids):
        raise BadRequest(Text("Un identifiant manque, ou s'y trouve deux fois.", "An id is missing, or is there twice."))
    return ids


def _rows(c: duckdb.DuckDBPyConnection, given: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows in the order of their ids."""
    found = c.cursor().execute("select * from read_parquet(?) order by id::varchar", [_files(given)])
    names = [column[0] for column in found.description or ()]
    while part := found.fetchmany(AT_ONCE):
        yield from (dict(zip(names, row, strict=True)) for row in part)


def _files(given: Path) -> str:
    """Return a file, or all in the folder of parts that Spark writes."""
    return str(given / "*.parquet" if given.is_dir() else given)
