"""What a service asks for beside its name, and the engine's rules for everybody whose time it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from portal.appointments.models import Appointment
from portal.config import BookingRules
from portal.offices.models import Service
from portal.scheduling import Rules

Channel = Literal["video", "phone", "in_person"]


@dataclass(frozen=True)
class Wish:
    """How an appointment is wanted."""

    channel: str = "video"
    interpreted: bool = False
    """With a sign-language interpreter, whose time is taken together with the clerk's."""
    clerk_id: int | None = None
    """With this clerk only; None is with anyone."""
    by_staff: bool = False
    """Booked at the counter: time that is kept for staff is offered too, and no lead time asked."""


def wish_of(appointment: Appointment, clerk_id: int | None = None, by_staff: bool = False) -> Wish:
    """What a booked appointment needs again when it gets another time."""
    return Wish(appointment.channel, appointment.interpreter_id is not None, clerk_id, by_staff)


def may_be_interpreted(channel: str) -> bool:
    """Sign language has to be seen."""
    return channel != "phone"


def length_of(service: Service, booking: BookingRules, wish: Wish) -> int:
    """Minutes of the meeting: interpreted ones take longer."""
    return service.minutes + (booking.interpreted_extra_minutes if wish.interpreted else 0)


def clerk_rules(service: Service, booking: BookingRules, minutes: int) -> Rules:
    """How a meeting of ``minutes`` takes a clerk's time."""
    return Rules(minutes, service.buffer_before, service.buffer_after, booking.raster_minutes)


def interpreter_rules(booking: BookingRules, minutes: int) -> Rules:
    """How it takes the interpreter's."""
    buffer = booking.interpreter_buffer_minutes
    return Rules(minutes, buffer, buffer, booking.raster_minutes)


def plain_rules(booking: BookingRules, minutes: int) -> Rules:
    """How it takes a place's, or the citizen's own time: without buffers."""
    return Rules(minutes, raster=booking.raster_minutes)
