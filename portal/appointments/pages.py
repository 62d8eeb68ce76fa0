"""What the pages of citizens and of the staff share."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime

from flask import abort, current_app
from flask_babel import gettext as _

from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.config import BookingRules
from portal.offices.models import Service
from portal.plugin_api import DeliveryProvider
from portal.points import lists
from portal.points.words import with_point
from portal.providers import current_providers


def booking_rules() -> BookingRules:
    """The municipality's rules of booking."""
    rules: BookingRules = current_app.config["PORTAL"].booking
    return rules


def ways_of(
    chosen: Service, channel: str = "video", *, with_login: bool = True
) -> dict[str, DeliveryProvider]:
    """The ways in which this service's document can reach the citizen, in the order of preference.

    By phone nobody is identified, so nothing is issued. What lies in the portal is opened after a login.
    """
    if channel == "phone":
        return {}
    ways = {name: way for name, way in current_providers().delivery.items() if name in chosen.deliveries}
    return lists.offered({name: way for name, way in ways.items() if with_login or not way.kept_in_portal})


def chosen_way(appointment: Appointment) -> str:
    """How the document comes, in words: the way, and the point where it will lie; empty if none is chosen."""
    way = current_providers().delivery.get(appointment.delivery)
    return with_point(str(way.title) if way else appointment.delivery, appointment.recipient)


def parse_start(text: str) -> datetime:
    """The instant that a button of the time page stands for."""
    try:
        starts_at = datetime.fromisoformat(text)
    except ValueError:
        abort(400)
    # The first and the last year do not exist in every time zone.
    if starts_at.tzinfo is None or not MINYEAR < starts_at.year < MAXYEAR:
        abort(400)
    return starts_at


def taken_in_words(taken: TimeTaken) -> str:
    """Why a time could not be had."""
    if isinstance(taken, CitizenElsewhere):
        return _("You have another appointment at this hour. Please choose another time.")
    return _("Somebody else has just taken this time. Please choose another one.")
