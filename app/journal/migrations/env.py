"""Alembic's entry: run the versions on the connection, and in the transaction, that the journal opened."""

from alembic import context

from app.journal.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
