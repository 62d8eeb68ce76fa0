"""The citizen's own appointments: who sees them, moving, cancelling, and what the lists cost."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from portal.appointments import availability
from portal.appointments.models import Appointment
from portal.db import db, transaction
from portal.offices.models import Office
from portal.people.models import Person
from tests.appointments.test_citizen_pages import SERVICE, TIMES, take_away


@pytest.fixture
def statements(app):
    """``statements()``: how many SQL statements ran since it was asked last."""
    seen = []

    def note(*arguments):
        seen.append(arguments[2])

    def count():
        number = len(seen)
        seen.clear()
        return number

    event.listen(db.engine, "before_cursor_execute", note)
    yield count
    event.remove(db.engine, "before_cursor_execute", note)


def test_another_citizens_appointment_is_not_found(hall, visit, booked):
    row = booked(hall, number=30)
    client = visit(hall.stranger)
    for page in ("", "/appointment.ics", "/move", "/cancel"):
        assert client.get(f"/appointments/{row.key}{page}").status_code == 404
    for page in ("/move", "/cancel"):
        sent = client.submit(f"/appointments/{row.key}{page}", {"start": row.starts_at.isoformat()}, TIMES)
        assert sent.status_code == 404
    db.session.refresh(row)
    assert (row.state, row.version) == ("booked", 1)


def test_nobody_sees_an_appointment_without_login(hall, client, booked):
    row = booked(hall, number=30)
    answer = client.get(f"/appointments/{row.key}")
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=/appointments/")


def test_an_appointment_moves_to_another_time(hall, visit, booked, first_free):
    row = booked(hall, number=30)
    client = visit(hall.citizen)
    address = f"/appointments/{row.key}"
    new = first_free(hall, row.service, 50)
    answer = client.submit(f"{address}/move", {"start": new.isoformat(), "office": "any"})
    assert answer.location == address
    assert "Your appointment has moved." in client.get(address).text
    db.session.refresh(row)
    assert (row.starts_at, row.version) == (new, 2)


def test_a_lost_race_for_the_new_time_changes_nothing(hall, visit, booked, first_free):
    row = booked(hall, number=30)
    new = first_free(hall, row.service, 50)
    take_away(hall, Appointment(starts_at=new))
    client = visit(hall.citizen)
    address, before = f"/appointments/{row.key}/move", row.starts_at
    assert client.submit(address, {"start": new.isoformat(), "office": "any"}).location == address
    assert "Your appointment has not changed" in client.get(address).text
    db.session.refresh(row)
    assert (row.starts_at, row.version) == (before, 1)


def test_an_appointment_is_cancelled_only_after_a_question(hall, visit, booked):
    row = booked(hall, number=30)
    client = visit(hall.citizen)
    assert client.get(f"/appointments/{row.key}/cancel").status_code == 200
    assert row.state == "booked"
    client.submit(f"/appointments/{row.key}/cancel")
    db.session.refresh(row)
    assert row.state == "cancelled"
    assert "Book this service again" in client.get(f"/appointments/{row.key}").text


def test_shortly_before_the_start_nothing_can_be_changed_any_more(hall, visit, booked, first_free):
    row = booked(hall, number=30)
    new = first_free(hall, row.service, 50)
    client = visit(hall.citizen)
    address = f"/appointments/{row.key}"
    page = client.get(f"{address}/move")
    hall.clock.move_to(row.starts_at - timedelta(minutes=hall.booking.change_until_minutes))
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)[1]
    late = {"csrf_token": token, "start": new.isoformat(), "office": "any"}
    for answer in (
        client.get(f"{address}/move"),
        client.get(f"{address}/cancel"),
        client.post(f"{address}/move", data=late),
        client.post(f"{address}/cancel", data=late),
    ):
        assert answer.location == address
    page = client.get(address).text
    assert "This appointment can no longer be changed here." in page
    assert f'href="{address}/cancel"' not in page
    db.session.refresh(row)
    assert (row.state, row.version) == ("booked", 1)


def test_the_list_asks_the_database_equally_often_for_two_and_ten_appointments(hall, visit, statements):
    client = visit(hall.citizen)

    def book(numbers):
        with transaction():
            for number in numbers:
                # Among several services and both offices, ahead and behind.
                row = Appointment(
                    service=hall.service(SERVICE if number % 2 else "criminal-record"),
                    office=offices[number % len(offices)],
                    clerk=clerk,
                    citizen=hall.citizen,
                    state="booked" if number < 6 else "done",
                    starts_at=start + timedelta(days=number),
                    minutes=15,
                )
                db.session.add(row)

    offices = db.session.scalars(select(Office)).all()
    clerk = db.session.scalar(select(Person).filter_by(login="k.alexiou"))
    start = availability.offer(hall.service(SERVICE), hall.booking).starts[0]
    counts = []
    for numbers in ((0, 7), (1, 2, 3, 4, 5, 6, 8, 9)):
        book(numbers)
        db.session.rollback()
        statements()
        page = client.get("/appointments")
        counts.append((page.text.count('<li class="box">'), statements()))
    assert [shown for shown, _ in counts] == [2, 10]
    assert counts[0][1] == counts[1][1]
    assert counts[0][1] <= 9


def test_the_times_cost_the_same_however_much_is_booked(hall, visit, booked, statements):
    client = visit(hall.citizen)
    client.get(TIMES)  # the roster is read once
    hall.clock.shift(timedelta(seconds=2))  # what was read a second ago would do
    statements()
    client.get(TIMES)
    empty = statements()
    for number in range(4):
        booked(hall, number=20 + 15 * number)
    db.session.rollback()
    hall.clock.shift(timedelta(seconds=2))
    statements()
    client.get(TIMES)
    assert statements() == empty <= 12
