"""Why there is no time, and what other hours would bring. For citizens in a sentence, for staff in numbers.

The same calendars as in `portal.appointments.availability`, but stage by stage, so that each can say how
much it leaves. Meant for the questions of one office; nothing here is on the way of a booking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from portal import scheduling
from portal.appointments.availability import Search, free_of_named, search
from portal.appointments.rules import Wish
from portal.appointments.shifts import Post, Shift
from portal.config import BookingRules
from portal.offices.models import Office, Service
from portal.people.models import Membership
from portal.scheduling import Calendar, Spell


@dataclass(frozen=True)
class Stage:
    """What one stage has left: starts at which somebody could begin, and appointments that fit."""

    name: str
    """``hours``, ``open``, ``present``, ``public``, ``in_time``, ``free``, ``interpreter`` or ``place``."""
    starts: int
    appointments: int
    """One after the other with each clerk."""


@dataclass(frozen=True)
class Explanation:
    """The stages in order; each works on what the one before has left."""

    stages: tuple[Stage, ...]

    @property
    def verdict(self) -> str:
        """The stage that took the last starts; ``hours`` if there were none, "" if some are left."""
        if not self.stages[0].starts:
            return self.stages[0].name
        return next(
            (now.name for before, now in pairwise(self.stages) if before.starts and not now.starts), ""
        )


@dataclass(frozen=True)
class WhatIf:
    """What a clerk's hours give and what others would give; what is booked already is counted as taken."""

    before: int
    """Appointments that still fit, one after the other."""
    after: int
    starts_before: int
    starts_after: int


def explain(
    service: Service,
    booking: BookingRules,
    office: Office | None = None,
    wish: Wish | None = None,
    first_day: date | None = None,
    days: int | None = None,
) -> Explanation:
    """Where the starts of some days were lost; days as in `availability.offer`."""
    asked = search(service, booking, office, first_day, days, None, wish or Wish(service.channels[0]))
    crews = [(of, [shift for shift, _ in asked.crew(of)]) for of in asked.offices]
    taken = asked.calendars([shift for _, crew in crews for shift in crew])
    rows = _rows(asked, crews, taken)
    return Explanation(tuple(_stage(name, row, crews, asked) for name, row in rows.items()))


def what_if(
    service: Service,
    booking: BookingRules,
    post: Membership,
    spells: Sequence[Spell],
    first_day: date | None = None,
    days: int | None = None,
) -> WhatIf:
    """Compare the hours of ``post`` with ``spells``, for one service in some days."""
    wish = Wish(service.channels[0], clerk_id=post.person_id, by_staff=True)
    asked = search(service, booking, post.office, first_day, days, None, wish)
    known = [shift.post for shift, _ in asked.crew(post.office_id) if shift.post.person == post.person_id]
    if not known:
        return WhatIf(0, 0, 0, 0)
    before = _free_of(asked, known[0])
    after = _free_of(asked, replace(known[0], spells=tuple(spells)))
    fit = scheduling.meetings_that_fit
    return WhatIf(fit(before, asked.rules), fit(after, asked.rules), before.bit_count(), after.bit_count())


def _free_of(asked: Search, post: Post) -> int:
    shifts = list(asked.roster.shifts_of([post], asked.window, asked.wish.channel))
    raster = scheduling.raster_calendar(asked.rules.raster, asked.window)
    (calendar,) = asked.calendars(shifts)
    return scheduling.free_calendar(calendar, asked.rules) & raster & asked.limits


def _rows(
    asked: Search, crews: Sequence[tuple[int, list[Shift]]], taken: Sequence[Calendar]
) -> dict[str, list[list[int]]]:
    """For each stage and each office the starts that every clerk has left."""
    raster = scheduling.raster_calendar(asked.rules.raster, asked.window)
    busy = iter(taken)
    interpreters = asked.free_interpreters()
    rows: dict[str, list[list[int]]] = {}
    places = asked.free_places([office for office, _ in crews])
    for office, crew in crews:
        free = places.get(office, -1)
        found = [_of_clerk(asked, shift, next(busy), raster, interpreters, free) for shift in crew]
        for name in _names(asked):
            rows.setdefault(name, []).append([stages[name] for stages in found])
    return rows or {"hours": [[] for _ in crews]}


def _of_clerk(
    asked: Search, shift: Shift, taken: Calendar, raster: int, interpreters: int, places: int
) -> dict[str, int]:
    present = scheduling.fitting(shift.working, asked.rules) & raster
    public = asked.without_kept(shift, present)
    in_time = public & asked.limits
    free = in_time & ~scheduling.collisions(taken.busy, asked.rules)
    return {
        "hours": scheduling.fitting(shift.planned, asked.rules) & raster,
        "open": scheduling.fitting(shift.opened, asked.rules) & raster,
        "present": present,
        "public": public,
        "in_time": in_time,
        "free": free,
        "interpreter": free & interpreters,
        "place": free & interpreters & places,
    }


def _names(asked: Search) -> list[str]:
    """The stages that this question has; nobody asks for an interpreter who was not wanted."""
    names = ["hours", "open", "present"]
    names += [] if asked.wish.by_staff else ["public"]
    names += ["in_time", "free"]
    names += ["interpreter"] if asked.wish.interpreted else []
    counters = (asked.roster.counters[office] for office in asked.offices)
    names += ["place"] if any(asked.wish.channel in counter.capacity for counter in counters) else []
    return names


def _stage(
    name: str,
    offices: Sequence[Sequence[int]],
    crews: Sequence[tuple[int, list[Shift]]],
    asked: Search,
) -> Stage:
    starts = room = 0
    for rows, (_, crew) in zip(offices, crews, strict=True):
        named = free_of_named(asked, crew, rows)
        starts |= scheduling.enough(rows, 2 if asked.service.second_clerk else 1) & named
        room += _meetings(asked, rows, named)
    return Stage(name, starts.bit_count(), room)


def _meetings(asked: Search, rows: Sequence[int], named: int) -> int:
    """How many meetings the clerks of an office can hold; no more than the one who is named."""
    fit = scheduling.meetings_that_fit
    clerks = 2 if asked.service.second_clerk else 1
    together = sum(fit(row, asked.rules) for row in rows) // clerks
    return together if named < 0 else min(together, fit(named, asked.rules))
