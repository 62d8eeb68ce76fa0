"""The last step of booking: the citizen's details, while the time is held for him."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal import clock, security
from portal.appointments import availability, lifecycle, occupancy
from portal.appointments.citizen.forms import DetailsForm, first_answers
from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.appointments.pages import booking_rules, parse_start, ways_of
from portal.appointments.papers import CHANNELS
from portal.appointments.rules import wish_of
from portal.db import attempt, db
from portal.offices.models import Office
from portal.people.lifecycle import forget_contact, keep_contact
from portal.people.models import Person
from portal.people.visitor import the_person
from portal.scheduling import Rules, claimed_quanta

blueprint = Blueprint("booking_details", __name__)

ALTERNATIVES = 8


@blueprint.get("/booking")
@security.citizen_only
def details() -> ResponseReturnValue:
    """The form, filled in with what is known."""
    held = _chosen()
    if held is None:
        return _nothing_chosen()
    if held.state == "booked":
        return _booked(held.key)
    clash = False
    if session.pop("just_logged_in", False) and not lifecycle.held_time(held.key):
        held, clash = _hold_again(held)
    ways = ways_of(held.service, held.channel)
    answers = first_answers(the_person(), held, ways)
    form = DetailsForm(data=answers, ways=ways, wish=wish_of(held))
    return _page(held, form, clash=clash)


@blueprint.post("/booking")
@security.citizen_only
def book() -> ResponseReturnValue:
    """Extend the hold, give the time back, or book. What was typed stays in every case."""
    held = _chosen()
    if held is None:
        return _nothing_chosen()
    if held.state == "booked":
        return _booked(held.key)
    if "release" in request.form:
        return _give_back(held)
    form = DetailsForm(ways=ways_of(held.service, held.channel), wish=wish_of(held))
    if "extend" in request.form:
        return _extend(held, form)
    if form.wants_points():
        return _page(held, form)
    if not form.validate():
        return _page(held, form), 422
    return _confirm(held, form)


def _confirm(held: Appointment, form: DetailsForm) -> ResponseReturnValue:
    citizen = the_person()

    def confirm() -> str:
        booked = _held_now(held)
        lifecycle.confirm(booked, booking_rules(), citizen, form.details(citizen), citizen)
        _remember_contact(citizen, form)
        return booked.key

    try:
        session["hold"] = attempt(confirm)
    except TimeTaken as taken:
        return _lost(held, form, isinstance(taken, CitizenElsewhere))
    except lifecycle.NotPossible:
        # The same form was sent twice at the same moment; the other one was faster.
        db.session.refresh(held)
        return _booked(held.key) if held.state == "booked" else _lost(held, form)
    except lifecycle.TooMany as many:
        flash(_too_many(many), "error")
        return redirect(flask_url_for("citizen.mine"))
    return _booked(session["hold"])


def _too_many(many: lifecycle.TooMany) -> str:
    if many.same_service:
        return _(
            "You already have %(count)s appointments ahead of you for this service, which is as many as can "
            "be booked. Cancel one that you do not need.",
            count=many.limit,
        )
    return _(
        "You already have %(count)s appointments ahead of you, which is as many as can be booked. "
        "Cancel one that you do not need.",
        count=many.limit,
    )


def _remember_contact(citizen: Person, form: DetailsForm) -> None:
    """Fill in the form next time, if the citizen wants that."""
    if form.keep.data:
        keep_contact(citizen, form.email.data or "", form.phone.data or "", form.address())
    elif citizen.contact_kept_at:
        forget_contact(citizen)


def _hold_again(former: Appointment) -> tuple[Appointment, bool]:
    """The same time once more, given up during the login; True if the citizen has another one then."""
    try:
        session["hold"] = attempt(lambda: _hold_anew(former, former.starts_at).key)
    except (TimeTaken, lifecycle.NotPossible) as lost:
        db.session.refresh(former)
        return former, isinstance(lost, CitizenElsewhere)
    return db.session.scalars(select(Appointment).filter_by(key=session["hold"])).one(), False


def _held_now(former: Appointment) -> Appointment:
    """The held time; held anew if the hold lapsed, or another one if the citizen chose another now."""
    other = request.form.get("start")
    if not other and former.state != "expired":
        return former
    return _hold_anew(former, parse_start(other) if other else former.starts_at)


def _hold_anew(former: Appointment, starts_at: datetime) -> Appointment:
    if former.state == "held":
        lifecycle.lapse(former)
    office = None if former.any_office else db.session.get(Office, former.office_id)
    return lifecycle.hold(
        former.service, booking_rules(), office, starts_at, the_person(), former.language, wish_of(former)
    )


def _lost(held: Appointment, form: DetailsForm, clash: bool = False) -> ResponseReturnValue:
    """The form again, with other times to choose from; ``clash``: he has an appointment then himself."""
    db.session.refresh(held)
    return _page(held, form, lost=True, clash=clash), 409


def _booked(key: str) -> ResponseReturnValue:
    """Lead to the appointment. The session keeps it, so that the form sent once more leads there too."""
    return redirect(flask_url_for("citizen.appointment", key=key, booked=1))


def _extend(held: Appointment, form: DetailsForm) -> ResponseReturnValue:
    try:
        extended = attempt(lambda: lifecycle.extend_hold(held, booking_rules()))
    except (TimeTaken, lifecycle.NotPossible):
        return _lost(held, form)
    if extended:
        flash(_("You have more time now."), "success")
    else:
        flash(_("The time cannot be held any longer. Please complete the booking."), "error")
    return _page(held, form)


def _give_back(held: Appointment) -> ResponseReturnValue:
    attempt(lambda: lifecycle.lapse(held) if held.state == "held" else None)
    session.pop("hold", None)
    flash(_("The time is free again for others."), "info")
    return redirect(flask_url_for("free_times.show", key=held.service.key))


def _chosen() -> Appointment | None:
    """The appointment this session is booking; somebody else's login does not inherit it."""
    key = session.get("hold")
    row = db.session.scalar(select(Appointment).filter_by(key=key)) if key else None
    if row is None or row.state not in ("held", "expired", "booked"):
        return None
    return row if row.citizen_id in (None, the_person().id) else None


def _nothing_chosen() -> ResponseReturnValue:
    flash(_("Choose a service and a time first."), "info")
    return redirect(flask_url_for("citizen_booking.fields"))


def _page(held: Appointment, form: DetailsForm, lost: bool = False, clash: bool = False) -> str:
    lost = lost or lifecycle.held_time(held.key) is None
    ends = held.hold_expires_at or clock.now()
    alternatives = _alternatives(held) if lost else []
    return render_template(
        "booking/details.html",
        appointment=held,
        channels=CHANNELS,
        form=form,
        lost=lost,
        clash=clash,
        alternatives=alternatives,
        picked=_picked(alternatives),
        minutes_left=max(0, int((ends - clock.now()).total_seconds() // 60)),
        hold_ends_at=ends,
    )


def _alternatives(held: Appointment) -> list[datetime]:
    """The nearest free times at which the citizen is free too, when the held one is lost."""
    office = None if held.any_office else held.office
    offer = availability.offer(held.service, booking_rules(), office, wish=wish_of(held))
    begin, end = offer.window.midnight(0), offer.window.midnight(offer.window.days)
    own = occupancy.citizen_resource(the_person().id)
    busy = set(occupancy.taken_quanta([own], begin, end, held).get(own, ()))
    meeting = Rules(minutes=held.minutes)
    free = [start for start in offer.starts if busy.isdisjoint(claimed_quanta(start, meeting))]
    return sorted(free, key=lambda start: abs(start - held.starts_at))[:ALTERNATIVES]


def _picked(alternatives: list[datetime]) -> datetime | None:
    """The time that is ticked: the one picked before, else the nearest."""
    picked = request.form.get("start")
    return next(
        (a for a in alternatives if a.isoformat() == picked), alternatives[0] if alternatives else None
    )
