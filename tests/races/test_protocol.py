"""Many clerks open cases at the same moment; each gets a number of its own, and none is left out.

The race is run once more with numbers that are looked up first, and must then find the same one given twice.
"""

from __future__ import annotations

import time
from collections import defaultdict

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.appointments.models import Appointment
from portal.appointments.occupancy import TimeTaken
from portal.db import db, transaction
from portal.documents import lifecycle, protocol, states
from portal.documents.models import DocumentRequest, ProtocolCounter

from .racers import RACERS, race

pytestmark = pytest.mark.timeout(120)

ROUNDS = 3


@pytest.fixture
def owed(scene):
    """An appointment for every racer in every round."""
    first = db.session.get_one(Appointment, scene.book(0, scene.starts()[0]))
    columns = [column.key for column in Appointment.__mapper__.columns if column.key not in ("id", "key")]
    with transaction():
        values = {name: getattr(first, name) for name in columns}
        copies = [Appointment(**values) for _ in range(RACERS * ROUNDS)]
        db.session.add_all(copies)
    return [copy.id for copy in copies]


def last_number():
    """The newest number that anybody can see now."""
    return db.session.scalar(select(ProtocolCounter.last).order_by(ProtocolCounter.last.desc())) or 0


def opens_cases(owed, before=lambda: None):
    """Each opens a case; one of them in each round thinks better of it, and his number must come back."""

    def deed(number, turn):
        before()
        try:
            with transaction():
                lifecycle.ask(db.session.get_one(Appointment, owed[turn * RACERS + number]))
                if number == turn:
                    raise states.NotPossible
        except IntegrityError:
            raise TimeTaken from None
        except states.NotPossible:
            return

    return deed


def numbers_by_office():
    db.session.rollback()
    found = defaultdict(list)
    for request in db.session.scalars(select(DocumentRequest).order_by(DocumentRequest.number)):
        found[request.office_id, request.series, request.year].append(request.number)
    return found


def test_every_case_has_its_number_and_no_number_is_left_out(owed):
    told = race(opens_cases(owed), RACERS, ROUNDS)
    assert told["won"] == RACERS * ROUNDS
    given = numbers_by_office()
    assert sum(map(len, given.values())) == (RACERS - 1) * ROUNDS
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in given.values()), given


def test_the_race_would_find_a_number_that_is_given_twice(owed, monkeypatch):
    seen = [0]

    def look():
        seen[0] = last_number()
        db.session.rollback()
        time.sleep(0.02)

    def one_more_than_seen(office_id, series, year):
        db.session.merge(ProtocolCounter(office_id=office_id, series=series, year=year, last=seen[0] + 1))
        return seen[0] + 1

    monkeypatch.setattr(protocol, "_next_number", one_more_than_seen)
    told = race(opens_cases(owed, look), RACERS, ROUNDS)
    assert told["lost"] > 0
