"""The database: the SQLAlchemy object, the one way to write (`transaction()`), and our column types.

Pages read without ceremony and write only inside `with transaction():`; nothing else commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, MetaData, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of all tables."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Stored as UTC, given back aware; a naive value is a mistake and refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value}: an instant needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Bilingual:
    """A text of the municipality in both languages of the portal."""

    el: str
    en: str

    def in_language(self, language: str) -> str:
        """The text in ``language``; Greek where the English one is empty."""
        return (self.en or self.el) if language == "en" else self.el


class BilingualText(TypeDecorator[Bilingual]):
    """Column of a `Bilingual`, kept as JSON ``{"el": …, "en": …}``."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Bilingual | None, dialect: Dialect) -> dict[str, str] | None:
        return None if value is None else {"el": value.el, "en": value.en}

    def process_result_value(self, value: Any, dialect: Dialect) -> Bilingual | None:
        return None if value is None else Bilingual(value["el"], value["en"])


@contextmanager
def transaction() -> Iterator[None]:
    """Everything inside is written together or not at all; committed when the block ends.

    Rows read before the block are read again inside it, so a decision is made on what holds now.
    Blocks do not nest: a second one inside the first raises RuntimeError.
    """
    session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("transaction() inside transaction(): only pages, jobs and commands open one")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("rows were changed outside transaction()")
    session.rollback()
    session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    session.info["writing"] = True
    session.info["after_commit"] = []
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False
        callbacks = session.info.pop("after_commit")
    for callback in callbacks:
        callback()


def must_be_writing() -> None:
    """Raise RuntimeError outside `transaction()`: what is written there would be lost silently."""
    if not db.session().info.get("writing"):
        raise RuntimeError("this writes, so it belongs inside transaction()")


def after_commit(callback: Callable[[], None]) -> None:
    """Call ``callback`` when the open transaction has been committed; never if it is rolled back."""
    must_be_writing()
    db.session().info["after_commit"].append(callback)


def init_app(app: Flask) -> None:
    """Connect the application to its database."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    # The driver must not open transactions by itself: its SELECT would run outside of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")
