"""Many processes want the same times, on both databases; nobody's time is ever sold twice.

The control runs the same race with the guard off and must find double bookings, or the race proves
nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal.appointments import availability
from portal.appointments.models import Appointment, Claim
from portal.db import db, transaction
from portal.people.models import Person
from portal.scheduling import claimed_quanta

BOOKER = Path(__file__).with_name("booker.py")
RACERS = 6
STARTS = 8

pytestmark = pytest.mark.timeout(240)


def race(counter, mode, first, guard="on", kill=0, starts=STARTS):
    """Start the racers together; ``kill`` of them are killed in the middle."""
    environment = dict(os.environ) | {
        "PORTAL_INSTANCE": str(counter.config.instance),
        "PORTAL_DATABASE_URL": counter.config.database_url,
        "PORTAL_LOG_LEVEL": "CRITICAL",
        "RACE_GUARD": guard,
    }
    db.session.rollback()
    with ExitStack() as stack:
        racers = [
            stack.enter_context(_racer(mode, number, first, starts, environment)) for number in range(RACERS)
        ]
        return _run(racers, kill)


@contextmanager
def _racer(mode, number, first, starts, environment):
    process = subprocess.Popen(
        [sys.executable, str(BOOKER), mode, str(number), first.isoformat(), str(starts)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _run(racers, kill):
    for racer in racers:
        while racer.stdout.readline().strip() != "ready":
            assert racer.poll() is None, "a racer ended before the start"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers[:kill]:
        racer.send_signal(signal.SIGKILL)
    totals = Counter()
    for racer in racers:
        said = racer.communicate(timeout=200)[0].strip().splitlines()
        assert racer.returncode in (0, -signal.SIGKILL)
        if racer.returncode == 0:
            totals.update(json.loads(said[-1]))
    return totals


def make_racers():
    with transaction():
        db.session.add_all(
            Person(provider="demo", subject=f"racer-{number}", first_name=f"R{number}")
            for number in range(RACERS)
        )


def double_bookings(counter):
    """Pairs of living appointments whose clerk's time overlaps, counted from the appointments alone."""
    db.session.rollback()
    taken = Counter()
    living = select(Appointment).where(Appointment.state.in_(["booked", "held"]))
    for row in db.session.scalars(living):
        rules = availability.rules_of(row.service, counter.booking)
        taken.update((row.clerk_id, quantum) for quantum in claimed_quanta(row.starts_at, rules))
    return sum(count - 1 for count in taken.values() if count > 1)


def claims_match_appointments(counter):
    """Every booked appointment has all its claims, and no claim belongs to one that is over."""
    for row in db.session.scalars(select(Appointment)):
        have = db.session.scalar(
            select(func.count())
            .select_from(Claim)
            .where(Claim.appointment_id == row.id, Claim.resource == f"clerk:{row.clerk_id}")
        )
        rules = availability.rules_of(row.service, counter.booking)
        if row.state == "booked" and have != len(claimed_quanta(row.starts_at, rules)):
            return False
        if row.state in ("cancelled", "expired") and have:
            return False
    return True


@pytest.fixture
def first_start(each_counter):
    make_racers()
    service = each_counter.service("birth-certificate")
    free = availability.offer(service, each_counter.booking).starts
    return next(start for start in free if start.hour == 7 and start.minute == 0 and start > free[30])


def test_the_last_times_are_sold_once_however_many_want_them(each_counter, first_start):
    totals = race(each_counter, "book", first_start)
    assert double_bookings(each_counter) == 0
    assert claims_match_appointments(each_counter)
    assert totals["deadlocks"] == 0
    booked = db.session.scalar(
        select(func.count()).select_from(Appointment).where(Appointment.state == "booked")
    )
    assert booked == totals["won"] > 0


def test_bookings_moves_and_cancellations_at_once_never_meet(each_counter, first_start):
    totals = race(each_counter, "mixed", first_start, starts=14)
    assert totals["won"] > 0
    assert totals["deadlocks"] == 0
    assert double_bookings(each_counter) == 0
    assert claims_match_appointments(each_counter)


def test_bookers_killed_in_the_middle_leave_nothing_half_done(each_counter, first_start):
    race(each_counter, "mixed", first_start, kill=3, starts=14)
    assert double_bookings(each_counter) == 0
    assert claims_match_appointments(each_counter)


def test_the_race_would_catch_a_system_that_looks_first_and_inserts_afterwards(each_counter, first_start):
    race(each_counter, "book", first_start, guard="off")
    assert double_bookings(each_counter) > 0
