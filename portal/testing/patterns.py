"""Databases that are filled once in each process of tests, and copied for every further test."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Hashable
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url


class SqlitePattern:
    """A database as it was filled, in a file of its own."""

    def __init__(self, file: Path) -> None:
        self._pattern = file

    def lay_out(self, url: str) -> bool:
        """Put the database of ``url`` in its place; False when there is no pattern yet."""
        file = Path(str(make_url(url).database))
        for former in file.parent.glob(f"{file.name}*"):
            former.unlink()
        if self._pattern.exists():
            shutil.copyfile(self._pattern, file)
        return self._pattern.exists()

    def keep(self, url: str) -> None:
        """The database of ``url``, to which nobody is connected, is the pattern from now on."""
        with closing(sqlite3.connect(str(make_url(url).database))) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(str(make_url(url).database), self._pattern)


class PostgresPattern:
    """The same on PostgreSQL, which copies databases by itself."""

    def __init__(self) -> None:
        self._is_kept = False

    def lay_out(self, url: str) -> bool:
        """As above; who is still connected to the former database is cut off."""
        pattern = "TEMPLATE pattern" if self._is_kept else ""
        self._do(url, "DROP DATABASE IF EXISTS portal WITH (FORCE)", f"CREATE DATABASE portal {pattern}")
        return self._is_kept

    def keep(self, url: str) -> None:
        """As above."""
        self._do(url, "DROP DATABASE IF EXISTS pattern", "CREATE DATABASE pattern TEMPLATE portal")
        self._is_kept = True

    def _do(self, url: str, *statements: str) -> None:
        host = make_url(url).query["host"]
        with psycopg.connect(host=str(host), user="portal", dbname="postgres", autocommit=True) as server:
            for statement in statements:
                server.execute(statement.encode())


class SqlitePatterns:
    """Patterns of SQLite databases, each under a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Hashable, SqlitePattern] = {}

    def fill(self, name: Hashable, work: Callable[[], object]) -> None:
        """The current application's database is afterwards as ``work`` leaves an empty one."""
        from portal.db import db

        file = self._folder / f"{len(self._known)}.sqlite3"
        pattern = self._known.setdefault(name, SqlitePattern(file))
        url = db.engine.url.render_as_string(hide_password=False)
        db.session.remove()
        db.engine.dispose()
        if not pattern.lay_out(url):
            work()
            db.session.remove()
            db.engine.dispose()
            pattern.keep(url)
