"""A mapping file, as `load`, `check` and `peers add` read it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from app.errors import SettingsError, Text, why
from app.harvest.formats import mapping as mappings

_PLACE = re.compile(r"line (\d+),? column (\d+)")


def read_mapping(path: Path | None) -> dict[str, Any] | None:
    """Return a mapping file, TOML or JSON, as it is written, once it was checked; None when there is none.

    Raises SettingsError when it cannot be read, MappingRefused when it asks for what does not exist.
    """
    if path is None:
        return None
    try:
        text = path.read_bytes().decode()
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        reason = why(error)
        raise SettingsError(Text(f"{path} ne peut pas être lu : {reason.fr}.", f"{path} cannot be read: {reason.en}.")) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(_malformed(path, str(error))) from error
    if not isinstance(value, dict):
        raise SettingsError(Text(f"{path} doit contenir un objet JSON.", f"{path} must hold a JSON object."))
    mappings.parse(value)
    return value


def _malformed(path: Path, said: str) -> Text:
    """Say where the file is malformed."""
    place = _PLACE.search(said)
    kind = "JSON" if path.suffix == ".json" else "TOML"
    fr = f" : voyez ligne {place[1]}, colonne {place[2]}" if place else ""
    en = f": see line {place[1]}, column {place[2]}" if place else ""
    return Text(f"{path} n'est pas du {kind} bien formé{fr}.", f"{path} is not well-formed {kind}{en}.")
