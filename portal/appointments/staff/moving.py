"""Where and with whom the staff look for another time of an appointment. Used by `case_pages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import abort
from flask import url_for as flask_url_for
from sqlalchemy import select

from portal.appointments.models import Appointment
from portal.appointments.staff.booking_forms import ANYONE, MoveForm
from portal.db import db
from portal.offices import search
from portal.offices.models import Office

SHOWN = 10
ANY_OFFICE = "any"


@dataclass(frozen=True)
class NewPlace:
    """The part of the question for free times that the clerk can choose."""

    appointment: Appointment
    office: Office | None
    """None is any office."""
    clerk_id: int | None
    """None is anyone."""
    query: str = ""

    @classmethod
    def asked(cls, appointment: Appointment, given: Mapping[str, str]) -> NewPlace:
        """What the address or the form says; with whoever is free at the same office, if it says nothing."""
        clerk_id = appointment.clerk_id if given.get("clerk") == "same" else None
        key = given.get("office") or appointment.office.key
        office = None if key == ANY_OFFICE else _office(key)
        return cls(appointment, office, clerk_id, given.get("find", ""))

    @property
    def office_key(self) -> str:
        return self.office.key if self.office else ANY_OFFICE

    @property
    def clerk(self) -> str:
        return ANYONE if self.clerk_id is None else "same"

    def address(self, day: date | None = None) -> str:
        """The page with the free times of this choice."""
        return flask_url_for(
            "staff.choose_new_time",
            key=self.appointment.key,
            office=self.office_key,
            clerk=self.clerk,
            day=day.isoformat() if day else None,
        )

    def form(self, appointment: Appointment) -> MoveForm:
        """The choice as a form; offices are found by a search, for there can be many."""
        form = MoveForm(formdata=None, data={"office": self.office_key, "clerk": self.clerk})
        form.about(appointment, self._offices())
        return form

    def _offices(self) -> Sequence[Office]:
        found = search.find(self.query, self.appointment.service, SHOWN)
        return [*found, *([self.office] if self.office and self.office not in found else [])]


def _office(key: str) -> Office:
    return db.session.scalar(select(Office).filter_by(key=key, active=True)) or abort(404)
