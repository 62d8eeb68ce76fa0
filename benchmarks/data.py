"""The data that is measured on: one service of 20 minutes and 10 of buffer, clerks from 8 to 14 h.

Each clerk has twelve starts a day on 60 days; a part of them is booked, with a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.engine import Connection

from benchmarks.bulk import Row, insert_rows
from portal import clock
from portal.appointments import busy_days, roster
from portal.appointments.models import Appointment, Claim, Participant
from portal.appointments.occupancy import citizen_resource, staff_resource
from portal.audit import AuditLine
from portal.db import Bilingual, db, transaction
from portal.offices.holidays import closed_days
from portal.offices.models import Field, Office, Service
from portal.outbox import OutboxRow
from portal.people.models import Membership, Person, Skill, WorkingHours
from portal.scheduling import QUANTUM_MINUTES, quantum_of, wall_clock

SEED = 20
ZONE = "Europe/Athens"
SERVICE = "appointment"
FIRST_OFFICE = "office-1"
DAYS = 60
SLOTS = 12
"""Starts of a clerk on one day, every half hour from eight."""
OWN_CLERKS = 10
"""Clerks of the first office, the one that is asked."""
INTERPRETERS = 2
CITIZENS = 2500
"""Citizens without appointments, who book during a benchmark."""


@dataclass(frozen=True)
class Size:
    """How much there is."""

    offices: int = 1
    clerks: int = OWN_CLERKS
    booked: float = 0.0
    """Part of the starts of the first office that is taken."""
    booked_elsewhere: float = 0.0
    past: int = 0
    """Appointments that are over."""
    places: int = 0
    """Calls that each office can have at once; 0 is no limit."""

    @property
    def first_citizen(self) -> int:
        """Number of the first of the citizens without appointments; people are numbered in a row."""
        return self.clerks + INTERPRETERS + 1


def fill(size: Size) -> None:
    """Write it all into the empty tables of the current application."""
    with transaction():
        connection = db.session.connection()
        for model, rows in _catalogue(size):
            insert_rows(connection, model, rows)
        _book(connection, size)
        busy_days.rebuild()
        roster.changed()
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def open_days(number: int, after: int = 1) -> list[date]:
    """The first working days from so many days on."""
    today = clock.now().date()
    last = today + timedelta(days=DAYS)
    closed = closed_days([], today, last)
    days = (today + timedelta(days=n) for n in range(after, DAYS))
    return [day for day in days if day.weekday() < 5 and day not in closed][:number]


def starts_of(day: date) -> list[datetime]:
    """The starts of a day, UTC."""
    return [wall_clock(day, 480 + 30 * slot, ZONE) for slot in range(SLOTS)]


def _catalogue(size: Size) -> Iterator[tuple[Any, Iterator[Row]]]:
    staff = range(1, size.clerks + INTERPRETERS + 1)
    people = range(1, size.first_citizen + CITIZENS + size.clerks * SLOTS)
    yield (
        Field,
        iter([{"id": 1, "key": "field", "name": _both("Πεδίο"), "summary": _both(""), "position": 1}]),
    )
    yield Service, iter([_service()])
    yield Office, (_office(number, size) for number in range(1, size.offices + 1))
    yield Person, (_person(number) for number in people)
    yield Membership, (_post(number, size) for number in staff)
    yield Skill, ({"membership_id": number, "service_id": 1} for number in range(1, size.clerks + 1))
    yield (
        WorkingHours,
        (
            {"membership_id": number, "weekday": weekday, "from_minute": 480, "to_minute": 840}
            for number in staff
            for weekday in range(5)
        ),
    )


def _both(words: str) -> Bilingual:
    return Bilingual(words, words)


def _service() -> Row:
    return {
        "id": 1,
        "key": SERVICE,
        "field_id": 1,
        "name": Bilingual("Ραντεβού", "Appointment"),
        "summary": _both(""),
        "papers": [],
        "minutes": 20,
        "buffer_before": 0,
        "buffer_after": 10,
        "lead_minutes": 0,
        "horizon_days": DAYS,
        "deliveries": ["email"],
        "position": 1,
    }


def _office(number: int, size: Size) -> Row:
    return {
        "id": number,
        "key": f"office-{number}",
        "name": _both(f"Κ.Ε.Π. {number}"),
        "address": _both(f"Οδός {number}"),
        "opening": _both("8-14"),
        "phone": "2100000000",
        "email": f"office-{number}@example.gr",
        "time_zone": ZONE,
        "capacity": {"video": size.places} if size.places else {},
    }


def _person(number: int) -> Row:
    return {
        "id": number,
        "login": f"person-{number}",
        "first_name": "Μαρία",
        "last_name": f"Παπαδοπούλου {number}",
        "email": f"person-{number}@example.gr",
        "phone": "+306900000000",
    }


def _post(number: int, size: Size) -> Row:
    clerk = number <= size.clerks
    return {
        "id": number,
        "person_id": number,
        "office_id": _office_of(number, size) if clerk else 1,
        "role": "clerk" if clerk else "interpreter",
    }


def _office_of(clerk: int, size: Size) -> int:
    """Ten clerks work in the first office; the others are spread."""
    return 1 if clerk <= OWN_CLERKS else 2 + clerk % (size.offices - 1)


def _book(connection: Connection, size: Size) -> None:
    """Appointments with all that the portal keeps of them: claims, participants, record, reminders."""
    coming = list(_coming(size))
    insert_rows(connection, Appointment, (_appointment(*facts, "booked") for facts in coming))
    insert_rows(connection, Claim, (claim for facts in coming for claim in _claims(*facts)))
    insert_rows(connection, OutboxRow, (_reminder(*facts) for facts in coming))
    _write_down(connection, (facts[0] for facts in coming))
    first = len(coming) + 1
    insert_rows(connection, Appointment, (_appointment(*facts, "done") for facts in _past(size, first)))
    _write_down(connection, iter(range(first, first + size.past)))


Facts = tuple[int, int, int, int, datetime]
"""Number of the appointment, office, clerk, citizen, start."""


def _coming(size: Size) -> Iterator[Facts]:
    dice = random.Random(SEED)
    numbers = count(1)
    starts = [starts_of(day) for day in open_days(DAYS)]
    first_citizen = size.first_citizen + CITIZENS
    for clerk in range(1, size.clerks + 1):
        office = _office_of(clerk, size)
        part = size.booked if office == 1 else size.booked_elsewhere
        for of_day in starts if part else ():
            for slot, start in enumerate(of_day):
                if dice.random() < part:
                    yield next(numbers), office, clerk, first_citizen + (clerk - 1) * SLOTS + slot, start


def _past(size: Size, first: int) -> Iterator[Facts]:
    """Some years of the first office. Nothing guards time that is over, so more lies on it than fits."""
    today = clock.now().date()
    years = [starts_of(today - timedelta(days=n)) for n in range(1, 1096)]
    for number in range(size.past):
        clerk = 1 + number % OWN_CLERKS
        start = years[number // 7 % len(years)][number % SLOTS]
        citizen = size.first_citizen + CITIZENS + number % (size.clerks * SLOTS)
        yield first + number, 1, clerk, citizen, start


def _appointment(number: int, office: int, clerk: int, citizen: int, start: datetime, state: str) -> Row:
    return {
        "id": number,
        "key": f"b{number}",
        "service_id": 1,
        "office_id": office,
        "clerk_id": clerk,
        "citizen_id": citizen,
        "state": state,
        "starts_at": start,
        "minutes": 20,
        "citizen_name": "Μαρία Παπαδοπούλου",
        "email": "maria@example.gr",
        "phone": "+306900000000",
        "paper": "id_card",
        "delivery": "email",
        "recipient": {"email": "maria@example.gr"},
        "outcome": "issue" if state == "done" else "",
    }


def _claims(number: int, office: int, clerk: int, citizen: int, start: datetime) -> Iterator[Row]:
    first = quantum_of(start)
    for resource, minutes in ((staff_resource(clerk), 30), (citizen_resource(citizen), 20)):
        for quantum in range(first, first + minutes // QUANTUM_MINUTES):
            yield {"resource": resource, "quantum": quantum, "appointment_id": number, "expires_at": None}


def _reminder(number: int, office: int, clerk: int, citizen: int, start: datetime) -> Row:
    return {
        "key": f"reminder-b{number}-v1",
        "kind": "appointment.notice",
        "subject": f"appointment:{number}:v1",
        "payload": {"appointment_id": number, "notice": "reminder", "version": 1},
        "queue": "mail",
        "due_at": start - timedelta(hours=2),
        "give_up_at": start,
    }


def _write_down(connection: Connection, numbers: Iterator[int]) -> None:
    """Participants, then lines of the record."""
    known = list(numbers)
    person = {"role": "citizen", "name": "Μαρία Παπαδοπούλου", "email": "maria@example.gr"}
    insert_rows(connection, Participant, ({"appointment_id": n, **person} for n in known))
    insert_rows(
        connection,
        AuditLine,
        ({"deed": "booked", "subject": f"appointment:{n}", "facts": {"free": 5}} for n in known),
    )
