"""The line at the door: how many are before somebody with his clerk, and about how late the clerk is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.appointments import call
from portal.appointments.door_state import Face
from portal.appointments.links import join_token
from portal.appointments.models import Appointment, Participant
from portal.appointments.place_in_line import line_of
from portal.audit import AuditLine
from portal.db import db, transaction


@pytest.fixture
def row(hall, booked):
    row = booked(hall, number=30)
    hall.clock.move_to(row.starts_at - timedelta(minutes=5))
    return row


@pytest.fixture
def earlier(row):
    """``earlier(minutes)``: another appointment with the same clerk, so long before."""

    def add(minutes, state="booked", here=False, **values):
        other = Appointment(
            service=row.service,
            office=row.office,
            clerk=row.clerk,
            state=state,
            starts_at=row.starts_at - timedelta(minutes=minutes),
            **{"minutes": 15} | values,
        )
        with transaction():
            db.session.add(other)
            guest = Participant(role="citizen", name="Άλλος", language="el")
            other.participants.append(guest)
            if here:
                call.arrive(guest)
        return other

    return add


def told(row):
    line = line_of(row)
    return line.before, line.minutes_late, line.in_call


def test_alone_with_a_punctual_clerk_there_is_nothing_to_tell(row):
    assert told(row) == (0, 0, False)


def test_a_call_that_began_late_makes_the_next_one_late_by_as_much(hall, row, earlier):
    earlier(15, "in_call", started_at=row.starts_at - timedelta(minutes=7))
    assert told(row) == (1, 10, True)  # until eight minutes past: told in steps of five


def test_who_waits_from_before_comes_first_and_takes_his_whole_time(row, earlier):
    earlier(30, "in_call", started_at=row.starts_at - timedelta(minutes=10))
    earlier(15, here=True)
    assert told(row) == (2, 20, True)


def test_who_did_not_come_keeps_nobody_waiting(row, earlier):
    earlier(15)
    assert told(row) == (0, 0, False)


def test_who_is_still_expected_on_time_is_before_but_makes_nobody_late(hall, row, earlier):
    hall.clock.move_to(row.starts_at - timedelta(minutes=15))
    earlier(15)
    assert told(row) == (1, 0, False)


def test_a_call_by_phone_counts_though_nobody_stands_at_the_door(row, earlier):
    earlier(15, channel="phone")
    assert told(row)[0] == 1


def test_a_call_that_nobody_has_ended_for_hours_counts_no_more(row, earlier):
    earlier(180, "in_call", started_at=row.starts_at - timedelta(minutes=180))
    assert told(row) == (0, 0, False)


def test_other_clerks_and_later_appointments_do_not_count(row, earlier):
    earlier(-15)
    other = earlier(20, here=True)
    with transaction():
        other.clerk_id = row.clerk_id + 1
    assert told(row) == (0, 0, False)


def test_as_second_clerk_he_is_just_as_busy(row, earlier):
    other = earlier(15, "in_call", started_at=row.starts_at - timedelta(minutes=15))
    with transaction():
        other.clerk_id, other.second_clerk_id = row.clerk_id + 1, row.clerk_id
    assert told(row) == (1, 0, True)


def test_the_door_tells_it_and_notices_when_it_changes(hall, row, earlier, visit):
    guest, client = row.participants[0], visit()
    address = f"/join/{join_token(guest)}"
    before = client.get(f"{address}/state").get_json()["mark"]
    earlier(30, "in_call", started_at=row.starts_at - timedelta(minutes=10))
    earlier(15, here=True)
    page = client.get(address).text
    assert "2 people are before you." in page
    assert "The clerk is about 20 minutes late." in page
    assert client.get(f"{address}/state").get_json()["mark"] != before


def test_the_door_says_that_a_colleague_has_taken_over(hall, row, visit):
    client, address = visit(), f"/join/{join_token(row.participants[0])}"
    before = Face.of(row.participants[0]).mark
    assert "A colleague has taken over" not in client.get(address).text
    with transaction():
        former, row.clerk_id = row.clerk_id, row.clerk_id + 1
        facts = {"former": former}
        db.session.add(AuditLine(deed="reassigned", subject=f"appointment:{row.id}", facts=facts))
    assert "A colleague has taken over and will serve you." in client.get(address).text
    assert Face.of(row.participants[0]).mark != before
