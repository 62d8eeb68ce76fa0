"""The life of an appointment on both databases: hold, confirm, lapse, move, cancel, miss."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import outbox
from portal.appointments import availability, choosing, lifecycle
from portal.appointments.models import Appointment, Claim
from portal.appointments.occupancy import CitizenElsewhere, TimeTaken
from portal.audit import AuditLine
from portal.db import db, transaction
from portal.outbox import OutboxRow

DETAILS = lifecycle.Details(
    name="Μαρία Παπαδοπούλου",
    email="maria@example.gr",
    phone="+306900000000",
    language="el",
    paper="id_card",
)


def hold(counter, start, service="birth-certificate", citizen=None):
    with transaction():
        return lifecycle.hold(counter.service(service), counter.booking, None, start, citizen, "el")


def confirm(counter, row):
    with transaction():
        lifecycle.confirm(row, counter.booking, counter.citizen, DETAILS, counter.citizen)


def claims(row):
    return db.session.scalars(select(Claim).where(Claim.appointment_id == row.id)).all()


def notices(row, state=None):
    query = select(OutboxRow).where(OutboxRow.kind == "appointment.notice")
    rows = [r for r in db.session.scalars(query) if r.payload["appointment_id"] == row.id]
    return sorted(r.payload["notice"] for r in rows if state is None or r.state == state)


def test_a_held_time_is_not_offered_to_others(each_counter, clock, first_free):
    service = each_counter.service("parking-card")
    start = first_free(each_counter, service)
    capacity = len(list(choosing.candidates(service, each_counter.booking, None, start, "el")))
    for _ in range(capacity):
        hold(each_counter, start, "parking-card")
    assert start not in availability.offer(service, each_counter.booking).starts
    with pytest.raises(TimeTaken):
        hold(each_counter, start, "parking-card")


def test_a_hold_lapses_by_itself_even_if_no_worker_lives(each_counter, clock, first_free):
    service = each_counter.service("parking-card")
    start = first_free(each_counter, service, 5)
    while True:
        try:
            first = hold(each_counter, start, "parking-card")
        except TimeTaken:
            break
    clock.shift(timedelta(minutes=each_counter.booking.hold_minutes, seconds=1))
    second = hold(each_counter, start, "parking-card")
    assert second.id != first.id


def test_confirming_books_for_good_and_posts_one_message_of_each_kind(each_counter, clock, booked):
    row = booked(each_counter, number=40)
    assert row.state == "booked"
    assert all(claim.expires_at is None for claim in claims(row))
    assert notices(row) == ["booked", "reminder"]
    assert [p.role for p in row.participants] == ["citizen"]


def test_the_clerks_time_is_taken_with_the_buffer_and_the_citizens_without(each_counter, clock, booked):
    row = booked(each_counter)
    by_resource = {}
    for claim in claims(row):
        by_resource.setdefault(claim.resource.split(":")[0], []).append(claim.quantum)
    service = row.service
    assert len(by_resource["citizen"]) == service.minutes // 5
    whole = service.buffer_before + service.minutes + service.buffer_after
    assert len(by_resource["staff"]) == -(-whole // 5)


def test_a_citizen_cannot_be_in_two_calls_at_once(each_counter, clock, booked, first_free):
    row = booked(each_counter)
    other = hold(each_counter, row.starts_at, "birth-certificate")
    with pytest.raises(CitizenElsewhere):
        confirm(each_counter, other)
    db.session.refresh(other)
    assert other.state == "held"


def test_a_lapsed_hold_that_nobody_took_over_can_still_be_confirmed(each_counter, clock, first_free):
    row = hold(each_counter, first_free(each_counter, each_counter.service("birth-certificate"), 9))
    clock.shift(timedelta(minutes=11))
    confirm(each_counter, row)
    assert row.state == "booked"


def test_confirming_twice_is_refused_and_changes_nothing(each_counter, clock, booked):
    row = booked(each_counter, number=40)
    with pytest.raises(lifecycle.NotPossible):
        confirm(each_counter, row)
    assert notices(row) == ["booked", "reminder"]
    assert len(row.participants) == 1


def test_a_hold_can_be_extended_only_so_long(counter, clock, first_free):
    row = hold(counter, first_free(counter, counter.service("birth-certificate"), 9))
    answers = []
    for _ in range(8):
        clock.shift(timedelta(minutes=counter.booking.hold_minutes - 1))
        with transaction():
            answers.append(lifecycle.extend_hold(row, counter.booking))
    longest = counter.booking.hold_minutes * (1 + counter.booking.hold_extensions)
    assert answers[0] and not answers[-1]
    assert row.hold_expires_at == row.created_at + timedelta(minutes=longest)


def test_moving_gives_the_old_time_back_and_replaces_the_reminder(each_counter, clock, booked, first_free):
    row = booked(each_counter, number=40)
    before = row.starts_at
    after = first_free(each_counter, row.service, 60)
    with transaction():
        lifecycle.move(row, each_counter.booking, None, after, each_counter.citizen)
    assert (row.starts_at, row.version) == (after, 2)
    assert notices(row, "cancelled") == ["booked", "reminder"]
    assert notices(row, "waiting") == ["moved", "reminder"]
    taken = {claim.quantum for claim in claims(row)}
    assert min(taken) >= int(after.timestamp() // 300) - 3
    assert before in availability.offer(row.service, each_counter.booking).starts


def test_moving_by_ten_minutes_may_overlap_the_old_time(each_counter, clock, booked):
    row = booked(each_counter, number=40)
    clerk = row.clerk_id
    after = row.starts_at + timedelta(minutes=10)
    with transaction():
        lifecycle.move(row, each_counter.booking, row.office, after, each_counter.citizen)
    needed = -(-(row.service.buffer_before + row.service.minutes + row.service.buffer_after) // 5)
    assert len([c for c in claims(row) if c.resource.startswith("staff")]) == needed
    assert row.starts_at == after
    assert clerk


def test_a_move_that_finds_the_time_taken_changes_nothing(each_counter, clock, booked):
    row = booked(each_counter, number=40)
    before, version = row.starts_at, row.version
    closed_hour = before.replace(hour=1)
    with pytest.raises(TimeTaken), transaction():
        lifecycle.move(row, each_counter.booking, None, closed_hour, each_counter.citizen)
    db.session.refresh(row)
    assert (row.starts_at, row.version, row.state) == (before, version, "booked")


def test_cancelling_gives_the_time_back_and_silences_the_reminder(each_counter, clock, booked):
    row = booked(each_counter, number=40)
    with transaction():
        lifecycle.cancel(row, each_counter.booking, each_counter.citizen)
    assert claims(row) == []
    assert notices(row, "waiting") == ["cancelled"]
    assert row.starts_at in availability.offer(row.service, each_counter.booking).starts


def test_the_citizen_cannot_cancel_at_the_last_moment_but_the_office_can(counter, clock, booked):
    row = booked(counter)
    clock.move_to(row.starts_at - timedelta(minutes=5))
    with pytest.raises(lifecycle.TooLate), transaction():
        lifecycle.cancel(row, counter.booking, counter.citizen)
    with transaction():
        lifecycle.cancel(row, counter.booking, row.clerk)
    assert row.state == "cancelled"


def test_nobody_is_late_before_the_hour(counter, clock, booked):
    row = booked(counter)
    with pytest.raises(lifecycle.NotPossible), transaction():
        lifecycle.miss(row, row.clerk)
    clock.move_to(row.starts_at + timedelta(minutes=10))
    with transaction():
        lifecycle.miss(row, row.clerk)
    assert row.state == "missed"
    assert notices(row, "waiting") == ["missed"]


def test_one_citizen_has_only_so_many_appointments_ahead(counter, clock, booked):
    for number in range(counter.booking.open_appointments):
        booked(counter, number=10 + 12 * number)
    with pytest.raises(lifecycle.TooMany):
        booked(counter, number=150)


def test_each_change_leaves_a_line_in_the_record(counter, clock, booked):
    row = booked(counter, number=40)
    with transaction():
        lifecycle.cancel(row, counter.booking, counter.citizen)
    query = select(AuditLine.deed).where(AuditLine.subject == f"appointment:{row.id}").order_by(AuditLine.id)
    assert list(db.session.scalars(query)) == ["held", "booked", "cancelled"]


def test_the_lapse_of_an_extended_hold_waits_for_its_new_end(counter, clock, first_free):
    row = hold(counter, first_free(counter, counter.service("birth-certificate"), 9))
    clock.shift(timedelta(minutes=8))
    with transaction():
        lifecycle.extend_hold(row, counter.booking)
    clock.shift(timedelta(minutes=4))
    outbox.run_due(counter.app)
    assert db.session.get(Appointment, row.id).state == "held"
    clock.shift(timedelta(minutes=8))
    db.session.rollback()
    outbox.run_due(counter.app)
    assert (row.state, claims(row)) == ("expired", [])


def test_the_load_is_spread_over_the_clerks(counter, clock):
    service = counter.service("birth-certificate")
    for start in availability.offer(service, counter.booking).starts[40:60:3]:
        hold(counter, start)
    rows = db.session.execute(select(Appointment.clerk_id, func.count()).group_by(Appointment.clerk_id)).all()
    counts = [count for _, count in rows]
    assert len(counts) >= 3
    assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize("state", ["cancelled", "done", "missed", "expired"])
def test_what_is_over_stays_over(counter, clock, booked, state):
    row = booked(counter)
    with transaction():
        row.state = state
    for event in ("move", "cancel", "start", "miss", "confirm", "finish"):
        with pytest.raises(lifecycle.NotPossible), transaction():
            lifecycle.change(row, event)
