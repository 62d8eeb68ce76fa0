"""Booking by the staff, for a citizen at the counter or on the phone who has not logged in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import MultiDict

from portal import security
from portal.appointments import availability, lifecycle
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.pages import booking_rules, ways_of
from portal.appointments.rules import Wish, may_be_interpreted
from portal.appointments.staff import own_offices
from portal.appointments.staff.booking_forms import ANYONE, StaffBookingForm, WishForm
from portal.appointments.staff.day import day_asked
from portal.appointments.staff.own_offices import OfficeChoice
from portal.appointments.week import Times, why_address
from portal.db import attempt, db
from portal.i18n import short_date, wall_clock
from portal.offices.models import Office, Service
from portal.people import access
from portal.people.access import AT_THE_COUNTER
from portal.people.models import Membership, Skill
from portal.people.visitor import the_person
from portal.plugin_api import DeliveryProvider

blueprint = Blueprint("staff_booking", __name__, url_prefix="/staff/book")

ALTERNATIVES = 8


@dataclass(frozen=True)
class Choice:
    """What is to be booked, where, and with whom."""

    service: Service
    office: Office
    wish: Wish

    def address(self, day: date | None = None) -> str:
        """The page with the free times of this choice."""
        values = self.values() | ({"day": day.isoformat()} if day else {})
        return flask_url_for("staff_booking.show", **values)  # type: ignore[arg-type]

    def values(self) -> dict[str, str]:
        """The choice as the fields of a form."""
        clerk = self.wish.clerk_id
        values = {
            "service": self.service.key,
            "office": self.office.key,
            "clerk": ANYONE if clerk is None else str(clerk),
            "channel": self.wish.channel,
        }
        return values | ({"interpreted": "y"} if self.wish.interpreted else {})


@blueprint.get("/")
@security.staff_only
def show() -> str:
    """Choose what is to be booked; then the free times with the form for the citizen's details."""
    choice = _choice(request.args)
    if choice is None:
        return _page(None, None)
    ways = _ways(choice)
    form = StaffBookingForm(formdata=None, ways=ways, wish=choice.wish, data=_likely_answers(ways))
    times = _times(choice)
    form.offer_starts(times.starts, times.offer.window.zone, with_day=False)
    return _page(choice, form, times)


@blueprint.post("/")
@security.staff_only
def book() -> ResponseReturnValue:
    """Take the time and book it, in one step. What was typed stays in every case."""
    choice = _choice(request.form) or abort(400)
    form = StaffBookingForm(ways=_ways(choice), wish=choice.wish)
    if form.wants_points():
        return _again(choice, form)
    if not form.validate():
        return _again(choice, form), 422
    try:
        booked = attempt(lambda: _book(choice, form))
    except TimeTaken:
        return _again(choice, form, lost=form.starts_at), 409
    flash(_booked_in_words(booked), "success")
    if access.may_serve(the_person(), booked):
        return redirect(flask_url_for("staff.case", key=booked.key))
    return redirect(flask_url_for("staff.day"))


def _book(choice: Choice, form: StaffBookingForm) -> Appointment:
    """The appointment of this form; the one it has made already, if it is sent once more."""
    rules, clerk = booking_rules(), the_person()
    row = lifecycle.hold(
        choice.service,
        rules,
        choice.office,
        form.starts_at,
        None,
        form.language.data,
        choice.wish,
        _request_key(choice, form),
    )
    if row.state == "held":
        lifecycle.confirm(row, rules, None, form.written_down(), clerk)
    return row


def _request_key(choice: Choice, form: StaffBookingForm) -> str:
    """The same for the same form only: after "back", another name is another citizen's booking."""
    typed = sorted((name, text) for name, text in request.form.items(multi=True) if name != "csrf_token")
    asked = (the_person().id, form.starts_at.isoformat(), sorted(choice.values().items()), typed)
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _booked_in_words(row: Appointment) -> str:
    zone = row.office.time_zone
    when = f"{short_date(row.starts_at, zone)}, {wall_clock(row.starts_at, zone)}"
    if row.email:
        return _(
            "Booked: %(when)s with %(clerk)s. The citizen gets an e-mail.", when=when, clerk=row.clerk.name
        )
    return _(
        "Booked: %(when)s with %(clerk)s. Tell the citizen the time: there is no e-mail address.",
        when=when,
        clerk=row.clerk.name,
    )


def _choice(given: MultiDict[str, str]) -> Choice | None:
    """The complete choice of the address or the form; None while something is still to be chosen."""
    service = _service(given.get("service", ""))
    office = _offices(given).chosen
    if service is None or office is None:
        return None
    channel = given.get("channel", service.channels[0])
    if channel not in service.channels:
        channel = service.channels[0]
    clerks = own_offices.clerks_of(service, office)
    clerk = next((person.id for person in clerks if str(person.id) == given.get("clerk")), None)
    if clerk is None and given.get("clerk", ANYONE) != ANYONE and request.method == "POST":
        abort(404)
    interpreted = "interpreted" in given and may_be_interpreted(channel)
    return Choice(service, office, Wish(channel, interpreted, clerk, by_staff=True))


def _service(key: str) -> Service | None:
    if not key:
        return None
    return db.session.scalar(select(Service).filter_by(key=key, active=True)) or abort(404)


def _offices(given: Mapping[str, str]) -> OfficeChoice:
    person = the_person()
    own = own_offices.own_office(person, AT_THE_COUNTER)
    key = given.get("office", own.key if own else "")
    return own_offices.choice(person, key, given.get("find", ""), AT_THE_COUNTER)


def _services(office: Office) -> Sequence[Service]:
    given = (
        select(Skill.service_id)
        .join(Membership, Membership.id == Skill.membership_id)
        .where(Membership.office_id == office.id, Membership.active)
    )
    query = select(Service).where(Service.active, Service.id.in_(given)).options(selectinload(Service.field))
    return db.session.scalars(query.order_by(Service.field_id, Service.position)).all()


def _times(choice: Choice, day: date | None = None) -> Times:
    offer = availability.offer(choice.service, booking_rules(), choice.office, wish=choice.wish)
    return Times(offer, day or day_asked(request.args.get("day", "")), choice.address)


def _ways(choice: Choice) -> dict[str, DeliveryProvider]:
    """The ways that lead to somebody who has not logged in."""
    return ways_of(choice.service, choice.wish.channel, with_login=False)


def _likely_answers(ways: Mapping[str, object]) -> dict[str, Any]:
    return {"language": "el", "delivery": next(iter(ways)) if len(ways) == 1 else None}


def _again(choice: Choice, form: StaffBookingForm, lost: datetime | None = None) -> str:
    """The form with what was typed; with the nearest free times when the chosen one is lost."""
    chosen = form.chosen_start()
    times = _times(choice, chosen and _day_of(chosen, choice.office))
    zone = times.offer.window.zone
    if lost:
        near = times.nearest(lost, ALTERNATIVES)
        form.start.data = near[0].isoformat() if near else ""
        form.offer_starts(near, zone, with_day=True)
    else:
        form.offer_starts(times.starts, zone, with_day=False)
    return _page(choice, form, times, lost=lost is not None)


def _day_of(start: datetime, office: Office) -> date:
    return start.astimezone(ZoneInfo(office.time_zone)).date()


def _page(
    choice: Choice | None, form: StaffBookingForm | None, times: Times | None = None, lost: bool = False
) -> str:
    found = _offices(request.values)
    office = found.chosen
    wishes = WishForm(formdata=None, data=choice.values() if choice else {})
    wishes.office.data = office.key if office else ""
    wishes.interpreted.data = bool(choice and choice.wish.interpreted)
    wishes.offer_offices([*found.offices, *([office] if office and office not in found.offices else [])])
    wishes.offer_services(_services(office) if office else [])
    if choice:
        wishes.offer_clerks(own_offices.clerks_of(choice.service, choice.office), the_person())
        wishes.offer_channels(choice.service.channels)
    return render_template(
        "staff/book.html",
        choice=choice,
        form=form,
        times=times,
        lost=lost,
        wishes=wishes,
        found=found,
        why=choice and why_address(choice.service, choice.office, choice.wish),
    )
