"""The citizen's side of the earlier-time list: join it, leave it, answer when a time is offered.

What he sees of it on the page of his appointment is ``booking/earlier.html``, which that page includes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import security
from portal.appointments import earlier, lifecycle
from portal.appointments.citizen.own_pages import own_appointment
from portal.appointments.earlier import Offered
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.pages import booking_rules, parse_start
from portal.appointments.papers import CHANNELS
from portal.config import BookingRules
from portal.db import attempt
from portal.people.models import Person
from portal.people.visitor import the_person

blueprint = Blueprint("earlier", __name__, url_prefix="/appointments/<key>/earlier")


class OfferOver(Exception):
    """The time was not offered to him, or not any more."""


@dataclass(frozen=True)
class Standing:
    """How an appointment stands to the earlier-time list."""

    may_join: bool
    place: int
    """1 is asked first; 0 is not on the list."""
    offered: Offered | None
    minutes: int
    """How long a freed time waits for one citizen."""


@blueprint.app_template_global("earlier_standing")
def standing(appointment: Appointment) -> Standing:
    """What ``booking/earlier.html`` tells of this appointment."""
    rules = booking_rules()
    wish = earlier.wish_for(appointment)
    return Standing(
        earlier.may_join(appointment, rules),
        earlier.place_of(wish) if wish else 0,
        earlier.offer_to(appointment),
        rules.earlier_offer_minutes,
    )


@blueprint.get("/")
@security.citizen_only
def offer(key: str) -> str:
    """The earlier time that is kept for the citizen, or what became of it. The mail leads here."""
    row = own_appointment(key)
    return render_template(
        "booking/earlier_offer.html", appointment=row, standing=standing(row), channels=CHANNELS
    )


@blueprint.post("/join")
@security.citizen_only
def join(key: str) -> ResponseReturnValue:
    """Go on the list."""
    row = own_appointment(key)
    if attempt(lambda: earlier.join(row, booking_rules())):
        flash(
            _("You are on the list for earlier times. We write to you when one is free for you."), "success"
        )
    else:
        flash(_("This appointment cannot go on the list for earlier times."), "error")
    return _back(key)


@blueprint.post("/leave")
@security.citizen_only
def leave(key: str) -> ResponseReturnValue:
    """Leave the list; the appointment stays as it is."""
    row = own_appointment(key)
    attempt(lambda: earlier.leave(row, booking_rules()))
    flash(_("You are no longer on the list for earlier times. Your appointment has not changed."), "success")
    return _back(key)


@blueprint.post("/accept")
@security.citizen_only
def accept(key: str) -> ResponseReturnValue:
    """Move the appointment to the time that is kept for him."""
    row = own_appointment(key)
    starts_at = parse_start(request.form.get("start", ""))
    try:
        attempt(lambda: move_to_offered(row, booking_rules(), starts_at, the_person()))
    except (OfferOver, lifecycle.NotPossible, lifecycle.TooLate):
        return redirect(flask_url_for("earlier.offer", key=key))
    except TimeTaken:
        attempt(lambda: earlier.decline(own_appointment(key), booking_rules(), starts_at))
        flash(_("This time cannot be had any more. Your appointment has not changed."), "error")
        return _back(key)
    flash(_("Your appointment is now earlier. We have sent you an e-mail with the new time."), "success")
    return _back(key)


@blueprint.post("/decline")
@security.citizen_only
def decline(key: str) -> ResponseReturnValue:
    """Keep the appointment as it is; somebody else is asked."""
    row = own_appointment(key)
    starts_at = parse_start(request.form.get("start", ""))
    if not attempt(lambda: earlier.decline(row, booking_rules(), starts_at)):
        return redirect(flask_url_for("earlier.offer", key=key))
    flash(_("Your appointment stays as it is. You keep your place on the list for earlier times."), "success")
    return _back(key)


def move_to_offered(
    appointment: Appointment, booking: BookingRules, starts_at: datetime, citizen: Person
) -> None:
    """Take up the offer. Raises OfferOver, or what `lifecycle.move` raises; nothing has changed then."""
    offered = earlier.offer_to_accept(appointment, starts_at)
    if offered is None:
        raise OfferOver
    lifecycle.move(appointment, booking, offered.office, starts_at, citizen, offered.clerk_id)


def _back(key: str) -> ResponseReturnValue:
    return redirect(flask_url_for("citizen.appointment", key=key))
