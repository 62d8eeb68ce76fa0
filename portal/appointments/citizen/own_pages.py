"""The citizen's appointments: what is ahead, one of them, move it, cancel it."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, security
from portal.appointments import lifecycle
from portal.appointments.calendar_file import calendar_file
from portal.appointments.door_words import missed_in_words
from portal.appointments.links import join_url
from portal.appointments.models import Appointment
from portal.appointments.pages import booking_rules, chosen_way
from portal.appointments.papers import CHANNELS, NEEDS, PAPERS, STATES
from portal.appointments.served_words import on_behalf_of
from portal.db import attempt, db
from portal.documents import lifecycle as documents
from portal.documents.models import DocumentRequest
from portal.forms import readable_phone
from portal.people import access
from portal.people.visitor import the_person

blueprint = Blueprint("citizen", __name__)

PAST_SHOWN = 10
SHOWN_AFTER_START = timedelta(hours=2)
"""How long an appointment whose start has passed still stands among those ahead."""


@blueprint.app_context_processor
def behalf_words() -> dict[str, object]:
    """What pages and messages need that name the one for whom a citizen acts, or tell what he missed."""
    return {"on_behalf_of": on_behalf_of, "missed_in_words": missed_in_words}


@blueprint.get("/appointments", endpoint="mine")
@security.citizen_only
def mine_list() -> str:
    """The citizen's appointments: those ahead and the last ones behind."""
    person = the_person()
    shown = (
        select(Appointment)
        .where(Appointment.citizen_id == person.id, Appointment.state.not_in(["held", "expired"]))
        .options(
            selectinload(Appointment.service),
            selectinload(Appointment.office),
            joinedload(Appointment.served),
        )
    )
    is_ahead = Appointment.state.in_(["booked", "in_call"]) & (
        Appointment.starts_at > clock.now() - SHOWN_AFTER_START
    )
    ahead = db.session.scalars(shown.where(is_ahead).order_by(Appointment.starts_at))
    past = db.session.scalars(shown.where(~is_ahead).order_by(Appointment.starts_at.desc()).limit(PAST_SHOWN))
    return render_template(
        "booking/mine.html",
        ahead=list(ahead),
        past=list(past),
        states=STATES,
        wait_for_papers=_that_wait_for_papers(person.id),
    )


@blueprint.get("/appointments/<key>")
@security.citizen_only
def appointment(key: str) -> str:
    """One appointment: when, where, what to have at hand, what can be done."""
    row = own_appointment(key)
    citizen = next((p for p in row.participants if p.role == "citizen"), None)
    request_of = documents.request_of(row)
    return render_template(
        "booking/appointment.html",
        appointment=row,
        papers=PAPERS,
        needs=NEEDS,
        states=STATES,
        channels=CHANNELS,
        join_url=join_url(citizen) if citizen and row.state in ("booked", "in_call") else None,
        may_change=lifecycle.may_change(row, booking_rules()),
        chosen_way=chosen_way(row),
        phone=readable_phone(row.phone),
        just_booked=request.args.get("booked") == "1",
        document_request=request_of,
    )


@blueprint.get("/appointments/<key>/appointment.ics")
@security.citizen_only
def calendar(key: str) -> Response:
    """The appointment for the citizen's own calendar."""
    content = calendar_file(own_appointment(key))
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    return Response(content, mimetype="text/calendar", headers=headers)


@blueprint.route("/appointments/<key>/cancel", methods=["GET", "POST"])
@security.citizen_only
def cancel(key: str) -> ResponseReturnValue:
    """Ask once whether the citizen is sure, then cancel."""
    row = own_appointment(key)
    if request.method == "GET" and lifecycle.may_change(row, booking_rules()):
        return render_template("booking/cancel.html", appointment=row)
    try:
        attempt(lambda: lifecycle.cancel(row, booking_rules(), the_person()))
    except (lifecycle.TooLate, lifecycle.NotPossible):
        return cannot_change(own_appointment(key))
    flash(_("Your appointment is cancelled. We have sent you an e-mail about it."), "success")
    return redirect(flask_url_for("citizen.appointment", key=key))


def _that_wait_for_papers(citizen_id: int) -> set[int]:
    """Appointments of the citizen for whose document he must send papers."""
    waiting = select(DocumentRequest.appointment_id).join(DocumentRequest.appointment)
    whose = Appointment.citizen_id == citizen_id
    return set(db.session.scalars(waiting.where(whose, DocumentRequest.state == "needs_papers")))


def own_appointment(key: str) -> Appointment:
    """The logged-in person's appointment with this key; anybody else's is not found."""
    row = db.session.scalar(select(Appointment).filter_by(key=key))
    if row is None or not access.may_see_own(the_person(), row):
        abort(404)
    return row


def cannot_change(row: Appointment) -> ResponseReturnValue:
    """Say so, on the page of the appointment."""
    flash(
        _(
            "This appointment can no longer be changed here. Please call the office: %(phone)s.",
            phone=row.office.phone,
        ),
        "error",
    )
    return redirect(flask_url_for("citizen.appointment", key=row.key))
