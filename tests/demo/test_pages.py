"""No page asks the database more often on the national data than on the small demonstration."""

from __future__ import annotations

from collections import Counter
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from portal import clock as present
from portal import demo
from portal.appointments.models import Appointment
from portal.db import db
from portal.demo import national
from portal.demo.national_offices import KEY
from portal.demo.national_offices import LARGE as LARGE_OFFICE
from portal.people.models import Person

SIZE = national.Size(offices=30, clerks=100, past_days=10, coming_days=20)
SERVICE = "/services/birth-certificate"
FAR = "2026-12-04"
"""A working day with appointments in both."""

CITIZEN = (
    "/",
    "/fields",
    "/fields/applications",
    SERVICE,
    f"{SERVICE}/times",
    f"{SERVICE}/times?office=any&day={FAR}",
    f"{SERVICE}/times?office=kep-central&day={FAR}",
    f"{SERVICE}/month?office=any",
    f"{SERVICE}/month?office=kep-central",
    f"{SERVICE}/free.json?office=any",
    "/appointments",
)
STAFF = ("/staff/", "/staff/book/", "/staff/book/?service=birth-certificate")
STAFF += ("/staff/absences/", "/staff/deliveries")
ON_APPOINTMENT = ("", "/move", "/cancel")
SUPERVISOR = (*STAFF, "/staff/attention", "/staff/planning/", "/staff/planning/hours")

IN_BATCHES = {"citizen own appointment/move": 2}
"""Times of any office are read in batches of which each is four times the one before, until all are found: so
many more for this number of offices."""


@pytest.fixture
def small(counter, clock):
    """The small demonstration as `portal demo` makes it."""
    demo.prepare(counter.app)
    return counter


@pytest.fixture
def asked(small, log_in):
    """``asked(login, path)``: how many statements the page needs, once everything is in memory.

    A citizen has no login; he is named by his number.
    """

    def asked(login, path):
        known_by = {"login": login} if isinstance(login, str) else {"id": login}
        person = db.session.scalars(select(Person).filter_by(**known_by)).one()
        client = small.app.test_client()
        staff = path.startswith("/staff")
        log_in(client, person, door="staff" if staff else "citizens")
        statements = []

        def note(*details):
            statements.append(details[2])

        # A visit of its own, with nothing remembered from the test or from the visit before.
        assert Context().run(client.get, path).status_code == 200, path
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert Context().run(client.get, path).status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(statements)

    return asked


@dataclass(frozen=True)
class Office:
    """Who visits which pages of one office."""

    clerk: str
    supervisor: str

    def pages(self):
        """Visitor and path by the name of the page, which is the same for every office."""
        row = an_appointment(self.clerk)
        citizen, day = row.citizen_id, f"/staff/day/{row.starts_at:%Y-%m-%d}"
        own = {f"own appointment{path}": f"/appointments/{row.key}{path}" for path in ON_APPOINTMENT}
        case = {f"case{path}": f"/staff/appointments/{row.key}{path}" for path in ON_APPOINTMENT}
        found = {f"citizen {name}": (citizen, path) for name, path in ({p: p for p in CITIZEN} | own).items()}
        staff = {p: p for p in STAFF} | {"a day": day} | case
        found |= {f"clerk {name}": (self.clerk, path) for name, path in staff.items()}
        above = {p: p for p in SUPERVISOR} | {"a day": day} | case
        found |= {f"supervisor {name}": (self.supervisor, path) for name, path in above.items()}
        return found | {f"administrator {name}": ("m.stathis", path) for name, path in above.items()}


def an_appointment(clerk):
    """A clerk's next booked appointment that the citizen can still change and that brings a document."""
    return db.session.scalars(
        select(Appointment)
        .join(Person, Person.id == Appointment.clerk_id)
        .where(
            Appointment.state == "booked",
            Person.login == clerk,
            Appointment.interpreter_id.is_(None),
            Appointment.delivery != "",
            Appointment.starts_at > present.now() + timedelta(hours=1),
        )
        .order_by(Appointment.starts_at)
    ).first()


MAIN = Office("k.alexiou", "s.ioannou")
BRANCH = Office("a.petrou", "m.stathis")
"""It has few places for calls, which the others do not count; nobody but the administrator supervises it."""
LARGE = Office(f"{KEY}1-2", f"{KEY}1-1")


def test_no_page_asks_more_often(small, asked):
    visits = [page for office in (MAIN, BRANCH) for page in office.pages().items()]
    today = f"/staff/day/{present.now():%Y-%m-%d}"
    visits += [("clerk a day", (MAIN.clerk, today)), ("supervisor a day", (MAIN.supervisor, today))]
    before = Counter()
    for name, page in visits:
        before[name] = max(before[name], asked(*page) + IN_BATCHES.get(name, 0))
    national.fill(small.config, SIZE, lambda done, total: None)
    staff = select(func.count(Person.id)).where(Person.login.startswith(f"{KEY}1-"))
    assert db.session.scalar(staff) == LARGE_OFFICE
    after = [(name, page, asked(*page)) for name, page in (*visits, *LARGE.pages().items())]
    assert [found for found in after if found[2] > before[found[0]]] == []
