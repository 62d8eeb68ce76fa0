"""Work that follows from appointments, done in a worker: read, call outside, record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from flask import current_app

from portal import outbox
from portal.appointments import earlier, lifecycle, notices, occupancy, rooms
from portal.appointments.freeing import FreedTime
from portal.appointments.models import Appointment, Participant, VideoRoom
from portal.config import BookingRules
from portal.db import attempt, db, transaction
from portal.plugin_api import PermanentFailure, ProviderFailure, TemporaryFailure
from portal.providers import current_providers

log = structlog.get_logger()


def register() -> None:
    """The jobs of this module are known once it is imported; the wiring says so aloud."""


@outbox.job("appointment.lapse", queue="events")
def lapse(appointment_id: int) -> None:
    """End a hold whose time is over, unless it was extended or booked meanwhile."""

    def end_hold() -> None:
        appointment = db.session.get(Appointment, appointment_id)
        if appointment and appointment.state == "held":
            lifecycle.lapse_when_due(appointment)

    attempt(end_hold)


@outbox.job("time.offer", queue="events")
def offer_time(appointment_id: int, freed: dict[str, Any], returns_at: str) -> None:
    """Ask the first on the earlier-time list about time that this appointment has given back."""
    kept_until = datetime.fromisoformat(returns_at)

    def ask() -> None:
        former = _locked(appointment_id)
        earlier.ask_next(former, FreedTime.from_payload(freed), kept_until, kept_until, _rules())

    attempt(ask)


@outbox.job("time.unanswered", queue="events")
def end_offer(appointment_id: int, ends_at: str) -> None:
    """The time for an answer is over: the next on the list is asked."""
    ends = datetime.fromisoformat(ends_at)
    attempt(lambda: earlier.unanswered(_locked(appointment_id), _rules(), ends))


@outbox.job("time.return", queue="events")
def return_time(appointment_id: int) -> None:
    """Give time back that was kept for a while only."""
    attempt(lambda: occupancy.release_lapsed(_locked(appointment_id)))


@outbox.job("time.letter", queue="mail")
def send_offer(appointment_id: int, ends_at: str) -> None:
    """Tell the citizen of the earlier time that is kept for him, while it is."""
    appointment = db.session.get_one(Appointment, appointment_id)
    offered = earlier.offer_to(appointment)
    if offered and offered.ends_at == datetime.fromisoformat(ends_at):
        notices.send_offer(appointment, offered)


@outbox.job("appointment.notice", queue="mail")
def send_notice(appointment_id: int, notice: str, version: int) -> None:
    """Send a message to the citizen if it is still true."""
    appointment = db.session.get(Appointment, appointment_id)
    if appointment and notices.is_still_true(appointment, notice, version):
        notices.send_to_citizen(appointment, notice)


@outbox.job("appointment.served_notice", queue="mail")
def send_served_notice(participant_id: int, notice: str, version: int) -> None:
    """Send a message to the person for whom the citizen acts, if it is still true."""
    guest = db.session.get(Participant, participant_id)
    if guest and notices.is_still_true(guest.appointment, notice, version):
        notices.send_to_served(guest, notice)


@outbox.job("appointment.invitation", queue="mail")
def send_invitation(participant_id: int) -> None:
    """Send an invited person his link."""
    guest = db.session.get(Participant, participant_id)
    if guest and not guest.revoked_at and guest.appointment.state in ("booked", "in_call"):
        notices.send_invitation(guest)


@outbox.job("appointment.link", queue="mail")
def send_new_link(participant_id: int, link_version: int) -> None:
    """Send a person his new link, unless a newer one has taken its place."""
    guest = db.session.get(Participant, participant_id)
    if guest is None or guest.revoked_at or guest.link_version != link_version:
        return
    if guest.appointment.state in ("booked", "in_call"):
        notices.send_new_link(guest)


@outbox.job("appointment.excuse", queue="mail")
def send_excuse(participant_id: int, starts_at: str) -> None:
    """Tell an invited person that he is not expected at this time any more."""
    notices.send_excuse(db.session.get_one(Participant, participant_id), datetime.fromisoformat(starts_at))


@outbox.job("video.open", queue="video")
def open_room(room_id: int) -> None:
    """Open the room; a provider that cannot gives way to the next one."""
    room = db.session.get(VideoRoom, room_id)
    order = rooms.order_for(room, _return_url()) if room else None
    if room is None or order is None:
        return
    name = room.provider
    db.session.rollback()  # no connection is held while the provider takes its time
    providers = current_providers()
    try:
        opened = providers.video[name].open_room(order)
    except ProviderFailure as failure:
        with transaction():
            room = _room(room_id)
            # Somebody is waiting: where another provider can be asked, nobody waits for this one.
            if isinstance(failure, TemporaryFailure) and not rooms.untried(room, providers.video):
                raise
            rooms.failed(room, str(failure), providers.video_in_order())
        return
    with transaction():
        wanted = rooms.opened(_room(room_id), opened)
    if not wanted:
        # The call ended, or went on elsewhere, while the provider was opening.
        providers.video[name].close_room(opened)


@outbox.when_buried("video.open")
def opening_given_up(room_id: int, reason: str) -> None:
    """The provider did not answer in time: the next one is asked."""
    with transaction():
        rooms.failed(_room(room_id), reason, current_providers().video_in_order())


@outbox.job("video.renew", queue="video")
def renew_room(room_id: int, stale_since: str) -> None:
    """Open the room again under its key, because somebody wants in and it may have vanished."""
    room = _room(room_id)
    order = rooms.order_for(room, _return_url(), stale_since)
    if order is None:
        return
    provider = current_providers().video[room.provider]
    db.session.rollback()
    # People may be talking in it: it is given up only when the work is.
    answer = provider.open_room(order)
    with transaction():
        wanted = rooms.renewed(_room(room_id), answer)
    if not wanted:
        provider.close_room(answer)


@outbox.when_buried("video.renew")
def renewal_given_up(room_id: int, stale_since: str, reason: str) -> None:
    """The provider did not open the room again in time, or refused: the next one is asked."""
    with transaction():
        rooms.lost(_room(room_id), stale_since, reason, current_providers().video_in_order())


@outbox.job("video.close", queue="video")
def close_room(room_id: int) -> None:
    """End the call for everybody, at its end or when the window closes."""
    room = _room(room_id)
    provider = current_providers().video.get(room.provider)
    if room.state == "closed" or (room.state == "failed" and room.opened_at is None):
        return
    kept = rooms.as_room(room)
    db.session.rollback()
    if provider is not None:
        try:
            provider.close_room(kept)
        except PermanentFailure as failure:
            log.warning("room could not be closed", room=room_id, reason=str(failure))
    with transaction():
        rooms.closed(_room(room_id))


def _locked(appointment_id: int) -> Appointment:
    return db.session.get_one(Appointment, appointment_id, with_for_update=True, populate_existing=True)


def _rules() -> BookingRules:
    rules: BookingRules = current_app.config["PORTAL"].booking
    return rules


def _return_url() -> str:
    base_url: str = current_app.config["PORTAL"].portal.base_url
    return f"{base_url}/left"


def _room(room_id: int) -> VideoRoom:
    room = db.session.get(VideoRoom, room_id)
    if room is None:
        raise PermanentFailure(f"room {room_id} is gone")
    return room
