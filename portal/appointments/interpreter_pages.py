"""The interpreter's page: the coming appointments in which he takes part, each with his own way in.

It names neither the citizen nor the matter's papers; who is served shows when the clerk admits him.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, render_template
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload

from portal import clock, security
from portal.appointments.links import join_url
from portal.appointments.models import Appointment, Participant
from portal.appointments.pages import booking_rules
from portal.appointments.papers import CHANNELS, NEEDS, STATES
from portal.db import db
from portal.people.models import Person
from portal.people.visitor import the_person

blueprint = Blueprint("interpreting", __name__, url_prefix="/interpreting")

SHOWN = 200
SHOWN_AFTER_START = timedelta(hours=2)
"""How long an appointment that was not opened still stands on the list."""


@blueprint.get("/")
@security.interpreter_only
def mine() -> str:
    """The appointments ahead, the nearest first."""
    return render_template(
        "interpreting/mine.html",
        seats=_seats_of(the_person()),
        join_url=join_url,
        door_opens=booking_rules().door_opens_minutes,
        channels=CHANNELS,
        needs=NEEDS,
        states=STATES,
    )


def _seats_of(person: Person) -> Sequence[Participant]:
    """The interpreter's own seat in each appointment that is ahead or being held."""
    is_ahead = (Appointment.state == "booked") & (Appointment.starts_at > clock.now() - SHOWN_AFTER_START)
    query = (
        select(Participant)
        .join(Participant.appointment)
        .where(
            Appointment.interpreter_id == person.id,
            or_(is_ahead, Appointment.state == "in_call"),
            Participant.person_id == person.id,
            Participant.revoked_at.is_(None),
        )
        .options(
            contains_eager(Participant.appointment).options(
                joinedload(Appointment.service), joinedload(Appointment.office), joinedload(Appointment.clerk)
            )
        )
        .order_by(Appointment.starts_at, Appointment.id)
        .limit(SHOWN)
    )
    return db.session.scalars(query).all()
