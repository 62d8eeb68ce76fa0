"""The whole portal on a port, with a real store, and one appointment that is about to begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal import clock, create_app
from portal.appointments import links
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.config import load
from portal.db import Bilingual, db, transaction
from portal.offices.models import Field, Office, Service
from portal.people.models import Person
from portal.testing.servers import store_server
from portal.testing.serving import Place


@dataclass
class Counter:
    """One appointment of one citizen, and the ways to change what his door shows."""

    app: Flask
    url: str

    def link(self) -> str:
        with self.app.app_context():
            guest = db.session.scalars(db.select(Participant)).one()
            return f"{self.url}/join/{links.join_token(guest)}"

    def change(self, deed: Callable[[Appointment], object]) -> None:
        with self.app.app_context(), transaction():
            deed(db.session.scalars(db.select(Appointment).order_by(Appointment.id)).first())

    def admit(self) -> None:
        """The clerk has started the call and the room is open."""

        def deed(row: Appointment) -> None:
            row.state = "in_call"
            row.participants[0].admitted_at = clock.now()
            closes_at = clock.now() + timedelta(hours=1)
            room = VideoRoom(
                provider="direct", key="a-room", state="open", closes_at=closes_at, data={"max_guests": "4"}
            )
            row.rooms.append(room)

        self.change(deed)

    def device_check(self) -> str:
        with self.app.app_context():
            return db.session.scalars(db.select(Participant.device_check)).one()


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with store_server(tmp_path) as store:
        app = create_app(load({"PORTAL_INSTANCE": str(tmp_path / "instance"), "PORTAL_REDIS_URL": store}))
        with app.app_context():
            db.create_all()
        with app.app_context(), transaction():
            db.session.add(_an_appointment())
        place = Place()
        place.serve(app)
        yield Counter(app, place.url)
        place.close()
        with app.app_context():
            db.engine.dispose()


def _an_appointment() -> Appointment:
    words = Bilingual("Δοκιμή", "Test")
    office = Office(
        key="kep",
        name=words,
        address=words,
        opening=words,
        phone="2100000000",
        email="",
        time_zone="Europe/Athens",
    )
    field = Field(key="field", name=words, summary=words, position=1)
    service = Service(
        key="service",
        field=field,
        name=words,
        summary=words,
        papers=[],
        minutes=20,
        deliveries=[],
        position=1,
    )
    appointment = Appointment(
        service=service,
        office=office,
        clerk=Person(first_name="Κώστας"),
        state="booked",
        starts_at=clock.now() + timedelta(minutes=8, seconds=30),
        minutes=20,
    )
    appointment.participants.append(Participant(role="citizen", name="Μαρία Παπαδοπούλου"))
    return appointment
