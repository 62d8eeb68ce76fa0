"""Take, keep and release somebody's time: the one place that writes claims, on every path.

The primary key of `Claim` (resource, quantum) is the guard. One statement takes all quanta of an
appointment, and takes over those of a hold that has lapsed; if the database grants fewer than asked,
somebody was faster and `TimeTaken` is raised. Nothing is ever checked before the insert.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from portal import clock
from portal.appointments.models import Appointment, Claim
from portal.db import db, must_be_writing
from portal.scheduling import Rules, claimed_quanta, quantum_of


class TimeTaken(Exception):
    """Somebody else has (part of) this time."""


class CitizenElsewhere(TimeTaken):
    """It is the citizen himself who has another appointment at this time."""


def clerk_resource(person_id: int) -> str:
    """Name of a clerk's time in the claims."""
    return f"clerk:{person_id}"


def citizen_resource(person_id: int) -> str:
    """Name of a citizen's time in the claims: nobody can be in two calls at once."""
    return f"citizen:{person_id}"


def take(appointment: Appointment, rules: Rules, expires_at: datetime | None) -> None:
    """Take the clerk's time (with buffers) and the citizen's, if he is known, for ``appointment``.

    ``expires_at`` makes it a hold which lapses by itself; None takes the time for good. What the
    appointment has already is taken again, so the same call turns a hold into a booking and gives a
    hold a later end. Raises TimeTaken (CitizenElsewhere), and then the caller must leave the transaction
    or savepoint, because part of the time may have been taken.
    """
    must_be_writing()
    # In one order for everybody, citizens before clerks and then by time, so that two bookers cannot
    # each wait for the other.
    if not _insert(appointment.id, _citizens_quanta(appointment, rules), expires_at):
        raise CitizenElsewhere
    if not _insert(appointment.id, _clerks_quanta(appointment, rules), expires_at):
        raise TimeTaken


def release_former(appointment: Appointment, rules: Rules) -> None:
    """Give back what ``appointment`` had before it moved to the time it has now."""
    must_be_writing()
    current = _citizens_quanta(appointment, rules) + _clerks_quanta(appointment, rules)
    by_resource: dict[str, list[int]] = {}
    for resource, quantum in current:
        by_resource.setdefault(resource, []).append(quantum)
    of_today = or_(
        *(and_(Claim.resource == r, Claim.quantum.between(min(q), max(q))) for r, q in by_resource.items())
    )
    db.session.execute(delete(Claim).where(Claim.appointment_id == appointment.id, ~of_today))


def release(appointment: Appointment) -> None:
    """Give all time of ``appointment`` back."""
    must_be_writing()
    db.session.execute(delete(Claim).where(Claim.appointment_id == appointment.id))


def taken_quanta(
    resources: Iterable[str], begin: datetime, end: datetime, ignoring: Appointment | None = None
) -> dict[str, list[int]]:
    """Quanta taken between two instants, by resource.

    Lapsed holds do not count, nor does what the appointment ``ignoring`` has.
    """
    rows = db.session.execute(
        select(Claim.resource, Claim.quantum).where(
            Claim.resource.in_(list(resources)),
            Claim.quantum >= quantum_of(begin),
            Claim.quantum < quantum_of(end),
            (Claim.expires_at.is_(None)) | (Claim.expires_at > clock.now()),
            Claim.appointment_id != (ignoring.id if ignoring else 0),
        )
    )
    taken: dict[str, list[int]] = {}
    for resource, quantum in rows:
        taken.setdefault(resource, []).append(quantum)
    return taken


def forget_past(before: datetime) -> int:
    """Drop claims on time that is over; they guard nothing any more. Returns how many."""
    must_be_writing()
    quantum = quantum_of(before - timedelta(days=1))
    gone = db.session.execute(delete(Claim).where(Claim.quantum < quantum).returning(Claim.quantum))
    return len(gone.all())


def _clerks_quanta(appointment: Appointment, rules: Rules) -> list[tuple[str, int]]:
    resource = clerk_resource(appointment.clerk_id)
    return [(resource, quantum) for quantum in claimed_quanta(appointment.starts_at, rules)]


def _citizens_quanta(appointment: Appointment, rules: Rules) -> list[tuple[str, int]]:
    if appointment.citizen_id is None:
        return []
    resource = citizen_resource(appointment.citizen_id)
    meeting = Rules(minutes=rules.minutes)
    return [(resource, quantum) for quantum in claimed_quanta(appointment.starts_at, meeting)]


def _insert(appointment_id: int, wanted: list[tuple[str, int]], expires_at: datetime | None) -> bool:
    """True when the database granted all of it."""
    if not wanted:
        return True
    values = [
        {
            "resource": resource,
            "quantum": quantum,
            "appointment_id": appointment_id,
            "expires_at": expires_at,
        }
        for resource, quantum in wanted
    ]
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Claim).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=[Claim.resource, Claim.quantum],
        set_={
            "appointment_id": statement.excluded.appointment_id,
            "expires_at": statement.excluded.expires_at,
        },
        # An appointment takes again what it already has; a lapsed hold is anybody's.
        where=(Claim.expires_at <= clock.now()) | (Claim.appointment_id == appointment_id),
    ).returning(Claim.quantum)
    return len(db.session.execute(statement).all()) == len(wanted)
