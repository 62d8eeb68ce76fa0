"""How booked time comes back: at once, after a pause against trading, or by way of the earlier-time list.

Called by `portal.appointments.lifecycle` in the transaction that moves or cancels.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, or_, select, true

from portal import clock
from portal.appointments import messages, occupancy
from portal.appointments.models import Appointment, EarlierWish
from portal.config import BookingRules
from portal.db import db
from portal.offices.models import Service

TIME_TO_OFFER = timedelta(minutes=2)
"""Freed time is out of the offer for so long at least when somebody may want to come earlier. Should no
worker be alive, it returns by itself after that."""


@dataclass(frozen=True)
class FreedTime:
    """A time that was booked, with everybody and everything it took."""

    service_id: int
    channel: str
    minutes: int
    office_id: int
    clerk_id: int
    second_clerk_id: int | None
    interpreter_id: int | None
    place: int | None
    starts_at: datetime

    @classmethod
    def of(cls, appointment: Appointment) -> FreedTime:
        """The time an appointment has now."""
        return cls(
            appointment.service_id,
            appointment.channel,
            appointment.minutes,
            appointment.office_id,
            appointment.clerk_id,
            appointment.second_clerk_id,
            appointment.interpreter_id,
            appointment.place,
            appointment.starts_at,
        )

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> FreedTime:
        """What `payload` made."""
        return cls(**{**payload, "starts_at": datetime.fromisoformat(payload["starts_at"])})

    def payload(self) -> dict[str, Any]:
        """For a row of the outbox."""
        return asdict(self) | {"starts_at": self.starts_at.isoformat()}

    def pieces(self, booking: BookingRules) -> list[occupancy.Piece]:
        """All that it took of everybody, the citizen left out."""
        facts = asdict(self)
        service = db.session.get_one(Service, facts.pop("service_id"))
        return occupancy.pieces_of(Appointment(service=service, **facts), booking)


def release(appointment: Appointment, booking: BookingRules) -> None:
    """Give back all time of a cancelled appointment."""
    freed = FreedTime.of(appointment)
    until = _returns_at(freed, booking)
    occupancy.release(appointment, until)
    _follow_up(appointment, freed, until, booking)


def release_former(appointment: Appointment, freed: FreedTime, booking: BookingRules) -> None:
    """Give back the time that a moved appointment had before."""
    until = _returns_at(freed, booking)
    occupancy.release_former(appointment, booking, until)
    _follow_up(appointment, freed, until, booking)


def suitable_wishes(freed: FreedTime) -> Select[Any]:
    """Matching wishes, whoever wished first leading. Nobody is asked while another offer is open to him."""
    waiting = matching_wishes(freed).where(EarlierWish.offer_ends_at.is_(None))
    return waiting.order_by(EarlierWish.wished_at, EarlierWish.appointment_id)


def matching_wishes(freed: FreedTime) -> Select[Any]:
    """Wishes for which the freed time is earlier and fits.

    The same service, so that length, clerk and papers agree; at the same office, unless any will do.
    """
    own = Appointment
    return (
        select(EarlierWish)
        .join(own, own.id == EarlierWish.appointment_id)
        .where(
            own.state == "booked",
            own.service_id == freed.service_id,
            own.channel == freed.channel,
            own.minutes <= freed.minutes,
            own.starts_at > freed.starts_at,
            true() if freed.interpreter_id else own.interpreter_id.is_(None),
            or_(own.office_id == freed.office_id, own.any_office),
        )
    )


def _returns_at(freed: FreedTime, booking: BookingRules) -> datetime | None:
    """When freed time returns to everybody; None is at once.

    The moment is drawn by lot, so that nobody can wait for a time he has arranged to be freed.
    """
    if freed.starts_at <= clock.now():
        return None
    most = booking.cooling_off_minutes * 60
    pause = timedelta(seconds=most - secrets.randbelow(most // 2 + 1)) if most else timedelta()
    if booking.earlier_offer_minutes and db.session.scalar(select(exists(suitable_wishes(freed)))):
        pause = max(pause, TIME_TO_OFFER)
    return clock.now() + pause if pause else None


def _follow_up(
    appointment: Appointment, freed: FreedTime, until: datetime | None, booking: BookingRules
) -> None:
    if until is None:
        return
    if booking.earlier_offer_minutes:
        messages.post_freed(appointment, freed.payload(), until)
    messages.post_return(appointment, until)
