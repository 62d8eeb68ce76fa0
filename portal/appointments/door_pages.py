"""The door: where a personal link leads. It always explains itself, and opens only when the clerk admits."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, abort, current_app, g, jsonify, redirect, render_template, request
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal import clock, security
from portal.appointments import call, left_pages, links, messages, rooms, way_page
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.appointments.papers import PARTIES
from portal.config import BookingRules
from portal.db import db, transaction
from portal.plugin_api import Guest, Join
from portal.providers import current_providers

blueprint = Blueprint("door", __name__, url_prefix="/join")

REPORT_EVERY = timedelta(seconds=10)
"""How often at most a waiting page writes down that it is still open."""


@blueprint.get("/<token>")
@security.signed_link
def show(token: str) -> str:
    """The door in its present state."""
    guest = _guest(token)
    _report_presence(guest)
    state = state_of(guest)
    return render_template(
        "door/door.html",
        guest=guest,
        appointment=guest.appointment,
        token=token,
        state=state,
        room=rooms.current(guest.appointment),
        opens_at=_opens_at(guest),
        clerk_is_busy=state == "waiting" and _clerk_is_busy(guest),
    )


@blueprint.get("/<token>/state")
@security.limiter.limit("120 per minute")
@security.signed_link
def state(token: str) -> ResponseReturnValue:
    """The state alone, for the script that watches it."""
    guest = _guest(token)
    _report_presence(guest)
    room = rooms.current(guest.appointment)
    return jsonify(state=state_of(guest), sound_only=room is not None and room.sound_only)


@blueprint.get("/<token>/check")
@security.with_camera
@security.signed_link
def check(token: str) -> ResponseReturnValue:
    """Try camera, microphone and loudspeaker; possible days before. Only a call by video needs them."""
    if _guest(token).appointment.channel != "video":
        return redirect(flask_url_for("door.show", token=token))
    return render_template(
        "door/device_check.html",
        participant_token=token,
        result_url=flask_url_for("door.record_check", token=token),
        back_url=flask_url_for("door.show", token=token),
    )


@blueprint.post("/<token>/check")
@security.limiter.limit("20 per minute")
@security.signed_link
def record_check(token: str) -> ResponseReturnValue:
    """Keep whether the check passed; nothing else of it."""
    guest = _guest(token)
    result = request.form.get("result", "")
    if result not in ("passed", "failed"):
        abort(400)
    with transaction():
        guest.device_check = result
    return redirect(flask_url_for("door.show", token=token))


@blueprint.get("/<token>/call")
@security.with_camera
@security.signed_link
def enter(token: str) -> ResponseReturnValue:
    """The call. The way into the room is made now, after the clerk admitted this person."""
    guest = _guest(token)
    _report_presence(guest)
    if state_of(guest) != "admitted":
        return redirect(flask_url_for("door.show", token=token))
    room = rooms.current(guest.appointment) or abort(404)
    join = join_of(guest, room)
    if join.url:
        left_pages.entered_by_link(token)
        return way_page.lead(room, join.url)
    return render_template(
        "door/call.html",
        guest=guest,
        appointment=guest.appointment,
        token=token,
        room=room,
        join=join,
        **join.values,
    )


def state_of(guest: Participant) -> str:
    """What the door shows: one word for each of its faces.

    By phone and at the counter the link only explains where the meeting takes place.
    """
    appointment = guest.appointment
    if appointment.state in ("cancelled", "missed"):
        return appointment.state
    if appointment.state == "done":
        return "technical" if appointment.outcome == "technical" else "over"
    if appointment.state == "in_call" and appointment.channel == "video":
        return _state_in_call(guest)
    if appointment.state == "booked" and clock.now() > appointment.ends_at + messages.GRACE:
        return "passed"
    if appointment.channel != "video":
        return appointment.channel
    if clock.now() < _opens_at(guest):
        return "early"
    return "late" if clock.now() > appointment.starts_at + timedelta(minutes=1) else "waiting"


def join_of(guest: Participant, room: VideoRoom) -> Join:
    """A short-lived way into the room for this person."""
    provider = current_providers().video[room.provider]
    g.call_provider = provider
    # To a video provider both sides of a booking on behalf of another are citizens.
    role = "citizen" if guest.role in PARTIES else guest.role
    person = Guest(
        key=f"p{guest.id}",
        name=guest.name,
        role=role,  # type: ignore[arg-type]
        language=guest.language,
    )
    return provider.join(rooms.as_room(room), person)


def _state_in_call(guest: Participant) -> str:
    if guest.appointment.by_phone_since:
        return "by_phone"
    if guest.admitted_at is None:
        return "waiting"
    room = rooms.current(guest.appointment)
    return "admitted" if room is not None and room.state == "open" else "opening"


def _guest(token: str) -> Participant:
    guest = links.participant_of(token)
    if guest is None:
        abort(404)
    return guest


def _report_presence(guest: Participant) -> None:
    """Write down that the person is here, once the door is open and not with every question."""
    waits = state_of(guest) in ("waiting", "late", "opening", "admitted")
    if waits and (guest.seen_at is None or clock.now() - guest.seen_at > REPORT_EVERY):
        with transaction():
            call.arrive(guest)


def _opens_at(guest: Participant) -> datetime:
    rules: BookingRules = current_app.config["PORTAL"].booking
    return guest.appointment.starts_at - timedelta(minutes=rules.door_opens_minutes)


def _clerk_is_busy(guest: Participant) -> bool:
    """True while the clerk has another call, which he must end first."""
    other_call = select(Appointment.id).where(
        Appointment.clerk_id == guest.appointment.clerk_id,
        Appointment.state == "in_call",
        Appointment.id != guest.appointment_id,
    )
    return db.session.scalar(other_call.limit(1)) is not None
