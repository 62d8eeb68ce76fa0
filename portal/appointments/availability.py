"""Which times can be offered: reads hours, absences, closures and claims, and asks the engine.

The answer is advice. `portal.appointments.occupancy` decides when somebody takes a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import contains_eager, selectinload

from portal import clock, scheduling
from portal.appointments import occupancy
from portal.appointments.models import Appointment
from portal.config import BookingRules
from portal.db import db
from portal.offices.holidays import closed_days
from portal.offices.models import Closure, Office, Service
from portal.people.models import Absence, Membership, Skill
from portal.scheduling import ClerkCalendar, Explanation, Rules, Spell, Window


@dataclass(frozen=True)
class Candidate:
    """A clerk who is free at a start, in the order in which he is to be tried."""

    clerk_id: int
    office_id: int


def rules_of(service: Service, booking: BookingRules) -> Rules:
    """The engine's rules for one service."""
    return Rules(service.minutes, service.buffer_before, service.buffer_after, booking.raster_minutes)


@dataclass(frozen=True)
class Offer:
    """Free times of a service in some days, at one office or at any."""

    service: Service
    rules: Rules
    window: Window
    clerks: Sequence[ClerkCalendar]
    earliest: datetime
    latest: datetime

    @cached_property
    def starts(self) -> list[datetime]:
        """All free starts in order, UTC."""
        return scheduling.free_starts(self.clerks, self.rules, self.window, self.earliest, self.latest)

    @cached_property
    def by_day(self) -> dict[date, list[datetime]]:
        """Free starts by day of the office's calendar; days without any are left out."""
        zone = ZoneInfo(self.window.zone)
        days: dict[date, list[datetime]] = {}
        for start in self.starts:
            days.setdefault(start.astimezone(zone).date(), []).append(start)
        return days

    def is_open_on(self, day: date) -> bool:
        """True when somebody works on ``day``, whether or not a time is left."""
        number = (day - self.window.first_day).days
        whole_day = scheduling.span(
            self.window.midnight(number), self.window.midnight(number + 1), self.window
        )
        return any(clerk.working & whole_day for clerk in self.clerks)

    def next_start(self) -> datetime | None:
        """The first free start, if there is one."""
        return self.starts[0] if self.starts else None

    def at_office(self, office_id: int) -> Offer:
        """The part of the offer that one office gives."""
        return replace(self, clerks=[clerk for clerk in self.clerks if clerk.office == office_id])

    def why_none(self) -> Explanation:
        """Where the starts were lost."""
        return scheduling.why_none(self.clerks, self.rules, self.window, self.earliest, self.latest)


def offer(
    service: Service,
    booking: BookingRules,
    office: Office | None = None,
    first_day: date | None = None,
    days: int | None = None,
    ignoring: Appointment | None = None,
) -> Offer:
    """Free times from ``first_day`` (today if not said) for ``days`` (as far as can be booked).

    ``ignoring`` is an appointment that is being moved: the time it has counts as free.
    """
    now = clock.now()
    offices = [office] if office else open_offices()
    zone = offices[0].time_zone if offices else "Europe/Athens"
    today = now.astimezone(ZoneInfo(zone)).date()
    first = max(first_day or today, today)
    last = today + timedelta(days=service.horizon_days)
    length = max(min(days or service.horizon_days + 1, (last - first).days + 1), 0)
    window = Window(first, length, zone)
    return Offer(
        service=service,
        rules=rules_of(service, booking),
        window=window,
        clerks=_calendars(service, offices, window, ignoring) if length else [],
        earliest=now + timedelta(minutes=service.lead_minutes),
        latest=window.midnight(length),
    )


def open_offices() -> list[Office]:
    """The offices that serve, by name of their key."""
    return list(db.session.scalars(select(Office).filter_by(active=True).order_by(Office.key)))


def offices_for(service: Service) -> list[Office]:
    """The offices where somebody can give this service."""
    served = select(Membership.office_id).join(Skill).where(Membership.active, Skill.service_id == service.id)
    offices = select(Office).where(Office.active, Office.id.in_(served)).order_by(Office.id)
    return list(db.session.scalars(offices))


def candidates(
    service: Service,
    booking: BookingRules,
    office: Office | None,
    starts_at: datetime,
    language: str,
    ignoring: Appointment | None = None,
) -> list[Candidate]:
    """The clerks who can take ``starts_at``, best first.

    Who speaks the citizen's language comes first, then who has fewest minutes booked in that week,
    then the lower number, so that the choice is even and can be explained.
    """
    zone = (office or open_offices()[0]).time_zone
    day = starts_at.astimezone(ZoneInfo(zone)).date()
    that_day = offer(service, booking, office, day, 1, ignoring)
    if not that_day.earliest <= starts_at < that_day.latest:
        return []
    free = scheduling.free_clerks(that_day.clerks, that_day.rules, that_day.window, starts_at)
    booked = _minutes_booked([clerk.clerk for clerk in free], day, zone)
    speakers = _speakers([clerk.clerk for clerk in free], language)
    ranked = sorted(free, key=lambda c: (c.clerk not in speakers, booked.get(c.clerk, 0), c.clerk))
    return [Candidate(clerk.clerk, clerk.office) for clerk in ranked]


def _calendars(
    service: Service, offices: Sequence[Office], window: Window, ignoring: Appointment | None
) -> list[ClerkCalendar]:
    posts = _posts(service, offices)
    people = [post.person_id for post in posts]
    begin, end = window.midnight(0), window.midnight(window.days)
    closed = _closed_days(offices, window)
    away = _absences(people, begin, end)
    taken = occupancy.taken_quanta([occupancy.clerk_resource(p) for p in people], begin, end, ignoring)
    calendars = []
    for post in posts:
        working = scheduling.working_calendar(_spells(post), closed[post.office_id], window)
        for absence in away.get(post.person_id, ()):
            working &= ~scheduling.span(absence.starts_at, absence.ends_at, window)
        busy = scheduling.quanta_taken(taken.get(occupancy.clerk_resource(post.person_id), ()), window)
        calendars.append(ClerkCalendar(post.person_id, post.office_id, working, busy))
    return calendars


def _posts(service: Service, offices: Sequence[Office]) -> list[Membership]:
    query = (
        select(Membership)
        .join(Skill, Skill.membership_id == Membership.id)
        .join(Membership.office)
        .where(
            Skill.service_id == service.id,
            Membership.active,
            Membership.office_id.in_([office.id for office in offices]),
        )
        .options(contains_eager(Membership.office), selectinload(Membership.hours))
        .order_by(Membership.id)
    )
    return list(db.session.scalars(query))


def _spells(post: Membership) -> list[Spell]:
    return [Spell(h.weekday, h.from_minute, h.to_minute, h.valid_from, h.valid_until) for h in post.hours]


def _closed_days(offices: Sequence[Office], window: Window) -> dict[int, frozenset[date]]:
    last_day = window.first_day + timedelta(days=window.days)
    closures = db.session.scalars(
        select(Closure).where(Closure.first_day <= last_day, Closure.last_day >= window.first_day)
    ).all()
    return {
        office.id: closed_days(
            [(c.first_day, c.last_day) for c in closures if c.office_id in (None, office.id)],
            window.first_day,
            last_day,
        )
        for office in offices
    }


def _absences(people: list[int], begin: datetime, end: datetime) -> dict[int, list[Absence]]:
    rows = db.session.scalars(
        select(Absence).where(Absence.person_id.in_(people), Absence.starts_at < end, Absence.ends_at > begin)
    )
    away: dict[int, list[Absence]] = {}
    for row in rows:
        away.setdefault(row.person_id, []).append(row)
    return away


def _minutes_booked(people: list[int], day: date, zone: str) -> dict[int, int]:
    monday = day - timedelta(days=day.weekday())
    begin = scheduling.wall_clock(monday, 0, zone)
    end = scheduling.wall_clock(monday + timedelta(days=7), 0, zone)
    rows = db.session.execute(
        select(Appointment.clerk_id, func.sum(Appointment.minutes))
        .where(
            Appointment.clerk_id.in_(people),
            Appointment.starts_at >= begin,
            Appointment.starts_at < end,
            or_(
                Appointment.state.in_(["booked", "in_call", "done"]),
                (Appointment.state == "held") & (Appointment.hold_expires_at > clock.now()),
            ),
        )
        .group_by(Appointment.clerk_id)
    )
    return {person: int(minutes) for person, minutes in rows}


def _speakers(people: list[int], language: str) -> set[int]:
    posts = db.session.scalars(select(Membership).where(Membership.person_id.in_(people)))
    return {post.person_id for post in posts if language in post.languages}
