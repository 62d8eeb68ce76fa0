"""The numbered changes of the database lead to exactly the tables that the code expects, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import inspect, text

from portal import create_app, migrations
from portal.config import load
from portal.db import db
from portal.testing.servers import postgres_cluster


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The portal on a database without a single table."""
    environment = {"PORTAL_INSTANCE": str(tmp_path / "instance")}
    if request.param == "postgresql":
        environment["PORTAL_DATABASE_URL"] = request.getfixturevalue("postgres")
    app = create_app(load(environment))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    app.extensions["portal.exchange"].disconnect()


def differences() -> list[Any]:
    """What a new migration would have to change."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, db.metadata))


def test_the_migrations_make_the_tables_of_the_models_and_take_them_away(empty_app: Flask) -> None:
    assert not migrations.is_current()
    migrations.upgrade(empty_app)
    assert migrations.is_current()
    assert differences() == []
    downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}


def test_the_comparison_sees_a_column_that_is_too_many(empty_app: Flask) -> None:
    migrations.upgrade(empty_app)
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE office ADD COLUMN forgotten INTEGER"))
    assert len(differences()) == 1
    downgrade(revision="base")


def test_an_upgrade_leaves_references_checked(empty_app: Flask) -> None:
    migrations.upgrade(empty_app)
    if db.engine.dialect.name == "sqlite":
        with db.engine.connect() as connection:
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    downgrade(revision="base")
