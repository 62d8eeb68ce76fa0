"""The life of an appointment. A state changes here and nowhere else; pages and jobs ask.

Every function runs inside the caller's `transaction()`, writes the audit line and posts the work that
follows, so that all of it happens or none. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.exc import IntegrityError

from portal import audit, clock, outbox
from portal.appointments import choosing, earlier, freeing, interpreting, messages, occupancy, on_behalf
from portal.appointments.assignment import take_with_best
from portal.appointments.freeing import FreedTime
from portal.appointments.models import Appointment, Participant
from portal.appointments.on_behalf import Served
from portal.appointments.papers import PARTIES
from portal.appointments.rules import Wish, length_of, wish_of
from portal.config import BookingRules
from portal.db import db, must_be_writing
from portal.offices.models import Office, Service
from portal.people.models import Person

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


class NotPossible(Exception):
    """The appointment is in a state from which this cannot be done; ``state`` says in which."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} is not possible from {state}")
        self.state = state


class TooLate(Exception):
    """The limit for moving or cancelling has passed."""


class TooMany(Exception):
    """The citizen has as many appointments ahead of him as the municipality allows, of any service or of
    this one."""

    def __init__(self, limit: int, same_service: bool = False) -> None:
        super().__init__(limit)
        self.limit, self.same_service = limit, same_service


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
    served: Served | None = None
    """For whom the citizen acts; None when he is served himself."""
    asked: str = ""
    """How he asked the staff to book for him, a key of `papers.ASKED`; empty when he booked himself."""


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
    wish: Wish | None = None,
    request_key: str | None = None,
) -> Appointment:
    """Take ``starts_at`` for a while, at ``office`` or at any, with the best clerk who is free.

    ``request_key`` names the form that asks; sent again, it gets what it made. Raises TimeTaken.
    """
    asked = wish or Wish(service.channels[0])
    if request_key and (made := _still_there(request_key)):
        return made
    ends = clock.now() + timedelta(minutes=booking.hold_minutes)
    row = Appointment(
        request_key=request_key,
        service=service,
        starts_at=starts_at,
        minutes=length_of(service, booking, asked),
        any_office=office is None,
        language=language,
        hold_expires_at=ends,
        state="held",
        channel=asked.channel,
        citizen=citizen,
    )
    find = partial(choosing.candidates, service, booking, office, starts_at, language, wish=asked)
    try:
        reasons = take_with_best(row, booking, find, ends)
    except IntegrityError:  # the same form was sent twice at the same moment
        if request_key and (made := made_by(request_key)):
            return made
        raise
    audit.record(row.citizen_id, "held", messages.subject(row), **reasons)
    messages.post_lapse(row, ends)
    return row


def made_by(request_key: str) -> Appointment | None:
    """The appointment that this form has made already."""
    return db.session.scalar(select(Appointment).filter_by(request_key=request_key))


def _still_there(request_key: str) -> Appointment | None:
    """What this form has made, unless that is over; then the form may make another."""
    made = made_by(request_key)
    if made is None or made.state in ("held", "booked", "in_call"):
        return made
    made.request_key = None
    db.session.flush()
    return None


def extend_hold(appointment: Appointment, booking: BookingRules) -> bool:
    """Give the citizen more time for the form; False when he has had all extensions there are."""
    _expect(appointment, "held", "extend")
    last = appointment.created_at + timedelta(minutes=booking.hold_minutes * (1 + booking.hold_extensions))
    ends = min(clock.now() + timedelta(minutes=booking.hold_minutes), last)
    if appointment.hold_expires_at and ends <= appointment.hold_expires_at:
        return False
    occupancy.take(appointment, booking, ends)
    appointment.hold_expires_at = ends
    return True


def held_time(key: str | None) -> Appointment | None:
    """The appointment with this key while its time is held."""
    row = db.session.scalar(select(Appointment).filter_by(key=key, state="held")) if key else None
    return row if row and row.hold_expires_at and row.hold_expires_at > clock.now() else None


def confirm(
    appointment: Appointment,
    booking: BookingRules,
    citizen: Person | None,
    details: Details,
    actor: Person | None,
    notify: bool = True,
) -> None:
    """Turn the held time into a booked appointment.

    ``citizen`` is None for somebody without a login, for whom staff books; ``actor`` is None for a command
    of the administrator. Raises TimeTaken when the hold lapsed and somebody else has the time now, or when
    the citizen has another appointment then; TooMany beyond the municipality's limits. ``notify`` is False
    only where nobody is to be told, as in sample data.
    """
    # One statement writes the row, at the end; what is asked before needs nothing of it.
    with db.session.no_autoflush:
        change(appointment, "confirm")
        if citizen is not None:
            _expect_within_limits(appointment, citizen, booking)
            appointment.citizen_id, citizen.language = citizen.id, details.language
        occupancy.take(appointment, booking, None)
        appointment.hold_expires_at = None
        _write_details(appointment, details)
        guest = Participant(role="citizen", name=details.name, email=details.email, language=details.language)
        guest.appointment = appointment
        db.session.add(guest)
    outbox.cancel(messages.subject(appointment))
    if appointment.interpreter_id is not None:
        interpreting.seat(appointment, appointment.starts_at, tell=notify)
    served = on_behalf.seat(appointment, details.served) if details.served else None
    facts = {"clerk": appointment.clerk_id} | on_behalf.record_of(details.served, details.asked)
    audit.record(actor.id if actor else None, "booked", messages.subject(appointment), **facts)
    if notify:
        messages.tell_of_booking(appointment, booking, served)
    messages.publish_booking(appointment)


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
        messages.post_lapse(appointment, ends)


def move(
    appointment: Appointment,
    booking: BookingRules,
    office: Office | None,
    starts_at: datetime,
    actor: Person,
    clerk_id: int | None = None,
) -> None:
    """Give a booked appointment another time. The old one is kept until the new one is won.

    ``clerk_id`` is the clerk with whom it must be; None is with anyone. Raises TimeTaken (nothing has
    changed then) or TooLate.
    """
    before = appointment.starts_at
    change(appointment, "move")
    _expect_in_time(appointment, booking, actor)
    wish = wish_of(appointment, clerk_id, by_staff=actor.id != appointment.citizen_id)
    service, language = appointment.service, appointment.language
    find = partial(choosing.candidates, service, booking, office, starts_at, language, appointment, wish)
    freed = FreedTime.of(appointment)
    appointment.starts_at = starts_at
    reasons = take_with_best(appointment, booking, find, None)
    earlier.follow_move(appointment, booking, before, by_citizen=actor.id == appointment.citizen_id)
    freeing.release_former(appointment, freed, booking)
    messages.call_off_messages(appointment)
    appointment.version += 1
    appointment.started_at = None
    for participant in appointment.participants:
        participant.admitted_at = participant.waiting_since = None
    db.session.flush()
    interpreting.seat(appointment, before)
    times = {"before": before.isoformat(), "after": starts_at.isoformat()}
    audit.record(actor.id, "moved", messages.subject(appointment), **times, **reasons)
    messages.tell_of_move(appointment, booking)


def reassign(
    appointment: Appointment, booking: BookingRules, actor: Person, leaving_id: int | None = None
) -> None:
    """Hold the appointment at the same time and office without ``leaving_id``; the citizen notices nothing.

    Without ``leaving_id`` it is the clerk who leaves; it may be the second clerk or the interpreter too.
    Raises TimeTaken when none of the others is free then (nothing has changed then).
    """
    change(appointment, "move")
    former = appointment.clerk_id
    find = partial(choosing.replacements, appointment, booking, leaving_id or former)
    reasons = take_with_best(appointment, booking, find, None)
    occupancy.release_former(appointment, booking)
    interpreting.seat(appointment, appointment.starts_at)
    audit.record(actor.id, "reassigned", messages.subject(appointment), former=former, **reasons)


def cancel(appointment: Appointment, booking: BookingRules, actor: Person) -> None:
    """Call the appointment off. Raises TooLate for a citizen after the limit."""
    change(appointment, "cancel")
    _expect_in_time(appointment, booking, actor)
    earlier.end(appointment, booking)
    freeing.release(appointment, booking)
    messages.call_off_messages(appointment)
    audit.record(actor.id, "cancelled", messages.subject(appointment))
    messages.tell_of_cancellation(appointment)


def miss(appointment: Appointment, actor: Person) -> None:
    """The citizen did not come. Only after the start: before it nobody is late.

    A call that was opened while he was at the door and broke off is never missed: it is a technical fault.
    """
    if clock.now() < appointment.starts_at or broke_off(appointment):
        raise NotPossible(appointment.state, "miss")
    change(appointment, "miss")
    messages.call_off_messages(appointment)
    audit.record(actor.id, "missed", messages.subject(appointment))
    messages.tell(appointment, "missed")


def broke_off(appointment: Appointment) -> bool:
    """True when the call was opened, somebody whose appointment it is was there, and it is not open now."""
    if appointment.state != "booked" or appointment.started_at is None:
        return False
    return any(p.waiting_since is not None for p in appointment.participants if p.role in PARTIES)


def rename_citizen(citizen: Person, former: str) -> None:
    """The registry gives the citizen another name: the clerk will compare that one with the paper."""
    must_be_writing()
    ahead = Appointment.state.in_(["held", "booked"]) & (Appointment.citizen_id == citizen.id)
    for row in db.session.scalars(select(Appointment).where(ahead, Appointment.citizen_name == former)):
        row.citizen_name = citizen.name
        for participant in row.participants:
            if participant.role == "citizen" and participant.name == former:
                participant.name = citizen.name
        audit.record(citizen.id, "citizen renamed", messages.subject(row))


def change_citizen(citizen: Person, former: Person) -> None:
    """What was booked under another row of the citizen is his. Time that is taken keeps its name."""
    must_be_writing()
    theirs = update(Appointment).where(Appointment.citizen_id == former.id)
    db.session.execute(theirs.values(citizen_id=citizen.id))


def may_change(appointment: Appointment, booking: BookingRules) -> bool:
    """True while the citizen may still move or cancel by himself."""
    limit = appointment.starts_at - timedelta(minutes=booking.change_until_minutes)
    return appointment.state == "booked" and clock.now() < limit


def _expect_within_limits(appointment: Appointment, citizen: Person, booking: BookingRules) -> None:
    # Two bookings of one citizen at the same moment would each count without the other.
    db.session.execute(select(Person.id).where(Person.id == citizen.id).with_for_update())
    same_service = case((Appointment.service_id == appointment.service_id, 1))
    ahead = select(func.count(), func.count(same_service)).where(
        Appointment.citizen_id == citizen.id,
        Appointment.state == "booked",
        Appointment.starts_at > clock.now(),
    )
    of_any, of_this = db.session.execute(ahead).one()
    if of_any >= booking.open_appointments:
        raise TooMany(booking.open_appointments)
    if of_this >= booking.open_per_service:
        raise TooMany(booking.open_per_service, same_service=True)


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


def _expect(appointment: Appointment, state: str, event: str) -> None:
    must_be_writing()
    if appointment.state != state:
        raise NotPossible(appointment.state, event)


def _expect_in_time(appointment: Appointment, booking: BookingRules, actor: Person) -> None:
    limit = appointment.starts_at - timedelta(minutes=booking.change_until_minutes)
    if actor.id == appointment.citizen_id and clock.now() >= limit:
        raise TooLate
