"""The two nights in which the clock changes, and proof that the random weeks contain them and all the rest.

The rule: an hour that is jumped over is never offered; one that comes twice is offered twice, and whoever
names it by the clock means the first run.
"""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import Calendar, Rules, Spell, Window

from .test_engine import pools_in
from .weeks import ATHENS, AUTUMN, SPRING, windows

BERLIN = "Europe/Berlin"
AT_NIGHT = Spell(6, 60, 300)
HALF_HOUR = Rules(30, raster=30)


def offered(day, zone, rules=HALF_HOUR, taken=0):
    """Starts of the night of a clerk who works from 01:00 to 05:00."""
    window = Window(day, 1, zone)
    clerk = Calendar(1, 1, scheduling.working_calendar([AT_NIGHT], frozenset(), window), taken)
    free = scheduling.free_calendar(clerk, rules) & scheduling.raster_calendar(rules.raster, window)
    return list(scheduling.instants(free, window))


def told(instants, zone):
    return [f"{instant.astimezone(ZoneInfo(zone)):%H:%M}" for instant in instants]


@pytest.mark.parametrize(("zone", "hour"), [(ATHENS, 3), (BERLIN, 2)])
def test_half_past_in_the_hour_that_is_jumped_over_is_never_offered(zone, hour):
    shown = told(offered(SPRING, zone), zone)
    assert f"0{hour - 1}:30" in shown
    assert not [time for time in shown if time.startswith(f"0{hour}:")]
    assert len(shown) == len(set(shown)) == 6


@pytest.mark.parametrize(("zone", "hour"), [(ATHENS, 3), (BERLIN, 2)])
def test_half_past_in_the_hour_that_comes_twice_is_offered_in_both_runs_and_named_it_is_the_first(zone, hour):
    starts = offered(AUTUMN, zone)
    runs = [start for start in starts if told([start], zone) == [f"0{hour}:30"]]
    assert runs[1] - runs[0] == timedelta(hours=1)
    assert scheduling.wall_clock(AUTUMN, hour * 60 + 30, zone) == runs[0]
    assert len(starts) == 10


@pytest.mark.parametrize(("zone", "hour"), [(ATHENS, 3), (BERLIN, 2)])
def test_the_runs_of_one_hour_are_sold_apart(zone, hour):
    window = Window(AUTUMN, 1, zone)
    first = scheduling.wall_clock(AUTUMN, hour * 60 + 30, zone)
    taken = scheduling.span(first, first + timedelta(minutes=30), window)
    left = offered(AUTUMN, zone, taken=taken)
    assert first not in left
    assert first + timedelta(hours=1) in left


def test_at_half_past_two_nothing_is_special_in_athens():
    for day, utc in ((SPRING, 0), (AUTUMN, -1)):
        named = scheduling.wall_clock(day, 150, ATHENS)
        assert named == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=30 + utc * 60)
        assert offered(day, ATHENS).count(named) == 1


def test_a_meeting_over_the_jump_takes_as_long_as_any_other():
    rules = Rules(60, raster=30)
    start = scheduling.wall_clock(SPRING, 150, ATHENS)
    assert start in offered(SPRING, ATHENS, rules)
    assert told([start + timedelta(minutes=60)], ATHENS) == ["04:30"]
    assert len(scheduling.claimed_quanta(start, rules)) == 12


# --- What the random weeks contain ---------------------------------------------------------------------


def has_break(somebody, day):
    """Two spells of one day with time between them."""
    spells = sorted(
        (spell.from_minute, spell.to_minute) for spell in somebody.spells if spell.weekday == day.weekday()
    )
    return any(before[1] < after[0] for before, after in itertools.pairwise(spells))


def contents(window, pools):
    """What makes this week hard."""
    days: set[date] = set(window.all_days())
    people = [somebody for members, _ in pools for somebody in members]
    spells = [spell for somebody in people for spell in somebody.spells]
    return {
        "the spring night": SPRING in days,
        "the autumn night": AUTUMN in days,
        "work in the hour that changes": bool(days & {SPRING, AUTUMN})
        and any(s.weekday == 6 and s.from_minute <= 210 < s.to_minute for s in spells),
        "a break": any(has_break(somebody, day) for somebody in people for day in days),
        "an exception": any(s.on_day in days and s.to_minute for s in spells),
        "a day off": any(s.on_day in days and not s.to_minute for s in spells),
        "a bounded plan": any(s.valid_from or s.valid_until for s in spells),
        "a buffer before": any(somebody.rules.buffer_before for somebody in people),
        "a buffer after": any(somebody.rules.buffer_after for somebody in people),
        "two calendars": len(pools) > 1,
        "a second clerk": any(needed > 1 for _, needed in pools),
        "a closure": any(somebody.closed & days for somebody in people),
        "an absence": any(somebody.absences for somebody in people),
        "a channel": any(s.channels for s in spells),
        "time kept for staff": any(s.released_minutes is not None for s in spells),
        "meetings": any(somebody.taken for somebody in people),
    }


def test_everything_that_makes_a_week_hard_is_among_the_random_ones():
    seen: Counter[str] = Counter()

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def look(data):
        window = data.draw(windows)
        found = contents(window, data.draw(pools_in(window)))
        seen.update({name: int(present) for name, present in found.items()})

    look()
    assert {name: count for name, count in seen.items() if count < 5} == {}
