"""Called by Alembic: connects the migrations with the application's database."""

from alembic import context
from flask import current_app

settings = current_app.extensions["migrate"]
engine = settings.db.engine

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=settings.db.metadata, **settings.configure_args)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
