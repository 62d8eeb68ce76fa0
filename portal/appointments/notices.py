"""Messages about appointments: which one is still true when it is sent, and what it says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal import mail
from portal.appointments import on_behalf
from portal.appointments.calendar_file import calendar_file
from portal.appointments.earlier import Offered
from portal.appointments.links import join_url, page_address
from portal.appointments.models import Appointment, Participant
from portal.appointments.papers import CHANNELS, ROLES
from portal.forms import readable_phone
from portal.plugin_api import Attachment

STILL_TRUE = {
    "booked": ("booked", "in_call"),
    "reminder": ("booked",),
    "moved": ("booked", "in_call"),
    "cancelled": ("cancelled",),
    "missed": ("missed",),
}
"""A notice is sent only while the appointment is in one of these states."""

OPENINGS = {
    "booked": {
        "video": _l("You have an appointment by video with a clerk of the office."),
        "phone": _l("You have an appointment by phone with a clerk of the office."),
        "in_person": _l("You have an appointment with a clerk at the office."),
    },
    "reminder": {
        "video": _l("We remind you of your appointment by video with a clerk of the office."),
        "phone": _l("We remind you of your appointment by phone with a clerk of the office."),
        "in_person": _l("We remind you of your appointment with a clerk at the office."),
    },
    "moved": {
        "video": _l("Your appointment by video has a new time. The link is the same as before."),
        "phone": _l("Your appointment by phone has a new time."),
        "in_person": _l("Your appointment at the office has a new time."),
    },
}
"""The first sentence of a notice, by channel; the other notices have one for all."""

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
            "opening": OPENINGS.get(notice, {}).get(appointment.channel, ""),
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


def send_to_served(guest: Participant, notice: str) -> None:
    """Send one notice to the person for whom the citizen acts, in words for him."""
    appointment = guest.appointment
    with force_locale(guest.language):
        content = calendar_file(appointment, manages=False)
    values = {**_values(appointment), "notice": notice, "join_url": join_url(guest)}
    mail.send(
        f"{notice}-{appointment.key}-{guest.id}-v{appointment.version}",
        guest.email,
        guest.language,
        "notices/served",
        values,
        (Attachment("appointment.ics", "text/calendar", content),),
    )


def send_invitation(guest: Participant) -> None:
    """Send a third person his own link."""
    appointment = guest.appointment
    values = {**_values(appointment), "guest": guest, "roles": ROLES, "join_url": join_url(guest)}
    key = f"invitation-{appointment.key}-{guest.id}-v{appointment.version}"
    mail.send(key, guest.email, guest.language, "notices/invitation", values)


def send_new_link(guest: Participant) -> None:
    """Send a person the link that takes the place of his former one."""
    values = {**_values(guest.appointment), "guest": guest, "join_url": join_url(guest)}
    key = f"link-{guest.appointment.key}-{guest.id}-l{guest.link_version}"
    mail.send(key, guest.email, guest.language, "notices/new_link", values)


def send_excuse(guest: Participant, starts_at: datetime) -> None:
    """Tell an invited person that he is not expected at this time any more."""
    values = {**_values(guest.appointment), "guest": guest, "starts_at": starts_at}
    key = f"excuse-{guest.appointment.key}-{guest.id}-{starts_at:%Y%m%dT%H%M%S}"
    mail.send(key, guest.email, guest.language, "notices/excuse", values)


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
        "may_be_identified": on_behalf.may_be_identified(appointment),
        "no_recording_url": page_address("pages.nothing_is_recorded"),
        "phone": readable_phone(appointment.phone),
        "municipality": current_app.config["PORTAL"].municipality,
    }
