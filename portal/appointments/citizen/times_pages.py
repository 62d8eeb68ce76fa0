"""Free times of a service: a day, a month, the same for programs, and the click that holds one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal import security
from portal.appointments import lifecycle, roster
from portal.appointments.availability import Offer
from portal.appointments.citizen import free_json
from portal.appointments.citizen.choice import Choice, TimesPage
from portal.appointments.citizen.month import Month
from portal.appointments.citizen.service_pages import service_named
from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.appointments.pages import booking_rules, parse_start, taken_in_words
from portal.db import attempt, db
from portal.i18n import current_language
from portal.people.visitor import current_person

blueprint = Blueprint("free_times", __name__, url_prefix="/services/<key>")


@blueprint.before_request
def _everybody_looks() -> None:
    if request.method == "GET":
        roster.at_a_glance()


@blueprint.get("/times")
@security.public
def show(key: str) -> str:
    """Days and hours that are free."""
    choice = Choice.of(service_named(key), request.args)

    def address(**values: str) -> str:
        return flask_url_for("free_times.show", key=key, **values)  # type: ignore[arg-type]

    offer = choice.offer()
    page = TimesPage(choice, offer, day_asked() or _day_near(offer, request.args.get("near", "")), address)
    return render_template("booking/times.html", service=choice.service, page=page, once=new_token())


@blueprint.get("/month")
@security.public
def month(key: str) -> str:
    """One month with the number of free hours of each day."""
    choice = Choice.of(service_named(key), request.args)
    shown = Month.asked(choice, request.args.get("month", ""))
    return render_template("booking/month.html", service=choice.service, choice=choice, month=shown)


@blueprint.get("/free.json")
@security.public
def for_programs(key: str) -> Response:
    """The free starts of some days, for programs; docs/free-times.md describes question and answer."""
    choice = Choice.of(service_named(key), request.args)
    try:
        first_day, days = free_json.days_asked(request.args)
    except free_json.BadQuestion as bad:
        return free_json.response({"error": str(bad)}, 400)
    return free_json.answer(choice, choice.offer(first_day, days))


@blueprint.post("/times")
@security.limiter.limit("60 per minute")
@security.public
def hold(key: str) -> ResponseReturnValue:
    """Hold a time, then ask for the details (after login).

    The same form sent twice, or sent again after going back, leads to the appointment that it has made.
    """
    security.refuse_staff()
    starts_at = parse_start(request.form.get("start", ""))
    try:
        session["hold"] = attempt(lambda: _hold(key, starts_at))
    except TimeTaken as taken:
        flash(taken_in_words(taken), "error")
        return redirect(_page_near(key, starts_at))
    details = flask_url_for("booking_details.details")
    if current_person() is None:
        return redirect(flask_url_for("login.first", door="citizens", next=details))
    return redirect(details)


def new_token() -> str:
    """Names one showing of a form, so that what it asks for is done once."""
    return secrets.token_urlsafe(12)


def day_asked() -> date | None:
    """The day in the address; None if there is none that can be read."""
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None


def _day_near(offer: Offer, text: str) -> date | None:
    """The day of the free time that lies nearest to the instant in the address, if there is one."""
    if not text:
        return None
    wanted = parse_start(text)
    nearest = min(offer.starts, key=lambda start: abs(start - wanted), default=None)
    return nearest.astimezone(ZoneInfo(offer.window.zone)).date() if nearest else None


def _hold(service_key: str, starts_at: datetime) -> str:
    """The key of the appointment that holds the time."""
    choice = Choice.of(service_named(service_key), request.form)
    request_key = _request_key(choice, starts_at)
    held = _own_hold()
    if held is not None and held.request_key != request_key:
        lifecycle.lapse(held)
    return lifecycle.hold(
        choice.service,
        booking_rules(),
        choice.office,
        starts_at,
        current_person(),
        current_language(),
        choice.wish,
        request_key,
    ).key


def _request_key(choice: Choice, starts_at: datetime) -> str:
    """One form, one time, one person: one appointment."""
    person = current_person()
    asked = (
        request.form.get("once", ""),
        person.id if person else session.get("csrf_token", ""),
        choice.service.key,
        starts_at.isoformat(),
        sorted(choice.values().items()),
    )
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _own_hold() -> Appointment | None:
    key = session.get("hold")
    return db.session.scalar(select(Appointment).filter_by(key=key, state="held")) if key else None


def _page_near(key: str, starts_at: datetime) -> str:
    """The page of free times, opened on the day on which the nearest one lies."""
    names = ("office", "channel", "interpreter")
    choice = {name: request.form[name] for name in names if name in request.form}
    return flask_url_for("free_times.show", key=key, **choice, near=starts_at.isoformat())  # type: ignore[arg-type]
