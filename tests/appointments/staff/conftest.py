"""The demonstration's offices and staff, appointments in them, and the browser of a clerk."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from portal.appointments import availability, call, lifecycle, rooms
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.offices.models import Office, Service
from portal.people.models import Person
from portal.plugin_api import Room


@pytest.fixture
def town(app: Any, clock: Any, demonstration: None) -> SimpleNamespace:
    """The demonstration's offices and staff."""
    config = app.config["PORTAL"]

    def person(login: str) -> Person:
        found = db.session.scalar(select(Person).filter_by(login=login))
        assert found is not None
        return found

    return SimpleNamespace(app=app, booking=config.booking, clock=clock, person=person)


@pytest.fixture
def book(town: SimpleNamespace) -> Callable[..., Appointment]:
    """``book()``: an appointment as the pages make it; ``at`` counts the free times of the service."""
    office = db.session.scalar(select(Office).filter_by(key="kep-central"))

    def book(service: str = "birth-certificate", at: int = 0, **more: Any) -> Appointment:
        chosen = db.session.scalar(select(Service).filter_by(key=service))
        assert chosen is not None
        number = db.session.query(Appointment).count()
        details = lifecycle.Details(
            **{
                "name": f"Μαρία Παπαδοπούλου {number}",
                "email": "maria@citizens.example",
                "phone": "+306900000000",
                "language": "el",
                "paper": "passport",
                "delivery": "email" if chosen.deliveries else "",
                "recipient": {"email": "maria@citizens.example"},
                **more,
            }
        )
        starts_at = availability.offer(chosen, town.booking, office).starts[at]
        with transaction():
            citizen = Person(first_name="Μαρία")
            db.session.add(citizen)
            db.session.flush()
            row = lifecycle.hold(chosen, town.booking, office, starts_at, citizen, "el")
            lifecycle.confirm(row, town.booking, citizen, details, citizen)
        return row

    return book


@pytest.fixture
def desk(client: Any, log_in: Callable[..., None]) -> Callable[[Person], Any]:
    """``desk(person)``: the browser, in English, of somebody who came through the staff's door."""

    def sit_down(person: Person) -> Any:
        log_in(client, person, door="staff")
        with client.session_transaction() as session:
            session["language"] = "en"
        return client

    return sit_down


@pytest.fixture
def in_call(town: SimpleNamespace, book: Callable[..., Appointment]) -> Callable[..., Appointment]:
    """``in_call()``: an appointment whose call is going on in an open room."""

    def begin(**more: Any) -> Appointment:
        row = book(**more)
        town.clock.move_to(row.starts_at)
        with transaction():
            call.start(row, ["direct"], row.clerk)
            rooms.opened(row.rooms[-1], Room(row.rooms[-1].key, row.rooms[-1].closes_at, {"max_guests": "4"}))
        return row

    return begin
