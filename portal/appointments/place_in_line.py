"""Who is before somebody at the door, and about how late the clerk is; derived, and promised to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from portal import clock
from portal.appointments import call
from portal.appointments.messages import GRACE
from portal.appointments.models import Appointment
from portal.db import db

PATIENCE = timedelta(minutes=1)
"""Who is not at the door so long after his start keeps nobody waiting."""
LOOKS_BACK = timedelta(hours=12)
STEP = timedelta(minutes=5)
"""An estimate is told in steps of this; anything finer would pretend to know."""


@dataclass(frozen=True)
class Line:
    """The line before one person with one clerk."""

    before: int
    minutes_late: int
    """About how long after the booked start the clerk will be free; 0 when he is on time."""
    in_call: bool
    """True while one of those before is in the call already."""


def line_of(appointment: Appointment) -> Line:
    """The line at this moment."""
    rows = [row for row in _same_clerk(appointment) if _is_before(row, appointment)]
    rows.sort(key=lambda row: (row.state != "in_call", row.starts_at))
    free_at = clock.now()
    for row in rows:
        free_at = _end_of(row, free_at)
    in_call = any(row.state == "in_call" for row in rows)
    return Line(len(rows), _about(free_at - appointment.starts_at), in_call)


def _same_clerk(appointment: Appointment) -> Sequence[Appointment]:
    clerk = appointment.clerk_id
    query = (
        select(Appointment)
        .where(
            or_(Appointment.clerk_id == clerk, Appointment.second_clerk_id == clerk),
            Appointment.state.in_(["booked", "in_call"]),
            Appointment.starts_at > clock.now() - LOOKS_BACK,
            Appointment.starts_at < max(appointment.starts_at, clock.now()) + LOOKS_BACK,
            Appointment.id != appointment.id,
        )
        .options(selectinload(Appointment.participants))
    )
    return db.session.scalars(query).all()


def _is_before(row: Appointment, appointment: Appointment) -> bool:
    now = clock.now()
    if row.state == "in_call":
        # A call that nobody has ended long after its time keeps the clerk no more.
        return now < _end_of(row, row.starts_at) + GRACE
    if row.starts_at >= appointment.starts_at:
        return False
    if any(call.is_here(person) for person in row.participants):
        return True
    return now < (row.starts_at + PATIENCE if row.channel == "video" else row.ends_at)


def _end_of(row: Appointment, free_at: datetime) -> datetime:
    """When the clerk is free after this one, if it takes as long as it was booked for."""
    length = timedelta(minutes=row.minutes)
    if row.state == "in_call":
        return max(free_at, (row.started_at or row.starts_at) + length)
    return max(free_at, row.starts_at) + length


def _about(late: timedelta) -> int:
    if late <= PATIENCE:
        return 0
    return int(-(-late // STEP) * STEP / timedelta(minutes=1))
