"""Counting time: quanta, wall clocks, days of 23 and 25 hours, and calendars as rows of bits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import EPOCH, QUANTUM, Window, instant_of, quantum_after, quantum_of

from . import reference
from .weeks import ATHENS, AUTUMN, MONDAY, SPRING, at, examples, moments_in, windows

instants = st.timedeltas(timedelta(days=-4000), timedelta(days=40000)).map(lambda passed: EPOCH + passed)
numbers = st.sets(st.integers(0, 700))


def row(numbers):
    return sum(1 << number for number in numbers)


@given(instants)
def test_an_instant_lies_in_its_quantum(instant):
    begin = instant_of(quantum_of(instant))
    assert begin <= instant < begin + QUANTUM
    assert (begin - EPOCH) % timedelta(minutes=5) == timedelta(0)


@given(instants)
def test_the_quantum_after_begins_at_the_instant_or_as_soon_as_can_be(instant):
    begin = instant_of(quantum_after(instant))
    assert instant <= begin < instant + QUANTUM


@pytest.mark.parametrize(("minutes", "quanta"), [(0, 0), (1, 1), (5, 1), (6, 2), (45, 9)])
def test_minutes_are_rounded_up_to_whole_quanta(minutes, quanta):
    assert scheduling.quanta_in(minutes) == quanta


@pytest.mark.parametrize(("day", "quanta"), [(SPRING, 276), (AUTUMN, 300), (MONDAY, 288)])
def test_a_day_has_as_many_quanta_as_the_clocks_make_it(day, quanta):
    window = Window(day, 1, ATHENS)
    assert window.length == quanta == len(reference.moments_of(day, ATHENS))
    assert window.clock_changes_on(0) == (quanta != 288)


def test_a_wall_clock_time_that_never_happens_is_placed_after_the_jump():
    assert at(3, 30, SPRING) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_wall_clock_time_that_happens_twice_means_the_first():
    assert at(3, 30, AUTUMN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_midnight_that_ends_a_day_belongs_to_it():
    assert at(24, 0, MONDAY) == at(0, 0, MONDAY + timedelta(days=1))


@pytest.mark.parametrize("day", [SPRING, AUTUMN, MONDAY])
def test_every_wall_clock_time_stands_where_the_clock_shows_it(day):
    window = Window(day - timedelta(days=1), 3, ATHENS)
    for minute in range(0, 1441, 5):
        shown = reference.clock_shows(day, minute, ATHENS)
        assert scheduling.wall_clock(day, minute, ATHENS) == shown
        assert instant_of(window.first_quantum + window.offset(1, minute)) == shown


@examples()
@given(windows)
def test_a_window_is_cut_into_its_days(window):
    everything = row(range(window.length))
    parts = [window.bits_of_day(number, everything) for number in range(window.days)]
    days = list(window.all_days())
    assert [part.bit_count() for part in parts] == [len(reference.moments_of(day, ATHENS)) for day in days]
    assert [window.number_of(day) for day in days] == list(range(window.days))
    assert window.midnight(0) == reference.midnight(days[0], ATHENS)


def test_days_outside_of_a_window_have_numbers_outside_of_it():
    window = Window(MONDAY, 2, ATHENS)
    assert window.number_of(MONDAY - timedelta(days=1)) < 0
    assert window.number_of(MONDAY + timedelta(days=2)) >= window.days


@given(numbers)
def test_bits_are_told_in_order(chosen):
    assert list(scheduling.set_bits(row(chosen))) == sorted(chosen)


@given(st.integers(-20, 50), st.integers(-20, 50))
def test_a_stretch_of_bits_is_cut_at_the_beginning(first, end):
    assert set(scheduling.set_bits(scheduling.bits(first, end))) == {n for n in range(first, end) if n >= 0}


@examples()
@given(st.data())
def test_a_calendar_tells_the_instants_that_were_put_into_it(data):
    window = data.draw(windows)
    chosen = data.draw(st.sets(st.integers(-40, window.length + 40), max_size=60))
    calendar = scheduling.quanta_taken((window.first_quantum + n for n in chosen), window)
    inside = sorted(n for n in chosen if 0 <= n < window.length)
    assert list(scheduling.instants(calendar, window)) == [window.midnight(0) + n * QUANTUM for n in inside]


@examples()
@given(st.data())
def test_a_span_takes_every_quantum_that_it_touches(data):
    window = data.draw(windows)
    begin = data.draw(moments_in(window)) + timedelta(minutes=data.draw(st.integers(-9, 9)))
    end = begin + timedelta(minutes=data.draw(st.integers(0, 600)))
    touched = [
        moment
        for day in window.all_days()
        for moment in reference.moments_of(day, ATHENS)
        if begin < moment + QUANTUM and moment < end
    ]
    if end > begin:
        assert list(scheduling.instants(scheduling.span(begin, end, window), window)) == touched


def test_a_day_without_length_is_a_window_without_anything():
    window = Window(date(2026, 12, 1), 0, ATHENS)
    assert window.length == 0
    assert scheduling.quanta_taken([window.first_quantum], window) == 0
