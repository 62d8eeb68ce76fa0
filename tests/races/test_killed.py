"""Processes are ended with SIGKILL while they take time: nothing is doubled, nothing is kept for nobody."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.appointments import availability, busy_days, lifecycle, occupancy
from portal.appointments.models import Appointment
from portal.db import db

from ..histories import ledger, town
from .deeds import IN_PERSON, VIDEO
from .racers import RACERS, Race, books_of, race

pytestmark = pytest.mark.timeout(120)


def die(*_arguments, **_words):
    """As when the power fails."""
    os.kill(os.getpid(), signal.SIGKILL)


def and_then_die(function):
    """Do it, and end in the same moment."""

    def do(*arguments, **words):
        function(*arguments, **words)
        die()

    return do


DEATHS = {
    "before the claims": (occupancy, "_insert", die),
    "after the claims": (occupancy, "_insert", and_then_die(occupancy._insert)),
    "with the busy days, before the commit": (busy_days, "mark", and_then_die(busy_days.mark)),
}


@pytest.mark.parametrize("moment", DEATHS)
def test_a_booker_killed_in_his_transaction_has_taken_nothing(scene, moment):
    """One is killed while others want the same time of the only clerk."""
    module, name, deadly = DEATHS[moment]
    start = scene.starts(VIDEO, "west")[0]

    def deed(number, turn):
        if number == 0:
            setattr(module, name, deadly)
        else:
            time.sleep(0.05)
        scene.book_at_counter(start, VIDEO, "west")

    running = Race(deed, rounds=1)
    told = running.finish()
    assert running.killed == 1
    assert told == {"won": 1, "lost": RACERS - 2}
    assert books_of(scene).faults() == []
    assert [row.state for row in db.session.scalars(select(Appointment))] == ["booked"]


@pytest.mark.parametrize("deed", ["move", "cancel", "reassign"])
def test_who_is_killed_while_he_changes_an_appointment_has_changed_nothing(scene, deed):
    first, later = scene.starts()[:2]
    row = scene.book_at_counter(first)
    before = ledger.needs(db.session.get_one(Appointment, row), scene.booking)

    def change(number, turn):
        lifecycle.audit.record = die
        if deed == "move":
            scene.move(row, later)
        else:
            getattr(scene, deed)(row)

    running = Race(change, racers=1, rounds=1)
    running.finish()
    assert running.killed == 1
    books = books_of(scene)
    assert books.faults() == []
    assert [ledger.needs(one, scene.booking) for one in books.living] == [before]
    assert set(books.claims) == before


def test_what_a_dead_booker_held_lapses_at_its_time_although_no_worker_runs(scene, clock):
    start = scene.starts(VIDEO, "west")[0]

    def hold_and_die(number, turn):
        scene.hold(start, VIDEO, "west")
        die()

    running = Race(hold_and_die, racers=1, rounds=1)
    running.finish()
    assert running.killed == 1

    def book_it(number, turn):
        scene.book_at_counter(start, VIDEO, "west")

    clock.shift(timedelta(minutes=scene.booking.hold_minutes, seconds=-1))
    assert start not in offered(scene)
    assert race(book_it, rounds=1) == {"lost": RACERS}
    assert books_of(scene).faults() == []
    clock.shift(timedelta(seconds=1))
    assert start in offered(scene)
    assert race(book_it, rounds=1) == {"won": 1, "lost": RACERS - 1}
    books = books_of(scene)
    assert books.faults() == []
    assert [row.starts_at for row in books.living] == [start]


def offered(scene):
    db.session.rollback()
    office = scene.office("west")
    return availability.offer(scene.service(), scene.booking, office, town.FIRST_DAY, 1, wish=VIDEO).starts


def test_whoever_is_killed_at_any_moment_leaves_nothing_half_done(scene, clock):
    """All do anything; half of them are killed one after the other."""
    starts = scene.starts()
    running = Race(
        lambda number, turn: scene.anything(number, turn, starts), racers=8, rounds=12, together=False
    )
    for number in range(4):
        time.sleep(random.uniform(0.05, 0.25))
        running.kill(number)
    told = running.finish()
    assert running.killed > 0
    assert told["won"] > 0
    assert told["broken off"] == 0
    books = books_of(scene)
    assert books.faults() == []
    clock.shift(timedelta(minutes=scene.booking.hold_minutes))
    books = books_of(scene)
    assert books.faults() == []
    assert books.kept_from_others() == {}
    assert all(row.state == "booked" for row in books.living)
    race(lambda number, turn: scene.book_at_counter(starts[-1], IN_PERSON), rounds=1)
    assert books_of(scene).faults() == []
