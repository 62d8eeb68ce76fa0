"""The citizen's way to an appointment: choose a service, an office and a time; his appointments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal import clock, security
from portal.appointments import availability, explanation, lifecycle
from portal.appointments.availability import Offer
from portal.appointments.calendar_file import calendar_file
from portal.appointments.links import join_url
from portal.appointments.models import Appointment
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.appointments.papers import NEEDS, PAPERS, STATES
from portal.config import BookingRules
from portal.db import attempt, db
from portal.documents import lifecycle as documents
from portal.i18n import clock_time, current_language, short_date
from portal.offices.models import Field, Office, Service
from portal.people import access
from portal.people.visitor import current_person, the_person
from portal.plugin_api import DeliveryProvider
from portal.providers import current_providers

choosing = Blueprint("citizen_booking", __name__)
mine = Blueprint("citizen", __name__)

DAYS_SHOWN = 7
PAST_SHOWN = 10
SHOWN_AFTER_START = timedelta(hours=2)
"""How long an appointment whose start has passed still stands among those ahead."""


@dataclass(frozen=True)
class TimesPage:
    """What the page of free times needs, for booking and for moving alike."""

    offer: Offer
    offices: list[Office]
    office: Office | None
    days: list[dict[str, object]]
    day: date | None
    times: list[dict[str, object]]
    earlier_url: str | None
    later_url: str | None
    why_none: str
    """The stage that took the last free start, as `explanation` names it; empty when some are free."""


@choosing.get("/fields")
@security.public
def fields() -> str:
    """The thematic fields."""
    rows = db.session.scalars(select(Field).options(selectinload(Field.services)).order_by(Field.position))
    return render_template("booking/fields.html", fields=list(rows))


@choosing.get("/fields/<key>")
@security.public
def field(key: str) -> str:
    """The services of one thematic field."""
    row = db.session.scalar(select(Field).filter_by(key=key))
    return render_template("booking/field.html", field=row or abort(404))


@choosing.get("/services/<key>")
@security.public
def service(key: str) -> str:
    """What a service is, which papers it needs, and the offices that give it. The deep link."""
    chosen = _service(key)
    rules = booking_rules()
    offices = availability.offices_for(chosen)
    return render_template(
        "booking/service.html",
        service=chosen,
        offices=offices,
        next=availability.next_start(chosen, rules),
        next_starts={office.id: availability.next_start(chosen, rules, office) for office in offices},
        zone=offices[0].time_zone if offices else current_app.config["PORTAL"].municipality.time_zone,
        ways=ways_of(chosen),
    )


@choosing.get("/mitos/<code>")
@security.public
def by_mitos_code(code: str) -> ResponseReturnValue:
    """The service with this code of the national registry: a link that gov.gr can give."""
    row = db.session.scalar(select(Service).filter_by(mitos_code=code, active=True)) or abort(404)
    return redirect(flask_url_for("citizen_booking.service", key=row.key))


@choosing.get("/services/<key>/times")
@security.public
def times(key: str) -> str:
    """Days and hours that are free."""
    chosen = _service(key)

    def address(office: str, day: str) -> str:
        return flask_url_for("citizen_booking.times", key=key, office=office, day=day)

    page = times_page(chosen, address)
    return render_template("booking/times.html", service=chosen, page=page)


@choosing.post("/services/<key>/times")
@security.limiter.limit("60 per minute")
@security.public
def take_time(key: str) -> ResponseReturnValue:
    """Hold a time, then ask for the details (after login)."""
    chosen = _service(key)
    office = office_named(request.form.get("office", "any"))
    starts_at = parse_start(request.form.get("start", ""))

    def hold() -> str:
        held = _own_hold()
        if held:
            lifecycle.lapse(held)
        return lifecycle.hold(
            chosen, booking_rules(), office, starts_at, current_person(), current_language()
        ).key

    try:
        session["hold"] = attempt(hold)
    except TimeTaken as taken:
        flash(taken_in_words(taken), "error")
        return redirect(
            flask_url_for("citizen_booking.times", key=key, office=request.form.get("office", "any"))
        )
    return redirect(flask_url_for("booking_details.details"))


@mine.get("/appointments", endpoint="mine")
@security.citizen_only
def mine_list() -> str:
    """The citizen's appointments: those ahead and the last ones behind."""
    person = the_person()
    shown = (
        select(Appointment)
        .where(Appointment.citizen_id == person.id, Appointment.state.not_in(["held", "expired"]))
        .options(selectinload(Appointment.service), selectinload(Appointment.office))
    )
    is_ahead = Appointment.state.in_(["booked", "in_call"]) & (
        Appointment.starts_at > clock.now() - SHOWN_AFTER_START
    )
    ahead = db.session.scalars(shown.where(is_ahead).order_by(Appointment.starts_at))
    past = db.session.scalars(shown.where(~is_ahead).order_by(Appointment.starts_at.desc()).limit(PAST_SHOWN))
    return render_template("booking/mine.html", ahead=list(ahead), past=list(past), states=STATES)


@mine.get("/appointments/<key>")
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
        join_url=join_url(citizen) if citizen and row.state in ("booked", "in_call") else None,
        may_change=lifecycle.may_change(row, booking_rules()),
        ways=ways_of(row.service),
        just_booked=request.args.get("booked") == "1",
        document_request=request_of,
    )


@mine.get("/appointments/<key>/appointment.ics")
@security.citizen_only
def calendar(key: str) -> Response:
    """The appointment for the citizen's own calendar."""
    content = calendar_file(own_appointment(key))
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    return Response(content, mimetype="text/calendar", headers=headers)


@mine.get("/appointments/<key>/move")
@security.citizen_only
def choose_new_time(key: str) -> ResponseReturnValue:
    """Free times to move the appointment to."""
    row = own_appointment(key)
    if not lifecycle.may_change(row, booking_rules()):
        return _cannot_change(row)

    def address(office: str, day: str) -> str:
        return flask_url_for("citizen.choose_new_time", key=key, office=office, day=day)

    page = times_page(row.service, address, ignoring=row)
    return render_template("booking/move.html", appointment=row, service=row.service, page=page)


@mine.post("/appointments/<key>/move")
@security.citizen_only
def move(key: str) -> ResponseReturnValue:
    """Move the appointment; the old time stays until the new one is won."""
    row = own_appointment(key)
    office = office_named(request.form.get("office", "any"))
    starts_at = parse_start(request.form.get("start", ""))
    try:
        attempt(lambda: lifecycle.move(row, booking_rules(), office, starts_at, the_person()))
    except TimeTaken as taken:
        flash(f"{taken_in_words(taken)} {_('Your appointment has not changed.')}", "error")
        return redirect(flask_url_for("citizen.choose_new_time", key=key))
    except (lifecycle.TooLate, lifecycle.NotPossible):
        return _cannot_change(own_appointment(key))
    flash(_("Your appointment has moved. We have sent you an e-mail with the new time."), "success")
    return redirect(flask_url_for("citizen.appointment", key=key))


@mine.route("/appointments/<key>/cancel", methods=["GET", "POST"])
@security.citizen_only
def cancel(key: str) -> ResponseReturnValue:
    """Ask once whether the citizen is sure, then cancel."""
    row = own_appointment(key)
    if request.method == "GET" and lifecycle.may_change(row, booking_rules()):
        return render_template("booking/cancel.html", appointment=row)
    try:
        attempt(lambda: lifecycle.cancel(row, booking_rules(), the_person()))
    except (lifecycle.TooLate, lifecycle.NotPossible):
        return _cannot_change(own_appointment(key))
    flash(_("Your appointment is cancelled. We have sent you an e-mail about it."), "success")
    return redirect(flask_url_for("citizen.appointment", key=key))


def booking_rules() -> BookingRules:
    """The municipality's rules of booking."""
    rules: BookingRules = current_app.config["PORTAL"].booking
    return rules


def ways_of(chosen: Service) -> dict[str, DeliveryProvider]:
    """The ways in which this service's document can reach the citizen, in the order of preference."""
    return {n: way for n, way in current_providers().delivery.items() if n in chosen.deliveries}


def own_appointment(key: str) -> Appointment:
    """The logged-in person's appointment with this key; anybody else's is not found."""
    row = db.session.scalar(select(Appointment).filter_by(key=key))
    if row is None or not access.may_see_own(the_person(), row):
        abort(404)
    return row


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


def times_page(
    chosen: Service, address: Callable[..., str], ignoring: Appointment | None = None
) -> TimesPage:
    """Collect the free times for the office and day named in the address of the page."""
    offices = availability.offices_for(chosen)
    wanted = request.args.get("office", "any")
    office = next((o for o in offices if o.key == wanted), None)
    offer = availability.offer(chosen, booking_rules(), office, ignoring=ignoring)
    free_days = offer.free_days
    day = _day_asked() or (free_days[0] if free_days else None)
    first = _first_day_shown(offer, day)
    shown = [d for d in offer.window.all_days() if d >= first][:DAYS_SHOWN]
    office_key = office.key if office else "any"
    return TimesPage(
        offer=offer,
        offices=offices,
        office=office,
        day=day,
        days=[_day_entry(offer, d, day, address(office=office_key, day=d.isoformat())) for d in shown],
        times=_time_entries(offer, day),
        earlier_url=_other_week(free_days, shown, address, office_key, later=False),
        later_url=_other_week(free_days, shown, address, office_key, later=True),
        why_none="" if offer.free else explanation.explain(chosen, booking_rules(), office).verdict,
    )


def _service(key: str) -> Service:
    row = db.session.scalar(select(Service).filter_by(key=key, active=True))
    return row or abort(404)


def office_named(key: str) -> Office | None:
    """The office with this key, or None for any office."""
    if key == "any":
        return None
    return db.session.scalar(select(Office).filter_by(key=key, active=True)) or abort(404)


def _own_hold() -> Appointment | None:
    key = session.get("hold")
    return db.session.scalar(select(Appointment).filter_by(key=key, state="held")) if key else None


def _cannot_change(row: Appointment) -> ResponseReturnValue:
    flash(
        _(
            "This appointment can no longer be changed here. Please call the office: %(phone)s.",
            phone=row.office.phone,
        ),
        "error",
    )
    return redirect(flask_url_for("citizen.appointment", key=row.key))


def _day_asked() -> date | None:
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None


def _first_day_shown(offer: Offer, day: date | None) -> date:
    """Weeks are shown from the first day of the window, so that a day keeps its place."""
    if day is None or day < offer.window.first_day:
        return offer.window.first_day
    weeks = (day - offer.window.first_day).days // DAYS_SHOWN
    return offer.window.first_day + timedelta(days=DAYS_SHOWN * weeks)


def _day_entry(offer: Offer, day: date, current: date | None, url: str) -> dict[str, object]:
    free = offer.count_on(day)
    weekday, number, month = short_date(day, offer.window.zone).split(" ", 2)
    return {
        "url": url if free else None,
        "weekday": weekday.rstrip(","),
        "number": number,
        "month": month,
        "current": day == current,
        "note": _free_in_words(offer, day, free),
    }


def _free_in_words(offer: Offer, day: date, free: int) -> str:
    if free:
        return _("%(count)s free", count=free)
    return _("full") if offer.is_open_on(day) else _("closed")


def _time_entries(offer: Offer, day: date | None) -> list[dict[str, object]]:
    first = offer.next_start()
    starts = offer.starts_on(day) if day else ()
    return [
        {
            "value": start.isoformat(),
            "label": clock_time(start, offer.window.zone),
            "first": start == first,
        }
        for start in starts
    ]


def _other_week(
    free_days: list[date], shown: list[date], address: Callable[..., str], office: str, later: bool
) -> str | None:
    """The next free day after (or before) the days that are shown."""
    if not shown:
        return None
    others = [d for d in free_days if (d > shown[-1] if later else d < shown[0])]
    if not others:
        return None
    return address(office=office, day=(others[0] if later else others[-1]).isoformat())
