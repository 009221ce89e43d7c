"""Alembic's entry: it runs on the connection that migrate() hands over, never on one of its own."""

from alembic import context

from worker.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
