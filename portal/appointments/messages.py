"""Which messages and future work follow from an appointment; posted by `lifecycle` and `call`.

One of each kind for each version of the appointment, whatever happens.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from portal import clock, events, outbox
from portal.appointments.models import Appointment, Participant
from portal.appointments.on_behalf import guest_of
from portal.appointments.papers import PARTIES
from portal.config import BookingRules
from portal.plugin_api import AppointmentBooked, AppointmentCancelled, AppointmentMoved

GRACE = timedelta(minutes=30)
"""How long after the booked end a call may go on before its room is closed."""


def tell_of_booking(appointment: Appointment, booking: BookingRules, served: Participant | None) -> None:
    """Confirmation now, reminder later; the same for the person served, if he has a seat of his own."""
    tell(appointment, "booked")
    if served:
        tell_served(served, "booked")
    _post_reminders(appointment, booking, served)


def publish_booking(appointment: Appointment) -> None:
    """The observers learn of a new appointment."""
    events.publish(
        AppointmentBooked(
            at=clock.now(),
            appointment=appointment.key,
            service=appointment.service.key,
            office=appointment.office.key,
            starts_at=appointment.starts_at,
        )
    )


def tell_of_move(appointment: Appointment, booking: BookingRules) -> None:
    """The citizen, the person served, the invited guests and the observers learn the new time."""
    tell(appointment, "moved")
    served = guest_of(appointment)
    if served:
        tell_served(served, "moved")
    for guest in _invited(appointment):
        tell_guest(guest)
    _post_reminders(appointment, booking, served)
    events.publish(
        AppointmentMoved(
            at=clock.now(),
            appointment=appointment.key,
            version=appointment.version,
            starts_at=appointment.starts_at,
        )
    )


def tell_of_cancellation(appointment: Appointment) -> None:
    """The citizen, the person served, the invited guests and the observers learn that it is off."""
    tell(appointment, "cancelled")
    if served := guest_of(appointment):
        tell_served(served, "cancelled")
    for guest in _invited(appointment):
        excuse_guest(guest, appointment.starts_at)
    events.publish(AppointmentCancelled(at=clock.now(), appointment=appointment.key))


def tell_guest(guest: Participant) -> None:
    """Post the invitation of a third person; once for each time that the appointment has had."""
    appointment = guest.appointment
    if not guest.email:
        return
    outbox.post(
        "appointment.invitation",
        message_subject(appointment),
        {"participant_id": guest.id},
        key=f"invitation-{appointment.key}-{guest.id}-v{appointment.version}",
        give_up_at=max(appointment.ends_at, clock.now()) + GRACE,
    )


def tell_new_link(guest: Participant) -> None:
    """Post a new personal link; the older ones are dead."""
    appointment = guest.appointment
    outbox.post(
        "appointment.link",
        message_subject(appointment),
        {"participant_id": guest.id, "link_version": guest.link_version},
        key=f"link-{appointment.key}-{guest.id}-l{guest.link_version}",
        give_up_at=max(appointment.ends_at, clock.now()) + GRACE,
    )


def excuse_guest(guest: Participant, starts_at: datetime) -> None:
    """A third person learns that he is not expected at ``starts_at`` any more."""
    if not guest.email:
        return
    appointment = guest.appointment
    outbox.post(
        "appointment.excuse",
        subject(appointment),
        {"participant_id": guest.id, "starts_at": starts_at.isoformat()},
        key=f"excuse-{appointment.key}-{guest.id}-{starts_at:%Y%m%dT%H%M%S}",
        give_up_at=max(starts_at, clock.now()) + GRACE,
    )


def tell(appointment: Appointment, notice: str, due_at: datetime | None = None) -> None:
    """Post a message to the citizen, if there is an address."""
    if appointment.email:
        about = {"appointment_id": appointment.id}
        _post_notice("appointment.notice", appointment, notice, about, appointment.key, due_at)


def tell_served(guest: Participant, notice: str, due_at: datetime | None = None) -> None:
    """Post a message to the person for whom the citizen acts."""
    about, whose = {"participant_id": guest.id}, f"{guest.appointment.key}-{guest.id}"
    _post_notice("appointment.served_notice", guest.appointment, notice, about, whose, due_at)


def _post_notice(
    kind: str,
    appointment: Appointment,
    notice: str,
    about: dict[str, Any],
    whose: str,
    due_at: datetime | None,
) -> None:
    give_up_at = appointment.starts_at if notice == "reminder" else clock.now() + timedelta(days=1)
    outbox.post(
        kind,
        message_subject(appointment),
        {**about, "notice": notice, "version": appointment.version},
        key=f"{notice}-{whose}-v{appointment.version}",
        due_at=due_at,
        give_up_at=give_up_at,
    )


def _post_reminders(appointment: Appointment, booking: BookingRules, served: Participant | None) -> None:
    """Messages some time before the start, if that time is still to come."""
    due = appointment.starts_at - timedelta(minutes=booking.reminder_minutes)
    if due > clock.now():
        tell(appointment, "reminder", due_at=due)
        if served:
            tell_served(served, "reminder", due_at=due)


def _invited(appointment: Appointment) -> list[Participant]:
    """Those who take part at the office's invitation."""
    return [p for p in appointment.participants if p.role not in PARTIES and not p.revoked_at]


def post_lapse(appointment: Appointment, ends: datetime) -> None:
    """Look at the hold again when its time is over."""
    outbox.post(
        "appointment.lapse",
        subject(appointment),
        {"appointment_id": appointment.id},
        key=f"lapse-{appointment.key}-{ends:%Y%m%dT%H%M%S}",
        due_at=ends,
        give_up_at=ends + timedelta(days=30),
    )


def post_freed(appointment: Appointment, freed: dict[str, Any], until: datetime) -> None:
    """Offer freed time to those who wait for an earlier one; at ``until`` it returns to everybody."""
    outbox.post(
        "time.offer",
        subject(appointment),
        {"appointment_id": appointment.id, "freed": freed, "returns_at": until.isoformat()},
        key=f"offer-{appointment.key}-{until:%Y%m%dT%H%M%S%f}",
        give_up_at=until + timedelta(days=30),
    )


def tell_of_offer(appointment: Appointment, ends_at: datetime) -> None:
    """The citizen learns that an earlier time is kept for him until ``ends_at``.

    A move does not call the letter off: the job asks whether the time is still kept for him.
    """
    outbox.post(
        "time.letter",
        subject(appointment),
        {"appointment_id": appointment.id, "ends_at": ends_at.isoformat()},
        key=f"letter-{appointment.key}-{ends_at:%Y%m%dT%H%M%S%f}",
        give_up_at=ends_at,
    )


def post_end_of_offer(appointment: Appointment, ends_at: datetime) -> None:
    """Ask the next one when the offer has not been answered by ``ends_at``."""
    outbox.post(
        "time.unanswered",
        subject(appointment),
        {"appointment_id": appointment.id, "ends_at": ends_at.isoformat()},
        key=f"unanswered-{appointment.key}-{ends_at:%Y%m%dT%H%M%S%f}",
        due_at=ends_at,
        give_up_at=ends_at + timedelta(days=30),
    )


def post_return(appointment: Appointment, until: datetime) -> None:
    """Give back at ``until`` what the appointment keeps no longer than that."""
    outbox.post(
        "time.return",
        subject(appointment),
        {"appointment_id": appointment.id},
        key=f"return-{appointment.key}-{until:%Y%m%dT%H%M%S%f}",
        due_at=until,
        give_up_at=until + timedelta(days=30),
    )


def call_off_messages(appointment: Appointment) -> None:
    """Unsent messages about this version are not true any more."""
    outbox.cancel(message_subject(appointment))


def subject(appointment: Appointment) -> str:
    """The appointment's name in the record and in the outbox."""
    return f"appointment:{appointment.id}"


def message_subject(appointment: Appointment) -> str:
    """The name under which messages about its present version are posted."""
    return f"appointment:{appointment.id}:v{appointment.version}"
