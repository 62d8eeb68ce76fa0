"""What must hold after every step: told from the appointments alone, and compared with claims and busy days.

`open_books` reads everything once; used by the histories and by the races.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.appointments.freeing import TIME_TO_OFFER, FreedTime
from portal.appointments.models import Appointment, BusyDay, Claim, EarlierWish
from portal.config import BookingRules
from portal.db import db

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Piece = tuple[str, int]
"""Five minutes of somebody."""


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
    interpreters_time = five_minutes(begin - between, end + between)
    place = f"place:{appointment.office_id}:{appointment.channel}:{appointment.place}"
    wanted = [
        (f"staff:{appointment.clerk_id}", clerks_time, appointment.clerk_id),
        (f"staff:{appointment.second_clerk_id}", clerks_time, appointment.second_clerk_id),
        (f"staff:{appointment.interpreter_id}", interpreters_time, appointment.interpreter_id),
        (place, five_minutes(begin, end), appointment.place),
        (f"citizen:{appointment.citizen_id}", five_minutes(begin, end), appointment.citizen_id),
    ]
    return {(name, number) for name, time, who in wanted if who is not None for number in time}


@dataclass(frozen=True)
class Books:
    """All appointments, claims and busy days as they stand at one moment."""

    booking: BookingRules
    living: list[Appointment]
    """Those that have a right to their time."""
    claims: dict[Piece, tuple[int, datetime | None]]
    """Which appointment has the five minutes, and until when; None is for good."""
    bits: set[Piece]
    """What the busy days tell."""

    def faults(self) -> list[str]:
        """Everything that must never be so."""
        return [*self.sold_twice(), *self.lacking(), *self.unguarded(), *self.busy_days_wrong()]

    def sold_twice(self) -> list[str]:
        """Five minutes of somebody that more than one appointment has."""
        counted = Counter(piece for row in self.living for piece in needs(row, self.booking))
        return [f"{piece} is sold {count} times" for piece, count in counted.items() if count > 1]

    def lacking(self) -> list[str]:
        """Appointments that lack somebody or something they need."""
        found = []
        for row in self.living:
            places = (row.office.capacity or {}).get(row.channel)
            people = [row.clerk_id, row.second_clerk_id, row.interpreter_id]
            known = [person for person in people if person is not None]
            if row.service.second_clerk and row.second_clerk_id is None:
                found.append(f"{row.key} is without its second clerk")
            if (row.minutes > row.service.minutes) != (row.interpreter_id is not None):
                found.append(f"{row.key} is without its interpreter")
            if places is not None and row.place not in range(1, places + 1):
                found.append(f"{row.key} is without a place")
            if len(known) != len(set(known)):
                found.append(f"{row.key} has the same person twice")
        return found

    def unguarded(self) -> list[str]:
        """Living appointments of which the claims do not tell just what they need, and until when."""
        found = []
        for row in self.living:
            expected = (row.id, row.hold_expires_at if row.state == "held" else None)
            wrong = [piece for piece in needs(row, self.booking) if self.claims.get(piece) != expected]
            if wrong:
                found.append(f"{row.state} {row.key} has no claim on {sorted(wrong)}")
        return found

    def busy_days_wrong(self) -> list[str]:
        """Claims without a bit, and bits without a claim. A citizen's own time has no bits."""
        claimed = {piece for piece in self.claims if not piece[0].startswith("citizen:")}
        wrong = sorted(claimed ^ self.bits)
        return [f"busy days differ from the claims at {wrong}"] if wrong else []

    def kept_from_others(self) -> dict[Piece, datetime | None]:
        """Time that nobody can take although no living appointment needs it, with when it returns."""
        needed = {piece for row in self.living for piece in needs(row, self.booking)}
        return {
            piece: ends
            for piece, (_owner, ends) in self.claims.items()
            if piece not in needed and (ends is None or ends > clock.now())
        }

    def taken(self) -> dict[str, set[int]]:
        """What claims take at this moment, by resource."""
        taken: dict[str, set[int]] = {}
        for (resource, quantum), (_owner, ends) in self.claims.items():
            if ends is None or ends > clock.now():
                taken.setdefault(resource, set()).add(quantum)
        return taken


def open_books(booking: BookingRules) -> Books:
    """Read everything as it stands now."""
    rows = db.session.scalars(select(Appointment).where(Appointment.state.in_(["held", "booked", "in_call"])))
    living = [row for row in rows if is_living(row)]
    return Books(booking, living, all_claims(), _bits())


def all_claims() -> dict[Piece, tuple[int, datetime | None]]:
    """Every claim: which appointment has it, and until when."""
    rows = db.session.execute(select(Claim.resource, Claim.quantum, Claim.appointment_id, Claim.expires_at))
    return {(resource, quantum): (owner, ends) for resource, quantum, owner, ends in rows}


def _bits() -> set[Piece]:
    words = [getattr(BusyDay, f"word_{number}") for number in range(5)]
    return {
        (resource, day * 288 + number * 60 + bit)
        for resource, day, *row in db.session.execute(select(BusyDay.resource, BusyDay.day, *words))
        for number, word in enumerate(row)
        for bit in range(60)
        if word >> bit & 1
    }


def asked_about(booking: BookingRules) -> dict[Piece, datetime]:
    """What is kept for citizens who are asked whether they want to come earlier, and how long at most."""
    kept: dict[Piece, datetime] = {}
    for wish in db.session.scalars(select(EarlierWish).where(EarlierWish.offer_ends_at.is_not(None))):
        freed = FreedTime.from_payload(wish.offered["time"])
        returns_at = datetime.fromisoformat(wish.offered["returns_at"])
        until = max(wish.offer_ends_at + TIME_TO_OFFER, returns_at)
        kept |= dict.fromkeys(freed.pieces(booking), until)
    return kept
