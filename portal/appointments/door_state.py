"""What the door shows to one person at this moment. The pages of the door draw it; nobody else decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from flask import current_app
from sqlalchemy import select

from portal import clock
from portal.appointments import rooms
from portal.appointments.messages import GRACE
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.appointments.place_in_line import Line, line_of
from portal.audit import AuditLine
from portal.config import BookingRules
from portal.db import db

IN_LINE = ("waiting", "late", "dropped")
"""States in which somebody waits for the clerk."""
LIVING = (
    "early",
    *IN_LINE,
    "opening",
    "admitted",
    "no_room",
    "by_phone",
    "phone",
    "in_person",
    "ended",
    "passed",
)
"""States that may still change."""


def state_of(guest: Participant) -> str:
    """What the door shows: one word for each of its faces.

    By phone and at the counter the link only explains where the meeting takes place.
    """
    appointment = guest.appointment
    if appointment.state in ("cancelled", "missed"):
        return appointment.state
    if appointment.state == "done":
        return "technical" if appointment.outcome == "technical" else "over"
    if appointment.state == "in_call" and appointment.channel == "video":
        return _state_in_call(guest)
    if appointment.state == "booked" and clock.now() > kept_until(appointment):
        return "passed"
    if appointment.channel != "video":
        return appointment.channel
    return _state_before_call(appointment)


def opens_at(appointment: Appointment) -> datetime:
    """When the waiting room opens."""
    rules: BookingRules = current_app.config["PORTAL"].booking
    return appointment.starts_at - timedelta(minutes=rules.door_opens_minutes)


def kept_until(appointment: Appointment) -> datetime:
    """How long a call that has not begun, or broke off, is still expected."""
    return appointment.ends_at + GRACE


def _state_before_call(appointment: Appointment) -> str:
    if appointment.started_at:
        return "dropped"
    if clock.now() < opens_at(appointment):
        return "early"
    return "late" if clock.now() > appointment.starts_at + timedelta(minutes=1) else "waiting"


def _state_in_call(guest: Participant) -> str:
    if guest.appointment.by_phone_since:
        return "by_phone"
    if guest.admitted_at is None:
        return "waiting"
    room = rooms.current(guest.appointment)
    if room is None:
        return _state_without_room(guest.appointment)
    return "admitted" if room.state == "open" else "opening"


def _state_without_room(appointment: Appointment) -> str:
    newest = appointment.rooms[-1] if appointment.rooms else None
    return "ended" if newest is not None and clock.now() >= newest.closes_at else "no_room"


@dataclass(frozen=True)
class Face:
    """The door as one person sees it."""

    guest: Participant
    state: str

    @classmethod
    def of(cls, guest: Participant) -> Face:
        return cls(guest, state_of(guest))

    @property
    def appointment(self) -> Appointment:
        return self.guest.appointment

    @cached_property
    def line(self) -> Line | None:
        """The line before him, while he stands in it and his call has not been opened."""
        waits = self.state in IN_LINE and self.appointment.state == "booked"
        return line_of(self.appointment) if waits else None

    @property
    def call_is_open(self) -> bool:
        """True once the clerk has opened the call, days before the booked hour too."""
        return self.appointment.state == "in_call"

    @property
    def room(self) -> VideoRoom | None:
        return rooms.current(self.appointment)

    @property
    def mark(self) -> str:
        """Changes whenever the page says something new."""
        line = [self.line.before, self.line.minutes_late, self.line.in_call] if self.line else []
        return "-".join(map(str, [self.state, self.appointment.clerk_id, len(self.appointment.rooms), *line]))

    @property
    def moved(self) -> str:
        """``provider`` or ``room`` where the call goes on in another one than before; otherwise empty."""
        room = self.room
        if self.state not in ("opening", "admitted") or room is None:
            return ""
        former = [one for one in self.appointment.rooms if one is not room]
        if former and former[-1].provider != room.provider:
            return "provider"
        was_entered = any(one.state != "failed" for one in former)
        return "room" if was_entered else ""

    @property
    def other_clerk(self) -> bool:
        """True when a colleague has stepped in since the waiting room opened."""
        if self.state not in (*IN_LINE, "opening", "admitted"):
            return False
        lines = select(AuditLine).where(
            AuditLine.subject == f"appointment:{self.appointment.id}",
            AuditLine.deed == "reassigned",
            AuditLine.at >= opens_at(self.appointment),
        )
        formers = [line.facts.get("former") for line in db.session.scalars(lines)]
        return any(former != self.appointment.clerk_id for former in formers)
