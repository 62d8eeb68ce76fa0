"""A day at the counter as it stands at this moment: who comes when, who waits, what is still owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from flask import abort
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, scheduling
from portal.appointments.models import Appointment, Participant
from portal.appointments.staff.presence import presence
from portal.db import db
from portal.documents.models import DocumentRequest
from portal.offices.models import Office
from portal.people import access
from portal.people.models import Person

YEARS = range(2000, 2200)
"""Days outside of these are nobody's working days, and one of them has no tomorrow."""
NO_CASE = ("held", "expired")
"""Times that nobody has booked (yet): nothing for the staff to see."""
PATIENCE = timedelta(minutes=1)
"""An appointment is late when its start is longer ago than this."""


@dataclass(frozen=True)
class Entry:
    """One appointment of the day as it stands at this moment."""

    appointment: Appointment
    owes_document: bool
    door_opens: timedelta

    @property
    def waiting(self) -> list[Participant]:
        """Who is at the door now and has not been let in."""
        return [person for person in self.appointment.participants if presence(person) == "waiting"]

    @property
    def minutes_late(self) -> int:
        """How long ago the call should have begun; 0 when it is not late."""
        late = clock.now() - self.appointment.starts_at
        return late // timedelta(minutes=1) if self.appointment.state == "booked" and late > PATIENCE else 0

    @property
    def may_open(self) -> bool:
        """The counter opens with the door, and earlier when somebody is there already."""
        opens_at = self.appointment.starts_at - self.door_opens
        return self.appointment.state == "booked" and (clock.now() >= opens_at or bool(self.waiting))

    @property
    def look(self) -> str:
        """The row's class in the stylesheet."""
        if self.waiting:
            return "waiting"
        return {"in_call": "now", "booked": ""}.get(self.appointment.state, "over")


@dataclass(frozen=True)
class Day:
    """The day of one clerk, or of an office."""

    day: date
    zone: str
    office: Office | None
    entries: Sequence[Entry]

    @property
    def is_today(self) -> bool:
        return self.day == clock.now().astimezone(ZoneInfo(self.zone)).date()

    @property
    def day_before(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def day_after(self) -> date:
        return self.day + timedelta(days=1)

    @cached_property
    def waiting(self) -> list[Participant]:
        """Everybody at the door now."""
        return [person for entry in self.entries for person in entry.waiting]

    @property
    def left(self) -> int:
        """Appointments that are still to be held."""
        return sum(entry.appointment.state in ("booked", "in_call") for entry in self.entries)

    @property
    def documents_owed(self) -> int:
        return sum(entry.owes_document for entry in self.entries)


def day_of(person: Person, office: Office | None, day: date | None, door_opens: timedelta) -> Day:
    """The person's own day, or that of a whole office; today if no day is named."""
    zone = (office or access.counter_posts(person)[0].office).time_zone
    chosen = day or clock.now().astimezone(ZoneInfo(zone)).date()
    rows = _appointments(chosen, zone, Appointment.office_id == office.id if office else _served_by(person))
    owed = _owed_documents([row.id for row in rows])
    return Day(chosen, zone, office, [Entry(row, row.id in owed, door_opens) for row in rows])


def _served_by(person: Person) -> ColumnElement[bool]:
    """The person's own appointments, and those of a colleague in which he is the second clerk."""
    offices = [post.office_id for post in access.counter_posts(person)]
    # A second clerk is of the office of the appointment; naming it lets the index of its days be used.
    beside = and_(Appointment.office_id.in_(offices), Appointment.second_clerk_id == person.id)
    return or_(Appointment.clerk_id == person.id, beside)


def day_asked(text: str) -> date | None:
    """The day that an address names, or None; what is no day of ours is not found (404)."""
    if not text:
        return None
    try:
        asked_for = date.fromisoformat(text)
    except ValueError:
        abort(404)
    return asked_for if asked_for.year in YEARS else abort(404)


def _appointments(day: date, zone: str, whose: ColumnElement[bool]) -> Sequence[Appointment]:
    begin = scheduling.wall_clock(day, 0, zone)
    end = scheduling.wall_clock(day + timedelta(days=1), 0, zone)
    query = (
        select(Appointment)
        .where(
            whose,
            Appointment.starts_at >= begin,
            Appointment.starts_at < end,
            Appointment.state.not_in(NO_CASE),
        )
        .options(
            selectinload(Appointment.service),
            selectinload(Appointment.clerk),
            selectinload(Appointment.participants),
            joinedload(Appointment.served),
        )
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return db.session.scalars(query).all()


def _owed_documents(appointments: Sequence[int]) -> set[int]:
    owed = select(DocumentRequest.appointment_id).where(
        DocumentRequest.appointment_id.in_(appointments), DocumentRequest.state.in_(["to_issue", "in_review"])
    )
    return set(db.session.scalars(owed))
