"""What tests of the core share: a PostgreSQL for the session, and a counter with its catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL for the session; each test that asks for it begins with empty tables."""
    from portal.testing import servers

    with servers.postgres_cluster(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def open_counter(
    tmp_path: Path, fill_with_demonstration: Callable[..., None]
) -> Iterator[Callable[[str], SimpleNamespace]]:
    """``open_counter(database_url)``: the whole portal with the demonstration's catalogue and a citizen."""
    from portal import create_app
    from portal.config import load
    from portal.db import db, transaction
    from portal.offices.models import Service
    from portal.people.models import Person

    opened = []

    def open_at(database_url: str) -> SimpleNamespace:
        (tmp_path / "instance").mkdir()
        config = load({"PORTAL_INSTANCE": str(tmp_path / "instance"), "PORTAL_DATABASE_URL": database_url})
        app = create_app(config)
        app.config["TESTING"] = True
        context = app.app_context()
        context.push()
        opened.append((app, context))
        fill_with_demonstration(app)
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
