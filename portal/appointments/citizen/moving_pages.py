"""The citizen gives his appointment another time."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal import security
from portal.appointments import lifecycle
from portal.appointments.citizen.choice import Choice, TimesPage, office_named
from portal.appointments.citizen.own_pages import cannot_change, own_appointment
from portal.appointments.citizen.times_pages import day_asked
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.pages import booking_rules, parse_start, taken_in_words
from portal.appointments.rules import wish_of
from portal.db import attempt
from portal.offices.models import Office
from portal.people.visitor import the_person

blueprint = Blueprint("moving", __name__, url_prefix="/appointments/<key>/move")


@blueprint.get("")
@security.citizen_only
def show(key: str) -> ResponseReturnValue:
    """Free times to move the appointment to. The time that it has now counts as free."""
    row = own_appointment(key)
    if not lifecycle.may_change(row, booking_rules()):
        return cannot_change(row)
    page = _page(row)
    return render_template("booking/move.html", appointment=row, service=row.service, page=page)


@blueprint.post("")
@security.citizen_only
def move(key: str) -> ResponseReturnValue:
    """Move the appointment; the old time stays until the new one is won."""
    row = own_appointment(key)
    office = office_named(request.form.get("office", "any"))
    starts_at = parse_start(request.form.get("start", ""))
    if _is_there_already(row, office, starts_at):
        return redirect(flask_url_for("citizen.appointment", key=key))
    try:
        attempt(lambda: lifecycle.move(row, booking_rules(), office, starts_at, the_person()))
    except TimeTaken as taken:
        flash(f"{taken_in_words(taken)} {_('Your appointment has not changed.')}", "error")
        return redirect(flask_url_for("moving.show", key=key))
    except (lifecycle.TooLate, lifecycle.NotPossible):
        return cannot_change(own_appointment(key))
    flash(_("Your appointment has moved. We have sent you an e-mail with the new time."), "success")
    return redirect(flask_url_for("citizen.appointment", key=key))


def _page(row: Appointment) -> TimesPage:
    choice = Choice(row.service, office_named(request.args.get("office", "any")), wish_of(row))

    def address(office: str, **_settled: str) -> str:
        return flask_url_for("moving.show", key=row.key, office=office)

    return TimesPage(choice, choice.offer_now(ignoring=row), day_asked(), address)


def _is_there_already(row: Appointment, office: Office | None, starts_at: datetime) -> bool:
    """The form was sent twice, or the time was chosen that the appointment has."""
    same_place = office is None or office.id == row.office_id
    return row.state == "booked" and row.starts_at == starts_at and same_place
