"""The citizen's first choices: a thematic field, a service, an office."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal import security
from portal.appointments import availability, roster
from portal.appointments.citizen.choice import FEW
from portal.appointments.pages import booking_rules, ways_of
from portal.appointments.papers import CHANNELS
from portal.db import db
from portal.offices import search
from portal.offices.models import Field, Service

blueprint = Blueprint("citizen_booking", __name__)

FOUND = 10
"""Offices that a search lists; who sees so many can type another word."""


@blueprint.get("/fields")
@security.public
def fields() -> str:
    """The thematic fields."""
    rows = db.session.scalars(select(Field).options(selectinload(Field.services)).order_by(Field.position))
    return render_template("booking/fields.html", fields=list(rows))


@blueprint.get("/fields/<key>")
@security.public
def field(key: str) -> str:
    """The services of one thematic field."""
    row = db.session.scalar(select(Field).filter_by(key=key))
    return render_template("booking/field.html", field=row or abort(404))


@blueprint.get("/services/<key>")
@security.public
def service(key: str) -> str:
    """What a service is, which papers it needs, and the offices that give it. The deep link.

    A few offices are listed with their next free times; among many the citizen searches.
    """
    chosen, rules = service_named(key), booking_rules()
    query = request.args.get("find", "").strip()
    offices = search.find(query, chosen, FEW + 1)
    many = bool(query) or len(offices) > FEW
    shown = offices if not many else offices[:FOUND] if query else []
    return render_template(
        "booking/service.html",
        service=chosen,
        channels=CHANNELS,
        offices=shown,
        many=many,
        query=query,
        more=many and len(offices) > len(shown),
        next=availability.next_start(chosen, rules),
        next_starts=availability.next_starts(chosen, rules, shown),
        zone=offices[0].time_zone if offices else current_app.config["PORTAL"].municipality.time_zone,
        ways=ways_of(chosen),
    )


@blueprint.get("/mitos/<code>")
@security.public
def by_mitos_code(code: str) -> ResponseReturnValue:
    """The service with this code of the national registry: a link that gov.gr can give."""
    row = db.session.scalar(select(Service).filter_by(mitos_code=code, active=True)) or abort(404)
    return redirect(flask_url_for("citizen_booking.service", key=row.key))


def service_named(key: str) -> Service:
    """The service with this key; one that is not given any more is not found (404)."""
    return roster.service_named(key) or abort(404)
