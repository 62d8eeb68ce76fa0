"""The database: the SQLAlchemy object, the one way to write (`transaction()`), and our column types.

Pages read without ceremony and write only inside `with transaction():`; nothing else commits. Work that
competes with others for the same rows goes through `attempt()`, which does it anew after a deadlock.
"""

from __future__ import annotations

import fcntl
import math
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, MetaData, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")

log = structlog.get_logger()

LONGEST_PAUSE = 0.05
"""Seconds before the second try of a broken-off transaction; each further one may pause longer by as much."""
DEADLOCK = {"40P01", "40001"}
"""SQLSTATE of a deadlock, and of a transaction that does not fit into any order with the others."""
RESTED = 2.0
"""Seconds after which a kept connection is tried before it is used, for the database may have been restarted
meanwhile. Not each time: under load that would be a third of all questions."""
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

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


def only_read() -> None:
    """From here on this request or job reads, and each statement may see the newest state.

    That spares PostgreSQL a transaction around them. One that is opened later by `transaction()` is its own.
    Nothing happens where something has been read already.
    """
    if db.engine.dialect.name == "postgresql" and not db.session().in_transaction():
        db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


@contextmanager
def transaction() -> Iterator[None]:
    """Everything inside is written together or not at all; committed when the block ends.

    Rows read before the block are read again inside it, so a decision is made on what holds now.
    On SQLite one writes at a time, the others wait for their turn before the block begins.
    Blocks do not nest: a second one inside the first raises RuntimeError.
    """
    with _writing() as callbacks:
        yield
    for callback in callbacks:
        callback()


def attempt(work: Callable[[], T], tries: int = 5) -> T:
    """Run ``work`` inside `transaction()` and give back its answer.

    If the database breaks it off because of others who write (a deadlock, a serialization failure, a
    database that stays locked), all of it is rolled back and done anew after a short random pause, up to
    ``tries`` times in all; then the DBAPIError is raised. So ``work`` must be repeatable: it reads what it
    decides on, keeps nothing from one run to the next, and leaves alone what cannot be rolled back, like
    the visitor's session, files and messages.
    """
    for number in range(1, tries + 1):
        try:
            with _writing() as callbacks:
                answer = work()
            break
        except DBAPIError as error:
            reason = _broken_off(error)
            if reason is None or number == tries:
                raise
        _count_retry(reason, number)
        time.sleep(random.uniform(0, LONGEST_PAUSE * number))  # noqa: S311 - it only keeps two apart
    for callback in callbacks:
        callback()
    return answer


def retries() -> int:
    """How many times `attempt` has done work anew in this process since it began."""
    return _retries


@contextmanager
def _writing() -> Iterator[list[Callable[[], None]]]:
    """The transaction itself; what it gives is to be called when it has been committed."""
    session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("transaction() inside transaction(): only pages, jobs and commands open one")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("rows were changed outside transaction()")
    session.rollback()
    callbacks: list[Callable[[], None]] = []
    with _turn_to_write():
        try:
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            session.info.update(writing=True, after_commit=callbacks)
            yield callbacks
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info.update(writing=False, after_commit=[])


@contextmanager
def _turn_to_write() -> Iterator[None]:
    """Writers of a SQLite database queue here; it serves one at a time, and whom it likes.

    Left to itself some wait for seconds while others write again and again. The kernel lets those in who
    wait for a lock nearly in their turn, and frees what a killed process had. No connection of the pool is
    kept while waiting. Writers that do not come through here are held off by SQLite's own lock.
    """
    database = _sqlite_file()
    if database is None:
        yield
        return
    # The lock belongs to the opened file, so that threads, too, must each open their own.
    lock = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        # Closing is not enough where a process was forked meanwhile: it has the same file open.
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def _sqlite_file() -> str | None:
    """Path of the SQLite database; None on PostgreSQL, and for a database in memory or named by a URI."""
    url = db.engine.url
    path = url.database
    if url.get_backend_name() != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return None
    return path


def _broken_off(error: DBAPIError) -> str | None:
    """Why the database broke the transaction off, if doing it anew can help; otherwise None."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The lower byte is the family; the upper ones tell apart, for example, a stale snapshot.
        busy = getattr(cause, "sqlite_errorcode", 0) & 0xFF in BUSY
        return "busy" if busy else None
    state = getattr(cause, "sqlstate", None)
    return str(state) if state in DEADLOCK else None


def _count_retry(reason: str, number: int) -> None:
    global _retries
    with _counting:
        _retries += 1
    log.warning("transaction is done anew", reason=reason, tries=number)


_retries = 0
_counting = threading.Lock()


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
        else:
            event.listen(db.engine, "checkin", _note_rest)
            event.listen(db.engine, "checkout", _try_rested)


def _note_rest(connection: object, record: ConnectionPoolEntry) -> None:
    record.info["rests since"] = time.monotonic()


def _try_rested(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object) -> None:
    if time.monotonic() - record.info.get("rests since", math.inf) < RESTED:
        return
    try:
        db.engine.dialect.do_ping(connection)
    except db.engine.dialect.loaded_dbapi.Error as gone:
        raise InvalidatePoolError from gone


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
