"""Who works when: weekly plans, exceptions, closed days, channels, and time that is kept for staff."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import Rules, Spell, Window

from .reference import Somebody, Week
from .weeks import ATHENS, AUTUMN, MONDAY, SPRING, calendar_of, examples, shown, somebody_in, windows

MONDAY_MORNING = Spell(0, 9 * 60, 10 * 60)
ONE_DAY = Window(MONDAY, 1, ATHENS)


def hours(calendar, window=ONE_DAY):
    """Working time as ``09:00 for 60`` minutes, on the clock of the office."""
    numbers, clock = list(scheduling.set_bits(calendar)), shown(calendar, window)
    begins = [n for n, number in enumerate(numbers) if number - 1 not in numbers]
    ends = [*begins[1:], len(numbers)]
    return [f"{clock[n]} for {(end - n) * 5}" for n, end in zip(begins, ends, strict=False)]


def working(*spells, closed=frozenset(), window=ONE_DAY):
    return hours(scheduling.working_calendar(spells, closed, window), window)


def kept(*spells, window=ONE_DAY):
    found = scheduling.kept_calendars(spells, window)
    return {minutes: hours(calendar, window) for minutes, calendar in found.items()}


def test_several_spells_leave_a_break_between_them():
    assert working(MONDAY_MORNING, Spell(0, 11 * 60, 12 * 60)) == ["09:00 for 60", "11:00 for 60"]


def test_spells_that_overlap_are_one():
    assert working(MONDAY_MORNING, Spell(0, 9 * 60 + 30, 11 * 60)) == ["09:00 for 120"]


@pytest.mark.parametrize(
    ("first", "last", "works"),
    [
        (None, None, True),
        (MONDAY, MONDAY, True),
        (MONDAY + timedelta(days=1), None, False),
        (None, MONDAY - timedelta(days=1), False),
    ],
)
def test_a_spell_holds_from_its_first_to_its_last_day(first, last, works):
    assert bool(working(Spell(0, 540, 600, valid_from=first, valid_until=last))) == works


def test_an_exception_replaces_the_plan_of_its_day_only():
    exception = Spell(0, 14 * 60, 15 * 60, on_day=MONDAY)
    two_mondays = Window(MONDAY, 8, ATHENS)
    assert working(MONDAY_MORNING, exception) == ["14:00 for 60"]
    assert working(MONDAY_MORNING, exception, window=two_mondays) == ["14:00 for 60", "09:00 for 60"]


def test_an_exception_can_have_several_spells():
    spells = [Spell(0, 480, 500, on_day=MONDAY), Spell(0, 600, 620, on_day=MONDAY)]
    assert working(MONDAY_MORNING, *spells) == ["08:00 for 20", "10:00 for 20"]


def test_an_exception_without_length_is_a_day_off():
    assert working(MONDAY_MORNING, Spell(0, 0, 0, on_day=MONDAY)) == []


def test_a_closed_day_has_no_hours_even_with_an_exception():
    exception = Spell(0, 540, 600, on_day=MONDAY)
    assert working(MONDAY_MORNING, exception, closed=frozenset([MONDAY])) == []


def test_closed_days_elsewhere_do_not_matter():
    assert working(MONDAY_MORNING, closed=frozenset([date(2000, 1, 1), date(2100, 1, 1)]))


def test_a_spell_can_last_until_midnight():
    assert working(Spell(0, 23 * 60, 1440)) == ["23:00 for 60"]


def test_a_night_over_midnight_is_two_spells_that_meet():
    night = [Spell(0, 23 * 60, 1440), Spell(1, 0, 60)]
    assert working(*night, window=Window(MONDAY, 2, ATHENS)) == ["23:00 for 120"]


@pytest.mark.parametrize(
    ("day", "spell", "told"),
    [
        (SPRING, Spell(6, 2 * 60, 5 * 60), ["02:00 for 120"]),
        (SPRING, Spell(6, 2 * 60, 3 * 60 + 30), ["02:00 for 90"]),
        (SPRING, Spell(6, 3 * 60, 4 * 60), []),
        (AUTUMN, Spell(6, 2 * 60, 5 * 60), ["02:00 for 240"]),
        (AUTUMN, Spell(6, 3 * 60, 4 * 60), ["03:00 for 120"]),
        (AUTUMN, Spell(6, 3 * 60, 3 * 60 + 30), ["03:00 for 30"]),
        (AUTUMN, Spell(6, 4 * 60, 5 * 60), ["04:00 for 60"]),
    ],
)
def test_hours_in_the_nights_in_which_the_clock_changes(day, spell, told):
    assert working(spell, window=Window(day, 1, ATHENS)) == told


def test_time_is_kept_for_staff_by_how_long_before_it_is_released():
    late = Spell(0, 11 * 60, 12 * 60, released_minutes=120)
    forever = Spell(0, 13 * 60, 14 * 60, released_minutes=0)
    assert kept(MONDAY_MORNING, late, forever) == {120: ["11:00 for 60"], 0: ["13:00 for 60"]}


def test_nothing_is_kept_without_a_spell_that_says_so():
    assert kept(MONDAY_MORNING) == {}


def test_where_spells_overlap_the_one_for_everybody_counts_then_the_one_released_earlier():
    spells = [
        Spell(0, 540, 600),
        Spell(0, 540, 660, released_minutes=1440),
        Spell(0, 540, 720, released_minutes=60),
        Spell(0, 540, 780, released_minutes=0),
    ]
    assert kept(*spells) == {1440: ["10:00 for 60"], 60: ["11:00 for 60"], 0: ["12:00 for 60"]}


def test_what_is_kept_of_the_week_ends_on_a_day_with_an_exception():
    weekly = Spell(0, 540, 600, released_minutes=0)
    assert kept(weekly, Spell(0, 540, 600, on_day=MONDAY)) == {0: []}


def test_an_exception_can_keep_a_day_for_staff_that_is_everybodys_in_other_weeks():
    assert kept(MONDAY_MORNING, Spell(0, 540, 600, on_day=MONDAY, released_minutes=0)) == {
        0: ["09:00 for 60"]
    }


def test_a_channel_has_the_spells_that_are_meant_for_it_and_those_for_all():
    spells = [Spell(0, 540, 600, channels=frozenset({"phone"})), Spell(0, 660, 720)]
    assert working(*scheduling.for_channel(spells, "phone")) == ["09:00 for 60", "11:00 for 60"]
    assert working(*scheduling.for_channel(spells, "video")) == ["11:00 for 60"]


def test_an_exception_for_another_channel_does_not_bring_the_plan_of_its_day_back():
    spells = [MONDAY_MORNING, Spell(0, 540, 600, on_day=MONDAY, channels=frozenset({"phone"}))]
    assert working(*scheduling.for_channel(spells, "video")) == []


@examples()
@given(st.data())
def test_the_hours_of_anybody_agree_with_the_slow_reference(data):
    window = data.draw(windows)
    somebody: Somebody = data.draw(somebody_in(window, Rules(5)))
    fast = set(scheduling.instants(calendar_of(somebody, window).working, window))
    assert fast == Week(somebody, window).worked
