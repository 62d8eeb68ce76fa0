"""Posts and shifts: who works when for one service, as calendars of any window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from portal import scheduling
from portal.db import Bilingual
from portal.offices.holidays import closed_days
from portal.scheduling import Rules, Spell, Window

SHAPES_KEPT = 64


@dataclass(frozen=True)
class Post:
    """Somebody who serves in an office. Interpreters serve all offices."""

    person: int
    office: int
    languages: frozenset[str]
    spells: tuple[Spell, ...]
    away: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class Counter:
    """What the search needs to know of an office."""

    office: int
    key: str
    name: Bilingual
    zone: str
    capacity: Mapping[str, int]
    closures: tuple[tuple[date, date], ...]
    open_days: frozenset[date]


@dataclass(frozen=True)
class Shift:
    """A post in a window: all working time, and what of it is kept for staff, by release in minutes."""

    post: Post
    planned: int
    """As the plan says, before anything is closed."""
    opened: int
    """What of it lies on open days."""
    working: int
    """What of that he is present."""
    kept: Mapping[int, int]


@dataclass
class Roster:
    """All posts of one service, with everything about their offices."""

    counters: Mapping[int, Counter]
    posts: Sequence[Post]
    interpreters: Sequence[Post]
    shortest: Mapping[int, int]
    """Minutes of the shortest service that each person can give."""
    _shapes: dict[tuple[object, ...], Any] = field(default_factory=dict)

    @cached_property
    def by_office(self) -> Mapping[int, Sequence[int]]:
        """Numbers of the posts of each office."""
        found: dict[int, list[int]] = {}
        for number, post in enumerate(self.posts):
            found.setdefault(post.office, []).append(number)
        return found

    @cached_property
    def offices(self) -> Sequence[Counter]:
        """The offices where somebody gives the service, by their keys."""
        return sorted((self.counters[office] for office in self.by_office), key=lambda counter: counter.key)

    def shifts(self, window: Window, channel: str) -> Sequence[Shift]:
        """The posts in a window, in the order of ``posts``."""
        return self._kept((window, channel), lambda: list(self.shifts_of(self.posts, window, channel)))

    def interpreters_shifts(self, window: Window) -> Sequence[Shift]:
        """The interpreters in a window; each keeps the closed days of his own office."""
        return self._kept((window,), lambda: list(self.shifts_of(self.interpreters, window, "video")))

    def shifts_of(self, posts: Sequence[Post], window: Window, channel: str) -> Iterator[Shift]:
        """Any posts in a window, also such as are only thought of."""
        return _shifts(self, posts, window, channel)

    def fits(self, window: Window, channel: str, rules: Rules) -> Sequence[int]:
        """Where each shift has room for a meeting, on the raster, before anything is taken."""
        raster = scheduling.raster_calendar(rules.raster, window)
        return self._kept(
            (window, channel, rules.minutes, rules.raster),
            lambda: [
                scheduling.fitting(shift.working, rules) & raster for shift in self.shifts(window, channel)
            ],
        )

    def _kept(self, key: tuple[object, ...], make: Any) -> Any:
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= SHAPES_KEPT:
                self._shapes.clear()
            shape = self._shapes[key] = make()
        return shape


def _shifts(roster: Roster, posts: Sequence[Post], window: Window, channel: str) -> Iterator[Shift]:
    """Plans and closed days repeat among posts, so each different one is worked out once."""
    plans: dict[object, tuple[int, Mapping[int, int]]] = {}
    closed: dict[object, int] = {}
    for post in posts:
        counter = roster.counters[post.office]
        plan_key = (post.spells, counter.zone)
        if plan_key not in plans:
            plans[plan_key] = _plan(post, counter.zone, window, channel)
        closed_key = (counter.closures, counter.open_days, counter.zone)
        if closed_key not in closed:
            closed[closed_key] = _closed(counter, window)
        planned, kept = plans[plan_key]
        opened = working = planned & ~closed[closed_key]
        for starts_at, ends_at in post.away:
            working &= ~scheduling.span(starts_at, ends_at, window)
        yield Shift(post, planned, opened, working, kept)


def _plan(post: Post, zone: str, window: Window, channel: str) -> tuple[int, Mapping[int, int]]:
    spells = scheduling.for_channel(post.spells, channel)
    local = _local(window, zone)
    working = scheduling.planned_calendar(spells, local)
    kept = scheduling.kept_calendars(spells, local)
    return _into(window, local, working), {m: _into(window, local, row) for m, row in kept.items()}


def _closed(counter: Counter, window: Window) -> int:
    local = _local(window, counter.zone)
    last_day = local.first_day + timedelta(days=local.days)
    days = closed_days(counter.closures, local.first_day, last_day, counter.open_days)
    return _into(window, local, scheduling.closed_calendar(days, local))


def _local(window: Window, zone: str) -> Window:
    """The window in an office's own zone; with a day on either side where that is another one."""
    if zone == window.zone:
        return window
    return Window(window.first_day - timedelta(days=1), window.days + 2, zone)


def _into(window: Window, local: Window, calendar: int) -> int:
    """A calendar of the local window as one of ``window``."""
    shift = local.first_quantum - window.first_quantum
    moved = calendar << shift if shift >= 0 else calendar >> -shift
    return moved & scheduling.bits(0, window.length)
