"""The engine against tables of cases, against the slow reference, and in the nights of the clock change."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import ClerkCalendar, Rules, Spell, Window, instant_of, quantum_of

ATHENS = "Europe/Athens"
MONDAY = date(2026, 11, 30)

_spec = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)


def calendar(spells, taken=(), closed=frozenset(), window=None, clerk=1):
    window = window or Window(MONDAY, 1, ATHENS)
    return ClerkCalendar(
        clerk=clerk,
        office=1,
        working=scheduling.working_calendar(spells, closed, window),
        busy=scheduling.quanta_taken(taken, window),
    )


def starts(clerks, rules, window=None, earliest=None, latest=None):
    window = window or Window(MONDAY, 1, ATHENS)
    found = scheduling.free_starts(
        clerks, rules, window, earliest or window.midnight(0), latest or window.midnight(window.days)
    )
    return [f"{start.astimezone(scheduling.ZoneInfo(ATHENS)):%H:%M}" for start in found]


def at(hour, minute=0, day=MONDAY):
    return scheduling.wall_clock(day, hour * 60 + minute, ATHENS)


def taken_between(begin, end):
    return range(quantum_of(begin), quantum_of(end))


def test_a_meeting_fits_as_often_as_the_hours_allow():
    clerk = calendar([Spell(0, 9 * 60, 10 * 60)])
    assert starts([clerk], Rules(minutes=20, raster=20)) == ["09:00", "09:20", "09:40"]


def test_the_meeting_must_end_within_the_hours_but_its_buffer_need_not():
    clerk = calendar([Spell(0, 9 * 60, 10 * 60)])
    assert starts([clerk], Rules(minutes=30, buffer_after=15, raster=15))[-1] == "09:30"


def test_the_buffers_keep_their_distance_on_both_sides():
    clerk = calendar([Spell(0, 9 * 60, 11 * 60)], taken_between(at(9, 50), at(10, 10)))
    found = starts([clerk], Rules(minutes=20, buffer_before=5, buffer_after=10, raster=5))
    assert found == [
        "09:00",
        "09:05",
        "09:10",
        "09:15",
        "09:20",
        "10:15",
        "10:20",
        "10:25",
        "10:30",
        "10:35",
        "10:40",
    ]


def test_an_hour_is_offered_while_one_of_several_clerks_is_free():
    spells = [Spell(0, 9 * 60, 10 * 60)]
    busy = calendar(spells, taken_between(at(9), at(10)), clerk=1)
    free = calendar(spells, clerk=2)
    assert starts([busy, free], Rules(minutes=30, raster=30)) == ["09:00", "09:30"]
    who = scheduling.free_clerks([busy, free], Rules(30, raster=30), Window(MONDAY, 1, ATHENS), at(9))
    assert [clerk.clerk for clerk in who] == [2]


def test_a_closed_day_offers_nothing():
    clerk = calendar([Spell(0, 9 * 60, 10 * 60)], closed=frozenset([MONDAY]))
    assert starts([clerk], Rules(minutes=20)) == []


def test_a_spell_holds_only_within_its_validity():
    spell = Spell(0, 540, 600, valid_from=date(2026, 12, 1))
    assert starts([calendar([spell])], Rules(minutes=20)) == []


def test_nothing_is_offered_before_the_lead_time_or_after_the_horizon():
    clerk = calendar([Spell(0, 9 * 60, 12 * 60)])
    found = starts([clerk], Rules(minutes=30, raster=30), earliest=at(9, 40), latest=at(11))
    assert found == ["10:00", "10:30", "11:00"]


def test_the_explanation_counts_what_each_stage_left():
    clerk = calendar([Spell(0, 9 * 60, 11 * 60)], taken_between(at(9), at(10)))
    told = scheduling.why_none(
        [clerk], Rules(minutes=30, raster=30), Window(MONDAY, 1, ATHENS), at(10, 30), at(23)
    )
    assert (told.clerks, told.within_hours, told.not_taken, told.in_time) == (1, 4, 2, 1)


SPRING = date(2026, 3, 29)
AUTUMN = date(2026, 10, 25)


@pytest.mark.parametrize(("day", "quanta"), [(SPRING, 276), (AUTUMN, 300), (MONDAY, 288)])
def test_a_day_has_as_many_quanta_as_the_clocks_make_it(day, quanta):
    assert Window(day, 1, ATHENS).length == quanta


def test_in_the_spring_night_the_missing_hour_is_not_sold():
    clerk = calendar([Spell(6, 2 * 60, 5 * 60)], window=Window(SPRING, 1, ATHENS))
    found = starts([clerk], Rules(minutes=60, raster=60), Window(SPRING, 1, ATHENS))
    assert found == ["02:00", "04:00"]


def test_in_the_autumn_night_the_hour_that_comes_twice_can_be_worked_twice():
    clerk = calendar([Spell(6, 2 * 60, 5 * 60)], window=Window(AUTUMN, 1, ATHENS))
    found = starts([clerk], Rules(minutes=60, raster=60), Window(AUTUMN, 1, ATHENS))
    assert found == ["02:00", "03:00", "03:00", "04:00"]


def test_a_wall_clock_time_that_never_happens_is_placed_after_the_jump():
    assert scheduling.wall_clock(SPRING, 3 * 60 + 30, ATHENS) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_wall_clock_time_that_happens_twice_means_the_first():
    assert scheduling.wall_clock(AUTUMN, 3 * 60 + 30, ATHENS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


five = st.integers(0, 287).map(lambda n: n * 5)
spell = st.builds(
    lambda weekday, a, b: Spell(weekday, min(a, b), max(a, b) + 5), st.integers(0, 6), five, five
)
first_days = st.sampled_from([MONDAY, SPRING - timedelta(days=1), AUTUMN - timedelta(days=1)])


@settings(max_examples=120, deadline=None)
@given(
    spells=st.lists(spell, max_size=4),
    first_day=first_days,
    closed=st.sets(st.integers(0, 1)),
    taken=st.sets(st.integers(0, 599), max_size=60),
    rules=st.builds(
        Rules,
        minutes=st.sampled_from([5, 15, 20, 45, 120]),
        buffer_before=st.sampled_from([0, 5, 10]),
        buffer_after=st.sampled_from([0, 5, 15]),
        raster=st.sampled_from([5, 10, 15, 20, 30]),
    ),
    limits=st.tuples(st.integers(0, 576), st.integers(0, 576)),
)
def test_the_engine_agrees_with_the_slow_reference(spells, first_day, closed, taken, rules, limits):
    window = Window(first_day, 2, ATHENS)
    closed_days = frozenset(first_day + timedelta(days=n) for n in closed)
    quanta = {window.first_quantum + n for n in taken}
    earliest = instant_of(window.first_quantum + min(limits))
    latest = instant_of(window.first_quantum + max(limits))
    clerk = calendar(spells, quanta, closed_days, window)
    fast = scheduling.free_starts([clerk], rules, window, earliest, latest)
    slow = reference.free_starts(spells, closed_days, quanta, rules, window, earliest, latest)
    assert fast == slow
