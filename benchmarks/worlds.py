"""Databases with data in them, and the portals that are opened on them. Made when first asked for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from flask import Flask
from psycopg import sql
from sqlalchemy.engine import make_url

from benchmarks import data
from benchmarks.client import Browser
from benchmarks.data import Size
from benchmarks.rounds import say
from benchmarks.servers import Relay, program, web_server
from portal import clock, create_app
from portal.config import DEMO_FILE, load
from portal.db import db, transaction
from portal.people import sessions
from portal.people.models import Person
from portal.plugin_api import Door, Identity
from portal.testing.servers import postgres_cluster, store_server

SETTINGS = """
hold_minutes = 10
open_appointments = 100
open_per_service = 100
"""
"""Clients stand for many citizens, so one may have many; the rest is the demonstration's."""


@dataclass(frozen=True)
class World:
    """One database, the application on it, and what a process of the portal needs to open it."""

    app: Flask
    size: Size
    environment: Mapping[str, str]

    @property
    def database_url(self) -> str:
        return self.environment["PORTAL_DATABASE_URL"]

    def cookie(self, citizen: int) -> dict[str, str]:
        """The session of a citizen who has logged in. The first is number 0."""
        with self.inside():
            return logged_in(self.app, self.size.first_citizen + citizen, "citizens")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The application's context; afterwards no connection is left that a fork could inherit."""
        with self.app.app_context():
            try:
                yield
            finally:
                db.session.remove()
                db.engine.dispose()


def logged_in(app: Flask, person_id: int, door: Door) -> dict[str, str]:
    """The cookie of a browser in which this person has just logged in, and the login behind it."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    assert serializer is not None
    with transaction():
        person = db.session.get_one(Person, person_id)
        row = sessions.begin(person, door, "benchmark", Identity(str(person_id)), timedelta(days=1))
    cookie = {"_user_id": row.key, "_fresh": True, "seen": int(clock.now().timestamp())}
    return {"portal": serializer.dumps(cookie)}


class Bench:
    """Everything that is opened for one run, and closed at its end."""

    def __init__(self, quick: bool, folder: Path, stack: ExitStack) -> None:
        self.quick = quick
        self.folder = folder
        self._stack = stack
        self._secret = secrets.token_urlsafe(48)
        self._worlds: dict[str, World] = {}
        self._ports: dict[str, int] = {}
        self._relayed: list[str] = []
        self._cluster = ""
        self._store = ""

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 5

    @property
    def seconds(self) -> float:
        """How long one measurement of a page takes."""
        return 0.7 if self.quick else 3.0

    def world(
        self,
        name: str,
        size: Size = Size(),  # noqa: B008 - frozen
        sqlite: bool = False,
        relay: Relay | None = None,
    ) -> World:
        """The world called so, filled when it is first asked for; ``relay`` takes its mail."""
        if name not in self._worlds:
            begin = time.monotonic()
            url = f"sqlite:///{self.folder / name}.sqlite3" if sqlite else self.new_database(name)
            self._worlds[name] = self._filled(url, name, size, relay)
            say(f"data '{name}' prepared in {time.monotonic() - begin:.0f} s")
        return self._worlds[name]

    def port(self, name: str) -> int:
        """The port of the portal on the world called so; ``empty page`` is the empty application."""
        if name not in self._ports:
            what, environment = (
                ("portal", self._worlds[name].environment) if name in self._worlds else ("empty", {})
            )
            log = self.folder / f"{name}.log"
            self._ports[name] = self._stack.enter_context(web_server(what, environment, log))
        return self._ports[name]

    @contextmanager
    def worker(self, name: str) -> Iterator[None]:
        """A worker of the world called so, which hands its mail to the world's relay."""
        log = self.folder / f"{name}-worker.log"
        with program(["work", "mail"], self._worlds[name].environment, log):
            yield

    def browser(self, name: str, citizen: int) -> Browser:
        """A browser of a citizen who has logged in."""
        return Browser(self._ports[name], self._worlds[name].cookie(citizen))

    def new_database(self, name: str) -> str:
        """An empty database on the private PostgreSQL, which waits for the disk as in production."""
        if not self._cluster:
            self._cluster = self._stack.enter_context(postgres_cluster(self.folder, durable=True))
        with psycopg.connect(driver_url(self._cluster), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return make_url(self._cluster).set(database=name).render_as_string(hide_password=False)

    def _filled(self, url: str, name: str, size: Size, relay: Relay | None) -> World:
        world = self._world_at(url, name, size, relay)
        with world.inside():
            db.create_all()
            data.fill(size)
        return world

    def _world_at(self, url: str, name: str, size: Size, relay: Relay | None) -> World:
        if not self._store:
            self._store = self._stack.enter_context(store_server(self.folder))
        if relay:
            # A worker must not find the numbers of another world's rows.
            self._relayed.append(name)
        instance = self.folder / f"instance-{name}"
        instance.mkdir()
        environment = {
            "PORTAL_CONFIG": str(self._settings(f"{name}.toml", relay)),
            "PORTAL_INSTANCE": str(instance),
            "PORTAL_DATABASE_URL": url,
            "PORTAL_REDIS_URL": f"{self._store}?db={len(self._relayed)}" if relay else self._store,
            "PORTAL_SECRET_KEY": self._secret,
            "PORTAL_LOG_LEVEL": "ERROR",
        }
        return World(create_app(load(environment)), size, environment)

    def _settings(self, name: str, relay: Relay | None) -> Path:
        """The demonstration's file with our limits, and with another relay if one is given."""
        mail = f'host = "127.0.0.1"\nport = {relay.port}\n' if relay else ""
        file = self.folder / name
        begin, _, rest = DEMO_FILE.read_text(encoding="utf-8").partition("[booking]\nhold_minutes = 10\n")
        assert rest, "the demonstration's file has changed"
        rest = rest.replace("[mail]\n", f"[mail]\n{mail}")
        file.write_text(f"{begin}[booking]{SETTINGS}{rest}", encoding="utf-8")
        return file


def driver_url(url: str) -> str:
    """The address as psycopg itself reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://")
