"""Which times can be offered: asks the roster and the busy days, and lets the engine combine them.

The answer is advice. `portal.appointments.occupancy` decides when somebody takes a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from portal import clock, scheduling
from portal.appointments import busy_days, roster
from portal.appointments.models import Appointment
from portal.appointments.occupancy import place_resource, staff_resource
from portal.appointments.rules import Wish, clerk_rules, interpreter_rules, length_of, plain_rules
from portal.appointments.shifts import Roster, Shift
from portal.config import BookingRules
from portal.offices.models import Office, Service
from portal.scheduling import Calendar, Pool, Rules, Window

FIRST_BATCH = 16
"""Clerks whose calendars are read first. Over many offices the answer is often complete after a few."""
NEAR = (2, 7, None)
"""Days that are read for a next free start, one step after the other; None is as far as can be booked."""


@dataclass(frozen=True)
class Search:
    """One question to the calendars: for whom, when, and under which rules."""

    service: Service
    booking: BookingRules
    wish: Wish
    window: Window
    roster: Roster
    offices: Sequence[int]
    earliest: datetime
    latest: datetime
    ignoring: Appointment | None = None

    @cached_property
    def minutes(self) -> int:
        return length_of(self.service, self.booking, self.wish)

    @cached_property
    def rules(self) -> Rules:
        return clerk_rules(self.service, self.booking, self.minutes)

    @cached_property
    def shifts(self) -> Sequence[Shift]:
        return self.roster.shifts(self.window, self.wish.channel)

    @cached_property
    def fits(self) -> Sequence[int]:
        """Where the hours of each shift have room for the meeting."""
        return self.roster.fits(self.window, self.wish.channel, self.rules)

    @cached_property
    def limits(self) -> int:
        """Starts that are neither too soon nor too far ahead."""
        return scheduling.limits_calendar(self.window, self.earliest, self.latest)

    def crew(self, office: int, wanted: int | None = None) -> list[tuple[Shift, int]]:
        """The clerks of an office who may be asked for, each with the starts his hours have room for.

        With ``wanted`` only those whose hours have room for one of these starts. Where two clerks serve
        together, the colleagues of one who is named may be asked for too.
        """
        chosen = None if self.service.second_clerk else self.wish.clerk_id
        shifts, fits = self.shifts, self.fits
        found = (
            (shifts[number], self.without_kept(shifts[number], fits[number]))
            for number in self.roster.by_office.get(office, ())
            # Among thousands of clerks most are passed over here, so the cheap question comes first.
            if (wanted is None or fits[number] & wanted) and chosen in (None, shifts[number].post.person)
        )
        return [member for member in found if wanted is None or member[1] & wanted]

    def free_interpreters(self) -> int:
        """Starts at which an interpreter is free; all of them where none is wanted."""
        if not self.wish.interpreted:
            return -1
        rules = interpreter_rules(self.booking, self.minutes)
        return scheduling.free_of_pool(Pool(self.calendars(self.interpreters), rules))

    @property
    def interpreters(self) -> Sequence[Shift]:
        return self.roster.interpreters_shifts(self.window)

    def free_places(self, offices: Collection[int]) -> dict[int, int]:
        """Starts at which an office has a place for the channel; without a limit it has no entry."""
        rules = plain_rules(self.booking, self.minutes)
        return {
            office: scheduling.free_of_pool(Pool(places, rules))
            for office, places in self.places(offices).items()
        }

    def places(self, offices: Collection[int]) -> dict[int, list[Calendar]]:
        """The calendars of the offices' places; an office whose places have no limit has no entry."""
        channel, always = self.wish.channel, scheduling.bits(0, self.window.length)
        names = {
            office: [place_resource(office, channel, number) for number in range(1, limit + 1)]
            for office in offices
            if (limit := self.roster.counters[office].capacity.get(channel)) is not None
        }
        everything = [name for of_office in names.values() for name in of_office]
        taken = busy_days.calendars(everything, self.window, self.ignoring) if everything else {}
        return {
            office: [Calendar(n, office, always, taken.get(name, 0)) for n, name in enumerate(of_office, 1)]
            for office, of_office in names.items()
        }

    def calendars(self, shifts: Sequence[Shift]) -> list[Calendar]:
        """The shifts with what is taken of them, read now."""
        names = [staff_resource(shift.post.person) for shift in shifts]
        taken = busy_days.calendars(names, self.window, self.ignoring) if names else {}
        return [
            Calendar(shift.post.person, shift.post.office, shift.working, taken.get(name, 0))
            for shift, name in zip(shifts, names, strict=True)
        ]

    def without_kept(self, shift: Shift, fit: int) -> int:
        """For the public, time that is kept for staff and not released yet is no time."""
        if self.wish.by_staff:
            return fit
        for minutes, kept in shift.kept.items():
            if minutes:
                released = clock.now() + timedelta(minutes=minutes)
                kept &= scheduling.limits_calendar(self.window, released, self.window.midnight(-1))
            fit &= ~scheduling.collisions(kept, Rules(self.minutes))
        return fit


@dataclass(frozen=True)
class Offer:
    """Free starts of a service in some days, at one office or at any."""

    minutes: int
    window: Window
    free: int
    """A calendar of the free starts."""
    possible: int
    """A calendar of all starts for which somebody works, taken or not, too soon or not."""

    @cached_property
    def starts(self) -> list[datetime]:
        """All free starts in order, UTC."""
        return list(scheduling.instants(self.free, self.window))

    @cached_property
    def by_day(self) -> dict[date, list[datetime]]:
        """Free starts by day of the office's calendar; days without any are left out."""
        return {day: self.starts_on(day) for day in self.free_days}

    @cached_property
    def free_days(self) -> list[date]:
        """The days on which a start is free, in order."""
        return [day for day, row in zip(self.window.all_days(), self._rows, strict=True) if row]

    @cached_property
    def _rows(self) -> list[int]:
        """The free starts of each day of the window, as bits."""
        return [self.window.bits_of_day(number, self.free) for number in range(self.window.days)]

    def starts_on(self, day: date) -> list[datetime]:
        """The free starts of one day, UTC."""
        number = self.window.number_of(day)
        if not 0 <= number < self.window.days:
            return []
        first = self.window.midnights[number]
        return [scheduling.instant_of(first + offset) for offset in scheduling.set_bits(self._rows[number])]

    def count_on(self, day: date) -> int:
        """How many starts are free on a day."""
        number = self.window.number_of(day)
        return self._rows[number].bit_count() if 0 <= number < self.window.days else 0

    def is_open_on(self, day: date) -> bool:
        """True when somebody works on ``day``, whether or not a time is left."""
        number = self.window.number_of(day)
        return 0 <= number < self.window.days and bool(self.window.bits_of_day(number, self.possible))

    def next_start(self) -> datetime | None:
        """The first free start, if there is one."""
        if not self.free:
            return None
        return _first(self.free, self.window)


def offer(
    service: Service,
    booking: BookingRules,
    office: Office | None = None,
    first_day: date | None = None,
    days: int | None = None,
    ignoring: Appointment | None = None,
    wish: Wish | None = None,
) -> Offer:
    """Free times from ``first_day`` (today if not said) for ``days`` (as far as can be booked).

    ``ignoring`` is an appointment that is being moved: the time it has counts as free.
    """
    asked = search(service, booking, office, first_day, days, ignoring, wish or Wish(service.channels[0]))
    if not asked.window.days:
        return Offer(asked.minutes, asked.window, 0, 0)
    possible = _possible(asked)
    return Offer(asked.minutes, asked.window, _free(asked, possible & asked.limits), possible)


def next_start(
    service: Service, booking: BookingRules, office: Office | None = None, wish: Wish | None = None
) -> datetime | None:
    """The first free start as far as can be booked: near days first, so that the far ones are seldom read."""
    first_day = None
    for days in NEAR:
        asked = search(service, booking, office, first_day, days, None, wish or Wish(service.channels[0]))
        if not asked.window.days:
            break
        free = _free(asked, _possible(asked) & asked.limits, first_only=True)
        if free:
            return _first(free, asked.window)
        first_day = asked.window.first_day + timedelta(days=asked.window.days)
    return None


def next_starts(
    service: Service, booking: BookingRules, offices: Sequence[Office], wish: Wish | None = None
) -> dict[int, datetime]:
    """The first free start of each of the offices, read together; one without any has no entry."""
    found: dict[int, datetime] = {}
    first_day = None
    for days in NEAR:
        missing = [office.id for office in offices if office.id not in found]
        asked = search(service, booking, None, first_day, days, None, wish or Wish(service.channels[0]))
        if not missing or not asked.window.days:
            break
        nearby = replace(asked, offices=missing)
        for office, free in _free_by_office(nearby, missing, nearby.limits & nearby.free_interpreters()):
            if free:
                found[office] = _first(free, asked.window)
        first_day = asked.window.first_day + timedelta(days=asked.window.days)
    return found


def search(
    service: Service,
    booking: BookingRules,
    office: Office | None,
    first_day: date | None,
    days: int | None,
    ignoring: Appointment | None,
    wish: Wish,
) -> Search:
    """The question to the calendars, within what the service allows to be booked."""
    known = roster.of_service(service)
    offices = [office.id] if office else list(known.by_office)
    zone = known.counters[offices[0]].zone if offices and offices[0] in known.counters else "Europe/Athens"
    now = clock.now()
    today = now.astimezone(ZoneInfo(zone)).date()
    first = max(first_day or today, today)
    last = today + timedelta(days=service.horizon_days)
    length = max(min(days or service.horizon_days + 1, (last - first).days + 1), 0)
    window = Window(first, length, zone)
    lead = timedelta() if wish.by_staff else timedelta(minutes=service.lead_minutes)
    return Search(
        service, booking, wish, window, known, offices, now + lead, window.midnight(length), ignoring
    )


def _possible(asked: Search) -> int:
    """Starts for which somebody works at all, to tell full days from closed ones."""
    fits = asked.roster.fits(asked.window, asked.wish.channel, asked.rules)
    numbers = [n for office in asked.offices for n in asked.roster.by_office.get(office, ())]
    possible = 0
    for number in numbers:
        possible |= fits[number]
    return possible


def _free(asked: Search, wanted: int, first_only: bool = False) -> int:
    """The wanted starts that are free. Offices are read in batches until nothing more can be found.

    With ``first_only`` the first of them is right; of those after it some may be missing.
    """
    wanted &= asked.free_interpreters()
    free = 0
    for offices in _batches(asked):
        missing = wanted & ~free
        if first_only and free:
            missing &= (free & -free) - 1
        if not missing:
            break
        for _, at_office in _free_by_office(asked, offices, missing):
            free |= at_office
    return free


def _free_by_office(asked: Search, offices: Sequence[int], wanted: int) -> Iterator[tuple[int, int]]:
    """The wanted starts that are free at each office where somebody works then, all read at once."""
    crews = {office: crew for office in offices if (crew := asked.crew(office, wanted))}
    calendars = iter(asked.calendars([shift for crew in crews.values() for shift, _ in crew]))
    places = asked.free_places(crews.keys())
    needed = 2 if asked.service.second_clerk else 1
    for office, crew in crews.items():
        taken = (scheduling.collisions(next(calendars).busy, asked.rules) for _ in crew)
        rows = [fit & ~collisions for (_, fit), collisions in zip(crew, taken, strict=True)]
        free = scheduling.enough(rows, needed) & free_of_named(asked, [shift for shift, _ in crew], rows)
        yield office, free & wanted & places.get(office, -1)


def free_of_named(asked: Search, crew: Sequence[Shift], rows: Sequence[int]) -> int:
    """The starts at which the clerk who is asked for by name is free; all, where anybody will do.

    ``rows`` are the free starts of each of ``crew``. Where two clerks serve together the crew holds more
    than the one who is named.
    """
    named = asked.wish.clerk_id
    if named is None:
        return -1
    return next((row for shift, row in zip(crew, rows, strict=True) if shift.post.person == named), 0)


def _first(free: int, window: Window) -> datetime:
    return scheduling.instant_of(window.first_quantum + (free & -free).bit_length() - 1)


def _batches(asked: Search) -> Iterator[list[int]]:
    """The offices, in batches that hold ever more clerks."""
    batch: list[int] = []
    size, room = 0, FIRST_BATCH
    for office in asked.offices:
        batch.append(office)
        size += len(asked.roster.by_office.get(office, ()))
        if size >= room:
            yield batch
            batch, size, room = [], 0, room * 4
    yield batch
