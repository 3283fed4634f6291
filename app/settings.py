"""What an operator can set: `maillage.toml` first, then `MAILLAGE_*` from the environment, which win.

Settings are read once, at the top (main, cli, node), and handed down; a misspelt key is refused.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from app.errors import SettingsError, Text, why

PREFIX = "MAILLAGE_"
FILE = "maillage.toml"


class Settings(BaseSettings):
    """The settings of one node, frozen once read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, toml_file=FILE)

    base_url: str = Field("http://127.0.0.1:8000", description="The address under which the world reaches this node; every IRI begins with it.")
    data_dir: Path = Field(Path("data"), description="Where the journal and the graph are kept.")
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    node_name: str = Field("Maillage", min_length=1, description="The name of the directory, shown on its pages and to its peers.")
    licence: str = Field(
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence", description="The licence (IRI) of our own records that name none."
    )
    languages: Annotated[tuple[str, ...], NoDecode] = Field(("fr", "en"), description="The languages of the pages, the preferred one first.")
    graph_url: str | None = Field(
        None, description="The query address of a SPARQL 1.1 server to use instead of the embedded store; user and password may stand in it."
    )
    graph_update_url: str | None = Field(None, description="Its update address; one is not set without the other.")
    allow_private_peers: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="Comma-separated host:port pairs that may be fetched although their address is private."
    )
    sparql_timeout_s: float = Field(10, gt=0, description="Seconds after which a stranger's query is stopped.")
    sparql_memory_mb: int = Field(1024, ge=128, description="Memory, in megabytes, that one query process may use.")
    sparql_max_rows: int = Field(10_000, ge=1, description="Rows (or triples) above which an answer is refused.")
    sparql_workers: int = Field(2, ge=1, description="Query processes kept ready.")
    sparql_budget_s: float = Field(120, gt=0, description="Seconds of a query process that one client has in hand; they come back at one a second.")

    feed_log_days: int = Field(90, ge=1, le=36_500, description="Days for which the feed keeps what was said again since.")
    feed_tombstone_days: int = Field(730, ge=1, le=36_500, description="Days for which the feed keeps withdrawals; never fewer than FEED_LOG_DAYS.")
    relay: bool = Field(False, description="Whether this node passes on, at /relay, what its peers' origins say (for hubs).")

    fusion: Annotated[dict[str, str], NoDecode] = Field({}, description="The rule of fusion of each key that is not to have the usual one.")

    @field_validator("fusion", mode="before")
    @classmethod
    def split_pairs(cls, value: Any) -> Any:
        """Accept ``key=rule,key=rule`` as well as a table."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(key.strip() and rule.strip() for key, _, rule in pairs):
            raise PydanticCustomError("pairs", "")
        return {key.strip(): rule.strip() for key, _, rule in pairs}

    @field_validator("languages", "allow_private_peers", mode="before")
    @classmethod
    def split_commas(cls, value: Any) -> Any:
        """Accept ``a,b`` as well as a list."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def known_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a language whose sentences do not exist."""
        if not value or set(value) - {"fr", "en"}:
            raise PydanticCustomError("languages", "")
        return value

    @field_validator("base_url", "licence", "graph_url", "graph_update_url")
    @classmethod
    def absolute(cls, value: str | None) -> str | None:
        """Refuse what is not an http(s) address."""
        if value is not None and not _ADDRESS.match(value):
            raise PydanticCustomError("address", "")
        return value

    @field_validator("base_url")
    @classmethod
    def base(cls, value: str) -> str:
        """Refuse a base to which no path could be added; drop the slash at its end."""
        if "?" in value or "#" in value:
            raise PydanticCustomError("base", "")
        return value.rstrip("/")

    @field_validator("allow_private_peers")
    @classmethod
    def host_and_port(cls, value: frozenset[str]) -> frozenset[str]:
        """Refuse a peer without its port: it would never be the one that is met."""
        if not all(_HOST_AND_PORT.match(peer) for peer in value):
            raise PydanticCustomError("peer", "")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic-settings'
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then file: the first that has a key wins."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def read_settings(**overrides: Any) -> Settings:
    """Read the settings; `overrides` that are not None (the command line's) win over the environment and the file.

    Raises SettingsError, naming the key, when one is unknown or impossible.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    _refuse_misspelt_variables()
    _refuse_unreadable_file()
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_sentence(error, given)) from error


def _refuse_misspelt_variables() -> None:
    """An unknown `MAILLAGE_*` variable is an error: pydantic-settings would ignore it in silence."""
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable[len(PREFIX) :].lower() not in Settings.model_fields:
            raise SettingsError(_unknown(variable))


def _refuse_unreadable_file() -> None:
    """Say what is wrong with a file that is there and cannot be read."""
    try:
        tomllib.loads(Path(FILE).read_bytes().decode())
    except FileNotFoundError:
        return
    except OSError as error:
        reason = why(error)
        raise SettingsError(Text(f"{FILE} ne peut pas être lu : {reason.fr}.", f"{FILE} cannot be read: {reason.en}.")) from error
    except (ValueError, RecursionError) as error:
        place = _PLACE.search(str(error))
        fr = f" : voyez ligne {place[1]}, colonne {place[2]}" if place else ""
        en = f": see line {place[1]}, column {place[2]}" if place else ""
        raise SettingsError(Text(f"{FILE} n'est pas du TOML bien formé{fr}.", f"{FILE} is not well-formed TOML{en}.")) from error


def _unknown(name: str) -> Text:
    """Say that a setting does not exist, and which one may have been meant."""
    key = name.upper().removeprefix(PREFIX).lower()
    near = next(iter(difflib.get_close_matches(key, Settings.model_fields)), None)
    meant = near and (f"{PREFIX}{near.upper()}" if name.upper().startswith(PREFIX) else near)
    fr, en = (f" (vouliez-vous dire « {meant} » ?)", f" (did you mean '{meant}'?)") if meant else ("", "")
    return Text(f"Le réglage « {name} » n'existe pas{fr} ; voyez docs/operating.md.", f"There is no setting '{name}'{en}; see docs/operating.md.")


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> Text:
    """Say which setting is wrong, where it was given, and why."""
    first = error.errors()[0]
    key = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return _unknown(key)
    variable = f"{PREFIX}{key.upper()}"
    place = f"--{key}" if key in given else variable if variable in {name.upper() for name in os.environ} else f"{FILE}, {key}"
    values = first.get("ctx") or {}
    reason = _REASONS.get(first["type"])
    fr, en = (reason.fr.format(**values), reason.en.format(**values)) if reason else (first["msg"], first["msg"])
    return Text(f"Réglage incorrect ({place}) : {fr}.", f"Wrong setting ({place}): {en}.")


_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f<>\"\\^`{|}]+\Z")
_HOST_AND_PORT = re.compile(r".+:[0-9]{1,5}\Z")
_PLACE = re.compile(r"line (\d+), column (\d+)")
_WHOLE = Text("il faut un nombre entier", "a whole number is needed")
_YES_OR_NO = Text("il faut true ou false", "true or false is needed")
_TEXT = Text("il faut un texte", "a text is needed")
_LIST = Text("il faut une liste de textes", "a list of texts is needed")
_REASONS = {
    "pairs": Text("écrivez clé=règle, par exemple email=own-then-newest", "write key=rule, for instance email=own-then-newest"),
    "dict_type": Text("il faut une table de clés et de règles", "a table of keys and rules is needed"),
    "languages": Text("les langues sont fr, en ou les deux", "languages are fr, en or both"),
    "address": Text("il faut une adresse complète, en http:// ou https://", "a complete http:// or https:// address is needed"),
    "base": Text("une adresse sans « ? » ni « # » est nécessaire", "an address without '?' or '#' is needed"),
    "peer": Text("écrivez machine:port, par exemple 127.0.0.1:8001", "write host:port, for instance 127.0.0.1:8001"),
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": Text("il faut un nombre", "a number is needed"),
    "bool_parsing": _YES_OR_NO,
    "bool_type": _YES_OR_NO,
    "float_type": Text("il faut un nombre", "a number is needed"),
    "string_type": _TEXT,
    "string_too_short": Text("il ne peut pas être vide", "it cannot be empty"),
    "path_type": _TEXT,
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "greater_than": Text("il faut plus de {gt}", "it must be more than {gt}"),
    "greater_than_equal": Text("il faut au moins {ge}", "it must be at least {ge}"),
    "less_than_equal": Text("il faut au plus {le}", "it must be at most {le}"),
}
