"""The earlier-time list: who waits, who is asked when a time is freed, and what comes of his answer.

Called by pages and jobs inside their `transaction()`, and by `portal.appointments.lifecycle` when an
appointment moves or is cancelled. Nobody accepts here: who does, moves his appointment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, true, tuple_

from portal import audit, clock
from portal.appointments import choosing, messages, occupancy
from portal.appointments.freeing import TIME_TO_OFFER, FreedTime, matching_wishes, suitable_wishes
from portal.appointments.models import Appointment, EarlierWish
from portal.appointments.occupancy import TimeTaken
from portal.appointments.rules import wish_of
from portal.config import BookingRules
from portal.db import db, must_be_writing
from portal.offices.models import Office, Service

SHORTEST_OFFER = timedelta(minutes=5)
"""Nobody is asked who would have less time than this to answer."""


@dataclass(frozen=True)
class Offered:
    """A freed time about which one citizen is asked."""

    time: FreedTime
    ends_at: datetime
    """Until when he may answer."""
    returns_at: datetime
    """Before this the time returns to nobody else than the list."""

    @property
    def kept_until(self) -> datetime:
        """How long his time is kept: so long that a worker can ask the next one without losing it."""
        return max(self.ends_at + TIME_TO_OFFER, self.returns_at)

    @property
    def clerk_id(self) -> int | None:
        """The clerk with whom it must be; with two of them either may lead."""
        service = db.session.get_one(Service, self.time.service_id)
        return None if service.second_clerk else self.time.clerk_id

    @property
    def office(self) -> Office:
        """Where it is."""
        return db.session.get_one(Office, self.time.office_id)


def may_join(appointment: Appointment, booking: BookingRules) -> bool:
    """True for a booked appointment that its citizen may still move, if he can be reached by mail."""
    limit = appointment.starts_at - timedelta(minutes=booking.change_until_minutes)
    wanted = booking.earlier_offer_minutes > 0 and appointment.state == "booked" and clock.now() < limit
    return wanted and appointment.citizen_id is not None and bool(appointment.email)


def join(appointment: Appointment, booking: BookingRules) -> bool:
    """Put the appointment at the end of the list; who is on it keeps his place. False if he cannot."""
    _lock(appointment)
    if not may_join(appointment, booking):
        return False
    if wish_for(appointment) is None:
        db.session.add(EarlierWish(appointment_id=appointment.id))
        audit.record(appointment.citizen_id, "earlier time wished", messages.subject(appointment))
    return True


def leave(appointment: Appointment, booking: BookingRules) -> None:
    """The citizen does not want to come earlier any more."""
    _lock(appointment)
    if wish_for(appointment) is not None:
        audit.record(appointment.citizen_id, "earlier time not wished", messages.subject(appointment))
    end(appointment, booking)


def end(appointment: Appointment, booking: BookingRules) -> None:
    """Take the appointment off the list. A time about which its citizen is asked goes to the next one."""
    wish = wish_for(appointment)
    if wish is None:
        return
    offered = _offered(wish)
    db.session.delete(wish)
    db.session.flush()
    if offered:
        ask_next(appointment, offered.time, offered.kept_until, offered.returns_at, booking)


def follow_move(appointment: Appointment, booking: BookingRules, before: datetime, by_citizen: bool) -> None:
    """The appointment has moved from ``before``. Whoever did it himself is off the list.

    Whom the office moved keeps his place, and his offer while it is still an earlier time for him; about
    the time that was taken from him he is not asked.
    """
    wish = wish_for(appointment)
    if by_citizen or wish is None:
        end(appointment, booking)
        return
    asked = [*wish.offered.get("asked", ()), before.isoformat()]
    wish.offered = {**wish.offered, "asked": asked}
    db.session.flush()
    offered = _offered(wish)
    if offered and not _suits(wish, offered):
        _ask_another(appointment, booking)


def wish_for(appointment: Appointment) -> EarlierWish | None:
    """The wish to come earlier than this appointment."""
    return db.session.get(EarlierWish, appointment.id)


def place_of(wish: EarlierWish) -> int:
    """How many stand before him and could be asked about the same times, and he himself."""
    own, other = wish.appointment, Appointment
    before = (
        select(func.count())
        .select_from(EarlierWish)
        .join(other, other.id == EarlierWish.appointment_id)
        .where(
            other.state == "booked",
            other.starts_at > clock.now(),
            other.service_id == own.service_id,
            other.channel == own.channel,
            true() if own.any_office else or_(other.office_id == own.office_id, other.any_office),
            tuple_(EarlierWish.wished_at, EarlierWish.appointment_id)
            < tuple_(wish.wished_at, wish.appointment_id),
        )
    )
    return (db.session.scalar(before) or 0) + 1


def offer_to(appointment: Appointment) -> Offered | None:
    """The time about which the citizen is asked at this moment."""
    wish = wish_for(appointment)
    offered = _offered(wish) if wish and appointment.state == "booked" else None
    return offered if offered and clock.now() < offered.ends_at else None


def offer_to_accept(appointment: Appointment, starts_at: datetime) -> Offered | None:
    """The same, if it begins at ``starts_at``; locked, so that it does not go to the next one meanwhile."""
    _lock(appointment)
    offered = offer_to(appointment)
    return offered if offered and offered.time.starts_at == starts_at else None


def decline(appointment: Appointment, booking: BookingRules, starts_at: datetime) -> bool:
    """The citizen does not want this time. He keeps his place, and the next one is asked.

    False if the time was not offered to him, or not any more.
    """
    if offer_to_accept(appointment, starts_at) is None:
        return False
    audit.record(appointment.citizen_id, "earlier time declined", messages.subject(appointment))
    _ask_another(appointment, booking)
    return True


def unanswered(appointment: Appointment, booking: BookingRules, ends_at: datetime) -> None:
    """No answer came until ``ends_at``: the next one is asked, unless that has happened already."""
    _lock(appointment)
    wish = wish_for(appointment)
    if wish and wish.offer_ends_at == ends_at and ends_at <= clock.now():
        _ask_another(appointment, booking)


def ask_next(
    keeper: Appointment,
    freed: FreedTime,
    kept_until: datetime,
    returns_at: datetime,
    booking: BookingRules,
) -> None:
    """Ask the first on the list who can have the freed time; without one it returns to everybody.

    ``keeper`` has it until ``kept_until``, exactly. If that is over, or the time has been given to somebody
    since, nobody is asked. It returns at ``returns_at``, or now if that has passed.
    """
    must_be_writing()
    pieces = freed.pieces(booking)
    now = clock.now()
    if kept_until <= now or not occupancy.hand_over(keeper, keeper, pieces, kept_until, kept_until):
        return
    for wish in _suitable(freed):
        ends_at = _answer_until(wish.appointment, freed, booking)
        if ends_at is None:
            continue
        offered = Offered(freed, ends_at, returns_at)
        if _keep_for(wish.appointment, keeper, offered, kept_until, booking):
            _ask(wish, offered)
            return
    occupancy.hand_over(keeper, keeper, pieces, kept_until, max(returns_at, now))
    if returns_at <= now:
        occupancy.release_lapsed(keeper)
    else:
        messages.post_return(keeper, returns_at)


def _ask_another(appointment: Appointment, booking: BookingRules) -> None:
    """End the offer; who was asked stays on the list, but is not asked about this time again."""
    wish = wish_for(appointment)
    offered = _offered(wish) if wish else None
    if wish and offered:
        wish.offer_ends_at = None
        ask_next(appointment, offered.time, offered.kept_until, offered.returns_at, booking)


def _suitable(freed: FreedTime) -> Iterator[EarlierWish]:
    """Whom to ask, in the order of the list; each one is locked and looked at again first."""
    start = freed.starts_at.isoformat()
    found = suitable_wishes(freed)
    for number in list(db.session.scalars(found.with_only_columns(EarlierWish.appointment_id))):
        db.session.get(Appointment, number, with_for_update=True, populate_existing=True)
        again = found.where(EarlierWish.appointment_id == number)
        wish = db.session.scalar(again.execution_options(populate_existing=True))
        if wish is not None and start not in wish.offered.get("asked", ()):
            yield wish


def _suits(wish: EarlierWish, offered: Offered) -> bool:
    """True while the time about which he is asked is one that he wishes for."""
    own = matching_wishes(offered.time).where(EarlierWish.appointment_id == wish.appointment_id)
    return db.session.scalar(own) is not None


def _answer_until(heir: Appointment, freed: FreedTime, booking: BookingRules) -> datetime | None:
    """Until when he could say yes; None when that is too soon."""
    now, wait = clock.now(), timedelta(minutes=booking.earlier_offer_minutes)
    ends_at = min(
        now + wait,
        freed.starts_at - timedelta(minutes=heir.service.lead_minutes),
        heir.starts_at - timedelta(minutes=booking.change_until_minutes),
    )
    return ends_at if ends_at - now >= min(SHORTEST_OFFER, wait) and wait else None


def _keep_for(
    heir: Appointment, keeper: Appointment, offered: Offered, kept_until: datetime, booking: BookingRules
) -> bool:
    """Hand the time over. Not if he could not move to it, because of himself or because of the office."""
    pieces = offered.time.pieces(booking)
    try:
        with db.session.begin_nested():
            handed = occupancy.hand_over(keeper, heir, pieces, kept_until, offered.kept_until)
            if not handed or not _can_come(heir, offered, booking):
                raise TimeTaken
    except TimeTaken:
        return False
    return True


def _can_come(heir: Appointment, offered: Offered, booking: BookingRules) -> bool:
    """Asks what a move would ask; the time that is kept for him counts as free."""
    begin = offered.time.starts_at
    until = begin + timedelta(minutes=heir.minutes)
    own = [occupancy.citizen_resource(heir.citizen_id)] if heir.citizen_id else []
    if occupancy.taken_quanta(own, begin, until, heir):
        return False
    wish = wish_of(heir, offered.clerk_id)
    choices = choosing.candidates(heir.service, booking, offered.office, begin, heir.language, heir, wish)
    return next(choices, None) is not None


def _ask(wish: EarlierWish, offered: Offered) -> None:
    start = offered.time.starts_at.isoformat()
    wish.offered = {
        "time": offered.time.payload(),
        "returns_at": offered.returns_at.isoformat(),
        "asked": [*wish.offered.get("asked", ()), start],
    }
    wish.offered_at, wish.offer_ends_at = clock.now(), offered.ends_at
    db.session.flush()
    heir = wish.appointment
    audit.record(None, "earlier time offered", messages.subject(heir), starts_at=start)
    messages.tell_of_offer(heir, offered.ends_at)
    messages.post_end_of_offer(heir, offered.ends_at)
    messages.post_return(heir, offered.kept_until)


def _offered(wish: EarlierWish) -> Offered | None:
    """The time that is kept for him, also when he has let the time for an answer pass."""
    if wish.offer_ends_at is None:
        return None
    returns_at = datetime.fromisoformat(wish.offered["returns_at"])
    return Offered(FreedTime.from_payload(wish.offered["time"]), wish.offer_ends_at, returns_at)


def _lock(appointment: Appointment) -> None:
    """What concerns one appointment happens one after the other, and on what holds now."""
    must_be_writing()
    db.session.refresh(appointment, with_for_update=True)
    wish = wish_for(appointment)
    if wish is not None:
        db.session.refresh(wish)
