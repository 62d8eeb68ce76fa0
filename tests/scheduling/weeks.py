"""Random weeks for Hypothesis, and how the real engine is asked about somebody of the reference.

Five thousand of them: ``PORTAL_TEST_EXAMPLES=5000 pytest tests/scheduling``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import Calendar, Rules, Spell, Window, quantum_of

from .reference import FIVE, Somebody, steps

ATHENS = "Europe/Athens"
MONDAY = date(2026, 11, 30)
SPRING = date(2026, 3, 29)
AUTUMN = date(2026, 10, 25)

EXAMPLES = int(os.environ.get("PORTAL_TEST_EXAMPLES", "300"))


def examples(share: float = 1) -> settings:
    """How often a test is tried; ``share`` is less for those that are slow."""
    return settings(max_examples=max(int(EXAMPLES * share), 20), deadline=None)


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return scheduling.wall_clock(day, hour * 60 + minute, ATHENS)


def shown(calendar: int, window: Window) -> list[str]:
    """Instants of a calendar as a clock in Athens shows them."""
    return [f"{i.astimezone(ZoneInfo(ATHENS)):%H:%M}" for i in scheduling.instants(calendar, window)]


def calendar_of(somebody: Somebody, window: Window, owner: int = 1) -> Calendar:
    """What the portal makes of somebody: his plan, less what keeps him away or is kept back."""
    spells = scheduling.for_channel(somebody.spells, somebody.channel)
    working = scheduling.working_calendar(spells, somebody.closed, window)
    for begins_at, ends_at in somebody.absences:
        working &= ~scheduling.span(begins_at, ends_at, window)
    if not somebody.by_staff:
        for minutes, kept in scheduling.kept_calendars(spells, window).items():
            released_until = somebody.now + timedelta(minutes=minutes)
            released = (
                scheduling.limits_calendar(window, window.midnight(0), released_until) if minutes else 0
            )
            working &= ~(kept & ~released)
    busy = scheduling.quanta_taken(map(quantum_of, somebody.taken), window)
    return Calendar(owner, 1, working, busy)


minutes_of_day = st.integers(0, 288).map(lambda n: n * 5)
office_hours = st.tuples(st.integers(7 * 12, 16 * 12), st.integers(1, 8 * 12)).map(
    lambda hours: (hours[0] * 5, min(hours[0] + hours[1], 288) * 5)
)
night_hours = st.tuples(st.integers(0, 5 * 12), st.integers(1, 4 * 12)).map(
    lambda hours: (hours[0] * 5, (hours[0] + hours[1]) * 5)
)
any_hours = st.tuples(minutes_of_day, minutes_of_day).map(lambda ends: (min(ends), max(ends)))
channels = st.sampled_from([frozenset(), frozenset({"video"}), frozenset({"phone", "in_person"})])
releases = st.sampled_from([None, None, 0, 30, 60 * 24, 60 * 48])


@st.composite
def spells_in(draw: st.DrawFn, window: Window) -> Spell:
    """A spell that has to do with the days of the window: weekly, bounded, or an exception."""
    begin, end = draw(st.one_of(st.just((540, 600)), office_hours, night_hours, any_hours))
    day = window.first_day + timedelta(days=draw(st.integers(0, window.days - 1)))
    kind = draw(st.sampled_from(["weekly", "weekly", "from", "until", "exception", "day off"]))
    near = day + timedelta(days=draw(st.integers(-8, 8)))
    return Spell(
        weekday=day.weekday(),
        from_minute=0 if kind == "day off" else begin,
        to_minute=0 if kind == "day off" else end,
        valid_from=near if kind == "from" else None,
        valid_until=near if kind == "until" else None,
        on_day=day if kind in ("exception", "day off") else None,
        channels=draw(channels),
        released_minutes=draw(releases),
    )


windows = st.builds(
    lambda day, before, days: Window(day - timedelta(days=min(before, days - 1)), days, ATHENS),
    st.sampled_from([MONDAY, SPRING, AUTUMN, date(2026, 12, 31)]),
    st.integers(0, 6),
    st.sampled_from([1, 2, 2, 3, 7]),
)

rules = st.builds(
    Rules,
    minutes=st.sampled_from([5, 15, 20, 45, 120]),
    buffer_before=st.sampled_from([0, 0, 5, 10]),
    buffer_after=st.sampled_from([0, 5, 15]),
    raster=st.sampled_from([5, 10, 15, 20, 30]),
)


def moments_in(window: Window) -> st.SearchStrategy[datetime]:
    return st.integers(0, window.length).map(lambda n: window.midnight(0) + n * FIVE)


@st.composite
def stretches_in(draw: st.DrawFn, window: Window) -> tuple[datetime, datetime]:
    """An absence or a meeting of somebody else, which need not keep to five minutes."""
    begin = draw(moments_in(window)) + timedelta(minutes=draw(st.sampled_from([0, 0, 3])))
    return begin, begin + timedelta(minutes=draw(st.sampled_from([5, 20, 32, 240, 3000])))


@st.composite
def somebody_in(draw: st.DrawFn, window: Window, rules: Rules) -> Somebody:
    """Somebody with a plan and everything that can keep him from a meeting."""
    meetings = draw(st.lists(st.tuples(moments_in(window), st.integers(1, 12)), max_size=8))
    return Somebody(
        spells=tuple(draw(st.lists(spells_in(window), min_size=1, max_size=5))),
        rules=rules,
        closed=frozenset(draw(st.sets(st.integers(-1, 7), max_size=1).map(lambda n: days_of(window, n)))),
        absences=tuple(draw(st.lists(stretches_in(window), max_size=2))),
        taken=frozenset(
            moment
            for begin, length in meetings
            for moment in steps(begin, begin + length * FIVE)
            if moment < window.midnight(window.days)
        ),
        channel=draw(st.sampled_from(["video", "phone"])),
        by_staff=draw(st.booleans()),
        now=draw(moments_in(window)) - timedelta(minutes=draw(st.sampled_from([0, 7, 1440]))),
    )


def days_of(window: Window, numbers: Iterable[int]) -> list[date]:
    return [window.first_day + timedelta(days=number) for number in numbers]
