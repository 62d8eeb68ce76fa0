"""Changes of the database's structure, numbered; `portal db upgrade` applies what is missing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_migrate import upgrade as flask_migrate_upgrade

from portal.db import BilingualText, UtcDateTime, db

FOLDER = Path(__file__).parent


def init_app(app: Flask) -> None:
    """Let Flask-Migrate (and ``flask db revision``) work on our folder."""
    options: dict[str, Any] = {"compare_type": True, "render_item": _render, "render_as_batch": True}
    Migrate(app, db, directory=str(FOLDER), **options)


def upgrade(app: Flask) -> None:
    """Apply all missing changes."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with app.app_context():
        flask_migrate_upgrade()


def is_current() -> bool:
    """True when the database has had every change."""
    script = ScriptDirectory(str(FOLDER))
    with db.engine.connect() as connection:
        applied = MigrationContext.configure(connection).get_current_heads()
    return set(applied) == set(script.get_heads())


def _render(kind: str, item: Any, autogenerate: Any) -> str | bool:
    """Our column types are written as the plain types they are in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, BilingualText):
        return "sa.JSON()"
    return False
