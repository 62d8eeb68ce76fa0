"""The clerk's day and cases. The pages of the call itself are in `call_pages`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal import clock, security
from portal.appointments import availability, lifecycle
from portal.appointments.links import page_address
from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.appointments.pages import booking_rules, parse_start
from portal.appointments.papers import CHANNELS, HELP, NEEDS, OUTCOMES, PAPERS, ROLES, STATES
from portal.appointments.rules import wish_of
from portal.appointments.staff import own_offices
from portal.appointments.staff.case_words import booking_facts, history_of
from portal.appointments.staff.day import NO_CASE, day_asked, day_of
from portal.appointments.staff.forms import InvitationForm, NoteForm
from portal.appointments.staff.moving import NewPlace
from portal.appointments.staff.presence import minutes_waiting, presence
from portal.appointments.week import Times, why_address
from portal.db import attempt, db, transaction
from portal.documents import lifecycle as documents
from portal.documents.issuing import approval
from portal.documents.papers import lifecycle as papers
from portal.documents.papers.review_forms import MissingPapers, RefusalForm
from portal.people import access
from portal.people.visitor import the_person

blueprint = Blueprint("staff", __name__, url_prefix="/staff")


@blueprint.get("/")
@blueprint.get("/day/<day>")
@security.staff_only
def day(day: str = "") -> str:
    """Who comes, and who waits now. Supervisors and administrators may look at a whole office."""
    person = the_person()
    offices = own_offices.choice(person, request.args.get("office", ""), request.args.get("find", ""))
    door_opens = timedelta(minutes=booking_rules().door_opens_minutes)
    shown = day_of(person, offices.chosen, day_asked(day), door_opens)
    return render_template(
        "staff/_agenda.html" if asked_by_script() else "staff/day.html",
        shown=shown,
        offices=offices,
        # The list asks again every few seconds; this is told when the page is opened.
        to_approve=0 if asked_by_script() else approval.waiting_for(person),
        minutes_waiting=minutes_waiting,
        states=STATES,
        needs=NEEDS,
        channels=CHANNELS,
        outcomes=OUTCOMES,
        helps=HELP,
    )


@blueprint.get("/appointments/<key>")
@security.staff_only
def case(key: str) -> str:
    """One case: who comes, what he needs, what has happened, what can be done."""
    return case_page(served_appointment(key))


@blueprint.post("/appointments/<key>/missed")
@security.staff_only
def missed(key: str) -> ResponseReturnValue:
    """The citizen did not come."""
    appointment = served_appointment(key)
    with refusals_told():
        with transaction():
            lifecycle.miss(appointment, the_person())
        flash(_missed_in_words(appointment), "success")
    return redirect(flask_url_for("staff.case", key=key))


@blueprint.route("/appointments/<key>/cancel", methods=["GET", "POST"])
@security.staff_only
def cancel(key: str) -> ResponseReturnValue:
    """Ask once whether the clerk is sure, then call the appointment off."""
    appointment = served_appointment(key)
    if request.method == "GET" and appointment.state == "booked":
        return render_template("staff/cancel.html", appointment=appointment)
    with refusals_told():
        attempt(lambda: lifecycle.cancel(appointment, booking_rules(), the_person()))
        flash(_cancelled_in_words(appointment), "success")
    return redirect(flask_url_for("staff.case", key=key))


@blueprint.get("/appointments/<key>/move")
@security.staff_only
def choose_new_time(key: str) -> ResponseReturnValue:
    """Free times to which the appointment can be moved, with the same clerk or whoever is free."""
    appointment = served_appointment(key)
    if appointment.state != "booked":
        return redirect(flask_url_for("staff.case", key=key))
    asked = NewPlace.asked(appointment, request.args)
    service, wish = appointment.service, wish_of(appointment, asked.clerk_id, by_staff=True)
    offer = availability.offer(service, booking_rules(), asked.office, ignoring=appointment, wish=wish)
    return render_template(
        "staff/move.html",
        appointment=appointment,
        service=service,
        form=asked.form(appointment),
        place=asked,
        why=why_address(service, asked.office, wish),
        times=Times(offer, day_asked(request.args.get("day", "")), asked.address),
    )


@blueprint.post("/appointments/<key>/move")
@security.staff_only
def move(key: str) -> ResponseReturnValue:
    """Move the appointment; the old time stays until the new one is won."""
    appointment = served_appointment(key)
    place = NewPlace.asked(appointment, request.form)
    starts_at = parse_start(request.form.get("start", ""))

    def move() -> None:
        lifecycle.move(appointment, booking_rules(), place.office, starts_at, the_person(), place.clerk_id)

    try:
        with refusals_told():
            attempt(move)
            flash(_moved_in_words(appointment), "success")
    except CitizenElsewhere:
        flash(_("The citizen has another appointment at this hour. Nothing has changed."), "error")
        return redirect(place.address())
    except TimeTaken:
        flash(_("Somebody else has just taken this time. Nothing has changed; choose another one."), "error")
        return redirect(place.address())
    if not access.may_serve(the_person(), appointment):
        flash(_("A colleague serves the citizen at the new time."))
        return redirect(flask_url_for("staff.day"))
    return redirect(flask_url_for("staff.case", key=key))


def case_page(
    appointment: Appointment,
    note_form: NoteForm | None = None,
    invitation_form: InvitationForm | None = None,
) -> str:
    """The page of the case; a form that was sent and has errors stands in its place."""
    day = appointment.starts_at.astimezone(ZoneInfo(appointment.office.time_zone)).date()
    return render_template(
        "staff/case.html",
        appointment=appointment,
        day=day.isoformat(),
        facts=booking_facts(appointment),
        history=history_of(appointment),
        note_form=note_form or NoteForm.about(appointment),
        invitation_form=invitation_form or InvitationForm.about(appointment),
        may_miss=appointment.state == "booked"
        and clock.now() >= appointment.starts_at
        and not lifecycle.broke_off(appointment),
        broke_off=lifecycle.broke_off(appointment),
        helps=HELP,
        other_call=_other_call(appointment),
        booking_address=page_address("citizen_booking.service", key=appointment.service.key),
        document_request=documents.request_of(appointment),
        may_open_case=papers.may_open_case(appointment),
        missing_papers=MissingPapers(appointment=appointment, formdata=None),
        refusal_form=RefusalForm(formdata=None),
        presence=presence,
        papers=PAPERS,
        roles=ROLES,
        states=STATES,
        outcomes=OUTCOMES,
    )


def served_appointment(key: str) -> Appointment:
    """The appointment, if the person may serve it; otherwise it is not found, whoever asks."""
    row = db.session.scalar(select(Appointment).filter_by(key=key))
    if row is None or row.state in NO_CASE or not access.may_serve(the_person(), row):
        abort(404)
    return row


@contextmanager
def refusals_told() -> Iterator[None]:
    """What the state of the appointment forbids becomes a message; the page then shows that state."""
    try:
        yield
    except lifecycle.NotPossible as refused:
        state = STATES[refused.state]
        flash(
            _("This cannot be done. The present state of the appointment: %(state)s.", state=state), "error"
        )


def _missed_in_words(appointment: Appointment) -> str:
    if appointment.email:
        return _("Recorded as missed. The citizen gets an e-mail and can book again.")
    return _("Recorded as missed. There is no e-mail address, so nobody is told.")


def _cancelled_in_words(appointment: Appointment) -> str:
    if appointment.email:
        return _("The appointment is cancelled. The citizen gets an e-mail about it.")
    return _("The appointment is cancelled. Tell the citizen: there is no e-mail address.")


def _moved_in_words(appointment: Appointment) -> str:
    if appointment.email:
        return _("The appointment has moved. The citizen gets an e-mail with the new time.")
    return _("The appointment has moved. Tell the citizen the new time: there is no e-mail address.")


def asked_by_script() -> bool:
    """True when static/panel.js asks: it needs only the part of the page that changes."""
    return "X-Panel" in request.headers


def _other_call(appointment: Appointment) -> Appointment | None:
    """A call which the same clerk still has open, and which the person may open too."""
    others = db.session.scalars(
        select(Appointment).where(
            Appointment.clerk_id == appointment.clerk_id,
            Appointment.state == "in_call",
            Appointment.id != appointment.id,
        )
    )
    person = the_person()
    return next((row for row in others if access.may_serve(person, row)), None)
