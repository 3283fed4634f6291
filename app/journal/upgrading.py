"""Bringing the journal's tables to this version: in one transaction, after a copy, never downwards. Imported only when there is something to do."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from app.errors import JournalUnavailable, Text


def upgrade(engine: Engine, path: Path, scripts: Path) -> None:
    """Do what `migrating.migrate` promises."""
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _up_to_date(connection, script):
            return
        connection.rollback()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not _up_to_date(connection, script):
            _copy(connection, path)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()


def _up_to_date(connection: Connection, script: ScriptDirectory) -> bool:
    """Tell whether nothing is to be done; refuse a version that this programme does not know."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise JournalUnavailable(
            Text(
                "Ce journal a été écrit par une version plus récente de Maillage : mettez Maillage à jour.",
                "This journal was written by a newer version of Maillage: update Maillage.",
            )
        )
    return found == script.get_current_head()


def _copy(connection: Connection, path: Path) -> None:
    """Keep the journal as it is before an upgrade, under the name of its version."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        return
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(path.with_suffix(f".before-{found}.sqlite"))) as copy:
        source.backup(copy)
