"""What tests of the core share: a PostgreSQL for the session, and a counter with its catalogue."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy.engine import make_url

DEMO_CATALOGUE = Path(__file__).parent.parent / "portal" / "demo" / "catalogue.toml"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL for the session; each test that asks for it begins with empty tables."""
    from portal.testing import servers

    with servers.postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


class SqlitePattern:
    """A database with the catalogue in it, made once and copied for each test."""

    def __init__(self, folder: Path) -> None:
        self._pattern = folder / "pattern.sqlite3"

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


@pytest.fixture(scope="session")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SqlitePattern | PostgresPattern]:
    """By the beginning of the address: how a database with the demonstration's catalogue is laid out."""
    return {"sqlite": SqlitePattern(tmp_path_factory.mktemp("pattern")), "postgresql": PostgresPattern()}


@pytest.fixture
def open_counter(
    tmp_path: Path, patterns: dict[str, SqlitePattern | PostgresPattern]
) -> Iterator[Callable[[str], SimpleNamespace]]:
    """``open_counter(database_url)``: the whole portal with the demonstration's catalogue and a citizen."""
    from portal import create_app
    from portal.catalogue import import_file
    from portal.config import load
    from portal.db import db, transaction
    from portal.offices.models import Service
    from portal.people.models import Person

    opened = []

    def open_at(database_url: str) -> SimpleNamespace:
        (tmp_path / "instance").mkdir()
        pattern = patterns[make_url(database_url).get_backend_name()]
        is_filled = pattern.lay_out(database_url)
        config = load({"PORTAL_INSTANCE": str(tmp_path / "instance"), "PORTAL_DATABASE_URL": database_url})
        app = create_app(config)
        app.config["TESTING"] = True
        context = app.app_context()
        context.push()
        opened.append((app, context))
        if not is_filled:
            db.create_all()
            import_file(DEMO_CATALOGUE, config.providers.delivery)
            db.session.remove()
            db.engine.dispose()
            pattern.keep(database_url)
        with transaction():
            citizen = Person(
                first_name="Μαρία",
                last_name="Παπαδοπούλου",
                email="maria@example.gr",
            )
            db.session.add(citizen)
        return SimpleNamespace(
            app=app,
            config=config,
            booking=config.booking,
            citizen=citizen,
            service=lambda key: db.session.query(Service).filter_by(key=key).one(),
        )

    yield open_at
    for app, context in opened:
        db.session.remove()
        db.engine.dispose()
        store = app.extensions.get("portal.store")
        if store:
            store.store.close()
        context.pop()


@pytest.fixture
def counter(open_counter: Callable[[str], SimpleNamespace], tmp_path: Path) -> SimpleNamespace:
    """The counter on SQLite."""
    return open_counter(f"sqlite:///{tmp_path / 'instance' / 'portal.sqlite3'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def each_counter(
    request: pytest.FixtureRequest, open_counter: Callable[[str], SimpleNamespace], tmp_path: Path
) -> SimpleNamespace:
    """The counter on SQLite, then on PostgreSQL."""
    if request.param == "sqlite":
        return open_counter(f"sqlite:///{tmp_path / 'instance' / 'portal.sqlite3'}")
    return open_counter(request.getfixturevalue("postgres"))


@pytest.fixture
def first_free() -> Callable[..., object]:
    """``first_free(counter, service, number)``: the first, second, … free start of a service."""
    from portal.appointments import availability

    def first_free(counter: SimpleNamespace, service: object, number: int = 0) -> object:
        return availability.offer(service, counter.booking).starts[number]

    return first_free


@pytest.fixture
def booked(first_free: Callable[..., object]) -> Callable[..., object]:
    """``booked(counter)``: an appointment of the citizen, booked as the pages do it."""
    from portal.appointments import lifecycle
    from portal.db import transaction

    def book(counter: SimpleNamespace, service: str = "birth-certificate", number: int = 0) -> object:
        details = lifecycle.Details(
            name=counter.citizen.name,
            email="maria@example.gr",
            phone="+306900000000",
            language="el",
            paper="id_card",
            delivery="email",
            recipient={"email": "maria@example.gr"},
        )
        chosen = counter.service(service)
        start = first_free(counter, chosen, number)
        with transaction():
            row = lifecycle.hold(chosen, counter.booking, None, start, None, "el")
            lifecycle.confirm(row, counter.booking, counter.citizen, details, counter.citizen)
        return row

    return book


@pytest.fixture
def move_clock_to() -> Callable[..., None]:
    """``move_clock_to(clock, instant, minutes=-5)``: some minutes before or after an instant."""

    def move(clock: object, instant: object, minutes: float = 0) -> None:
        clock.move_to(instant + timedelta(minutes=minutes))  # type: ignore[attr-defined]

    return move
