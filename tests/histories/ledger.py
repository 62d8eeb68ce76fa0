"""What must hold after every step, computed from the appointments alone and compared with the claims."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.appointments.models import Appointment, BusyDay, Claim
from portal.config import BookingRules
from portal.db import db

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Piece = tuple[str, int]


def five_minutes(begins_at: datetime, ends_at: datetime) -> range:
    """Numbers of the five minutes since 1970 that lie between two instants, touched ones included."""
    step = timedelta(minutes=5)
    return range((begins_at - EPOCH) // step, -((EPOCH - ends_at) // step))


def is_living(appointment: Appointment) -> bool:
    """Does it have a right to its time now?"""
    if appointment.state == "held":
        return appointment.hold_expires_at is not None and appointment.hold_expires_at > clock.now()
    return appointment.state in ("booked", "in_call")


def needs(appointment: Appointment, booking: BookingRules) -> set[Piece]:
    """The time of everybody whom the appointment needs, told from its own row."""
    begin, service = appointment.starts_at, appointment.service
    end = begin + timedelta(minutes=appointment.minutes)
    clerks_time = five_minutes(
        begin - timedelta(minutes=service.buffer_before), end + timedelta(minutes=service.buffer_after)
    )
    between = timedelta(minutes=booking.interpreter_buffer_minutes)
    place = f"place:{appointment.office_id}:{appointment.channel}:{appointment.place}"
    wanted = [
        (f"staff:{appointment.clerk_id}", clerks_time, appointment.clerk_id),
        (f"staff:{appointment.second_clerk_id}", clerks_time, appointment.second_clerk_id),
        (
            f"staff:{appointment.interpreter_id}",
            five_minutes(begin - between, end + between),
            appointment.interpreter_id,
        ),
        (place, five_minutes(begin, end), appointment.place),
        (f"citizen:{appointment.citizen_id}", five_minutes(begin, end), appointment.citizen_id),
    ]
    return {(name, number) for name, time, who in wanted if who is not None for number in time}


def living() -> list[Appointment]:
    """All appointments that have a right to their time."""
    return [row for row in db.session.scalars(select(Appointment)) if is_living(row)]


def doubles(booking: BookingRules) -> list[Piece]:
    """Five minutes of somebody that more than one appointment has; must be none, always."""
    counted = Counter(piece for row in living() for piece in needs(row, booking))
    return [piece for piece, count in counted.items() if count > 1]


def incomplete() -> list[str]:
    """Appointments that lack somebody whom they need."""
    found = []
    for row in living():
        places = (row.office.capacity or {}).get(row.channel)
        people = [row.clerk_id, row.second_clerk_id, row.interpreter_id]
        known = [person for person in people if person is not None]
        if row.service.second_clerk and row.second_clerk_id is None:
            found.append(f"{row.key} without its second clerk")
        if (row.minutes > row.service.minutes) != (row.interpreter_id is not None):
            found.append(f"{row.key} without its interpreter")
        if places is not None and row.place not in range(1, places + 1):
            found.append(f"{row.key} without a place")
        if len(known) != len(set(known)):
            found.append(f"{row.key} with the same person twice")
    return found


def all_claims() -> dict[Piece, tuple[int, datetime | None]]:
    rows = db.session.execute(select(Claim.resource, Claim.quantum, Claim.appointment_id, Claim.expires_at))
    return {(resource, quantum): (owner, ends) for resource, quantum, owner, ends in rows}


def unguarded(booking: BookingRules) -> list[str]:
    """Living appointments of which the claims do not tell just what they need, and until when."""
    claims, found = all_claims(), []
    for row in living():
        expected = (row.id, row.hold_expires_at if row.state == "held" else None)
        if wrong := [piece for piece in needs(row, booking) if claims.get(piece) != expected]:
            found.append(f"{row.state} {row.key}: {sorted(wrong)}")
    return found


def kept_from_others(booking: BookingRules) -> dict[Piece, datetime | None]:
    """Time that nobody can take although no living appointment needs it, with when it returns."""
    needed = {piece for row in living() for piece in needs(row, booking)}
    return {
        piece: ends
        for piece, (_owner, ends) in all_claims().items()
        if piece not in needed and (ends is None or ends > clock.now())
    }


def busy_bits() -> set[Piece]:
    """What the busy days tell."""
    found = set()
    for row in db.session.scalars(select(BusyDay)):
        words = [row.word_0, row.word_1, row.word_2, row.word_3, row.word_4]
        for number, word in enumerate(words):
            found |= {
                (row.resource, row.day * 288 + number * 60 + bit) for bit in range(60) if word >> bit & 1
            }
    return found


def busy_days_differ() -> set[Piece]:
    """Claims without a bit, and bits without a claim. A citizen's own time has no bits."""
    claimed = {piece for piece in all_claims() if not piece[0].startswith("citizen:")}
    return claimed ^ busy_bits()


def taken_now(ignoring: Appointment | None = None) -> dict[str, set[int]]:
    """What claims take at this moment, by resource."""
    taken: dict[str, set[int]] = {}
    for (resource, quantum), (owner, ends) in all_claims().items():
        lapsed = ends is not None and ends <= clock.now()
        if not lapsed and (ignoring is None or owner != ignoring.id):
            taken.setdefault(resource, set()).add(quantum)
    return taken
