"""A counter on both databases, and freed time in it."""

from __future__ import annotations

import pytest

from tests.appointments.earlier.town import Town, rows_at


@pytest.fixture
def town(each_counter, clock, first_free):
    """A counter with many citizens, whose clock, rules, workers and appointments are at hand."""
    return Town(each_counter, clock, first_free)


@pytest.fixture
def freed(town):
    """A full hour, of which one appointment was cancelled while three citizens wait for an earlier time."""
    town.fill(town.start)
    rows = town.line(3)
    former = rows_at(town, town.start)[0]
    town.cancel(former)
    town.former, town.rows = former, rows
    return town
