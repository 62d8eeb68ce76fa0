"""The calendar file of an appointment. It carries no personal data: what, when, where to find it."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from icalendar import Alarm, Calendar, Event

from portal import clock
from portal.appointments.links import page_address
from portal.appointments.models import Appointment
from portal.i18n import in_readers_language

ALARM = {
    "video": timedelta(minutes=15),
    "phone": timedelta(minutes=15),
    "in_person": timedelta(minutes=60),
}
"""How long before the start a calendar reminds its owner."""


def calendar_file(appointment: Appointment, manages: bool = True) -> bytes:
    """An iCalendar file in the reader's language.

    The same UID and a growing SEQUENCE let a calendar replace the entry after a move and strike it
    after a cancellation. ``manages`` is False for the person served, who cannot move or cancel by himself.
    """
    host = urlsplit(current_app.config["PORTAL"].portal.base_url).hostname
    entry = Event()
    entry.add("uid", f"{appointment.key}@{host}")
    entry.add("sequence", 2 * appointment.version + (appointment.state == "cancelled"))
    entry.add("dtstamp", clock.now())
    entry.add("dtstart", appointment.starts_at)
    entry.add("dtend", appointment.ends_at)
    office = in_readers_language(appointment.office.name)
    entry.add("summary", _summary(appointment.channel, office))
    if appointment.channel == "in_person":
        entry.add("location", f"{office}, {in_readers_language(appointment.office.address)}")
    _add_way_back(entry, appointment, manages)
    entry.add("status", "CANCELLED" if appointment.state == "cancelled" else "CONFIRMED")
    if appointment.state != "cancelled":
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _("Your appointment begins soon."))
        alarm.add("trigger", -ALARM[appointment.channel])
        entry.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//Thyrida//Municipal counter by video//EL")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if appointment.state == "cancelled" else "PUBLISH")
    calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content


def _add_way_back(entry: Event, appointment: Appointment, manages: bool) -> None:
    """How to move or cancel: on its page, or by phone where staff booked, and for the person served."""
    if appointment.citizen_id is None or not manages:
        phone = appointment.office.phone
        words = _("To move or cancel the appointment, call the office: %(phone)s.", phone=phone)
        entry.add("description", words)
        return
    page = page_address("citizen.appointment", key=appointment.key)
    entry.add("description", _("To see, move or cancel your appointment, log in here: %(page)s", page=page))
    entry.add("url", page)


def _summary(channel: str, office: str) -> str:
    match channel:
        case "phone":
            return _("Appointment by phone: %(office)s", office=office)
        case "in_person":
            return _("Appointment at the office: %(office)s", office=office)
        case _:
            return _("Appointment by video: %(office)s", office=office)
