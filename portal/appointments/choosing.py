"""Who takes an appointment: the clerks, interpreters and places that could, best first, with the reasons.

Asked by `portal.appointments.lifecycle` when time is held, moved or handed on. The claims decide whether
the first of them still can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal import scheduling
from portal.appointments import availability, busy_days
from portal.appointments.availability import Search
from portal.appointments.models import Appointment
from portal.appointments.occupancy import place_resource, staff_resource
from portal.appointments.rules import Wish, interpreter_rules, plain_rules, wish_of
from portal.appointments.shifts import Shift
from portal.config import BookingRules
from portal.offices.models import Office, Service
from portal.scheduling import QUANTUM_MINUTES, Calendar, Rules, Standing, Window

COMPARED = 60
"""Clerks that are compared at once; where there are more, the start decides which offices come first."""
STRIDE = 7919
"""A prime, so that neighbouring starts begin far from each other in the list of offices."""


@dataclass(frozen=True)
class Candidate:
    """Everybody whose time one appointment would take, and why just they."""

    clerk_id: int
    office_id: int
    second_clerk_id: int | None = None
    interpreter_id: int | None = None
    place: int | None = None
    reasons: dict[str, Any] = field(default_factory=dict)

    @property
    def people(self) -> set[int]:
        """The clerks and the interpreter."""
        asked = (self.clerk_id, self.second_clerk_id, self.interpreter_id)
        return {person for person in asked if person is not None}

    def resources(self, channel: str) -> set[str]:
        """Names of their time in the claims."""
        names = {staff_resource(person) for person in self.people}
        if self.place is not None:
            names.add(place_resource(self.office_id, channel, self.place))
        return names


@dataclass(frozen=True)
class Week:
    """The week of the wanted start, in which load is compared."""

    search: Search
    starts_at: datetime
    window: Window

    def standings(self, shifts: Sequence[Shift], language: str, rules: Rules) -> list[Standing]:
        """How those who are free at the start stand in the choice."""
        search, wanted = self.search, self.bit
        names = [staff_resource(shift.post.person) for shift in shifts]
        taken = busy_days.calendars(names, self.window, search.ignoring) if names else {}
        found = []
        for shift, name in zip(shifts, names, strict=True):
            busy = taken.get(name, 0)
            if scheduling.collisions(busy, rules) & wanted:
                continue
            calendar = Calendar(shift.post.person, shift.post.office, shift.working, busy)
            shortest = search.roster.shortest.get(shift.post.person, search.service.minutes)
            found.append(
                Standing(
                    calendar,
                    language in shift.post.languages,
                    busy.bit_count() * QUANTUM_MINUTES,
                    scheduling.stranded_minutes(calendar, rules, self.window, self.starts_at, shortest),
                )
            )
        return scheduling.ranked(found)

    @property
    def bit(self) -> int:
        """The wanted start as a calendar of the week."""
        return 1 << (scheduling.quantum_of(self.starts_at) - self.window.first_quantum)


def candidates(
    service: Service,
    booking: BookingRules,
    office: Office | None,
    starts_at: datetime,
    language: str,
    ignoring: Appointment | None = None,
    wish: Wish | None = None,
) -> Iterator[Candidate]:
    """Who could take ``starts_at``, best first.

    Who speaks the citizen's language comes first, then who has least time taken in that week, in steps
    of half an hour, then whose leftovers stay useful, then the lower number.
    """
    day = availability.search(
        service, booking, office, None, None, ignoring, wish or Wish(service.channels[0])
    )
    if not day.earliest <= starts_at < day.latest:
        return
    week = _week_of(day, starts_at)
    interpreters = _interpreters(week)
    for crew in _crews(week):
        ranked = week.standings(crew, language, day.rules)
        for standing in ranked:
            if day.wish.clerk_id in (None, standing.calendar.owner):
                yield from _with(week, standing, ranked, interpreters)


def replacements(appointment: Appointment, booking: BookingRules, leaving_id: int) -> list[Candidate]:
    """Who could hold the appointment at its own time and office without ``leaving_id``, best first.

    Where it is not the clerk who leaves, he keeps it if he can.
    """
    wish = wish_of(appointment, by_staff=True)
    found = candidates(
        appointment.service,
        booking,
        appointment.office,
        appointment.starts_at,
        appointment.language,
        appointment,
        wish,
    )
    others = [choice for choice in found if leaving_id not in choice.people]
    return sorted(others, key=lambda choice: choice.clerk_id != appointment.clerk_id)


def _week_of(search: Search, starts_at: datetime) -> Week:
    """The same question, asked for the whole week of the start."""
    day = starts_at.astimezone(ZoneInfo(search.window.zone)).date()
    window = Window(day - timedelta(days=day.weekday()), 7, search.window.zone)
    whole = Search(
        search.service,
        search.booking,
        search.wish,
        window,
        search.roster,
        search.offices,
        search.earliest,
        search.latest,
        search.ignoring,
    )
    return Week(whole, starts_at, window)


def _crews(week: Week) -> Iterator[list[Shift]]:
    """The clerks whose hours hold the start, whole offices together.

    Where they are many, each start begins with other offices, so that the load spreads.
    """
    search = week.search
    offices = list(search.offices)
    turn = scheduling.quantum_of(week.starts_at) * STRIDE % len(offices) if offices else 0
    crew: list[Shift] = []
    for office in offices[turn:] + offices[:turn] if _is_large(search) else offices:
        crew += [shift for shift, fit in search.crew(office) if fit & week.bit]
        if len(crew) >= COMPARED:
            yield crew
            crew = []
    yield crew


def _is_large(search: Search) -> bool:
    return sum(len(search.roster.by_office.get(office, ())) for office in search.offices) > COMPARED


def _interpreters(week: Week) -> list[Standing | None]:
    if not week.search.wish.interpreted:
        return [None]
    search = week.search
    rules = interpreter_rules(search.booking, search.minutes)
    working = [s for s in search.interpreters if scheduling.fitting(s.working, rules) & week.bit]
    return list(week.standings(working, "", rules))


def _with(
    week: Week, standing: Standing, ranked: Sequence[Standing], interpreters: Sequence[Standing | None]
) -> Iterator[Candidate]:
    """One clerk with every second clerk, interpreter and place that could join him."""
    clerk = standing.calendar
    reasons = {
        "speaks": standing.speaks,
        "minutes_this_week": standing.minutes_this_week,
        "stranded": standing.stranded,
        "free": len(ranked),
    }
    for second in _seconds(week, clerk, ranked):
        for interpreter in interpreters:
            person = interpreter.calendar.owner if interpreter else None
            if person is not None and person in (clerk.owner, second):
                continue
            for place in _places(week, clerk.office):
                yield Candidate(clerk.owner, clerk.office, second, person, place, reasons)


def _seconds(week: Week, clerk: Calendar, ranked: Sequence[Standing]) -> list[int | None]:
    if not week.search.service.second_clerk:
        return [None]
    others = (standing.calendar for standing in ranked)
    return [c.owner for c in others if c.office == clerk.office and c.owner != clerk.owner]


def _places(week: Week, office: int) -> list[int | None]:
    places = week.search.places([office]).get(office)
    if places is None:
        return [None]
    rules = plain_rules(week.search.booking, week.search.minutes)
    return [place.owner for place in places if scheduling.free_calendar(place, rules) & week.bit]
