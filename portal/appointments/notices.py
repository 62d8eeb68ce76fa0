"""Messages about appointments: which one is still true when it is sent, and what it says."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale

from portal import mail
from portal.appointments.calendar_file import calendar_file
from portal.appointments.earlier import Offered
from portal.appointments.links import join_url, page_address
from portal.appointments.models import Appointment, Participant
from portal.appointments.papers import CHANNELS, ROLES
from portal.plugin_api import Attachment

STILL_TRUE = {
    "booked": ("booked", "in_call"),
    "reminder": ("booked",),
    "moved": ("booked", "in_call"),
    "cancelled": ("cancelled",),
    "missed": ("missed",),
}
"""A notice is sent only while the appointment is in one of these states."""

WITH_CALENDAR = ("booked", "moved", "cancelled", "reminder")


def is_still_true(appointment: Appointment, notice: str, version: int) -> bool:
    """False for a message that events have overtaken."""
    return appointment.version == version and appointment.state in STILL_TRUE[notice]


def send_to_citizen(appointment: Appointment, notice: str) -> None:
    """Send one notice to the citizen in his language."""
    guest = next(p for p in appointment.participants if p.role == "citizen")
    language = appointment.language
    attachments: tuple[Attachment, ...] = ()
    with force_locale(language):
        values = {
            **_values(appointment),
            "join_url": join_url(guest),
            "appointment_url": page_address("citizen.appointment", key=appointment.key),
            "services_url": page_address("citizen_booking.service", key=appointment.service.key),
        }
        if notice in WITH_CALENDAR:
            attachments = (Attachment("appointment.ics", "text/calendar", calendar_file(appointment)),)
    mail.send(
        f"{notice}-{appointment.key}-v{appointment.version}",
        appointment.email,
        language,
        f"notices/{notice}",
        values,
        attachments,
    )


def send_invitation(guest: Participant) -> None:
    """Send a third person his own link."""
    appointment = guest.appointment
    values = {**_values(appointment), "guest": guest, "roles": ROLES, "join_url": join_url(guest)}
    key = f"invitation-{appointment.key}-{guest.id}-v{appointment.version}"
    mail.send(key, guest.email, guest.language, "notices/invitation", values)


def send_offer(appointment: Appointment, offered: Offered) -> None:
    """Tell the citizen of the earlier time that is kept for him."""
    values = {
        **_values(appointment),
        "offered": offered,
        "offer_url": page_address("earlier.offer", key=appointment.key),
    }
    key = f"earlier-{appointment.key}-{offered.ends_at:%Y%m%dT%H%M%S%f}"
    mail.send(key, appointment.email, appointment.language, "notices/earlier_time", values)


def _values(appointment: Appointment) -> dict[str, Any]:
    return {
        "appointment": appointment,
        "service": appointment.service,
        "office": appointment.office,
        "channels": CHANNELS,
        "municipality": current_app.config["PORTAL"].municipality,
    }
