"""Counts double bookings from the appointments alone: the claims, which prevent them, are not asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

from benchmarks.worlds import World
from portal import clock
from portal.appointments.models import Appointment
from portal.config import BookingRules
from portal.db import db
from portal.offices.models import Service

Busy = tuple[str, datetime, datetime]


def double_bookings(world: World) -> int:
    """How many appointments begin while somebody whom they need is still in another one."""
    with world.inside():
        busy = sorted(_busy(world.app.config["PORTAL"].booking))
    return overlapping(busy)


def overlapping(busy: Iterable[Busy]) -> int:
    """How many of these times begin before an earlier one of the same resource has ended. Sorted input."""
    latest: tuple[str, datetime] | None = None
    doubles = 0
    for who, begin, end in busy:
        if latest and latest[0] == who:
            doubles += begin < latest[1]
            end = max(end, latest[1])
        latest = (who, end)
    return doubles


def booked(world: World, first: datetime, last: datetime) -> int:
    """Appointments that are booked between two starts, both included."""
    with world.inside():
        in_time = Appointment.starts_at.between(first, last)
        return db.session.scalar(select(func.count()).where(in_time, Appointment.state == "booked")) or 0


def deadlocks(world: World) -> int:
    """How many PostgreSQL has broken so far in this database, whoever tried again afterwards."""
    with world.inside():
        db.session.execute(text("SELECT pg_stat_clear_snapshot()"))
        row = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return db.session.scalar(row) or 0


def _busy(booking: BookingRules) -> Iterator[Busy]:
    """Everybody's time, with the buffers that belong to it, and every place's."""
    around = timedelta(minutes=booking.interpreter_buffer_minutes)
    for row in _living():
        before, after = timedelta(minutes=row.buffer_before), timedelta(minutes=row.buffer_after)
        end = row.starts_at + timedelta(minutes=row.minutes)
        for person in (row.clerk_id, row.second_clerk_id):
            if person is not None:
                yield f"staff {person}", row.starts_at - before, end + after
        if row.interpreter_id is not None:
            yield f"staff {row.interpreter_id}", row.starts_at - around, end + around
        if row.citizen_id is not None:
            yield f"citizen {row.citizen_id}", row.starts_at, end
        if row.place is not None:
            yield f"place {row.office_id} {row.channel} {row.place}", row.starts_at, end


def _living() -> list[Any]:
    """Appointments that take time, all seen at one moment."""
    row = Appointment
    columns = (row.state, row.hold_expires_at, row.starts_at, row.minutes, row.clerk_id, row.second_clerk_id)
    others = (row.interpreter_id, row.citizen_id, row.place, row.office_id, row.channel)
    query = select(*columns, *others, Service.buffer_before, Service.buffer_after).join(row.service)
    rows = db.session.execute(query.where(row.state.in_(["booked", "in_call", "held"]))).all()
    # Asked after reading: a hold that ended only since then cannot have been taken over in what was read.
    now = clock.now()
    return [row for row in rows if row.state != "held" or row.hold_expires_at > now]
