"""Whom to choose: the language first, then even load, then no leftovers, then the lower number."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import scheduling
from portal.scheduling import Calendar, Rules, Spell, Standing, Window

from . import reference
from .weeks import ATHENS, MONDAY, at, calendar_of, examples, moments_in, rules, somebody_in, windows

ONE_DAY = Window(MONDAY, 1, ATHENS)
SHORTEST = 20


def standing(owner, speaks=True, minutes=0, stranded=0):
    return Standing(Calendar(owner, 1, 0, 0), speaks, minutes, stranded)


def order(*standings):
    """Numbers of the clerks in the order in which they are tried, whatever order they came in."""
    mixed = random.Random(1).sample(standings, len(standings))
    return [one.calendar.owner for one in scheduling.ranked(mixed)]


def test_who_speaks_the_language_comes_before_who_has_less_to_do():
    assert order(standing(1, speaks=False, minutes=0), standing(2, minutes=600)) == [2, 1]


def test_less_to_do_comes_before_fewer_leftovers():
    assert order(standing(1, minutes=90, stranded=0), standing(2, minutes=30, stranded=25)) == [2, 1]


def test_half_an_hour_counts_as_the_same_load_so_that_leftovers_decide():
    assert order(standing(1, minutes=0, stranded=10), standing(2, minutes=29)) == [2, 1]
    assert order(standing(1, minutes=0, stranded=10), standing(2, minutes=30)) == [1, 2]


def test_among_equals_the_lower_number_is_taken():
    assert order(standing(9), standing(3), standing(4)) == [3, 4, 9]


def left(begin, minutes=20, taken=(), rules=None):
    """What a meeting leaves of a day from 9 to 11 o'clock."""
    busy = 0
    for begins_at, ends_at in taken:
        busy |= scheduling.span(begins_at, ends_at, ONE_DAY)
    clerk = Calendar(1, 1, scheduling.working_calendar([Spell(0, 540, 660)], frozenset(), ONE_DAY), busy)
    return scheduling.stranded_minutes(clerk, rules or Rules(minutes), ONE_DAY, begin, SHORTEST)


@pytest.mark.parametrize(
    ("begin", "stranded"),
    [
        (at(9), 0),
        (at(9, 5), 5),
        (at(9, 15), 15),
        (at(9, 20), 0),
        (at(10, 25), 15),
        (at(10, 40), 0),
    ],
)
def test_a_gap_counts_when_nothing_fits_into_it(begin, stranded):
    assert left(begin) == stranded


def test_gaps_on_both_sides_are_added():
    assert left(at(9, 30), taken=[(at(9), at(9, 20)), (at(10), at(11))]) == 10 + 10


def test_a_buffer_is_used_time_and_no_gap():
    assert left(at(9, 10), rules=Rules(20, buffer_before=10, buffer_after=5)) == 0


def test_a_meeting_whose_buffer_begins_before_the_window_strands_nothing_there():
    clerk = Calendar(1, 1, scheduling.working_calendar([Spell(0, 0, 60)], frozenset(), ONE_DAY), 0)
    whole = Rules(20, buffer_before=15)
    assert scheduling.stranded_minutes(clerk, whole, ONE_DAY, at(0), SHORTEST) == 0


@examples()
@given(st.data())
def test_stranded_minutes_agree_with_the_slow_reference(data):
    window = data.draw(windows)
    somebody = data.draw(somebody_in(window, data.draw(rules)))
    start = data.draw(moments_in(window))
    shortest = data.draw(st.sampled_from([5, 20, 22, 60]))
    fast = scheduling.stranded_minutes(calendar_of(somebody, window), somebody.rules, window, start, shortest)
    assert fast == reference.stranded(somebody, window, start, shortest)
