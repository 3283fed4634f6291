"""What an operator can set: `maillage.toml` first, then `MAILLAGE_*` from the environment, which win.

Settings are read once, at the top (main, cli, node), and handed down; a misspelt key is refused.
"""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from app.errors import SettingsError, Text

PREFIX = "MAILLAGE_"
FILE = "maillage.toml"


class Settings(BaseSettings):
    """The settings of one node, frozen once read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, toml_file=FILE)

    base_url: str = Field("http://127.0.0.1:8000", description="The address under which the world reaches this node; every IRI begins with it.")
    data_dir: Path = Field(Path("data"), description="Where the journal and the graph are kept.")
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    node_name: str = Field("Maillage", description="The name of the directory, shown on its pages and to its peers.")
    licence: str = Field(
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence", description="The licence (IRI) of our own records that name none."
    )
    languages: Annotated[tuple[str, ...], NoDecode] = Field(("fr", "en"), description="The languages of the pages, the preferred one first.")
    graph_url: str | None = Field(None, description="The query address of a SPARQL 1.1 server to use instead of the embedded store.")
    graph_update_url: str | None = Field(None, description="Its update address.")
    allow_private_peers: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="Comma-separated host:port pairs that may be fetched although their address is private."
    )
    sparql_timeout_s: float = Field(10, gt=0, description="Seconds after which a stranger's query is stopped.")
    sparql_memory_mb: int = Field(1024, ge=128, description="Memory, in megabytes, that one query process may use.")
    sparql_max_rows: int = Field(10_000, ge=1, description="Rows (or triples) above which an answer is refused.")
    sparql_workers: int = Field(2, ge=1, description="Query processes kept ready.")

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
            raise ValueError("languages are fr, en or both")
        return value

    @field_validator("base_url")
    @classmethod
    def absolute_base(cls, value: str) -> str:
        """Refuse a base that is not an http(s) address; drop the slash at its end."""
        if not value.startswith(("http://", "https://")) or any(c in value for c in ' "<>\\^`{|}?#'):
            raise ValueError("base_url must be an absolute http:// or https:// address without query")
        return value.rstrip("/")

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
    _refuse_misspelt_variables()
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from error
    except (OSError, ValueError) as error:
        raise SettingsError(Text(f"{FILE} ne peut pas être lu : {error}", f"{FILE} cannot be read: {error}")) from error


def _refuse_misspelt_variables() -> None:
    """An unknown `MAILLAGE_*` variable is an error: pydantic-settings would ignore it in silence."""
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable[len(PREFIX) :].lower() not in Settings.model_fields:
            raise SettingsError(_unknown(variable))


def _unknown(name: str) -> Text:
    """Say that a setting does not exist."""
    return Text(f"Le réglage « {name} » n'existe pas ; voyez docs/operating.md.", f"There is no setting '{name}'; see docs/operating.md.")


def _sentence(error: ValidationError) -> Text:
    """Say which setting is wrong."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return _unknown(name)
    return Text(f"Le réglage « {name} » ne convient pas : {first['msg']}", f"The setting '{name}' is not right: {first['msg']}")
