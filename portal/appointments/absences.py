"""Who is away, what is booked in that time, and how each appointment can be held all the same.

`plan` only proposes; `carry_out` does one of its proposals. Asked by the pages of absences, which also
settle the days on which a whole office is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, or_, select

from portal import audit, clock, scheduling
from portal.appointments import availability, choosing, lifecycle, occupancy
from portal.appointments.availability import Offer
from portal.appointments.choosing import Candidate
from portal.appointments.models import Appointment, Claim
from portal.appointments.occupancy import Piece
from portal.appointments.rules import wish_of
from portal.config import BookingRules
from portal.db import db, must_be_writing
from portal.offices.models import Closure, Office
from portal.people.models import Absence, Membership, Person

Deed = Literal["reassign", "move", "phone"]

RECENT = timedelta(hours=12)
"""An appointment that began longer ago is not settled here any more."""
LONGEST_MEETING = timedelta(days=1)
MOST_READ = 500
"""Appointments of an office that are read at once; the rest follows when these are settled."""


class Overtaken(Exception):
    """The appointment is not any more what the proposal was about."""


@dataclass(frozen=True)
class Gap:
    """Time in which somebody, or a whole office, does not serve."""

    starts_at: datetime
    ends_at: datetime
    person_id: int | None = None
    office_id: int | None = None

    @classmethod
    def of_absence(cls, absence: Absence) -> Gap:
        return cls(absence.starts_at, absence.ends_at, person_id=absence.person_id)

    @classmethod
    def of_closure(cls, closure: Closure, office: Office) -> Gap:
        """The closed days as they are at ``office``, from midnight to midnight on its own clocks."""
        zone = office.time_zone
        return cls(
            scheduling.wall_clock(closure.first_day, 0, zone),
            scheduling.wall_clock(closure.last_day, 1440, zone),
            office_id=office.id,
        )

    def meets(self, appointment: Appointment) -> bool:
        """True for a booked appointment that cannot be held as it is."""
        if appointment.state != "booked" or not (
            appointment.starts_at < self.ends_at and self.starts_at < appointment.ends_at
        ):
            return False
        if self.office_id is not None:
            return appointment.office_id == self.office_id
        return self.person_id in (
            appointment.clerk_id,
            appointment.second_clerk_id,
            appointment.interpreter_id,
        )


@dataclass(frozen=True)
class Proposal:
    """What could be done with one appointment."""

    appointment: Appointment
    deed: Deed
    """``reassign``: a colleague steps in, same time; ``move``: another time; ``phone``: ask the citizen."""
    starts_at: datetime | None = None
    """The proposed time, UTC. With ``phone`` it is what can be offered to the citizen, if anything can."""
    clerk_id: int | None = None
    """Who would probably serve then."""


def record(person: Person, starts_at: datetime, ends_at: datetime, actor: Person) -> Absence:
    """The person is away between two instants (UTC); nothing more is offered then."""
    must_be_writing()
    row = Absence(person_id=person.id, starts_at=starts_at, ends_at=ends_at)
    db.session.add(row)
    db.session.flush()
    times = {"from": starts_at.isoformat(), "until": ends_at.isoformat()}
    audit.record(actor.id, "absence recorded", f"person:{person.id}", **times)
    return row


def take_back(absence: Absence, actor: Person) -> None:
    """The person is there after all."""
    must_be_writing()
    times = {"from": absence.starts_at.isoformat(), "until": absence.ends_at.isoformat()}
    db.session.delete(absence)
    audit.record(actor.id, "absence taken back", f"person:{absence.person_id}", **times)


def coming(person: Person | None, office: Office | None, limit: int) -> list[tuple[Absence, Person]]:
    """Absences that are not over, of one person or of everybody with a post in an office, next first."""
    query = (
        select(Absence, Person)
        .join(Person, Person.id == Absence.person_id)
        .where(Absence.ends_at > clock.now())
        .order_by(Absence.starts_at, Absence.id)
        .limit(limit)
    )
    if person is not None:
        query = query.where(Absence.person_id == person.id)
    if office is not None:
        posts = select(Membership.person_id).where(Membership.office_id == office.id, Membership.active)
        query = query.where(Absence.person_id.in_(posts))
    return [(absence, who) for absence, who in db.session.execute(query)]


def count_concerned(rows: Sequence[Absence]) -> dict[int, int]:
    """How many booked appointments each of the absent clerks leads in that time; none is left out."""
    counts = (
        select(Absence.id, func.count(Appointment.id))
        .join(Appointment, Appointment.clerk_id == Absence.person_id)
        .where(
            Absence.id.in_([row.id for row in rows]),
            Appointment.state == "booked",
            Appointment.starts_at >= Absence.starts_at,
            Appointment.starts_at >= clock.now() - RECENT,
            Appointment.starts_at < Absence.ends_at,
        )
        .group_by(Absence.id)
    )
    return {number: count for number, count in db.session.execute(counts)}


def coming_closures(office: Office) -> list[tuple[Closure, int]]:
    """The closures of an office that are not over, each with how many appointments are booked then."""
    today = (clock.now() - LONGEST_MEETING).date()
    rows = db.session.scalars(
        select(Closure)
        .where(or_(Closure.office_id == office.id, Closure.office_id.is_(None)), Closure.last_day >= today)
        .order_by(Closure.first_day, Closure.id)
    )
    return [(row, _count_booked(Gap.of_closure(row, office))) for row in rows]


def concerned(gap: Gap) -> list[Appointment]:
    """The booked appointments that cannot be held as they are, by time."""
    begin = max(gap.starts_at, clock.now() - RECENT)
    query = select(Appointment).where(
        Appointment.state == "booked",
        Appointment.starts_at > begin - LONGEST_MEETING,
        Appointment.starts_at < gap.ends_at,
    )
    if gap.office_id is not None:
        query = query.where(Appointment.office_id == gap.office_id)
    else:
        # The claims know everybody whose time an appointment takes, and are found by their key.
        claimed = select(Claim.appointment_id).where(
            Claim.resource == occupancy.staff_resource(gap.person_id or 0),
            Claim.quantum >= scheduling.quantum_of(begin),
            Claim.quantum < scheduling.quantum_after(gap.ends_at),
        )
        query = query.where(Appointment.id.in_(claimed))
    rows = db.session.scalars(query.order_by(Appointment.starts_at, Appointment.id).limit(MOST_READ))
    return [row for row in rows if gap.meets(row) and row.ends_at > begin]


def plan(gap: Gap, appointments: Sequence[Appointment], booking: BookingRules) -> list[Proposal]:
    """A way out for each appointment; no two of them want the same time of the same person."""
    planning = _Planning(gap, booking)
    return [planning.proposal(appointment) for appointment in appointments]


def carry_out(proposal: Proposal, version: int, gap: Gap, booking: BookingRules, actor: Person) -> None:
    """Do what was proposed when the appointment had ``version``; ``phone`` cannot be done here.

    Raises Overtaken when the appointment has changed meanwhile, TimeTaken when the time is lost; nothing
    has changed then. Needs a transaction.
    """
    must_be_writing()
    appointment = proposal.appointment
    # Of two who settle the same absence, the second waits here and then sees what the first has done.
    db.session.refresh(appointment, with_for_update=True)
    if not gap.meets(appointment) or appointment.version != version:
        raise Overtaken
    if proposal.deed == "reassign":
        lifecycle.reassign(appointment, booking, actor, gap.person_id)
    elif proposal.deed == "move" and proposal.starts_at is not None:
        lifecycle.move(appointment, booking, appointment.office, proposal.starts_at, actor)
    else:
        raise ValueError(f"{proposal.deed} is no deed of the portal")


@dataclass
class _Planning:
    """One plan in the making: what its proposals have promised already."""

    gap: Gap
    booking: BookingRules
    promised: set[Piece] = field(default_factory=set)
    offers: dict[object, Offer] = field(default_factory=dict)
    used_up: set[object] = field(default_factory=set)
    """Starts at which nobody is left, by what is asked for."""

    def proposal(self, appointment: Appointment) -> Proposal:
        """A colleague at the same time, else the next free time, else the phone."""
        if appointment.starts_at > clock.now():
            leaving = self.gap.person_id or appointment.clerk_id
            for choice in choosing.replacements(appointment, self.booking, leaving):
                if self._promise(appointment, choice, appointment.starts_at):
                    return Proposal(appointment, "reassign", appointment.starts_at, choice.clerk_id)
        later = self._later(appointment)
        if later is None:
            return Proposal(appointment, "phone")
        starts_at, choice = later
        # Whoever has no address would not learn of a new time.
        deed: Deed = "move" if appointment.email else "phone"
        return Proposal(appointment, deed, starts_at, choice.clerk_id)

    def _later(self, appointment: Appointment) -> tuple[datetime, Candidate] | None:
        """The first time after the booked one: nobody is asked to come earlier than he agreed to."""
        asked = self._asked(appointment)
        busy = self._citizens_time(appointment)
        for starts_at in self._offer(appointment).starts:
            if starts_at <= appointment.starts_at or (asked, starts_at) in self.used_up:
                continue
            if not busy.isdisjoint(_citizens_quanta(appointment, starts_at)):
                continue
            for choice in self._choices(appointment, starts_at):
                if self._promise(appointment, choice, starts_at):
                    return starts_at, choice
            self.used_up.add((asked, starts_at))
        return None

    def _choices(self, appointment: Appointment, starts_at: datetime) -> Iterator[Candidate]:
        return choosing.candidates(
            appointment.service,
            self.booking,
            appointment.office,
            starts_at,
            appointment.language,
            appointment,
            wish_of(appointment, by_staff=True),
        )

    def _promise(self, appointment: Appointment, choice: Candidate, starts_at: datetime) -> bool:
        draft = Appointment(
            service=appointment.service,
            office_id=choice.office_id,
            clerk_id=choice.clerk_id,
            second_clerk_id=choice.second_clerk_id,
            interpreter_id=choice.interpreter_id,
            place=choice.place,
            citizen_id=appointment.citizen_id,
            channel=appointment.channel,
            starts_at=starts_at,
            minutes=appointment.minutes,
        )
        pieces = occupancy.pieces_of(draft, self.booking)
        if not self.promised.isdisjoint(pieces):
            return False
        self.promised.update(pieces)
        return True

    def _offer(self, appointment: Appointment) -> Offer:
        asked = self._asked(appointment)
        if asked not in self.offers:
            self.offers[asked] = availability.offer(
                appointment.service,
                self.booking,
                appointment.office,
                wish=wish_of(appointment, by_staff=True),
            )
        return self.offers[asked]

    def _asked(self, appointment: Appointment) -> object:
        interpreted = appointment.interpreter_id is not None
        return appointment.office_id, appointment.service_id, appointment.channel, interpreted

    def _citizens_time(self, appointment: Appointment) -> set[int]:
        """When the citizen has other appointments; empty for somebody who has not logged in."""
        if appointment.citizen_id is None:
            return set()
        own = occupancy.citizen_resource(appointment.citizen_id)
        horizon = clock.now() + timedelta(days=appointment.service.horizon_days + 1)
        return set(occupancy.taken_quanta([own], clock.now(), horizon, appointment).get(own, ()))


def _citizens_quanta(appointment: Appointment, starts_at: datetime) -> range:
    return scheduling.claimed_quanta(starts_at, scheduling.Rules(appointment.minutes))


def _count_booked(gap: Gap) -> int:
    rows = select(func.count(Appointment.id)).where(
        Appointment.office_id == gap.office_id,
        Appointment.state == "booked",
        Appointment.starts_at >= gap.starts_at,
        Appointment.starts_at < gap.ends_at,
    )
    return db.session.scalar(rows) or 0
