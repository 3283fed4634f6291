"""The journal's tables, brought to this version when it is opened: in one transaction, after a copy, never downwards.

Alembic takes half a second to import, so that it is imported only for a journal that is not of this version.
"""

from importlib import import_module
from pathlib import Path

from sqlalchemy import Engine, inspect

SCRIPTS = Path(__file__).parent / "migrations"

VERSION = "0003"
"""The newest of the migrations."""


def migrate(engine: Engine, path: Path, scripts: Path = SCRIPTS, version: str = VERSION) -> None:
    """Bring the tables to this version; a journal that holds something is copied beside itself first.

    Raises JournalUnavailable when it was written by a newer version. A crash in between leaves the old version, to be tried again.
    """
    if _version(engine) != version:
        import_module("app.journal.upgrading").upgrade(engine, path, scripts)


def _version(engine: Engine) -> str | None:
    """Return the version that the journal says it is of; None when it holds no tables."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
