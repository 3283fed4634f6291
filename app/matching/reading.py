"""Records whose truth is known, read from a CSV file that anybody may have made: what cannot be used is said with its row."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from app.errors import BadRequest, Text, why

COLUMNS: Final = frozenset(
    {"id", "source", "name", "street", "postcode", "city", "lat", "lon", "phone", "email", "url", "siret", "rna", "category", "modified", "entity"}
)
NEEDED: Final = ("id", "name")
LONGEST: Final = 10_000
"""Characters of a field, at most."""

MOST: Final = 5_000_000
"""Rows of a file, at most."""

_DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One record; `entity` is the real group that it speaks of, for scoring only, and never part of `document`."""

    id: str
    source: str
    name: str
    entity: str
    document: Mapping[str, Any]


@dataclass(slots=True)
class Table:
    """What a file held; `remarks` are about rows that were read all the same."""

    rows: list[Row] = field(default_factory=list)
    has_truth: bool = False
    remarks: list[Text] = field(default_factory=list)


def read(path: Path) -> Table:
    """Read a file. Raises BadRequest when it is not such a table: a column is missing, an id is there twice, a field is huge."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(file)
    except OSError as error:
        reason = why(error)
        raise BadRequest(Text(f"« {path} » ne peut pas être lu : {reason.fr}.", f"'{path}' cannot be read: {reason.en}.")) from error
    except UnicodeDecodeError as error:
        raise BadRequest(Text(f"« {path} » n'est pas en UTF-8. Enregistrez-le en UTF-8.", f"'{path}' is not in UTF-8. Save it as UTF-8.")) from error


def document(row: Mapping[str, str]) -> dict[str, Any]:
    """Return a row as a document of a directory; of no use here: `entity`."""
    siret = "".join(letter for letter in row.get("siret", "").removesuffix(".0") if letter.isdigit())
    place = {"streetAddress": "street", "postalCode": "postcode", "addressLocality": "city", "latitude": "lat", "longitude": "lon"}
    found = {
        "name": {"fr": row["name"]},
        "telephone": row.get("phone"),
        "email": row.get("email"),
        "url": row.get("url", "").split(),
        "rna": row.get("rna"),
        "siret" if len(siret) > 9 else "siren": siret,
        "keywords": [word.strip() for word in row.get("category", "").replace("|", ";").split(";") if word.strip()],
        "location": [{key: row[column] for key, column in place.items() if row.get(column)}],
    }
    return {key: value for key, value in found.items() if value}


def _table(file: TextIO) -> Table:
    """Read rows, the first of which names the columns, in any order and case."""
    head = file.readline(LONGEST)
    delimiter = max(_DELIMITERS, key=head.count)
    columns = [column.strip().lower() for column in next(csv.reader([head], delimiter=delimiter), [])]
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        names = ", ".join(missing)
        raise BadRequest(Text(f"Il manque la colonne {names} (ligne 1).", f"The column {names} is missing (row 1)."))
    if len({*columns}) < len(columns):
        raise BadRequest(Text("Une colonne est nommée deux fois (ligne 1).", "A column is named twice (row 1)."))
    table = Table(has_truth="entity" in columns)
    for column in sorted({*columns} - COLUMNS):
        table.remarks.append(Text(f"La colonne « {column[:40]} » ne sert pas.", f"The column '{column[:40]}' is not used."))
    seen: dict[str, int] = {}
    for number, values in _lines(csv.reader(file, delimiter=delimiter)):
        if len(values) > len(columns):
            raise _refused(number, "il y a plus de valeurs que de colonnes", "there are more values than columns")
        row = {column: value.strip() for column, value in zip(columns, values, strict=False)}
        if not row.get("id"):
            raise _refused(number, "l'identifiant est vide", "the id is empty")
        if row["id"] in seen:
            first = seen[row["id"]]
            raise _refused(number, f"l'identifiant « {row['id']} » est déjà à la ligne {first}", f"the id '{row['id']}' is in row {first} already")
        if table.has_truth and not row.get("entity"):
            raise _refused(number, "« entity » est vide", "'entity' is empty")
        seen[row["id"]] = number
        table.remarks += _remarks(number, row)
        table.rows.append(Row(row["id"], row.get("source", "").replace("/", "-"), row.setdefault("name", ""), row.get("entity", ""), document(row)))
    return table


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that are not empty, with their number as an editor shows it; the first is the head."""
    number = 1
    try:
        for number, values in enumerate(reader, 2):
            if number > MOST:
                raise _refused(number, f"plus de {MOST} lignes", f"more than {MOST} rows")
            if any(len(value) > LONGEST for value in values):
                raise _refused(number, f"une valeur a plus de {LONGEST} caractères", f"a value has more than {LONGEST} characters")
            if any(values):
                yield number, values
    except csv.Error as error:
        raise _refused(number + 1, f"ce n'est pas du CSV ({error})", f"this is not CSV ({error})") from error


def _remarks(number: int, row: dict[str, str]) -> Iterator[Text]:
    """Yield what is odd about a row, and leave out what is of no use."""
    if not row.get("name"):
        yield Text(f"Ligne {number} : le nom est vide.", f"Row {number}: the name is empty.")
    for column in ("lat", "lon"):
        value = row.get(column, "")
        try:
            float(value.replace(",", ".") or 0)
        except ValueError:
            row[column] = ""
            yield Text(
                f"Ligne {number} : {column} n'est pas un nombre (« {value[:40]} »).", f"Row {number}: {column} is not a number ('{value[:40]}')."
            )


def _refused(number: int, fr: str, en: str) -> BadRequest:
    """Return the error that says what is wrong with a row."""
    return BadRequest(Text(f"Ligne {number} : {fr}.", f"Row {number}: {en}."))
