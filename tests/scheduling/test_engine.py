"""Free starts: one person by tables of cases, then any number of people against the slow reference."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import Calendar, Pool, Rules, Spell, Window, quanta_in, quantum_of

from . import reference
from .weeks import (
    ATHENS,
    AUTUMN,
    MONDAY,
    SPRING,
    at,
    calendar_of,
    examples,
    moments_in,
    rules,
    shown,
    somebody_in,
    windows,
)

ONE_DAY = Window(MONDAY, 1, ATHENS)
EVERYTHING = -1


def calendar(*spells, taken=(), window=ONE_DAY, owner=1):
    """A clerk with these hours, of whom stretches ``(begin, end)`` are taken."""
    busy = 0
    for begins_at, ends_at in taken:
        busy |= scheduling.span(begins_at, ends_at, window)
    return Calendar(owner, 1, scheduling.working_calendar(spells, frozenset(), window), busy)


def starts(one, rules, window=ONE_DAY):
    free = scheduling.free_calendar(one, rules) & scheduling.raster_calendar(rules.raster, window)
    return shown(free, window)


def pool_starts(*pools, raster=30):
    return shown(scheduling.free_of_all(pools) & scheduling.raster_calendar(raster, ONE_DAY), ONE_DAY)


def test_a_meeting_fits_as_often_as_the_hours_allow():
    assert starts(calendar(Spell(0, 540, 600)), Rules(20, raster=20)) == ["09:00", "09:20", "09:40"]


def test_the_meeting_must_lie_within_the_hours_but_its_buffers_need_not():
    found = starts(calendar(Spell(0, 540, 600)), Rules(30, buffer_before=10, buffer_after=15, raster=15))
    assert found == ["09:00", "09:15", "09:30"]


def test_a_meeting_does_not_run_over_a_break():
    clerk = calendar(Spell(0, 540, 600), Spell(0, 615, 660))
    assert starts(clerk, Rules(45, raster=15)) == ["09:00", "09:15", "10:15"]


def test_the_buffers_keep_their_distance_on_both_sides():
    clerk = calendar(Spell(0, 540, 660), taken=[(at(9, 50), at(10, 10))])
    found = starts(clerk, Rules(20, buffer_before=5, buffer_after=10, raster=5))
    assert found == [f"09:{minute:02}" for minute in range(0, 25, 5)] + [
        f"10:{minute}" for minute in range(15, 45, 5)
    ]


def test_two_meetings_with_buffers_can_follow_each_other_without_a_minute_lost():
    whole = Rules(20, buffer_before=5, buffer_after=10, raster=5)
    taken = scheduling.claimed_quanta(at(9), whole)
    clerk = Calendar(1, 1, calendar(Spell(0, 540, 660)).working, scheduling.quanta_taken(taken, ONE_DAY))
    assert starts(clerk, whole)[0] == "09:35"


def test_a_meeting_claims_its_buffers():
    claimed = scheduling.claimed_quanta(at(9), Rules(20, buffer_before=5, buffer_after=12))
    assert (claimed.start, claimed.stop) == (quantum_of(at(8, 55)), quantum_of(at(9, 35)))


def test_limits_include_both_instants():
    limits = scheduling.limits_calendar(ONE_DAY, at(9, 1), at(9, 20))
    assert shown(limits, ONE_DAY) == ["09:05", "09:10", "09:15", "09:20"]


def test_limits_outside_of_the_window_leave_nothing_or_all():
    before, after = at(0) - timedelta(days=9), at(0) + timedelta(days=9)
    assert scheduling.limits_calendar(ONE_DAY, before, before) == 0
    assert scheduling.limits_calendar(ONE_DAY, after, after) == 0
    assert scheduling.limits_calendar(ONE_DAY, before, after).bit_count() == 288


@pytest.mark.parametrize(
    ("day", "told"), [(SPRING, ["02:00", "04:00"]), (AUTUMN, ["02:00", "03:00", "03:00", "04:00"])]
)
def test_an_hour_that_is_missing_is_not_sold_and_one_that_comes_twice_is_sold_twice(day, told):
    window = Window(day, 1, ATHENS)
    assert starts(calendar(Spell(6, 120, 300), window=window), Rules(60, raster=60), window) == told


def test_an_hour_is_offered_while_one_of_several_clerks_is_free():
    spell = Spell(0, 540, 600)
    pool = Pool([calendar(spell, taken=[(at(9), at(10))]), calendar(spell, owner=2)], Rules(30))
    assert pool_starts(pool) == ["09:00", "09:30"]


def test_a_second_clerk_is_another_one():
    spell = Spell(0, 540, 660)
    half = calendar(spell, taken=[(at(9), at(10))])
    pair = Pool([half, calendar(spell, owner=2)], Rules(30), needed=2)
    assert pool_starts(pair) == ["10:00", "10:30"]
    assert pool_starts(Pool([half], Rules(30), needed=2)) == []


def test_an_interpreter_has_hours_and_buffers_of_his_own():
    clerks = Pool([calendar(Spell(0, 540, 720))], Rules(30, buffer_after=10))
    interpreter = calendar(Spell(0, 600, 720), taken=[(at(11), at(11, 30))], owner=2)
    assert pool_starts(clerks, Pool([interpreter], Rules(30))) == ["10:00", "10:30", "11:30"]
    assert pool_starts(clerks, Pool([interpreter], Rules(30, buffer_before=15, buffer_after=15))) == ["10:00"]


def test_nothing_is_free_where_a_pool_is_empty():
    assert pool_starts(Pool([calendar(Spell(0, 540, 600))], Rules(30)), Pool([], Rules(30))) == []


def test_a_place_without_hours_of_its_own_is_only_taken_or_not():
    clerks = Pool([calendar(Spell(0, 540, 630))], Rules(30))
    place = Calendar(1, 1, EVERYTHING, scheduling.span(at(9, 30), at(10), ONE_DAY))
    assert pool_starts(clerks, Pool([place], Rules(30))) == ["09:00", "10:00"]


def test_an_hour_holds_as_many_meetings_as_fit_one_after_the_other():
    clerk = calendar(Spell(0, 540, 600))
    whole = Rules(20, buffer_after=5, raster=5)
    assert scheduling.meetings_that_fit(scheduling.free_calendar(clerk, whole), whole) == 2


# --- Against the slow reference --------------------------------------------------------------------------


@st.composite
def pools_in(draw, window):
    """Clerks of whom one or two are needed, perhaps an interpreter, perhaps a place."""
    sizes = draw(st.sampled_from([[(1, 1)], [(2, 1)], [(3, 2)], [(2, 1), (2, 1)], [(2, 2), (1, 1), (1, 1)]]))
    pools = []
    for size, needed in sizes:
        of_pool = draw(rules)
        pools.append(([draw(somebody_in(window, of_pool)) for _ in range(size)], needed))
    return pools


@examples()
@given(st.data())
def test_free_starts_agree_with_the_slow_reference(data):
    window = data.draw(windows)
    people = data.draw(pools_in(window))
    raster = data.draw(st.sampled_from([5, 10, 15, 20, 30]))
    earliest, latest = sorted([data.draw(moments_in(window)), data.draw(moments_in(window))])
    earliest += timedelta(minutes=data.draw(st.integers(-4, 4)))
    possible = reference.possible_starts(window, raster, earliest, latest)
    slow = reference.free_starts(people, window, possible)
    pools = [
        Pool([calendar_of(somebody, window) for somebody in members], members[0].rules, needed)
        for members, needed in people
    ]
    fast = (
        scheduling.free_of_all(pools)
        & scheduling.raster_calendar(raster, window)
        & scheduling.limits_calendar(window, earliest, latest)
    )
    assert list(scheduling.instants(fast, window)) == slow


@examples()
@given(st.lists(st.sets(st.integers(0, 40)), max_size=6), st.integers(1, 4))
def test_enough_means_at_least_so_many(rows, needed):
    calendars = [sum(1 << number for number in row) for row in rows]
    assert set(scheduling.set_bits(scheduling.enough(calendars, needed))) == reference.in_enough(rows, needed)


@examples()
@given(st.sets(st.integers(0, 200)), rules)
def test_meetings_that_fit_are_those_of_who_takes_the_first_each_time(chosen, rules):
    distance = quanta_in(rules.buffer_before) + quanta_in(rules.minutes) + quanta_in(rules.buffer_after)
    counted = scheduling.meetings_that_fit(sum(1 << number for number in chosen), rules)
    assert counted == reference.meetings_one_after_the_other(chosen, distance)


@examples(0.3)
@given(st.sets(st.integers(0, 30), max_size=10), st.sampled_from([5, 10, 20]))
def test_no_other_choice_of_starts_makes_room_for_more_meetings(chosen, minutes):
    counted = scheduling.meetings_that_fit(sum(1 << number for number in chosen), Rules(minutes))
    assert counted == reference.most_meetings(sorted(chosen), minutes // 5)
