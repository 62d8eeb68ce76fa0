"""Called by Alembic: connects the migrations with the application's database."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection

settings = current_app.extensions["migrate"]


def check_references(connection: Connection, wanted: bool) -> None:
    """SQLite changes a table by copying it; the dropped original would take what refers to it along.

    The switch works outside a transaction only, so it is told to the driver.
    """
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(f"PRAGMA foreign_keys={'ON' if wanted else 'OFF'}")


with settings.db.engine.connect() as connection:
    check_references(connection, False)
    context.configure(connection=connection, target_metadata=settings.db.metadata, **settings.configure_args)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
    check_references(connection, True)
