"""The door: where a personal link leads. It always explains itself, and opens only when the clerk admits."""

from __future__ import annotations

import secrets
from datetime import timedelta

import structlog
from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, render_template, request, session
from flask import url_for as flask_url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import update

from portal import clock, security
from portal.appointments import call, door_words, left_pages, links, rooms, way_page
from portal.appointments.door_state import IN_LINE, LIVING, Face, opens_at
from portal.appointments.models import Participant, VideoRoom
from portal.appointments.papers import HELP, PARTIES
from portal.db import db, transaction
from portal.people.visitor import current_person
from portal.plugin_api import Guest, Join, ProviderFailure
from portal.providers import current_providers

log = structlog.get_logger()
blueprint = Blueprint("door", __name__, url_prefix="/join")

REPORT_EVERY = timedelta(seconds=10)
"""How often at most a waiting page writes down that it is still open."""
BROWSER = "invited_browser"
"""Where in the browser's session its random name stands, by which an invited person's link knows it."""
MEASURED = 256
"""Kilobytes that the device check may send or fetch at once, to see how fast the line is."""


def _whose_link() -> str:
    """Rate limits are counted for each good link: a whole waiting hall may share one address."""
    guest = links.participant_of((request.view_args or {}).get("token", ""))
    return f"guest-{guest.id}" if guest else request.remote_addr or "nobody"


@blueprint.get("/<token>")
@security.signed_link
def show(token: str) -> str:
    """The door in its present state."""
    guest = _guest(token)
    face = _face(guest)
    _report_presence(face)
    return render_template(
        "door/door.html",
        guest=guest,
        appointment=guest.appointment,
        token=token,
        face=face,
        state=face.state,
        words=door_words,
        living=face.state in LIVING,
        opens_at=opens_at(guest.appointment),
        helps=_helps(face),
    )


@blueprint.get("/<token>/state")
@security.limiter.limit("120 per minute", key_func=_whose_link)
@security.signed_link
def state(token: str) -> ResponseReturnValue:
    """The state alone, for the script that watches it."""
    face = _face(_guest(token))
    _report_presence(face)
    answer: dict[str, object] = {"state": face.state, "mark": face.mark, "now": clock.now().isoformat()}
    if face.state == "admitted":
        answer["people"] = door_words.people_in_words(face.appointment)
    return jsonify(**answer, sound_only=face.room is not None and face.room.sound_only)


@blueprint.get("/<token>/check")
@security.with_camera
@security.signed_link
def check(token: str) -> ResponseReturnValue:
    """Try camera, microphone, loudspeaker and line; possible days before. Only a call by video needs them."""
    if _guest(token).appointment.channel != "video":
        return redirect(flask_url_for("door.show", token=token))
    return render_template(
        "door/device_check.html",
        participant_token=token,
        result_url=flask_url_for("door.record_check", token=token),
        line_url=flask_url_for("door.line", token=token),
        back_url=flask_url_for("door.show", token=token),
    )


@blueprint.post("/<token>/check")
@security.limiter.limit("20 per minute", key_func=_whose_link)
@security.signed_link
def record_check(token: str) -> ResponseReturnValue:
    """Keep whether the check passed; nothing else of it."""
    guest = _guest(token)
    result = request.form.get("result", "")
    if result not in ("passed", "failed"):
        abort(400)
    with transaction():
        guest.device_check = result
        if result == "passed":
            guest.help_wanted = ""
    return redirect(flask_url_for("door.show", token=token))


@blueprint.get("/<token>/line")
@security.limiter.limit("60 per minute", key_func=_whose_link)
@security.signed_link
def line(token: str) -> Response:
    """Something to fetch, so that the device check can measure the way here."""
    _guest(token)
    size = request.args.get("kilobytes", 0, type=int)
    if not 0 <= size <= MEASURED:
        abort(400)
    # Random, for what can be compressed would make the line look faster than it is.
    return Response(secrets.token_bytes(size * 1024), mimetype="application/octet-stream")


@blueprint.post("/<token>/line")
@security.limiter.limit("60 per minute", key_func=_whose_link)
@security.signed_link
def measure_sending(token: str) -> Response:
    """Take what the device check sends, and keep nothing of it."""
    _guest(token)
    # Asked of the header: the guards before this view may have begun to read the body.
    if request.content_length is None or request.content_length > MEASURED * 1024:
        abort(413)
    request.get_data(cache=False)
    return Response(status=204)


@blueprint.post("/<token>/help")
@security.limiter.limit("20 per minute", key_func=_whose_link)
@security.signed_link
def ask_for_help(token: str) -> ResponseReturnValue:
    """The citizen asks to be served without video; the clerk sees it. An empty answer takes it back."""
    guest = _guest(token)
    wanted = request.form.get("channel", "")
    if wanted and wanted not in _helps(_face(guest)):
        abort(400)
    with transaction():
        call.ask_for_help(guest, wanted)
    return redirect(flask_url_for("door.show", token=token))


@blueprint.get("/<token>/call")
@security.with_camera
@security.signed_link
def enter(token: str) -> ResponseReturnValue:
    """The call. The way into the room is made now, after the clerk admitted this person."""
    guest = _guest(token)
    face = _face(guest)
    _report_presence(face)
    room = face.room
    if face.state != "admitted" or room is None or not _may_use_browser(guest):
        return redirect(flask_url_for("door.show", token=token))
    try:
        join = _join_of(guest, room)
    except ProviderFailure as failure:
        log.warning("no way into the room", room=room.id, failure=type(failure).__name__)
        words = _("The call could not be entered just now. Try once more; the clerk sees you at the door.")
        flash(words, "error")
        return redirect(flask_url_for("door.show", token=token))
    if join.url:
        left_pages.entered_by_link(token)
        return way_page.lead(room, join.url)
    # The plugin's template finds its values by their own names; where names meet, ours stay ours.
    ours = {"guest": guest, "appointment": guest.appointment, "token": token, "room": room, "join": join}
    people = door_words.people_in_words(guest.appointment)
    return render_template("door/call.html", **{**join.values, **ours, "face": face, "people": people})


def _join_of(guest: Participant, room: VideoRoom) -> Join:
    """A short-lived way into the room for this person."""
    provider = current_providers().video.get(room.provider) or abort(404)
    # To a video provider both sides of a booking on behalf of another are citizens.
    role = "citizen" if guest.role in PARTIES else guest.role
    person = Guest(
        key=f"p{guest.id}",
        name=guest.name,
        role=role,  # type: ignore[arg-type]
        language=guest.language,
    )
    join = provider.join(rooms.as_room(room), person)
    g.call_provider = provider
    return join


def _guest(token: str) -> Participant:
    guest = links.participant_of(token)
    if guest is None:
        abort(404)
    return guest


def _face(guest: Participant) -> Face:
    face = Face.of(guest)
    elsewhere = face.state in LIVING and guest.browser and not _is_own_browser(guest)
    return Face(guest, "elsewhere") if elsewhere else face


def _is_own_browser(guest: Participant) -> bool:
    """True in the browser in which the person entered; an interpreter of the roster may prove himself
    by his login instead."""
    person = current_person()
    if person is not None and guest.person_id == person.id:
        return True
    return guest.browser == session.get(BROWSER)


def _may_use_browser(guest: Participant) -> bool:
    """Bind an invited person's link to the browser in which he enters first.

    Not to the one that opens the link first: programs that read mails open links too. Of two browsers that
    enter at the same moment one wins.
    """
    if guest.role in PARTIES or guest.browser:
        return True
    name = session.setdefault(BROWSER, secrets.token_urlsafe(16))
    with transaction():
        taken = (
            update(Participant)
            .where(Participant.id == guest.id, Participant.browser == "")
            .values(browser=name)
            .execution_options(synchronize_session=False)
        )
        db.session.execute(taken)
    db.session.refresh(guest)
    return _is_own_browser(guest)


def _helps(face: Face) -> list[str]:
    """The ways without video for which this person may ask; the service must know them."""
    asks = face.guest.role == "citizen" and face.state in ("early", *IN_LINE)
    channels = face.appointment.service.channels
    return [channel for channel in HELP if channel in channels] if asks else []


def _report_presence(face: Face) -> None:
    """Write down that the person is here, once the door is open and not with every question."""
    guest = face.guest
    waits = face.state in (*IN_LINE, "opening", "admitted", "no_room")
    if waits and (guest.seen_at is None or clock.now() - guest.seen_at > REPORT_EVERY):
        with transaction():
            call.arrive(guest)
