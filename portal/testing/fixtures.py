"""Fixtures for tests of the portal and of plugins; loaded by ``-p portal.testing.fixtures``.

Imports of the portal stand inside the fixtures: this module is loaded before coverage is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    import time_machine
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser as ChromiumBrowser

    from portal.config import Config
    from portal.people.models import Person
    from portal.plugin_api import PluginContext
    from portal.testing.browser import Browser
    from portal.testing.keycloak import Keycloak
    from portal.testing.patterns import Patterns
    from portal.testing.remote import RemoteServer

pytest.register_assert_rewrite("portal.testing.contracts")

A_MONDAY = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
"""08:00 on a working day in Athens, before any counter opens."""


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> None:
    """Each test has an application of its own, which takes over what the last one has compiled."""
    from flask import Flask

    from portal.testing.once import CompiledRule, CompiledTemplates, share_compiled_statements

    Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}
    Flask.url_rule_class = CompiledRule
    share_compiled_statements()


@pytest.fixture
def database_url() -> str:
    """Where the data of `app` lie; a test of another database has a fixture of this name. Empty: SQLite."""
    return ""


@pytest.fixture
def portal_config(tmp_path: Path, database_url: str) -> Config:
    """The demonstration's configuration with an instance folder of its own."""
    from portal.config import load

    environment = {"PORTAL_DATABASE_URL": database_url} if database_url else {}
    # The address which Flask's test client calls, so that its cookies survive a redirect to the full one.
    environment["PORTAL_BASE_URL"] = "http://localhost"
    return load({"PORTAL_INSTANCE": str(tmp_path / "instance"), **environment})


@pytest.fixture(scope="session")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Patterns:
    """``patterns.fill(name, work)`` does ``work`` in the first test only; later ones get a copy."""
    from portal.testing.patterns import Patterns

    return Patterns(tmp_path_factory.mktemp("patterns"))


@pytest.fixture
def app(portal_config: Config, patterns: Patterns) -> Iterator[Flask]:
    """The whole portal on an empty database; no store, so work is done when a test runs it."""
    from portal import create_app
    from portal.db import db

    app = create_app(portal_config)
    app.config["TESTING"] = True
    with app.app_context():
        patterns.fill("empty", db.create_all)
        yield app
        db.session.remove()
        db.engine.dispose()
        app.extensions["portal.exchange"].disconnect()


@pytest.fixture
def fill_with_demonstration(patterns: Patterns) -> Callable[[Flask], None]:
    """``fill_with_demonstration(app)``: the demonstration's offices, services and staff, and nothing else."""
    from portal import clock, demo
    from portal.catalogue import import_file
    from portal.db import db

    def fill(app: Flask) -> None:
        ways = app.config["PORTAL"].providers.delivery

        def work() -> None:
            db.create_all()
            import_file(demo.CATALOGUE, ways)

        patterns.fill((ways, clock.now().date()), work)

    return fill


@pytest.fixture
def demonstration(app: Flask, fill_with_demonstration: Callable[[Flask], None]) -> None:
    """The offices, services and staff of the demonstration stand in the portal's database."""
    fill_with_demonstration(app)


@pytest.fixture
def outbox_runner(app: Flask) -> Callable[[], int]:
    """``outbox_runner()`` does all work that is due now, here and at once; the answer is how much it was."""
    from portal.outbox import run_due

    return lambda: run_due(app)


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser without scripts."""
    from portal.testing.browser import Browser

    app.test_client_class = Browser
    return cast("Browser", app.test_client())


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The present stands still at `A_MONDAY`; ``clock.move_to(…)`` and ``clock.shift(…)`` move it."""
    import time_machine

    with time_machine.travel(A_MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def log_in() -> Callable[..., None]:
    """``log_in(client, person)``, or ``log_in(client, person, door="staff")``."""

    from portal import clock
    from portal.db import transaction
    from portal.people import sessions
    from portal.plugin_api import Door, Identity

    ages = timedelta(days=3650)

    def log_in(client: FlaskClient, person: Person, door: Door = "citizens") -> None:
        with transaction():
            row = sessions.begin(person, door, "demo", Identity(f"person-{person.id}"), ages)
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = row.key, True
            # Tests move the clock; only those about the end of a login want it to end.
            session["seen"] = int((clock.now() + ages).timestamp())

    return log_in


@pytest.fixture
def made_contexts() -> Iterator[list[PluginContext[Any]]]:
    """Every context that ``plugin_context`` has made in this test."""
    made: list[PluginContext[Any]] = []
    yield made
    for context in made:
        context.http.close()


@pytest.fixture
def plugin_context(
    portal_config: Config, made_contexts: list[PluginContext[Any]]
) -> Callable[..., PluginContext[Any]]:
    """``plugin_context("acme_post", AcmeSettings(…))``: a context without a portal around it."""
    from portal.testing import kit

    def make(plugin: str, settings: Any = None, *, demo: bool = True) -> PluginContext[Any]:
        made_contexts.append(kit.context(portal_config, plugin, settings, demo))
        return made_contexts[-1]

    return make


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """``logged()`` is everything that was logged since the test began, as one text."""
    from structlog.testing import capture_logs

    caplog.set_level("DEBUG")
    with capture_logs() as lines:
        yield lambda: f"{lines}\n{caplog.text}"


@pytest.fixture
def remote() -> Iterator[RemoteServer]:
    """A scripted web server; see `portal.testing.remote`."""
    from portal.testing.remote import RemoteServer

    server = RemoteServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """A real Keycloak, one for all processes of this run; see `portal.testing.keycloak`."""
    import os

    from portal.testing.keycloak import running

    folder = tmp_path_factory.getbasetemp()
    with running((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "keycloak") as server:
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[ChromiumBrowser]:
    """A real Chromium with an invented camera; it ends with the module, for two cannot run side by side."""
    from portal.testing.chromium import running_chromium

    with running_chromium() as browser:
        yield browser
