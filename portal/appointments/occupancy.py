"""Take, keep and release somebody's time: the one place that writes claims, on every path.

The primary key of `Claim` (resource, quantum) is the guard. One statement takes all quanta of an
appointment, of everybody it needs, and takes over those of a hold that has lapsed; if the database
grants fewer than asked, somebody was faster and `TimeTaken` is raised. Nothing is ever checked before
the insert. `BusyDay` follows in the same transaction, so that many calendars can be read at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import TextClause, bindparam, delete, select, text, update
from sqlalchemy.engine import CursorResult

from portal import clock
from portal.appointments import busy_days
from portal.appointments.models import Appointment, BusyDay, Claim
from portal.appointments.rules import clerk_rules, interpreter_rules, plain_rules
from portal.config import BookingRules
from portal.db import UtcDateTime, db, must_be_writing
from portal.scheduling import DAY_QUANTA, claimed_quanta, quantum_of

Piece = tuple[str, int]
"""A resource and a quantum of its time."""


_UNWANTED = text(
    "SELECT clerk FROM unnest(CAST(:clerks AS integer[])) AS clerk "
    "WHERE pg_try_advisory_xact_lock(clerk, :quantum) LIMIT 1"
)


class TimeTaken(Exception):
    """Somebody else has (part of) this time; ``resource`` says whose time it is, if one was tried."""

    def __init__(self, resource: str = "") -> None:
        super().__init__(resource)
        self.resource = resource


class CitizenElsewhere(TimeTaken):
    """It is the citizen himself who has another appointment at this time."""


def staff_resource(person_id: int) -> str:
    """Name of the time of a clerk or an interpreter in the claims."""
    return f"staff:{person_id}"


def citizen_resource(person_id: int) -> str:
    """Name of a citizen's time in the claims: nobody can be in two calls at once."""
    return f"citizen:{person_id}"


def place_resource(office_id: int, channel: str, number: int) -> str:
    """Name of one of an office's places for a channel: a licence for video, a line, a desk."""
    return f"place:{office_id}:{channel}:{number}"


def take(appointment: Appointment, booking: BookingRules, expires_at: datetime | None) -> None:
    """Take the time of everybody whom ``appointment`` needs: all of it, or an error.

    ``expires_at`` makes it a hold which lapses by itself; None takes the time for good. What the
    appointment has already is taken again, so the same call turns a hold into a booking and gives a
    hold a later end. Raises TimeTaken (CitizenElsewhere), and then the caller must leave the transaction
    or savepoint, because part of the time may have been taken.
    """
    must_be_writing()
    wanted = pieces_of(appointment, booking)
    granted = _insert(appointment.id, wanted, expires_at)
    for resource, quantum in wanted:
        if (resource, quantum) not in granted:
            raise (CitizenElsewhere if resource.startswith("citizen:") else TimeTaken)(resource)
    busy_days.mark(wanted)


def first_unwanted(clerks: Sequence[int], starts_at: datetime) -> int | None:
    """The first of the clerks whose time at ``starts_at`` nobody else is taking at this very moment.

    A hint that guards nothing, until the end of the transaction. Writers of SQLite come one by one anyway.
    """
    must_be_writing()
    if db.engine.dialect.name != "postgresql":
        return clerks[0]
    values = {"clerks": list(clerks), "quantum": quantum_of(starts_at)}
    return db.session.connection().scalar(_UNWANTED, values)


def release_former(appointment: Appointment, booking: BookingRules, until: datetime | None = None) -> None:
    """Give back what ``appointment`` had before it moved to the time it has now.

    With ``until`` the time of others than the citizen stays taken until then, and comes back by itself.
    What was kept for a while only has its own end already.
    """
    current = set(pieces_of(appointment, booking))
    held = _pieces_held(appointment, for_good=True)
    _give_back(appointment, [piece for piece in held if piece not in current], until)


def release(appointment: Appointment, until: datetime | None = None) -> None:
    """Give all time of ``appointment`` back; ``until`` as in `release_former`."""
    _give_back(appointment, _pieces_held(appointment, for_good=until is not None), until)


def release_lapsed(appointment: Appointment) -> None:
    """Give back what ``appointment`` holds for a while only, where that while is over."""
    must_be_writing()
    gone = db.session.execute(
        delete(Claim)
        .where(Claim.appointment_id == appointment.id, Claim.expires_at <= clock.now())
        .returning(Claim.resource, Claim.quantum)
    )
    busy_days.clear(_pieces(gone))


def hand_over(
    former: Appointment, heir: Appointment, pieces: Sequence[Piece], kept_until: datetime, until: datetime
) -> bool:
    """Keep for ``heir`` alone until ``until`` what ``former`` keeps exactly until ``kept_until``.

    All pieces or none: False, and nothing has changed, when somebody has taken one of them since, or when
    ``former`` has been given another end. With ``heir`` the same as ``former`` only the end changes.
    """
    must_be_writing()
    try:
        with db.session.begin_nested():
            for resource, quanta in sorted(_by_resource(pieces).items()):
                kept = update(Claim).where(
                    Claim.appointment_id == former.id,
                    Claim.resource == resource,
                    Claim.quantum.in_(quanta),
                    Claim.expires_at == kept_until,
                )
                given = db.session.execute(kept.values(appointment_id=heir.id, expires_at=until))
                if cast("CursorResult[Any]", given).rowcount < len(quanta):
                    raise TimeTaken(resource)
    except TimeTaken:
        return False
    return True


def pieces_of(appointment: Appointment, booking: BookingRules) -> list[Piece]:
    """All time that the appointment takes, in the one order in which everybody takes it."""
    minutes = appointment.minutes
    with_buffers = clerk_rules(appointment.service, booking, minutes)
    takes = [(staff_resource(appointment.clerk_id), with_buffers)]
    if appointment.second_clerk_id is not None:
        takes.append((staff_resource(appointment.second_clerk_id), with_buffers))
    if appointment.interpreter_id is not None:
        takes.append((staff_resource(appointment.interpreter_id), interpreter_rules(booking, minutes)))
    if appointment.place is not None:
        place = place_resource(appointment.office_id, appointment.channel, appointment.place)
        takes.append((place, plain_rules(booking, minutes)))
    if appointment.citizen_id is not None:
        takes.append((citizen_resource(appointment.citizen_id), plain_rules(booking, minutes)))
    return sorted(
        (resource, quantum)
        for resource, rules in takes
        for quantum in claimed_quanta(appointment.starts_at, rules)
    )


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
    return _by_resource(_pieces(rows))


def forget_past(before: datetime) -> int:
    """Drop claims on time that is over; they guard nothing any more. Returns how many."""
    must_be_writing()
    quantum = quantum_of(before - timedelta(days=1))
    gone = db.session.execute(delete(Claim).where(Claim.quantum < quantum).returning(Claim.quantum))
    db.session.execute(delete(BusyDay).where(BusyDay.day < quantum // DAY_QUANTA))
    return len(gone.all())


def _pieces_held(appointment: Appointment, for_good: bool) -> list[Piece]:
    """What the appointment has: all of it, or without what it keeps for a while only."""
    rows = select(Claim.resource, Claim.quantum).where(Claim.appointment_id == appointment.id)
    return _pieces(db.session.execute(rows.where(Claim.expires_at.is_(None)) if for_good else rows))


def _give_back(appointment: Appointment, pieces: Sequence[Piece], until: datetime | None) -> None:
    must_be_writing()
    for resource, quanta in sorted(_by_resource(pieces).items()):
        mine = (
            Claim.appointment_id == appointment.id,
            Claim.resource == resource,
            Claim.quantum.in_(quanta),
        )
        if until is not None and not resource.startswith("citizen:"):
            db.session.execute(update(Claim).where(*mine).values(expires_at=until))
            continue
        gone = db.session.execute(delete(Claim).where(*mine).returning(Claim.resource, Claim.quantum))
        busy_days.clear(_pieces(gone))


def _insert(appointment_id: int, wanted: Sequence[Piece], expires_at: datetime | None) -> set[Piece]:
    """The pieces that the database granted."""
    values: dict[str, object] = {
        "appointment_id": appointment_id,
        "expires_at": expires_at,
        "now": clock.now(),
    }
    for number, (resource, quantum) in enumerate(wanted):
        values[f"resource_{number}"], values[f"quantum_{number}"] = resource, quantum
    return set(_pieces(db.session.execute(_insertion(len(wanted)), values)))


@lru_cache(maxsize=64)
def _insertion(count: int) -> TextClause:
    """The statement that takes ``count`` pieces; the same text for both databases, so it is prepared once."""
    rows = ", ".join(f"(:resource_{n}, :quantum_{n}, :appointment_id, :expires_at)" for n in range(count))
    # An appointment takes again what it already has; a lapsed hold is anybody's.
    return text(
        f"INSERT INTO claim (resource, quantum, appointment_id, expires_at) VALUES {rows} "  # noqa: S608
        "ON CONFLICT (resource, quantum) DO UPDATE "
        "SET appointment_id = excluded.appointment_id, expires_at = excluded.expires_at "
        "WHERE claim.expires_at <= :now OR claim.appointment_id = :appointment_id "
        "RETURNING resource, quantum"
    ).bindparams(
        bindparam("expires_at", type_=UtcDateTime),
        bindparam("now", type_=UtcDateTime),
    )


def _pieces(rows: Iterable[Any]) -> list[Piece]:
    return [(resource, quantum) for resource, quantum in rows]


def _by_resource(pieces: Iterable[Piece]) -> dict[str, list[int]]:
    quanta: dict[str, list[int]] = {}
    for resource, quantum in pieces:
        quanta.setdefault(resource, []).append(quantum)
    return quanta
