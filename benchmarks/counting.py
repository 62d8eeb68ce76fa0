"""Counts double bookings from the appointments alone: the claims, which prevent them, are not asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from benchmarks.worlds import World
from portal import clock
from portal.appointments.models import Appointment
from portal.db import db
from portal.offices.models import Service

Busy = tuple[str, datetime, datetime]


def double_bookings(world: World) -> int:
    """How many appointments begin while somebody whom they need is still in another one."""
    with world.inside():
        busy = sorted(_busy(world))
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


def _busy(world: World) -> Iterator[Busy]:
    """Everybody's time, with the buffers that belong to it."""
    booking = world.app.config["PORTAL"].booking
    around = timedelta(minutes=booking.interpreter_buffer_minutes)
    living = Appointment.state.in_(["booked", "in_call"]) | (
        (Appointment.state == "held") & (Appointment.hold_expires_at > clock.now())
    )
    row = Appointment
    for start, minutes, before, after, clerk, second, interpreter, citizen in db.session.execute(
        select(
            row.starts_at,
            row.minutes,
            Service.buffer_before,
            Service.buffer_after,
            row.clerk_id,
            row.second_clerk_id,
            row.interpreter_id,
            row.citizen_id,
        )
        .join(row.service)
        .where(living)
    ):
        end = start + timedelta(minutes=minutes)
        for person in (clerk, second):
            if person is not None:
                yield f"staff {person}", start - timedelta(minutes=before), end + timedelta(minutes=after)
        if interpreter is not None:
            yield f"staff {interpreter}", start - around, end + around
        if citizen is not None:
            yield f"citizen {citizen}", start, end
