"""The life of an appointment. A state changes here and nowhere else; pages and jobs ask.

Every function runs inside the caller's `transaction()`, writes the audit line and posts the work that
follows, so that all of it happens or none. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from portal import audit, clock, events, outbox
from portal.appointments import availability, occupancy
from portal.appointments.availability import Candidate, rules_of
from portal.appointments.models import Appointment, Participant, new_key
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.config import BookingRules
from portal.db import db, must_be_writing
from portal.offices.models import Office, Service
from portal.people.models import Person
from portal.plugin_api import AppointmentBooked, AppointmentCancelled, AppointmentMoved
from portal.scheduling import Rules

TRANSITIONS = {
    ("held", "confirm"): "booked",
    ("held", "lapse"): "expired",
    ("booked", "move"): "booked",
    ("booked", "cancel"): "cancelled",
    ("booked", "start"): "in_call",
    ("booked", "miss"): "missed",
    ("in_call", "finish"): "done",
    ("in_call", "call_again"): "booked",
}


GRACE = timedelta(minutes=30)
"""How long after the booked end a call may go on before its room is closed."""


class NotPossible(Exception):
    """The appointment is in a state from which this cannot be done; ``state`` says in which."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} is not possible from {state}")
        self.state = state


class TooLate(Exception):
    """The limit for moving or cancelling has passed."""


class TooMany(Exception):
    """The citizen has as many appointments ahead of him as the municipality allows."""


@dataclass(frozen=True)
class Details:
    """What a citizen tells when he books."""

    name: str
    email: str
    phone: str
    language: str
    paper: str
    address: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    remark: str = ""
    delivery: str = ""
    recipient: Mapping[str, Any] = field(default_factory=dict)


def change(appointment: Appointment, event: str) -> None:
    """Move the appointment to its next state, or raise NotPossible.

    The row is locked and read again first: of two clicks at the same moment the second sees the
    state that the first has made.
    """
    must_be_writing()
    db.session.refresh(appointment, with_for_update=True)
    following = TRANSITIONS.get((appointment.state, event))
    if following is None:
        raise NotPossible(appointment.state, event)
    appointment.state = following


def hold(
    service: Service,
    booking: BookingRules,
    office: Office | None,
    starts_at: datetime,
    citizen: Person | None,
    language: str,
) -> Appointment:
    """Take ``starts_at`` for a while, at ``office`` or at any, with the best clerk who is free.

    Raises TimeTaken when nobody is free (any more).
    """
    ends = clock.now() + timedelta(minutes=booking.hold_minutes)
    appointment = Appointment(
        key=new_key(),
        service=service,
        state="held",
        starts_at=starts_at,
        minutes=service.minutes,
        any_office=office is None,
        citizen_id=citizen.id if citizen else None,
        language=language,
        hold_expires_at=ends,
    )
    choices = availability.candidates(service, booking, office, starts_at, language)
    _take_with_first_free(appointment, choices, rules_of(service, booking), ends)
    _post_lapse(appointment, ends)
    return appointment


def extend_hold(appointment: Appointment, booking: BookingRules) -> bool:
    """Give the citizen more time for the form; False when he has had all extensions there are."""
    _expect(appointment, "held", "extend")
    last = appointment.created_at + timedelta(minutes=booking.hold_minutes * (1 + booking.hold_extensions))
    ends = min(clock.now() + timedelta(minutes=booking.hold_minutes), last)
    if appointment.hold_expires_at and ends <= appointment.hold_expires_at:
        return False
    occupancy.take(appointment, rules_of(appointment.service, booking), ends)
    appointment.hold_expires_at = ends
    return True


def confirm(
    appointment: Appointment,
    booking: BookingRules,
    citizen: Person,
    details: Details,
    actor: Person,
    notify: bool = True,
) -> None:
    """Turn the held time into a booked appointment.

    Raises TimeTaken when the hold lapsed and somebody else has the time now, or when the citizen
    has another appointment then; TooMany beyond the municipality's limit. ``notify`` is False only
    where nobody is to be told, as in sample data.
    """
    change(appointment, "confirm")
    if count_ahead(citizen) >= booking.open_appointments:
        raise TooMany
    appointment.citizen_id = citizen.id
    occupancy.take(appointment, rules_of(appointment.service, booking), None)
    appointment.hold_expires_at = None
    _write_details(appointment, details)
    _remember_contact(citizen, details)
    appointment.participants.append(
        Participant(role="citizen", name=details.name, email=details.email, language=details.language)
    )
    outbox.cancel(_subject(appointment))
    db.session.flush()
    audit.record(actor.id, "booked", _subject(appointment), clerk=appointment.clerk_id)
    if notify:
        _tell(appointment, "booked")
        _post_reminder(appointment, booking)
    events.publish(
        AppointmentBooked(
            at=clock.now(),
            appointment=appointment.key,
            service=appointment.service.key,
            office=appointment.office.key,
            starts_at=appointment.starts_at,
        )
    )


def lapse(appointment: Appointment) -> None:
    """End a hold, because its time is over or the citizen chose another time."""
    change(appointment, "lapse")
    occupancy.release(appointment)


def lapse_when_due(appointment: Appointment) -> None:
    """Lapse the hold if its time is over; if it was extended, look again at its new end."""
    ends = appointment.hold_expires_at or clock.now()
    if ends <= clock.now():
        lapse(appointment)
    else:
        _post_lapse(appointment, ends)


def move(
    appointment: Appointment,
    booking: BookingRules,
    office: Office | None,
    starts_at: datetime,
    actor: Person,
) -> None:
    """Give a booked appointment another time. The old one is kept until the new one is won.

    Raises TimeTaken (nothing has changed then) or TooLate.
    """
    before = appointment.starts_at
    change(appointment, "move")
    _expect_in_time(appointment, booking, actor)
    choices = availability.candidates(
        appointment.service, booking, office, starts_at, appointment.language, ignoring=appointment
    )
    appointment.starts_at = starts_at
    rules = rules_of(appointment.service, booking)
    _take_with_first_free(appointment, choices, rules, None)
    occupancy.release_former(appointment, rules)
    outbox.cancel(_message_subject(appointment))
    appointment.version += 1
    for participant in appointment.participants:
        participant.admitted_at = participant.waiting_since = None
    db.session.flush()
    audit.record(
        actor.id,
        "moved",
        _subject(appointment),
        before=before.isoformat(),
        after=starts_at.isoformat(),
        clerk=appointment.clerk_id,
    )
    _tell_of_move(appointment, booking)


def cancel(appointment: Appointment, booking: BookingRules, actor: Person) -> None:
    """Call the appointment off. Raises TooLate for a citizen after the limit."""
    change(appointment, "cancel")
    _expect_in_time(appointment, booking, actor)
    occupancy.release(appointment)
    outbox.cancel(_message_subject(appointment))
    audit.record(actor.id, "cancelled", _subject(appointment))
    _tell(appointment, "cancelled")
    events.publish(AppointmentCancelled(at=clock.now(), appointment=appointment.key))


def miss(appointment: Appointment, actor: Person) -> None:
    """The citizen did not come. Only after the start: before it nobody is late."""
    if clock.now() < appointment.starts_at:
        raise NotPossible(appointment.state, "miss")
    change(appointment, "miss")
    outbox.cancel(_message_subject(appointment))
    audit.record(actor.id, "missed", _subject(appointment))
    _tell(appointment, "missed")


def tell_guest(guest: Participant) -> None:
    """Post the invitation of a third person; once for each time that the appointment has had."""
    appointment = guest.appointment
    outbox.post(
        "appointment.invitation",
        _message_subject(appointment),
        {"participant_id": guest.id},
        key=f"invitation-{appointment.key}-{guest.id}-v{appointment.version}",
        give_up_at=max(appointment.ends_at, clock.now()) + GRACE,
    )


def count_ahead(citizen: Person) -> int:
    """How many appointments the citizen has ahead of him."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Appointment)
            .where(
                Appointment.citizen_id == citizen.id,
                Appointment.state == "booked",
                Appointment.starts_at > clock.now(),
            )
        )
        or 0
    )


def may_change(appointment: Appointment, booking: BookingRules) -> bool:
    """True while the citizen may still move or cancel by himself."""
    limit = appointment.starts_at - timedelta(minutes=booking.change_until_minutes)
    return appointment.state == "booked" and clock.now() < limit


def _post_lapse(appointment: Appointment, ends: datetime) -> None:
    outbox.post(
        "appointment.lapse",
        _subject(appointment),
        {"appointment_id": appointment.id},
        key=f"lapse-{appointment.key}-{ends:%Y%m%dT%H%M%S}",
        due_at=ends,
        give_up_at=ends + timedelta(days=30),
    )


def _take_with_first_free(
    appointment: Appointment,
    choices: list[Candidate],
    rules: Rules,
    expires_at: datetime | None,
) -> None:
    """Try the clerks in order; what one try took is given back before the next."""
    for choice in choices:
        try:
            with db.session.begin_nested():
                appointment.clerk_id, appointment.office_id = choice.clerk_id, choice.office_id
                db.session.add(appointment)
                db.session.flush()
                occupancy.take(appointment, rules, expires_at)
                return
        except CitizenElsewhere:
            raise  # no other clerk would help
        except TimeTaken:
            continue
    raise TimeTaken


def _write_details(appointment: Appointment, details: Details) -> None:
    appointment.citizen_name = details.name
    appointment.email = details.email
    appointment.phone = details.phone
    appointment.language = details.language
    appointment.paper = details.paper
    appointment.address = dict(details.address)
    appointment.needs = list(details.needs)
    appointment.remark = details.remark
    appointment.delivery = details.delivery
    appointment.recipient = dict(details.recipient)


def _remember_contact(citizen: Person, details: Details) -> None:
    """Fill in the form next time."""
    citizen.email, citizen.phone, citizen.language = details.email, details.phone, details.language


def _tell_of_move(appointment: Appointment, booking: BookingRules) -> None:
    """The citizen, the invited guests and the observers learn the new time."""
    _tell(appointment, "moved")
    for participant in appointment.participants:
        if participant.role != "citizen" and not participant.revoked_at:
            tell_guest(participant)
    _post_reminder(appointment, booking)
    events.publish(
        AppointmentMoved(
            at=clock.now(),
            appointment=appointment.key,
            version=appointment.version,
            starts_at=appointment.starts_at,
        )
    )


def _post_reminder(appointment: Appointment, booking: BookingRules) -> None:
    due = appointment.starts_at - timedelta(minutes=booking.reminder_minutes)
    if due > clock.now():
        _tell(appointment, "reminder", due_at=due)


def _tell(appointment: Appointment, notice: str, due_at: datetime | None = None) -> None:
    """Post a message to the citizen; one of each kind for each version, whatever happens."""
    give_up_at = appointment.starts_at if notice == "reminder" else clock.now() + timedelta(days=1)
    outbox.post(
        "appointment.notice",
        _message_subject(appointment),
        {
            "appointment_id": appointment.id,
            "notice": notice,
            "version": appointment.version,
        },
        key=f"{notice}-{appointment.key}-v{appointment.version}",
        due_at=due_at,
        give_up_at=give_up_at,
    )


def _expect(appointment: Appointment, state: str, event: str) -> None:
    must_be_writing()
    if appointment.state != state:
        raise NotPossible(appointment.state, event)


def _expect_in_time(appointment: Appointment, booking: BookingRules, actor: Person) -> None:
    limit = appointment.starts_at - timedelta(minutes=booking.change_until_minutes)
    if actor.id == appointment.citizen_id and clock.now() >= limit:
        raise TooLate


def _subject(appointment: Appointment) -> str:
    return f"appointment:{appointment.id}"


def _message_subject(appointment: Appointment) -> str:
    return f"appointment:{appointment.id}:v{appointment.version}"
