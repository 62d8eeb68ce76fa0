"""The demonstration's counter with two citizens, and a browser for one of them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def hall(app: Any, clock: Any, demonstration: None) -> SimpleNamespace:
    """The demonstration's offices and staff on a Monday morning, with a citizen and a stranger."""
    from portal.db import db, transaction
    from portal.offices.models import Service
    from portal.people.models import Person

    config = app.config["PORTAL"]
    maria = Person(first_name="Μαρία", last_name="Παπαδοπούλου")
    stranger = Person(first_name="Πέτρος", last_name="Ξένος")
    with transaction():
        db.session.add_all([maria, stranger])
    return SimpleNamespace(
        app=app,
        booking=config.booking,
        clock=clock,
        citizen=maria,
        stranger=stranger,
        service=lambda key: db.session.query(Service).filter_by(key=key).one(),
    )


@pytest.fixture
def visit(client: Any, log_in: Callable[..., None]) -> Callable[..., Any]:
    """``visit(person)``: the browser, in English, of somebody who came through the citizens' door."""

    def visit(person: Any = None) -> Any:
        if person is not None:
            log_in(client, person)
        with client.session_transaction() as session:
            session["language"] = "en"
        return client

    return visit


@pytest.fixture
def desk(client: Any, log_in: Callable[..., None], hall: SimpleNamespace) -> Callable[[str], Any]:
    """``desk("k.alexiou")``: the browser, in English, of somebody who came through the staff's door."""
    from portal.db import db
    from portal.people.models import Person

    def sit_down(login: str) -> Any:
        log_in(client, db.session.query(Person).filter_by(login=login).one(), door="staff")
        with client.session_transaction() as session:
            session["language"] = "en"
        return client

    return sit_down


@pytest.fixture
def chosen(
    hall: SimpleNamespace, visit: Callable[..., Any], first_free: Callable[..., Any]
) -> Callable[..., Any]:
    """``chosen(client, number)``: the browser has chosen a free time; the answer is its start."""

    def choose(client: Any, number: int = 20) -> Any:
        start = first_free(hall, hall.service("birth-certificate"), number)
        times = "/services/birth-certificate/times"
        answer = client.submit(times, {"start": start.isoformat(), "office": "any"})
        assert answer.location in ("/booking", "/login/citizens/first?next=/booking")
        return start

    return choose
