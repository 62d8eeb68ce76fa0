"""Databases that are filled once in each process of tests, and copied for every further test."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL


class SqlitePattern:
    """A database as it was filled, in a file of its own."""

    def __init__(self, file: Path) -> None:
        self._pattern = file

    def lay_out(self, url: URL) -> bool:
        """Put the database of ``url`` in its place; False, and an empty one, when there is no pattern yet."""
        file = Path(str(url.database))
        for former in file.parent.glob(f"{file.name}*"):
            former.unlink()
        if self._pattern.exists():
            shutil.copyfile(self._pattern, file)
        return self._pattern.exists()

    def keep(self, url: URL) -> None:
        """The database of ``url``, to which nobody is connected, is the pattern from now on."""
        with closing(sqlite3.connect(str(url.database))) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(str(url.database), self._pattern)


class PostgresPattern:
    """The same on PostgreSQL, which copies databases by itself."""

    def __init__(self, name: str) -> None:
        self._pattern = name
        self._is_kept = False

    def lay_out(self, url: URL) -> bool:
        """As above; who is still connected to the former database is cut off."""
        pattern = f"TEMPLATE {self._pattern}" if self._is_kept else ""
        self._do(url, "DROP DATABASE IF EXISTS portal WITH (FORCE)", f"CREATE DATABASE portal {pattern}")
        return self._is_kept

    def keep(self, url: URL) -> None:
        """As above."""
        self._do(url, f"CREATE DATABASE {self._pattern} TEMPLATE portal")
        self._is_kept = True

    def _do(self, url: URL, *statements: str) -> None:
        host = url.query["host"]
        with psycopg.connect(host=str(host), user="portal", dbname="postgres", autocommit=True) as server:
            for statement in statements:
                server.execute(statement.encode())


class Patterns:
    """All patterns of a process, each under the kind of its database and a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Hashable, SqlitePattern | PostgresPattern] = {}

    def fill(self, name: Hashable, work: Callable[[], object]) -> None:
        """The current application's database is afterwards as ``work`` leaves an empty one."""
        from portal.db import db

        url = db.engine.url
        key = (url.get_backend_name(), name)
        pattern = self._known.setdefault(key, self._new(f"pattern_{len(self._known)}", url))
        _leave()
        if not pattern.lay_out(url):
            work()
            _leave()
            pattern.keep(url)

    def _new(self, name: str, url: URL) -> SqlitePattern | PostgresPattern:
        if url.get_backend_name() == "sqlite":
            return SqlitePattern(self._folder / name)
        return PostgresPattern(name)


def _leave() -> None:
    from portal.db import db

    db.session.remove()
    db.engine.dispose()
